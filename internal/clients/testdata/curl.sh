# usage: curl.sh URL TOKEN [OPTION ...]: one call for each place of a request
set -eu
url=$1 token=$2
shift 2
call() { curl -sS -i --compressed -w '\nHTTP version %{http_version}\n' "$@"; }

call "$@" "$url/header" -H "Authorization: Bearer $token" -H "X-Api-Key: $token"
call "$@" "$url/query" --get --data-urlencode "key=$token" --data-urlencode "place=Lagos, Nigeria"
call "$@" "$url/basic" -u "me:$token"
call "$@" "$url/json" --json "{\"auth\": {\"key\": \"$token\"}, \"note\": \"the key is $token\"}"
call "$@" "$url/form" --data-urlencode "key=$token" -d grant_type=client_credentials
call "$@" "$url/gzip" -H "Authorization: Bearer $token"
