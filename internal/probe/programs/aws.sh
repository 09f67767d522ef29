work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
export AWS_BEARER_TOKEN_BEDROCK="$2" AWS_CONFIG_FILE="$work/config" AWS_MAX_ATTEMPTS=1
"$3" bedrock list-foundation-models --region us-east-1 --endpoint-url "$1"
