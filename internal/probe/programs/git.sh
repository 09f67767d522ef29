work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
"$3" -c http.extraHeader="Authorization: Bearer $2" ls-remote "$1"
