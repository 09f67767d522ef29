work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
"$3" --kubeconfig=/dev/null --cache-dir="$work" --server="$1" --token="$2" get --raw /version
