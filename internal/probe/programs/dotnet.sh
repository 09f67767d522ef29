# Source, URL, placeholder, dotnet. An SDK compiles the source; for a runtime by itself Mono does.
dotnet=$4
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
newest() { "$dotnet" "--list-$1" | sed -n "s/^$2\([0-9.]*\) \[\(.*\)\]\$/\2\/\1/p" | tail -n 1; }
runtime=$(newest runtimes 'Microsoft\.NETCore\.App ') sdk=$(newest sdks '')
printf '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "%s"}, "configProperties": {"System.Globalization.Invariant": true}}}\n' \
	"${runtime##*/}" >probe.runtimeconfig.json
if [ -n "$sdk" ]; then
	for dll in "$runtime"/*.dll; do echo "-r:\"$dll\""; done >references
	"$dotnet" "$sdk/Roslyn/bincore/csc.dll" -nologo -noconfig -nostdlib @references -out:probe.dll "$1" >&2 || exit 77
else
	mcs -nologo -r:System.Net.Http -out:probe.dll "$1" >&2 || exit 77
fi
"$dotnet" probe.dll "$2" "$3"
