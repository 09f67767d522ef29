work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
export CARGO_REGISTRIES_PROBE_INDEX="sparse+$1/" CARGO_REGISTRIES_PROBE_TOKEN="Bearer $2" CARGO_REGISTRIES_PROBE_CREDENTIAL_PROVIDER=cargo:token
"$3" search --quiet --registry probe probe
