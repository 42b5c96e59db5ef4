//! What is unauthenticated by design: each place whose change is accepted, and why that gives nobody anything.

use crate::mutants::pins::Pin;

const KEY_V1: &[&str] = &["key-v1", "key-file-v1"];
const TWICE_LOGGED: &[&str] = &["keyless-v1-twice"];
const KEY_TIMESTAMP: &[&str] = &["key-timestamp"];
const LEGACY_KEYLESS: &[&str] = &["sig-keyless-v1", "sig-keyless-timestamp", "att-keyless-v1"];
const LEGACY_V1: &[&str] = &["sig-key-v1", "sig-keyless-v1", "att-keyless-v1"];
const TIMESTAMPED: &[&str] = &[
    "key-timestamp",
    "keyless-v2",
    "keyless-v2-rsa",
    "keyless-file-v2",
];
const ECDSA_TIMESTAMPED: &[&str] = &["key-timestamp", "keyless-v2", "keyless-file-v2"];
const LEGACY_TIMESTAMPED: &[&str] = &["sig-keyless-timestamp"];
const V2: &[&str] = &["keyless-v2", "keyless-v2-rsa", "keyless-file-v2"];
/// Bundles that prove something without the log entry.
const NOT_DATED_BY_LOG: &[&str] = &[
    "key-v1",
    "key-file-v1",
    "keyless-v2",
    "keyless-v2-rsa",
    "keyless-file-v2",
];
const LOGGED: &[&str] = &[
    "key-v1",
    "key-file-v1",
    "keyless-v1",
    "keyless-v1-intoto",
    "keyless-v1-twice",
    "keyless-file-v1",
    "keyless-v2",
    "keyless-v2-rsa",
    "keyless-file-v2",
];
const LOGGED_V1: &[&str] = &[
    "key-v1",
    "key-file-v1",
    "keyless-v1",
    "keyless-v1-intoto",
    "keyless-v1-twice",
    "keyless-file-v1",
];
const LEGACY: &[&str] = &[
    "sig-key",
    "sig-key-v1",
    "sig-keyless-v1",
    "sig-keyless-timestamp",
    "att-key",
    "att-keyless-v1",
];
const ATT: &[&str] = &["att-key", "att-keyless-v1"];

const WHOLE_ELEMENT: &[&str] = &[
    "add",
    "double",
    "empty",
    "flip",
    "long-length",
    "mirror",
    "pad",
    "remove",
    "reorder",
    "tag",
];

/// Everything that is still accepted.
pub(crate) const FREE: &[Pin] = &[
    Pin {
        reason: "entries of two logs stand each alone: their order means nothing, and policy counts logs",
        outcome: "accepted",
        seeds: TWICE_LOGGED,
        places: &[
            ("verificationMaterial.tlogEntries", &["reorder"]),
            ("verificationMaterial.tlogEntries[]", &["remove"]),
            (
                "verificationMaterial.tlogEntries[].logId.keyId > ",
                &["cut", "flip", "longer"],
            ),
        ],
    },
    Pin {
        reason: "an entry without its promise is still proven to be in the log, and no longer when; the other says when",
        outcome: "accepted",
        seeds: TWICE_LOGGED,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionPromise",
            &["remove"],
        )],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing",
        outcome: "accepted",
        seeds: &["key*", "keyless*"],
        places: &[("", &["reorder"])],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing",
        outcome: "accepted",
        seeds: LOGGED,
        places: &[
            ("verificationMaterial", &["reorder"]),
            ("verificationMaterial.tlogEntries[]", &["reorder"]),
            (
                "verificationMaterial.tlogEntries[].kindVersion",
                &["reorder"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof",
                &["reorder"],
            ),
        ],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing",
        outcome: "accepted",
        seeds: KEY_TIMESTAMP,
        places: &[("verificationMaterial", &["reorder"])],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing; the payload inside is signed as it is",
        outcome: "accepted",
        seeds: &[
            "key",
            "key-timestamp",
            "key-v1",
            "keyless-v1*",
            "keyless-v2*",
        ],
        places: &[("dsseEnvelope", &["reorder"])],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing",
        outcome: "accepted",
        seeds: &["key-file*", "keyless-file*"],
        places: &[
            ("messageSignature", &["reorder"]),
            ("messageSignature.messageDigest", &["reorder"]),
        ],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing; the promise is over canonical JSON made anew",
        outcome: "accepted",
        seeds: LEGACY_V1,
        places: &[
            ("annotations.dev.sigstore.cosign/bundle > ", &["reorder"]),
            (
                "annotations.dev.sigstore.cosign/bundle > Payload",
                &["reorder"],
            ),
        ],
    },
    Pin {
        reason: "RFC 8259 §4: the order of an object's members means nothing; the payload inside is signed as it is",
        outcome: "accepted",
        seeds: ATT,
        places: &[("layer > ", &["reorder"])],
    },
    Pin {
        reason: "protobuf JSON: a 64-bit number may be written as number or as string",
        outcome: "accepted",
        seeds: LOGGED,
        places: &[
            (
                "verificationMaterial.tlogEntries[].logIndex",
                &["as-number"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.logIndex",
                &["as-number"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
                &["as-number"],
            ),
        ],
    },
    Pin {
        reason: "protobuf JSON: a 64-bit number may be written as number or as string",
        outcome: "accepted",
        seeds: LOGGED_V1,
        places: &[(
            "verificationMaterial.tlogEntries[].integratedTime",
            &["as-number"],
        )],
    },
    Pin {
        reason: "N-34: the hint only says which trusted key to try first; it is text of any kind",
        outcome: "accepted",
        seeds: &["key", "key-file", "key-timestamp", "key-v1", "key-file-v1"],
        places: &[
            ("verificationMaterial.publicKey", &["empty"]),
            (
                "verificationMaterial.publicKey.hint",
                &[
                    "empty",
                    "line-break",
                    "longer",
                    "no-padding",
                    "remove",
                    "space",
                    "trailing-bits",
                    "url-safe",
                ],
            ),
            (
                "verificationMaterial.publicKey.hint > ",
                &["cut", "flip", "longer"],
            ),
        ],
    },
    Pin {
        reason: "the bundle's digest of the message is unsigned: it may agree with the file's own or be left out",
        outcome: "accepted",
        seeds: &[
            "key-file",
            "key-file-v1",
            "keyless-file-v1",
            "keyless-file-v2",
        ],
        places: &[("messageSignature.messageDigest", &["empty", "remove"])],
    },
    Pin {
        reason: "another signature of the same statement by the same key is as good, and ECDSA gives each a second form",
        outcome: "accepted",
        seeds: &["key"],
        places: &[
            ("dsseEnvelope", &["swap"]),
            ("dsseEnvelope.signatures", &["swap"]),
            ("dsseEnvelope.signatures[]", &["swap"]),
            ("dsseEnvelope.signatures[].sig", &["swap"]),
            ("dsseEnvelope.signatures[].sig > value", &["mirror", "swap"]),
        ],
    },
    Pin {
        reason: "another signature of the same file by the same key is as good, and ECDSA gives each a second form",
        outcome: "accepted",
        seeds: &["key-file"],
        places: &[
            ("messageSignature", &["swap"]),
            ("messageSignature.signature", &["swap"]),
            ("messageSignature.signature > value", &["mirror", "swap"]),
        ],
    },
    Pin {
        reason: "another signature of the same payload by the same key is as good, and ECDSA gives each a second form",
        outcome: "accepted",
        seeds: &["sig-key"],
        places: &[
            ("annotations.dev.cosignproject.cosign/signature", &["swap"]),
            (
                "annotations.dev.cosignproject.cosign/signature > value",
                &["mirror", "swap"],
            ),
        ],
    },
    Pin {
        reason: "another signature of the same statement by the same key is as good, and ECDSA gives each a second form",
        outcome: "accepted",
        seeds: &["att-key"],
        places: &[
            ("layer", &["swap"]),
            ("layer > signatures", &["swap"]),
            ("layer > signatures[]", &["swap"]),
            ("layer > signatures[].sig", &["swap"]),
            ("layer > signatures[].sig > value", &["mirror", "swap"]),
        ],
    },
    Pin {
        reason: "all annotations of one payload exchanged for another signer's are that signer's evidence, whole",
        outcome: "accepted",
        seeds: &[
            "sig-key",
            "sig-key-v1",
            "sig-keyless-v1",
            "sig-keyless-timestamp",
        ],
        places: &[("annotations", &["swap"])],
    },
    Pin {
        reason: "DSSE: outside of a bundle an envelope may have several signatures; each stands alone",
        outcome: "accepted",
        seeds: ATT,
        places: &[("layer > signatures[]", &["borrow", "double"])],
    },
    Pin {
        reason: "what is not signed may be stripped; what is not there proves nothing, and policy counts logs",
        outcome: "accepted",
        seeds: NOT_DATED_BY_LOG,
        places: &[
            ("verificationMaterial.tlogEntries", &["empty", "remove"]),
            ("verificationMaterial.tlogEntries[]", &["remove"]),
        ],
    },
    Pin {
        reason: "what is not signed may be stripped; what is not there proves nothing, and policy counts logs and timestamps",
        outcome: "accepted",
        seeds: &["key-v1", "key-file-v1", "key-timestamp"],
        places: &[("verificationMaterial", &["swap"])],
    },
    Pin {
        reason: "an entry without its promise is still proven to be in the log, and no longer when",
        outcome: "accepted",
        seeds: KEY_V1,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionPromise",
            &["remove"],
        )],
    },
    Pin {
        reason: "what is not signed may be stripped; what is not there proves nothing, and policy counts timestamps",
        outcome: "accepted",
        seeds: KEY_TIMESTAMP,
        places: &[
            (
                "verificationMaterial.timestampVerificationData",
                &["empty", "null", "remove"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps",
                &["empty", "remove"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[]",
                &["remove"],
            ),
        ],
    },
    Pin {
        reason: "what is not signed may be stripped; what is not there proves nothing, and policy counts logs",
        outcome: "accepted",
        seeds: &["sig-key-v1"],
        places: &[(
            "annotations.dev.sigstore.cosign/bundle",
            &["empty", "remove", "rename"],
        )],
    },
    Pin {
        reason: "an entry of a log that the trust does not know counts for nothing",
        outcome: "accepted",
        seeds: NOT_DATED_BY_LOG,
        places: &[(
            "verificationMaterial.tlogEntries[].logId.keyId > ",
            &["cut", "flip", "longer"],
        )],
    },
    Pin {
        reason: "an entry of a log that the trust does not know counts for nothing",
        outcome: "accepted",
        seeds: &["sig-key-v1"],
        places: &[(
            "annotations.dev.sigstore.cosign/bundle > Payload.logID",
            &["change", "cut", "longer"],
        )],
    },
    Pin {
        reason: "a timestamp of an authority that the trust does not know counts for nothing",
        outcome: "accepted",
        seeds: KEY_TIMESTAMP,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.identifier*",
            &[
                "add",
                "double",
                "empty",
                "flip",
                "long-length",
                "remove",
                "reorder",
                "tag",
            ],
        )],
    },
    Pin {
        reason: "A019, N-75: a time that no promise signs is not used",
        outcome: "accepted",
        seeds: V2,
        places: &[(
            "verificationMaterial.tlogEntries[].integratedTime",
            &["borrow"],
        )],
    },
    Pin {
        reason: "a promise is an ECDSA signature, which has a second form",
        outcome: "accepted",
        seeds: LOGGED_V1,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionPromise.signedEntryTimestamp > value",
            &["mirror"],
        )],
    },
    Pin {
        reason: "a promise is an ECDSA signature, which has a second form",
        outcome: "accepted",
        seeds: LEGACY_V1,
        places: &[(
            "annotations.dev.sigstore.cosign/bundle > SignedEntryTimestamp > value",
            &["mirror"],
        )],
    },
    Pin {
        reason: "a checkpoint's signature is an ECDSA signature, which has a second form",
        outcome: "accepted",
        seeds: LOGGED_V1,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature.signature > value",
            &["mirror"],
        )],
    },
    Pin {
        reason: "C2SP signed-note: signature lines are not signed; those of unknown keys are passed over, the log's first decides",
        outcome: "accepted",
        seeds: LOGGED,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature",
            &[
                "add-other-hint",
                "add-other-name",
                "add-stranger",
                "add-wrong-after",
                "borrow",
                "double",
            ],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: the bag of certificates is not signed; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: TIMESTAMPED,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.certificates*",
            WHOLE_ELEMENT,
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: the bag of certificates is not signed; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: &["keyless-v2-rsa"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.certificates*",
            &["swap"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: the bag of certificates is not signed; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[(
            "annotations.dev.sigstore.cosign/rfc3161timestamp > SignedRFC3161Timestamp > \
                 response.token.content.signedData.certificates*",
            WHOLE_ELEMENT,
        )],
    },
    Pin {
        reason: "RFC 3161 §2.4.2: the status is not signed: granted, and granted with modifications",
        outcome: "accepted",
        seeds: TIMESTAMPED,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > response.status*",
            &["flip"],
        )],
    },
    Pin {
        reason: "RFC 3161 §2.4.2: the status is not signed: granted, and granted with modifications",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[(
            "annotations.dev.sigstore.cosign/rfc3161timestamp > SignedRFC3161Timestamp > response.status*",
            &["flip"],
        )],
    },
    Pin {
        reason: "RFC 5754 §2: a hash may be named with NULL parameters or with none",
        outcome: "accepted",
        seeds: TIMESTAMPED,
        places: &[
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.digestAlgorithms.0",
                &["add"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.digestAlgorithm",
                &["add"],
            ),
        ],
    },
    Pin {
        reason: "RFC 4055 §5: an RSA signature's algorithm is read with NULL parameters and with none",
        outcome: "accepted",
        seeds: &["keyless-v2-rsa"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signatureAlgorithm.1",
            &["remove"],
        )],
    },
    Pin {
        reason: "RFC 5754 §2: a hash may be named with NULL parameters or with none",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[
            (
                "annotations.dev.sigstore.cosign/rfc3161timestamp > SignedRFC3161Timestamp > \
                 response.token.content.signedData.digestAlgorithms.0",
                &["add"],
            ),
            (
                "annotations.dev.sigstore.cosign/rfc3161timestamp > SignedRFC3161Timestamp > \
                 response.token.content.signedData.signerInfos.signer.digestAlgorithm",
                &["add"],
            ),
        ],
    },
    Pin {
        reason: "a timestamp's signature may be ECDSA, which has a second form",
        outcome: "accepted",
        seeds: ECDSA_TIMESTAMPED,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signature.0",
            &["mirror"],
        )],
    },
    Pin {
        reason: "a timestamp's signature may be ECDSA, which has a second form",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[(
            "annotations.dev.sigstore.cosign/rfc3161timestamp > SignedRFC3161Timestamp > \
             response.token.content.signedData.signerInfos.signer.signature.0",
            &["mirror"],
        )],
    },
    Pin {
        reason: "a signature names no certificate, only a log entry does: another certificate of the same identity and key is as good",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[
            ("annotations.dev.sigstore.cosign/certificate", &["swap"]),
            (
                "annotations.dev.sigstore.cosign/certificate > certificate",
                &["swap"],
            ),
            (
                "annotations.dev.sigstore.cosign/certificate > certificate.signature.0",
                &["mirror"],
            ),
        ],
    },
    Pin {
        reason: "RFC 7468 §2: text before a block, blanks and the length of lines mean nothing",
        outcome: "accepted",
        seeds: LEGACY_KEYLESS,
        places: &[(
            "annotations.dev.sigstore.cosign/certificate",
            &[
                "cut",
                "line-ends",
                "longer",
                "one-line",
                "space",
                "text-before",
            ],
        )],
    },
    Pin {
        reason: "a chain beside the certificate is a help to build the path, which must end in the trusted root either way",
        outcome: "accepted",
        seeds: LEGACY_KEYLESS,
        places: &[
            (
                "annotations.dev.sigstore.cosign/chain > certificate*",
                WHOLE_ELEMENT,
            ),
            ("annotations.dev.sigstore.cosign/chain > ", &["longer"]),
            (
                "annotations.dev.sigstore.cosign/chain",
                &[
                    "cut",
                    "double",
                    "empty",
                    "line-ends",
                    "longer",
                    "one-line",
                    "remove",
                    "rename",
                    "space",
                    "text-before",
                ],
            ),
        ],
    },
    Pin {
        reason: "a chain beside the certificate is a help to build the path, which must end in the trusted root either way",
        outcome: "accepted",
        seeds: LEGACY,
        places: &[("annotations.dev.sigstore.cosign/chain", &["borrow"])],
    },
    Pin {
        reason: "OCI image annotations: their order means nothing",
        outcome: "accepted",
        seeds: &[
            "sig-key-v1",
            "sig-keyless-v1",
            "sig-keyless-timestamp",
            "att-key",
            "att-keyless-v1",
        ],
        places: &[("annotations", &["reorder"])],
    },
    Pin {
        reason: "OCI image annotations: unknown ones are passed over",
        outcome: "accepted",
        seeds: LEGACY,
        places: &[("annotations", &["add"])],
    },
    Pin {
        reason: "an envelope carries its own signatures; the annotation that is empty beside it is not read",
        outcome: "accepted",
        seeds: ATT,
        places: &[
            (
                "annotations.dev.cosignproject.cosign/signature",
                &["longer", "remove", "rename"],
            ),
            (
                "annotations.dev.cosignproject.cosign/signature > ",
                &["longer"],
            ),
        ],
    },
    Pin {
        reason: "an envelope by a key needs no annotation at all",
        outcome: "accepted",
        seeds: &["att-key"],
        places: &[("annotations", &["empty"])],
    },
    Pin {
        reason: "blanks around an annotation's value mean nothing",
        outcome: "accepted",
        seeds: LEGACY,
        places: &[(
            "annotations.dev.cosignproject.cosign/signature",
            &["line-break", "space"],
        )],
    },
    Pin {
        reason: "blanks around an annotation's value mean nothing",
        outcome: "accepted",
        seeds: LEGACY_V1,
        places: &[(
            "annotations.dev.sigstore.cosign/bundle",
            &["longer", "space"],
        )],
    },
    Pin {
        reason: "blanks around an annotation's value mean nothing",
        outcome: "accepted",
        seeds: LEGACY_TIMESTAMPED,
        places: &[(
            "annotations.dev.sigstore.cosign/rfc3161timestamp",
            &["longer", "space"],
        )],
    },
    Pin {
        reason: "the annotation is for listings; the predicate type that counts is the statement's",
        outcome: "accepted",
        seeds: ATT,
        places: &[(
            "annotations.predicateType",
            &[
                "change",
                "cut",
                "empty",
                "longer",
                "remove",
                "rename",
                "snake-case",
                "space",
                "upper-case",
            ],
        )],
    },
    Pin {
        reason: "RFC 8259 §2: blanks around JSON mean nothing; the payload inside is signed as it is",
        outcome: "accepted",
        seeds: ATT,
        places: &[("layer", &["longer", "space"])],
    },
];
