work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
printf %s "$2" >token
export CLOUDSDK_CONFIG="$work" CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="$work/token" CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1
export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER="$1/"
"$3" projects describe probe --format=json
