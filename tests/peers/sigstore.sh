#!/usr/bin/env bash
# Starts a Sigstore of one's own on loopback, in the foreground: issuer, certificate log, Fulcio, timestamp authority, Rekor 2.
#
#   tests/peers/sigstore.sh [--rekor-v1] FOLDER
#
# Runs until its standard input ends or it is terminated, and takes its services with it. When all of them answer, FOLDER holds
# trusted_root.json and signing_config.json, and "ready" is printed. Tokens are to be had from the issuer in the signing config at
# /jwt?email=E, and from the one in signing_config_federated.json, which asks another one in turn, as Dex does.
# Needs fulcio, timestamp-server, posix (Rekor 2) and cosign on PATH (install.sh sigstore), openssl, curl, Python 3.
# --rekor-v1: also a log of version 1, of which signing_config_rekor1.json speaks: Rekor on Trillian on MariaDB (install.sh rekor-v1).
# timestamp-server opens port 2112 on every interface besides its own, so that there is one of these at a time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
version_1=0
if [ "${1:-}" = --rekor-v1 ]; then version_1=1 && shift; fi
[ $# -eq 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
wanted() { # GROUP PROGRAM...
    local group=$1 program
    shift
    for program; do
        command -v "$program" > /dev/null || { echo "$program is not installed: $here/install.sh $group" >&2 && exit 1; }
    done
}
wanted sigstore fulcio timestamp-server posix cosign openssl curl python3
if [ $version_1 -eq 1 ]; then
    wanted rekor-v1 go rekor-server trillian_log_server trillian_log_signer createtree mariadbd mariadb-install-db mariadb
    # The tables of the log's storage come with the module that the programs were built from, and are had before HOME changes.
    trillian=$(go mod download -json "github.com/google/trillian@$(pins | awk '$2 == "trillian-log-server" { print $3 }')" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
fi
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
sockets = [socket.socket() for _ in range(17)]
for each in sockets: each.bind(("127.0.0.1", 0))
for each in sockets: print(each.getsockname()[1])')
issuer=${ports[0]} ct=${ports[1]} fulcio=${ports[2]} fulcio_grpc=${ports[3]} fulcio_metrics=${ports[4]}
tsa=${ports[5]} rekor=${ports[6]} rekor_grpc=${ports[7]} rekor_metrics=${ports[8]} rekor_writer=${ports[9]}
rekor1=${ports[10]} database=${ports[11]}
trillian_server=${ports[12]} trillian_server_http=${ports[13]} trillian_signer=${ports[14]} trillian_signer_http=${ports[15]}
federated=${ports[16]}

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
  http://localhost:$federated:
    {issuer-url: "http://localhost:$federated", client-id: sigstore, type: email, issuer-claim: \$.federated_claims.connector_id}
CONFIGURATION

start issuer python3 "$here/oidc_issuer.py" "$issuer" keys/issuer.key
start federated python3 "$here/oidc_issuer.py" "$federated" keys/issuer.key https://login.example/oauth
start ct python3 "$here/ct_log.py" "$ct" keys/ct.key
# Fulcio asks the issuer when it starts.
answers issuer "$issuer"
answers federated "$federated"
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
rekors=(--rekor="url=http://localhost:$rekor,public-key=keys/rekor.pub,$since,origin=localhost")

version_1_log() { # Rekor 1 keeps its tree in Trillian, and Trillian in a database
    local socket=$folder/database.sock storage sql
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$folder/database" --auth-root-authentication-method=normal --skip-test-db \
        > log/database-install 2>&1
    start database mariadbd --no-defaults --user="$(id -un)" --datadir="$folder/database" --socket="$socket" --bind-address=127.0.0.1 \
        --port="$database" --innodb-flush-log-at-trx-commit=0
    sql() { mariadb --no-defaults -S "$socket" -uroot "$@"; }
    for _ in $(seq 150); do
        if sql -e 'select 1' > /dev/null 2>&1; then break; fi
        sleep 0.1
    done
    sql -e "create database trillian; create database search; create user peers@'127.0.0.1' identified by 'peers';
        create user peers@localhost identified by 'peers';
        grant all on *.* to peers@'127.0.0.1'; grant all on *.* to peers@localhost"
    sql trillian < "$trillian/storage/mysql/schema/storage.sql"
    storage=(--storage_system=mysql --quota_system=noop --mysql_uri="peers:peers@tcp(127.0.0.1:$database)/trillian")
    start trillian-server trillian_log_server "${storage[@]}" --rpc_endpoint="127.0.0.1:$trillian_server" \
        --http_endpoint="127.0.0.1:$trillian_server_http"
    start trillian-signer trillian_log_signer "${storage[@]}" --rpc_endpoint="127.0.0.1:$trillian_signer" \
        --http_endpoint="127.0.0.1:$trillian_signer_http" --force_master --sequencer_interval=200ms
    answers trillian-server "$trillian_server_http"
    createtree --admin_server="127.0.0.1:$trillian_server" > tree 2> log/createtree
    p256 rekor1
    openssl pkey -in keys/rekor1.key -pubout -out keys/rekor1.pub
    # The index of who signed what is in the same database, so that no other server is needed.
    start rekor1 rekor-server serve --host 127.0.0.1 --port "$rekor1" --rekor_server.address 127.0.0.1 --rekor_server.hostname localhost \
        --rekor_server.signer keys/rekor1.key --trillian_log_server.address 127.0.0.1 --trillian_log_server.port "$trillian_server" \
        --trillian_log_server.tlog_id "$(cat tree)" --search_index.storage_provider mysql \
        --search_index.mysql.dsn "peers:peers@tcp(127.0.0.1:$database)/search"
    answers rekor1 "$rekor1"
    rekors+=(--rekor="url=http://localhost:$rekor1,public-key=keys/rekor1.pub,$since")
}
[ $version_1 -eq 0 ] || version_1_log

signing_config() { # FILE ISSUER LOG VERSION
    cosign signing-config create --fulcio="url=http://localhost:$fulcio,api-version=1,$since,operator=peers" \
        --oidc-provider="url=http://localhost:$2,api-version=1,$since,operator=peers" \
        --rekor="url=http://localhost:$3,api-version=$4,$since,operator=peers" --rekor-config=ANY \
        --tsa="url=http://localhost:$tsa/api/v1/timestamp,api-version=1,$since,operator=peers" --tsa-config=ANY --out "$1" >> log/cosign 2>&1
}
cosign trusted-root create --fulcio="url=http://localhost:$fulcio,certificate-chain=keys/fulcio-chain.pem,$since" \
    --ctfe="url=http://127.0.0.1:$ct/log,public-key=keys/ct.pub,$since" \
    "${rekors[@]}" \
    --tsa="url=http://localhost:$tsa/api/v1/timestamp,certificate-chain=keys/tsa-chain.pem,$since" --out trusted_root.json > log/cosign 2>&1
signing_config signing_config.json "$issuer" "$rekor" 2
signing_config signing_config_federated.json "$federated" "$rekor" 2
[ $version_1 -eq 0 ] || signing_config signing_config_rekor1.json "$issuer" "$rekor1" 1
echo ready
# Ends with whoever started it, however that ended.
while read -r _; do :; done
