# Sourced: puts the cached peers on PATH, at their pinned versions and before everything else.
#
# The cache is COUNTERSIGN_PEERS, else countersign-peers in the user's cache folder: NAME/VERSION/PROGRAM.

COUNTERSIGN_PEERS=${COUNTERSIGN_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign-peers}
export COUNTERSIGN_PEERS
. "$(dirname "${BASH_SOURCE[0]}")/pins.sh"

while read -r kind name version _; do
    if [ "$kind" != apt ] && [ -d "$COUNTERSIGN_PEERS/$name/$version" ]; then
        PATH="$COUNTERSIGN_PEERS/$name/$version:$PATH"
    fi
done < <(pins)
export PATH
