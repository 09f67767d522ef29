work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
host=${1#https://}
export GH_CONFIG_DIR="$work" GH_HOST="${host%%/*}" GH_ENTERPRISE_TOKEN="$2" GH_NO_UPDATE_NOTIFIER=1
"$3" api "$1/user"
