"""The verdicts of sigstore for Python: a case a line comes in, a verdict a line goes out, and no network is used.

    sigstore_oracle.py    {"root": TEXT, "bundle": BASE64, "digest": HEX}    ->    {"accepted": true}
                                                                           or    {"accepted": false, "why": TEXT}

`root` is the JSON of a trusted root; without it the one before stays. `digest` is the SHA-256 of what is asked about, the signed
file or a subject of the signed statement; a member `file` has the file itself, in base64. Whose certificate it is, is not asked:
what is compared is the evidence, not a policy.
"""

import base64
import hashlib
import json
import logging
import sys
import warnings

from sigstore.errors import VerificationError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.trustroot.v1 import TrustedRoot as TrustedRootModel

STATEMENTS = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")


def prepare(text):
    return Verifier(trusted_root=TrustedRoot(TrustedRootModel.from_json(text)))


def verify(verifier, document, digest):
    bundle = Bundle.from_json(document)
    if bundle._dsse_envelope is None:
        asked = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest))
        verifier.verify_artifact(asked, bundle, UnsafeNoOp())
        return
    kind, payload = verifier.verify_dsse(bundle, UnsafeNoOp())
    # What a payload says is for the caller to judge. Their own `Statement` wants names, which in-toto leaves to the signer.
    statement = json.loads(payload)
    if kind != "application/vnd.in-toto+json" or statement["_type"] not in STATEMENTS:
        raise VerificationError("not a statement")
    if digest not in [subject["digest"].get("sha256") for subject in statement["subject"]]:
        raise VerificationError("no subject has the digest")


def main():
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    verifier = None
    for line in sys.stdin.buffer:
        case = json.loads(line)
        try:
            if "root" in case:
                verifier = None
                verifier = prepare(case["root"])
            if verifier is None:
                raise VerificationError("no trusted root")
            digest = case.get("digest") or hashlib.sha256(base64.b64decode(case["file"])).hexdigest()
            verify(verifier, base64.b64decode(case["bundle"]), digest)
            answer = {"accepted": True}
        except Exception as error:  # Whatever it was, nothing was accepted.
            answer = {"accepted": False, "why": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
