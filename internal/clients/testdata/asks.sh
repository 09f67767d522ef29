# asks.sh HOW HOST…: asks each host with a value in each place, over HTTP/1.1 and 2, and shows all that comes back.
how=$1
shift
env
tr '\0' '\n' </proc/self/environ
for host in "$@"; do
	for version in --http1.1 --http2; do
		echo "== $how $host $version"
		curl -svN -m 30 $version "https://$host/fails/$how/AS_SECRET_PATH_KEY?k=AS_SECRET_QUERY_KEY" \
			-H 'X-Key: AS_SECRET_HEADER_KEY' --json '{"k":"AS_SECRET_BODY_KEY"}' 2>&1
		echo " ($?)"
	done
done
