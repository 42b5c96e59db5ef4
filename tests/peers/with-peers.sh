#!/usr/bin/env bash
# Installs the usual peers, puts them on PATH and runs a command.
#
#   tests/peers/with-peers.sh [--budget SECONDS] COMMAND...
#
# A peer that cannot be had is said here, and its tests say that they did not run; COUNTERSIGN_PEERS_REQUIRED=1 makes both fail.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
options=()
if [ "${1:-}" = --budget ]; then
    options=(--budget "${2:?--budget SECONDS}")
    shift 2
fi
[ $# -gt 0 ] || { echo "usage: $0 [--budget SECONDS] COMMAND..." >&2 && exit 2; }
"$here/install.sh" "${options[@]}" || {
    status=$?
    if [ "${COUNTERSIGN_PEERS_REQUIRED:-}" = 1 ]; then
        exit $status
    fi
    echo "Some peers are missing: the tests that want them will be SKIPPED and say so." >&2
}
. "$here/env.sh"
exec "$@"
