"""A TUF repository made by python-tuf, with keys of three kinds and one rotation, served on loopback.

    tuf_repository.py FOLDER TRUSTED_ROOT    prints the port, then serves until its input ends
"""

import datetime
import functools
import http.server
import pathlib
import sys
import threading

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

folder = pathlib.Path(sys.argv[1])
content = pathlib.Path(sys.argv[2]).read_bytes()
(folder / "targets").mkdir(parents=True)
expires = datetime.datetime(2035, 1, 1, tzinfo=datetime.timezone.utc)
keys = {
    "root": [CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ed25519(), CryptoSigner.generate_rsa()],
    "targets": [CryptoSigner.generate_rsa(), CryptoSigner.generate_ed25519()],
    "snapshot": [CryptoSigner.generate_ed25519()],
    "timestamp": [CryptoSigner.generate_ecdsa()],
}


def save(metadata, signers, name):
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    metadata.to_file(str(folder / name))


root = Metadata(Root(expires=expires, consistent_snapshot=True))
for role, signers in keys.items():
    for signer in signers:
        root.signed.add_key(signer.public_key, role)
root.signed.roles["root"].threshold = 2
root.signed.roles["targets"].threshold = 2
save(root, keys["root"], "1.root.json")

# The first key goes and two come.
new = [CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ecdsa()]
root.signed.revoke_key(keys["root"][0].public_key.keyid, "root")
for signer in new:
    root.signed.add_key(signer.public_key, "root")
root.signed.version = 2
save(root, keys["root"] + new, "2.root.json")

targets = Targets(expires=expires)
target = TargetFile.from_data("trusted_root.json", content, ["sha256", "sha512"])
targets.targets["trusted_root.json"] = target
for digest in target.hashes.values():
    (folder / "targets" / f"{digest}.trusted_root.json").write_bytes(content)
save(Metadata(targets), keys["targets"], "1.targets.json")
save(Metadata(Snapshot(expires=expires)), keys["snapshot"], "1.snapshot.json")
save(Metadata(Timestamp(expires=expires)), keys["timestamp"], "timestamp.json")

handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
handler.log_message = lambda *_: None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
