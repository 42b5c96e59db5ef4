#!/usr/bin/env bash
# Starts a Sigstore of one's own on loopback, in the foreground: issuer, certificate log, Fulcio, timestamp authority, Rekor 2.
#
#   tests/peers/sigstore.sh FOLDER
#
# Runs until its standard input ends or it is terminated, and takes its services with it. When all of them answer, FOLDER holds
# trusted_root.json and signing_config.json, and "ready" is printed. Tokens are to be had from the issuer in the signing config at
# /jwt?email=E. Needs fulcio, timestamp-server, posix (Rekor 2) and cosign on PATH (install.sh sigstore), openssl, curl, Python 3.
# timestamp-server opens port 2112 on every interface besides its own, so that there is one of these at a time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
[ $# -eq 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
for program in fulcio timestamp-server posix cosign openssl curl python3; do
    command -v "$program" > /dev/null || { echo "$program is not installed: $here/install.sh sigstore" >&2 && exit 1; }
done
mkdir -p "$1/keys" "$1/log"
cd "$1"
folder=$PWD
# Nobody's settings but these.
export HOME=$folder

started=()
stop() {
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2> /dev/null || true
    wait 2> /dev/null || true
}
trap stop EXIT
trap 'exit 143' INT TERM

mapfile -t ports < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(10)]
for each in sockets: each.bind(("127.0.0.1", 0))
for each in sockets: print(each.getsockname()[1])')
issuer=${ports[0]} ct=${ports[1]} fulcio=${ports[2]} fulcio_grpc=${ports[3]} fulcio_metrics=${ports[4]}
tsa=${ports[5]} rekor=${ports[6]} rekor_grpc=${ports[7]} rekor_metrics=${ports[8]} rekor_writer=${ports[9]}

start() { # NAME COMMAND...
    local name=$1
    shift
    "$@" > "log/$name" 2>&1 < /dev/null &
    started+=($!)
}

answers() { # NAME PORT
    for _ in $(seq 150); do
        curl -s -o /dev/null "http://127.0.0.1:$2" && return
        sleep 0.1
    done
    echo "$1 does not answer:" >&2
    tail -n 5 "log/$1" >&2
    exit 1
}

p256() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "keys/$1.key" 2> /dev/null; }
authority() { # NAME: a self-signed root
    p256 "$1"
    openssl req -x509 -new -key "keys/$1.key" -days 30 -subj "/O=peers/CN=$1" -out "keys/$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
issued() { # NAME ROOT EXTENSIONS...: a certificate below a root, its chain and its key under the password `pw`
    local name=$1 root=$2
    shift 2
    p256 "$name"
    printf '%s\n' "$@" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > "keys/$name.ext"
    openssl req -new -key "keys/$name.key" -subj "/O=peers/CN=$name" |
        openssl x509 -req -CA "keys/$root.pem" -CAkey "keys/$root.key" -CAcreateserial -days 30 -extfile "keys/$name.ext" -out "keys/$name.pem" 2> /dev/null
    cat "keys/$name.pem" "keys/$root.pem" > "keys/$name-chain.pem"
    openssl pkcs8 -topk8 -in "keys/$name.key" -out "keys/$name.encrypted.key" -passout pass:pw
}

authority fulcio-root
issued fulcio fulcio-root basicConstraints=critical,CA:TRUE,pathlen:0 keyUsage=critical,keyCertSign,cRLSign extendedKeyUsage=codeSigning
authority tsa-root
issued tsa tsa-root basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=critical,timeStamping
p256 ct
openssl pkey -in keys/ct.key -pubout -out keys/ct.pub
openssl genpkey -algorithm ED25519 -out keys/rekor.key
openssl pkey -in keys/rekor.key -pubout -out keys/rekor.pub
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out keys/issuer.key 2> /dev/null
cat > fulcio.yaml <<CONFIGURATION
oidc-issuers:
  http://localhost:$issuer: {issuer-url: "http://localhost:$issuer", client-id: sigstore, type: email}
CONFIGURATION

start issuer python3 "$here/oidc_issuer.py" "$issuer" keys/issuer.key
start ct python3 "$here/ct_log.py" "$ct" keys/ct.key
# Fulcio asks the issuer when it starts.
answers issuer "$issuer"
answers ct "$ct"
start fulcio fulcio serve --host 127.0.0.1 --port "$fulcio" --grpc-host 127.0.0.1 --grpc-port "$fulcio_grpc" \
    --metrics-port "$fulcio_metrics" --legacy-unix-domain-socket "@countersign-fulcio-$fulcio" --config-path fulcio.yaml \
    --ca fileca --fileca-cert keys/fulcio-chain.pem --fileca-key keys/fulcio.encrypted.key --fileca-key-passwd pw --fileca-watch=false \
    --ct-log-url="http://127.0.0.1:$ct/log" --ct-log-public-key-path keys/ct.pub
start tsa timestamp-server serve --host 127.0.0.1 --port "$tsa" --disable-ntp-monitoring --timestamp-signer file \
    --file-signer-key-path keys/tsa.encrypted.key --file-signer-passwd pw --certificate-chain-path keys/tsa-chain.pem
# The host name is the log's name in its checkpoints, and must be the host of its address.
start rekor posix serve --http-port "$rekor_writer" --grpc-port "$rekor_grpc" --http-metrics-port "$rekor_metrics" --hostname localhost \
    --signer-filepath keys/rekor.key --storage-dir rekor --checkpoint-interval 1s
answers fulcio "$fulcio"
answers tsa "$tsa"
answers rekor "$rekor_writer"
# That program writes its tiles and does not serve them.
start rekor-front python3 "$here/rekor_front.py" "$rekor" "$rekor_writer" rekor
answers rekor-front "$rekor"

since=start-time=2026-01-01T00:00:00Z
cosign trusted-root create --fulcio="url=http://localhost:$fulcio,certificate-chain=keys/fulcio-chain.pem,$since" \
    --ctfe="url=http://127.0.0.1:$ct/log,public-key=keys/ct.pub,$since" \
    --rekor="url=http://localhost:$rekor,public-key=keys/rekor.pub,$since,origin=localhost" \
    --tsa="url=http://localhost:$tsa/api/v1/timestamp,certificate-chain=keys/tsa-chain.pem,$since" --out trusted_root.json > log/cosign 2>&1
cosign signing-config create --fulcio="url=http://localhost:$fulcio,api-version=1,$since,operator=peers" \
    --oidc-provider="url=http://localhost:$issuer,api-version=1,$since,operator=peers" \
    --rekor="url=http://localhost:$rekor,api-version=2,$since,operator=peers" --rekor-config=ANY \
    --tsa="url=http://localhost:$tsa/api/v1/timestamp,api-version=1,$since,operator=peers" --tsa-config=ANY \
    --out signing_config.json >> log/cosign 2>&1
echo ready
# Ends with whoever started it, however that ended.
while read -r _; do :; done
