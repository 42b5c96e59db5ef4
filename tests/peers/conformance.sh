#!/usr/bin/env bash
# The official conformance suite of the distribution specification against a running registry, over http on loopback.
#
#   tests/peers/conformance.sh HOST:PORT RESULTS [VERSION...]
#
# Versions: 1.1 and dev. Prints one line a version and fails when a case failed. The whole report is in RESULTS/VERSION.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
[ $# -ge 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
address=$1 results=$2
shift 2
[ $# -gt 0 ] || set -- 1.1 dev
command -v oci-conformance > /dev/null || "$here/install.sh" oci-conformance
. "$here/env.sh"
mkdir -p "$results"
results=$(cd "$results" && pwd)
worst=0
for version; do
    mkdir -p "$results/$version"
    begun=$SECONDS
    OCI_REGISTRY=$address OCI_TLS=disabled OCI_VERSION=$version OCI_RESULTS_DIR=$results/$version \
        oci-conformance > "$results/$version/log" 2>&1 || worst=1
    counts=$(awk '/^OCI Conformance Result/ { on = 1; next } on && /^ / { sub(/\.*:/, ""); printf "%s %s, ", tolower($1), $2 } on && /Total/ { exit }' "$results/$version/log")
    echo "conformance $version: ${counts%, } ($((SECONDS - begun)) s)"
    if ! grep -qE '^  FAIL\.*: +0$' "$results/$version/log" || ! grep -qE '^  Error\.*: +0$' "$results/$version/log"; then
        grep -E ': (FAIL|Error)$' "$results/$version/log" >&2 || tail -n 5 "$results/$version/log" >&2
        worst=1
    fi
done
exit $worst
