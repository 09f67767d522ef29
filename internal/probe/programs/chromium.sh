work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
"$3" --headless --no-sandbox --disable-gpu --user-data-dir="$work" --dump-dom "$1?token=$2"
