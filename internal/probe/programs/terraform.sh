work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
export CHECKPOINT_DISABLE=1 TF_HTTP_ADDRESS="$1/state" TF_HTTP_USERNAME=probe TF_HTTP_PASSWORD="$2" TF_HTTP_RETRY_MAX=0
printf 'terraform {\n  backend "http" {}\n}\n' >main.tf
"$3" init -input=false >&2 && "$3" state pull
