//! What this verifier requires, and where.

use crate::mutants::pins::Pin;

/// Honest evidence that only one of the two verifiers takes, and the rule by which this one takes it.
pub(crate) const TAKEN_HERE: &[(&str, &str)] = &[
    (
        "key",
        "a key's signature proves who signed without any service; policy counts logs and timestamps",
    ),
    (
        "key-file",
        "a key's signature proves who signed without any service; policy counts logs and timestamps",
    ),
    (
        "key-timestamp",
        "a key's signature may carry a timestamp and no log entry; policy counts both",
    ),
    (
        "keyless-v2-rsa",
        "RFC 3161 with RFC 5754 §3.2: a timestamp authority may have an RSA key",
    ),
];

/// A whole document that is bent in two places, the seed it comes from, the code of its rejection, and the rule.
pub(crate) const REFUSED_HERE: &[(&str, &str, &str)] = &[(
    "keyless-v1",
    "log-no-proof",
    "an inclusion proof in every bundle, whatever version its media type says; a promise alone proves no inclusion",
)];

/// Each rule by which verdicts on mutants differ.
pub(crate) const REQUIRED: &[Pin] = &[
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: &["key-*", "keyless-*"],
        places: &[
            ("", &["add"]),
            ("verificationMaterial*", &["add", "rename", "snake-case"]),
            ("mediaType", &["rename", "snake-case"]),
        ],
    },
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: &["key-v1", "keyless-v1*", "keyless-v2"],
        places: &[("dsseEnvelope*", &["add"])],
    },
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: &["key-file-v1", "keyless-file-v1", "keyless-file-v2"],
        places: &[("messageSignature*", &["add", "rename", "snake-case"])],
    },
    Pin {
        reason: "bundle specification: the media type says which version it is and may not be left out",
        outcome: "missing-field",
        seeds: &["key-v1", "key-file-v1", "keyless-v1*", "keyless-file-v1"],
        places: &[("mediaType", &["remove"])],
    },
    Pin {
        reason: "RFC 8259 §4, N-31: a member given twice is refused",
        outcome: "duplicate-key",
        seeds: &["key-*", "keyless-*"],
        places: &[("*", &["double"])],
    },
    Pin {
        reason: "protobuf `oneof`: one content and one key material, never two",
        outcome: "conflict",
        seeds: &["key-*", "keyless-*"],
        places: &[("*", &["borrow"])],
    },
    Pin {
        reason: "protobuf JSON: `null` stands only where writers are known to have written it",
        outcome: "wrong-type",
        seeds: &["*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionPromise",
                &["null"],
            ),
            ("messageSignature.messageDigest", &["null"]),
        ],
    },
    Pin {
        reason: "N-32, RFC 4648 §3.5: base64 in one form: standard alphabet, padded",
        outcome: "bad-base64",
        seeds: &["*"],
        places: &[("*", &["no-padding", "url-safe"])],
    },
    Pin {
        reason: "protobuf JSON: a whole number has no sign, no leading zeros, and fits its type",
        outcome: "bad-value",
        seeds: &["key-*", "keyless-*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].logIndex",
                &["leading-zero", "sign"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.logIndex",
                &["leading-zero", "sign"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
                &["leading-zero", "sign"],
            ),
        ],
    },
    Pin {
        reason: "protobuf JSON: a whole number has no sign, no leading zeros, and fits its type",
        outcome: "bad-value",
        seeds: &["*"],
        places: &[(
            "verificationMaterial.tlogEntries[].integratedTime",
            &["leading-zero", "sign"],
        )],
    },
    Pin {
        reason: "A014, #1702: neither a log entry nor a timestamp counts twice",
        outcome: "log-entry-duplicate",
        seeds: &["key-*", "keyless-*"],
        places: &[("verificationMaterial.tlogEntries[]", &["double"])],
    },
    Pin {
        reason: "A014, #1702: neither a log entry nor a timestamp counts twice",
        outcome: "timestamp-duplicate",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[]",
            &["double"],
        )],
    },
    Pin {
        reason: "A017: an entry names the very certificate, not one like it",
        outcome: "log-entry-signer",
        seeds: &["*"],
        places: &[("verificationMaterial.certificate*", &["mirror", "swap"])],
    },
    Pin {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "log-index",
        seeds: &["*"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.logIndex",
            &["change", "remove"],
        )],
    },
    Pin {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "checkpoint-tree",
        seeds: &["*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
                &["change"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.rootHash",
                &["swap"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.rootHash > ",
                &["flip"],
            ),
        ],
    },
    Pin {
        reason: "RFC 9162 §2.1.3.2: an index is below the size of its tree",
        outcome: "bad-value",
        seeds: &["*"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
            &["change"],
        )],
    },
    Pin {
        reason: "N-70: the checkpoint is of the log that the entry names",
        outcome: "checkpoint-origin",
        seeds: &["*"],
        places: &[("verificationMaterial.tlogEntries[].logId*", &["swap"])],
    },
    Pin {
        reason: "every entry of a known log proves its inclusion, whatever the other entries prove",
        outcome: "log-no-proof",
        seeds: &["keyless-v1-twice"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof",
            &["remove"],
        )],
    },
    Pin {
        reason: "an entry of a log that the trust does not know counts for nothing; policy counts logs",
        outcome: "accepted",
        seeds: &["keyless-v1-twice"],
        places: &[(
            "verificationMaterial.tlogEntries[].logId.keyId > ",
            &["cut", "flip", "longer"],
        )],
    },
    Pin {
        reason: "protobuf JSON: `null` stands only where writers are known to have written it",
        outcome: "wrong-type",
        seeds: &["keyless-v1-twice"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof",
            &["null"],
        )],
    },
    Pin {
        reason: "bundle specification: an entry names its log",
        outcome: "missing-field",
        seeds: &["*"],
        places: &[("verificationMaterial.tlogEntries[].logId.keyId", &["empty"])],
    },
    Pin {
        reason: "C2SP signed-note: one blank line, no blanks at ends, a line end at the end",
        outcome: "bad-value",
        seeds: &["key-*", "keyless-*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope",
                &["cut", "longer", "space"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > separator",
                &["double", "longer"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature*",
                &["longer", "space"],
            ),
        ],
    },
    Pin {
        reason: "C2SP signed-note: name and hint together say whose line it is, and the log's first line decides",
        outcome: "checkpoint-signature",
        seeds: &["key-*", "keyless-*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature",
                &["add-wrong-before", "borrow"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature.name",
                &["change", "cut", "longer", "upper-case"],
            ),
        ],
    },
    Pin {
        reason: "RFC 3161 §2.4.2: one signer",
        outcome: "timestamp-signer-count",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer",
            &["double"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: each part once and under its own tag",
        outcome: "timestamp-malformed",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.certificates*",
                &["double"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.encapContentInfo.eContent.octets",
                &["tag"],
            ),
        ],
    },
    Pin {
        reason: "RFC 5652 §5.4: the signed attributes are verified in the bytes that arrived, never sorted anew",
        outcome: "timestamp-signature",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.attributes*",
            &["reorder"],
        )],
    },
    Pin {
        reason: "RFC 5754 §2: an algorithm has NULL parameters or none",
        outcome: "timestamp-hash",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.digestAlgorithm.0",
            &["double"],
        )],
    },
    Pin {
        reason: "RFC 5758 §3.2: an ECDSA signature's algorithm has no parameters",
        outcome: "timestamp-signature-algorithm",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signatureAlgorithm",
            &["add"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1, §5.3: the versions say what the content is and how the signer is named",
        outcome: "timestamp-malformed",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.version",
                &["flip"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.signerInfos.signer.version",
                &["flip"],
            ),
        ],
    },
    Pin {
        reason: "RFC 5652 §5.1, §5.4: the signer's hash is in the list of digest algorithms, each of which stands there once",
        outcome: "timestamp-malformed",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.digestAlgorithms*",
            &["double", "empty", "flip", "remove"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.3: the signature algorithm that is named is the one that is used",
        outcome: "timestamp-signature-algorithm",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signatureAlgorithm.0",
            &["double", "flip"],
        )],
    },
    Pin {
        reason: "protobuf JSON: an enumeration's names are matched as they are",
        outcome: "message-digest-algorithm",
        seeds: &["key-file-v1", "keyless-file-v1", "keyless-file-v2"],
        places: &[("messageSignature.messageDigest.algorithm", &["lower-case"])],
    },
    Pin {
        reason: "cosign leaves the digest empty when a key signed the message itself; it is then not used",
        outcome: "accepted",
        seeds: &["key-file-v1", "keyless-file-v1", "keyless-file-v2"],
        places: &[("messageSignature.messageDigest", &["empty"])],
    },
    Pin {
        reason: "what is not there proves nothing; how many logs are wanted is for policy to say",
        outcome: "accepted",
        seeds: &["key-v1", "key-file-v1", "keyless-v2", "keyless-file-v2"],
        places: &[
            ("verificationMaterial.tlogEntries", &["empty", "remove"]),
            ("verificationMaterial.tlogEntries[]", &["remove"]),
        ],
    },
    Pin {
        reason: "what is not there proves nothing, and an entry of a log that the trust does not know counts for nothing",
        outcome: "accepted",
        seeds: &["key-v1", "key-file-v1"],
        places: &[
            ("verificationMaterial", &["swap"]),
            (
                "verificationMaterial.tlogEntries[].logId.keyId > ",
                &["cut", "flip", "longer"],
            ),
        ],
    },
    Pin {
        reason: "RFC 5652 §5.1: what a token does not sign is skipped, not read; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: &["keyless-v2", "keyless-file-v2"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.certificates*",
            &[
                "add",
                "double",
                "empty",
                "flip",
                "long-length",
                "pad",
                "remove",
                "reorder",
                "tag",
            ],
        )],
    },
];
