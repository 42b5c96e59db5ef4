#!/usr/bin/env bash
# Starts a real registry on loopback, in the foreground: the caller owns its process and ends it.
#
#   tests/peers/serve.sh docker-registry|distribution|olareg FOLDER PORT [--basic USER:PASSWORD]
#
# FOLDER is for this registry alone. docker-registry and distribution have no referrers API, olareg has.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
[ $# -ge 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
name=$1 folder=$2 port=$3
shift 3
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

need() { command -v "$1" > /dev/null || { echo "$1 is not installed: $here/install.sh ${2:-$1}" >&2 && exit 1; }; }

case $name in
docker-registry | distribution)
    program=registry
    [ "$name" = distribution ] || program=docker-registry
    need "$program" "$name"
    # Debian's own configuration listens on every interface.
    cat > "$folder/registry.yml" <<CONFIGURATION
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: '$folder/storage'}, delete: {enabled: true}}
http: {addr: '127.0.0.1:$port'}
CONFIGURATION
    if [ "${1:-}" = --basic ]; then
        need htpasswd
        htpasswd -Bbc "$folder/htpasswd" "${2%%:*}" "${2#*:}" 2> /dev/null
        export REGISTRY_AUTH=htpasswd REGISTRY_AUTH_HTPASSWD_REALM=peers REGISTRY_AUTH_HTPASSWD_PATH=$folder/htpasswd
    fi
    exec "$program" serve "$folder/registry.yml"
    ;;
olareg)
    need olareg
    [ "${1:-}" != --basic ] || { echo "olareg has no authentication" >&2 && exit 2; }
    exec olareg serve --addr 127.0.0.1 --port "$port" --store-type dir --dir "$folder" --api-delete --api-blob-delete
    ;;
*)
    echo "unknown registry: $name" >&2
    exit 2
    ;;
esac
