# A stand-in for `docker run`, for where there is no Docker. Of an image it knows nothing: the
# program is this machine's, in a root that has the system's programs and what -v hands in.
# Its variables are those of --env-file and -e, read as Docker reads them, and no others.
set -eu
[ "$1" = run ] && shift
root=$(mktemp -d)
echo PATH=/usr/bin:/bin >"$root/variables"
volumes='' network=''
while :; do
	case "$1" in
	--rm) shift ;;
	--network) network=$2 && shift 2 ;;
	--env-file) cat "$2" >>"$root/variables" && shift 2 ;;
	-e) printf '%s\n' "$2" >>"$root/variables" && shift 2 ;;
	-v) volumes="$volumes ${2%%:*}" && shift 2 ;;
	-*) echo "docker: what is $1?" >&2 && exit 125 ;;
	*) shift && break ;;
	esac
done
[ "$network" = host ] || { echo "docker: the machine's 127.0.0.1 is not the container's" >&2 && exit 125; }
cat >"$root/start" <<'END'
set -f
IFS='
'
exec env -i $(cat /variables) "$@"
END
user=''
[ "$(id -u)" = 0 ] || user='--user --map-root-user'
exec unshare --mount $user sh -euc '
root=$1 volumes=$2
shift 2
into() { mkdir -p "$root$1" && mount --rbind "$1" "$root$1"; }
into /usr
into /etc
into /dev
for dir in /bin /lib /lib64; do
	if [ -L $dir ]; then ln -s "$(readlink $dir)" "$root$dir"; elif [ -d $dir ]; then into $dir; fi
done
for dir in $volumes; do into "$dir"; done
exec chroot "$root" /bin/sh /start "$@"' sh "$root" "$volumes" "$@"
