#!/usr/bin/env bash
# Signs many digests with one identity against a Sigstore on loopback, is killed in the middle and goes on; cosign signs some in a loop.
#
#   benches/many.sh [DIGESTS [FOR_COSIGN]]
#
# 1000 and 50 unless said otherwise. Needs `countersign` (release) on PATH, and of the peers olareg and those of sigstore
# (tests/peers/install.sh olareg sigstore). Prints what was counted and the ratio of the times an image; fails when a digest has two
# log entries, when the log has more entries than there are digests, or when more certificates were issued than lifetimes went by.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tests/peers/env.sh"
count=${1:-1000} few=${2:-50}
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
mkfifo hold
mkdir stack
"$here/tests/peers/sigstore.sh" "$folder/stack" < hold > stack.log 2>&1 &
pids+=($!)
exec 9> hold
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
olareg serve --addr 127.0.0.1 --port "$port" --store-type mem > olareg.log 2>&1 &
pids+=($!)
for _ in $(seq 100); do grep -q ready stack.log && break || sleep 0.2; done
export HOME=$folder
python3 - "127.0.0.1:$port" "$count" "$few" << 'PUSH'
import hashlib, http.client, json, sys
host, count, few = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
peer = http.client.HTTPConnection(host)
def put(method, path, body, kind):
    peer.request(method, path, body, {"Content-Type": kind})
    answer = peer.getresponse()
    answer.read()
    return answer
def blob(repository, data, kind):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    answer = put("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data, "application/octet-stream")
    assert answer.status == 201, answer.status
    return {"mediaType": kind, "digest": digest, "size": len(data)}
for repository, number in (("bench/ours", count), ("bench/cosign", few)):
    config = blob(repository, b'{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json")
    layer = blob(repository, b"layer", "application/vnd.oci.image.layer.v1.tar")
    with open(repository.split("/")[1], "w") as names:
        for each in range(number):
            kind = "application/vnd.oci.image.manifest.v1+json"
            manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer], "annotations": {"n": str(each)}}).encode()
            digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
            assert put("PUT", f"/v2/{repository}/manifests/{digest}", manifest, kind).status == 201
            print(f"{host}/{repository}@{digest}", file=names)
PUSH
issuer=$(python3 -c 'import json; print(json.load(open("stack/signing_config.json"))["oidcUrls"][0]["url"])')
curl -sSf "$issuer/jwt?email=bench@example.org&ttl=3600" > token
services=(--signing-config stack/signing_config.json --trusted-root stack/trusted_root.json --identity-token token)
sign=(countersign --allow-http -o json sign "${services[@]}" --images-from ours --jobs 32 --journal journal)

begun=$(date +%s%N)
"${sign[@]}" > killed.json 2> killed.log &
victim=$!
# Killed when a quarter is in the journal.
signed() { grep -s '"state":"signed"' journal | wc -l; }
while kill -0 $victim 2> /dev/null && [ "$(signed)" -lt $((count / 4)) ]; do sleep 0.1; done
kill -9 $victim 2> /dev/null || true
wait $victim 2> /dev/null || true
echo "killed with $(signed) of $count in the journal"
"${sign[@]}" > resumed.json 2> resumed.log || { tail -n 5 resumed.log >&2 && exit 1; }
ended=$(date +%s%N)
cosign_begun=$(date +%s%N)
while read -r image; do
    cosign sign -y "${services[@]}" "$image" > /dev/null 2> cosign.log
done < cosign
cosign_ended=$(date +%s%N)
python3 - "$count" "$few" $((ended - begun)) $((cosign_ended - cosign_begun)) << 'COUNT'
import json, pathlib, sys
count, few, ours, theirs = map(int, sys.argv[1:])
result = json.load(open("resumed.json"))["result"]
entries = [image["logs"][0]["logIndex"] for image in result["images"]]
certificates = {image["signer"]["fingerprint"] for image in result["images"]}
size = int(pathlib.Path("stack/rekor/checkpoint").read_text().split("\n")[1])
print("summary:", json.dumps(result["summary"]))
print(f"{len(set(entries))} log entries for {count} digests, {size - few} in the log; {len(certificates)} certificates in two runs")
print(f"time an image, cosign in a loop over {few} as a ratio to ours: {(theirs / few) / (ours / count):.1f}")
assert len(set(entries)) == count == size - few, "a digest has two entries"
# One for each run, and one for each lifetime of 10 minutes.
assert len(certificates) <= 2 + ours // 600_000_000_000, "more certificates than lifetimes"
COUNT
