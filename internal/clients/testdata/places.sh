# usage: places.sh URL TOKEN [OPTION ...]: what curl makes of a token in forms, files, cookies and escapes
set -eu
url=$1 token=$2
shift 2
call() { curl -sS -i -w '\nHTTP version %{http_version}\n' "$@"; }
escaped=$(printf %s "$token" | sed 's/_/%5F/g; s/A/%41/g')
printf 'the key is %s\n' "$token" > notes.txt

call "$@" "$url/multipart" -F "key=$token" -F "note=the key is $token" -F file=@notes.txt
call "$@" "$url/urlencoded" --data-urlencode "key=$token" --data-urlencode "note=the key is $token"
call "$@" "$url/cookie" -b "session=$token; theme=dark"
call "$@" "$url/escaped?key=$escaped&place=Lagos%2C%20Nigeria"
call "$@" "$url/path/$escaped/end"
call "$@" "$url/base64" -H "X-Credentials: $(printf %s "me:$token" | base64 -w0)"
call "$@" "$url/fields" -A "$token" -e "https://acme.test/$token" -H "X-Forwarded-For: $token"
