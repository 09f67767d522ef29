# Source, URL, placeholder, mono.
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
mcs -nologo -r:System.Net.Http -out:probe.exe "$1" >&2 || exit 77
"$4" probe.exe "$2" "$3"
