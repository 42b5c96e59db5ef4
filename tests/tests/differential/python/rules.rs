//! What this verifier requires or reads where sigstore for Python says otherwise, each with its section.

use crate::mutants::pins::Pin;

/// Vectors that show one rule.
pub(crate) struct Rule {
    /// The rule.
    pub(crate) reason: &'static str,
    /// `accepted`, or the code of the rejection.
    pub(crate) outcome: &'static str,
    /// Names of the vectors.
    pub(crate) vectors: &'static [&'static str],
}

/// Honest evidence that only this verifier takes, and the rule by which it does.
pub(crate) const TAKEN_HERE: &[(&str, &str)] = &[
    (
        "keyless-v1-intoto",
        "Rekor `intoto` 0.0.2: an entry of this kind proves an envelope too",
    ),
    (
        "keyless-v1-twice",
        "bundle specification: `tlogEntries` is a list; policy counts the logs",
    ),
];

/// Each rule by which verdicts on vectors differ.
pub(crate) const VECTORS: &[Rule] = &[
    Rule {
        reason: "Rekor `intoto` 0.0.2: an entry of this kind proves an envelope too",
        outcome: "accepted",
        vectors: &[
            "keyless-with-intoto-entry",
            "intoto-entry",
            "intoto-entry-with-its-payload",
        ],
    },
    Rule {
        reason: "Rekor `dsse` 0.0.2: an entry of this kind is read, and never written",
        outcome: "accepted",
        vectors: &["version-2-entry-about-an-envelope"],
    },
    Rule {
        reason: "N-73: an entry about bytes may be about an envelope's pre-authentication encoding, in a version 1 log as well",
        outcome: "accepted",
        vectors: &["message-entry-of-an-envelope"],
    },
    Rule {
        reason: "bundle specification: `tlogEntries` is a list; policy counts the logs",
        outcome: "accepted",
        vectors: &[
            "entries-of-two-logs",
            "log-key-under-two-ids",
            "two-entries-of-one-log",
        ],
    },
    Rule {
        reason: "protobuf JSON: a number that is zero and a list that is empty may be left out",
        outcome: "accepted",
        vectors: &["sole-entry-of-a-new-log"],
    },
    Rule {
        reason: "bundle specification: a version 0.1 bundle may have the certificate alone, as later ones do",
        outcome: "accepted",
        vectors: &["version-0-1-with-inclusion-proof"],
    },
    Rule {
        reason: "trusted root specification: version 0.2 is read",
        outcome: "accepted",
        vectors: &["trusted-root-of-version-0-2"],
    },
    Rule {
        reason: "N-62: a P-384 key signs with SHA-384",
        outcome: "accepted",
        vectors: &["certificate-for-a-p-384-key"],
    },
    Rule {
        reason: "RFC 6962 §3.3: a certificate may be in several logs; policy counts them",
        outcome: "accepted",
        vectors: &["certificate-in-two-transparency-logs"],
    },
    Rule {
        reason: "what is not there proves nothing, and an entry of a log that the trust does not know counts for nothing",
        outcome: "accepted",
        vectors: &["version-2-entry-of-an-unknown-log"],
    },
    Rule {
        reason: "trusted root specification: the last second of a window belongs to it",
        outcome: "accepted",
        vectors: &[
            "authority-s-window-ended-with-the-timestamp",
            "authority-s-window-ends-within-the-accuracy",
        ],
    },
    Rule {
        reason: "RFC 3161 §2.4.2: a token granted with modifications is a token",
        outcome: "accepted",
        vectors: &["granted-with-modifications"],
    },
    Rule {
        reason: "N-79, RFC 5652 §5.1: authority and intermediates may come in the token, in any order, under a trusted root",
        outcome: "accepted",
        vectors: &[
            "chain-inside-the-token",
            "leaf-inside-the-token",
            "signer-with-its-root-s-key",
        ],
    },
    Rule {
        reason: "N-79, RFC 5652 §5.3: a signer is named by its key's identifier, or by issuer and serial, which is a number",
        outcome: "accepted",
        vectors: &[
            "signer-named-by-key-identifier",
            "signer-whose-serial-has-its-highest-bit-set",
        ],
    },
    Rule {
        reason: "RFC 5652 §5.2: a token's content may be a constructed string around its one piece",
        outcome: "accepted",
        vectors: &["content-in-a-constructed-string"],
    },
    Rule {
        reason: "N-73: key details are no more than the signer's key says, and may be left out",
        outcome: "accepted",
        vectors: &["version-2-key-details-left-out"],
    },
    Rule {
        reason: "N-62, RFC 4056 §3: an authority may sign with RSA by PSS",
        outcome: "accepted",
        vectors: &["timestamp-of-an-authority-that-signs-by-pss"],
    },
    Rule {
        reason: "N-62: a digest is of the algorithm that it is named by",
        outcome: "message-digest",
        vectors: &["message-digest-under-other-algorithm"],
    },
    Rule {
        reason: "RFC 5280 §4.2.1.6: the list of names is not empty",
        outcome: "certificate-malformed",
        vectors: &["alternative-names-empty"],
    },
    Rule {
        reason: "N-53: a certificate names exactly one signer",
        outcome: "certificate-several-names",
        vectors: &["two-alternative-names", "two-kinds-of-alternative-names"],
    },
    Rule {
        reason: "N-52: a signer is an e-mail address, a URI or an OtherName",
        outcome: "certificate-name-kind",
        vectors: &["host-name-only"],
    },
    Rule {
        reason: "N-51: a name is not empty and has no control character",
        outcome: "certificate-name-text",
        vectors: &["name-empty", "name-with-line-break", "name-with-nul"],
    },
    Rule {
        reason: "A151: a certificate has a greatest size",
        outcome: "over-limit",
        vectors: &["ten-thousand-names", "ten-thousand-policies"],
    },
    Rule {
        reason: "N-54, N-55, Fulcio's extensions: claims up to 1.6 are text, those from 1.8 on one DER UTF-8 string",
        outcome: "certificate-extension",
        vectors: &[
            "claim-of-another-type",
            "claim-with-trailing-bytes",
            "new-issuer-without-der",
            "old-issuer-in-der",
        ],
    },
    Rule {
        reason: "N-54: both spellings of the issuer say the same",
        outcome: "certificate-issuer-conflict",
        vectors: &["issuers-disagree", "old-issuer-differs"],
    },
    Rule {
        reason: "N-58, RFC 5280 §4.1.2.2: a serial number is positive and at most 20 bytes long",
        outcome: "certificate-malformed",
        vectors: &["serial-too-long", "serial-zero"],
    },
    Rule {
        reason: "N-58: a certificate's body has no fields of version 2",
        outcome: "certificate-malformed",
        vectors: &["certificate-with-unique-identifiers"],
    },
    Rule {
        reason: "RFC 5280 §6.1.3: name and key say who issued a certificate; the issuer's key identifier helps to find it",
        outcome: "accepted",
        vectors: &["certificate-without-authority-key-identifier"],
    },
    Rule {
        reason: "N-57: a certificate log's time is not after now",
        outcome: "sct-future",
        vectors: &["certificate-timestamp-in-the-future"],
    },
    Rule {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "checkpoint-tree",
        vectors: &["checkpoint-of-another-size"],
    },
    Rule {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "log-index",
        vectors: &["version-2-entry-at-another-index-than-its-proof"],
    },
    Rule {
        reason: "N-70: the checkpoint is of the log that the entry names",
        outcome: "checkpoint-origin",
        vectors: &[
            "origin-with-a-tree-that-is-no-number",
            "origin-without-a-tree",
            "version-2-origin-of-another-host",
        ],
    },
    Rule {
        reason: "C2SP signed-note: name and hint together say whose line it is",
        outcome: "checkpoint-signature",
        vectors: &[
            "origin-of-another-log",
            "version-2-line-under-a-part-of-the-name",
            "version-2-line-under-a-pattern",
            "version-2-line-under-another-name",
        ],
    },
    Rule {
        reason: "C2SP tlog-checkpoint: a size is written in one way",
        outcome: "bad-value",
        vectors: &[
            "size-with-blank",
            "size-with-leading-zero",
            "size-with-sign",
        ],
    },
    Rule {
        reason: "N-74: a logged body has the members of its kind, each once",
        outcome: "duplicate-key",
        vectors: &["logged-body-with-duplicate-member"],
    },
    Rule {
        reason: "N-74: a logged body has the members of its kind, each once",
        outcome: "unknown-field",
        vectors: &["logged-body-with-unknown-member"],
    },
    Rule {
        reason: "N-76: a proven time is not after now",
        outcome: "future-time",
        vectors: &["integrated-in-the-future", "stated-time-in-the-future"],
    },
    Rule {
        reason: "N-77, N-85, trusted root specification: every instance counts inside of its window",
        outcome: "log-window",
        vectors: &[
            "log-key-begins-after-the-entry",
            "log-begins-within-the-accuracy",
            "log-key-ended-before-the-entry",
            "old-key-of-two-under-one-name",
            "version-2-log-ended-before-the-timestamp",
        ],
    },
    Rule {
        reason: "N-77, N-85, trusted root specification: every instance counts inside of its window",
        outcome: "authority-window",
        vectors: &[
            "authority-begins-after-the-signature",
            "authority-ended-before-the-signature",
            "issuing-authority-begins-within-the-accuracy",
            "issuing-authority-s-window-ended-before-the-stated-time",
        ],
    },
    Rule {
        reason: "N-77, N-85, trusted root specification: every instance counts inside of its window",
        outcome: "sct-window",
        vectors: &[
            "certificate-log-begins-after-the-certificate",
            "certificate-log-ended-before-the-certificate",
        ],
    },
    Rule {
        reason: "N-56: an authority's certificates are a chain up to its root",
        outcome: "no-authorities",
        vectors: &["intermediate-not-under-the-root"],
    },
    Rule {
        reason: "A112: a log's identifier in the trusted root is that of its key",
        outcome: "no-proven-time",
        vectors: &["log-id-of-another-key"],
    },
    Rule {
        reason: "N-79, RFC 3161 §2.4.2: all that the accuracy leaves open lies in the certificate's window",
        outcome: "certificate-expired",
        vectors: &[
            "accuracy-wider-than-the-certificate",
            "certificate-ends-within-the-accuracy",
        ],
    },
    Rule {
        reason: "A004: a timestamp that is there is right, whatever else dates the signature",
        outcome: "timestamp-signature",
        vectors: &["bad-timestamp-beside-a-good-log"],
    },
    Rule {
        reason: "RFC 5652 §11.1, RFC 5816 §2.2.1: signed attributes state the content's type and the signer's certificate",
        outcome: "timestamp-attribute",
        vectors: &[
            "content-type-attribute-differs",
            "content-type-attribute-missing",
            "no-signed-attributes",
            "signing-certificate-by-sha-1-only",
            "signing-certificate-missing",
        ],
    },
    Rule {
        reason: "RFC 5816 §2.2.1: the signing certificate's hash, and its serial where there is one, are the signer's",
        outcome: "timestamp-signing-certificate",
        vectors: &[
            "signing-certificate-of-another",
            "signing-certificate-with-another-serial",
        ],
    },
    Rule {
        reason: "RFC 3161 §2.4.2: a critical extension that is not known is refused",
        outcome: "timestamp-critical-extension",
        vectors: &["critical-extension-of-the-timestamp"],
    },
    Rule {
        reason: "RFC 5652 §5.1, §5.3: the versions say what the content is and how the signer is named, and a hash is listed once",
        outcome: "timestamp-malformed",
        vectors: &[
            "digest-algorithm-twice",
            "signer-version-of-the-other-name",
            "version-from-the-future",
            "version-of-plain-data",
        ],
    },
    Rule {
        reason: "A014: a token has a greatest number of attributes",
        outcome: "timestamp-malformed",
        vectors: &["more-attributes-than-are-read"],
    },
];

/// Seeds with a version 2 log, which have timestamps.
const VERSION_2: &[&str] = &["keyless-v2", "keyless-v2-rsa", "keyless-file-v2"];
/// Seeds with a version 1 log, which has promises.
const VERSION_1: &[&str] = &["keyless-v1", "keyless-file-v1"];
/// Seeds about the file.
const FILE: &[&str] = &["keyless-file-v1", "keyless-file-v2"];
/// Seeds with an envelope.
const ENVELOPE: &[&str] = &["keyless-v1", "keyless-v2", "keyless-v2-rsa"];

/// Each rule by which verdicts on mutants differ.
pub(crate) const REQUIRED: &[Pin] = &[
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: &["*"],
        places: &[
            ("mediaType", &["snake-case"]),
            ("verificationMaterial*", &["snake-case"]),
        ],
    },
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: FILE,
        places: &[("messageSignature*", &["snake-case"])],
    },
    Pin {
        reason: "protobuf JSON: unknown members, and other spellings of known ones, are refused in every object",
        outcome: "unknown-field",
        seeds: ENVELOPE,
        places: &[("dsseEnvelope*", &["snake-case"])],
    },
    Pin {
        reason: "RFC 8259 §4, N-31: a member given twice is refused",
        outcome: "duplicate-key",
        seeds: &["*"],
        places: &[
            ("mediaType", &["double"]),
            ("verificationMaterial*", &["double"]),
        ],
    },
    Pin {
        reason: "RFC 8259 §4, N-31: a member given twice is refused",
        outcome: "duplicate-key",
        seeds: FILE,
        places: &[("messageSignature*", &["double"])],
    },
    Pin {
        reason: "RFC 8259 §4, N-31: a member given twice is refused",
        outcome: "duplicate-key",
        seeds: ENVELOPE,
        places: &[("dsseEnvelope*", &["double"])],
    },
    Pin {
        reason: "N-32, RFC 4648 §3.3, §3.5: base64 in one form, and nothing else in the text",
        outcome: "bad-base64",
        seeds: &["*"],
        places: &[(
            "verificationMaterial*",
            &["line-break", "longer", "space", "trailing-bits"],
        )],
    },
    Pin {
        reason: "N-32, RFC 4648 §3.3, §3.5: base64 in one form, and nothing else in the text",
        outcome: "bad-base64",
        seeds: FILE,
        places: &[(
            "messageSignature*",
            &["line-break", "longer", "space", "trailing-bits"],
        )],
    },
    Pin {
        reason: "N-32, RFC 4648 §3.3, §3.5: base64 in one form, and nothing else in the text",
        outcome: "bad-base64",
        seeds: ENVELOPE,
        places: &[(
            "dsseEnvelope*",
            &["line-break", "longer", "space", "trailing-bits"],
        )],
    },
    Pin {
        reason: "N-32, RFC 4648 §3.3, §3.5: base64 in one form, and nothing else in the text",
        outcome: "over-limit",
        seeds: &["*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionProof.hashes[]",
                &["longer"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.rootHash",
                &["longer"],
            ),
        ],
    },
    Pin {
        reason: "protobuf JSON: a whole number has no sign, no leading zeros and no blanks",
        outcome: "bad-value",
        seeds: &["*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].logIndex",
                &["leading-zero", "sign", "space"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.logIndex",
                &["leading-zero", "sign", "space"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
                &["leading-zero", "sign", "space"],
            ),
        ],
    },
    Pin {
        reason: "protobuf JSON: a whole number has no sign, no leading zeros and no blanks",
        outcome: "bad-value",
        seeds: VERSION_1,
        places: &[(
            "verificationMaterial.tlogEntries[].integratedTime",
            &["leading-zero", "sign", "space"],
        )],
    },
    Pin {
        reason: "protobuf JSON: a 64-bit number is read as a number too",
        outcome: "accepted",
        seeds: &["*"],
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
        reason: "protobuf JSON: a 64-bit number is read as a number too",
        outcome: "accepted",
        seeds: VERSION_1,
        places: &[(
            "verificationMaterial.tlogEntries[].integratedTime",
            &["as-number"],
        )],
    },
    Pin {
        reason: "protobuf JSON: `null` stands only where writers are known to have written it",
        outcome: "wrong-type",
        seeds: FILE,
        places: &[("messageSignature.messageDigest", &["null"])],
    },
    Pin {
        reason: "cosign leaves the digest empty when a key signed the message itself; it is then not used",
        outcome: "accepted",
        seeds: FILE,
        places: &[("messageSignature.messageDigest", &["empty"])],
    },
    Pin {
        reason: "C2SP signed-note: one blank line, one line a signature, and nothing between them",
        outcome: "bad-value",
        seeds: &["*"],
        places: &[
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > separator",
                &["double", "longer"],
            ),
            (
                "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature",
                &["space"],
            ),
        ],
    },
    Pin {
        reason: "C2SP signed-note: name and hint together say whose line it is",
        outcome: "checkpoint-signature",
        seeds: &["*"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope > signature.name",
            &["change", "cut", "longer", "upper-case"],
        )],
    },
    Pin {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "checkpoint-tree",
        seeds: &["*"],
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionProof.treeSize",
            &["change"],
        )],
    },
    Pin {
        reason: "RFC 9162 §2.1.3.2: index and size of a proof are those of its entry and of its checkpoint",
        outcome: "log-index",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.tlogEntries[].logIndex",
            &["change", "swap"],
        )],
    },
    Pin {
        reason: "Rekor version 2: an entry has no promise, which would be of another log's kind",
        outcome: "log-unexpected-promise",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.tlogEntries[].inclusionPromise",
            &["borrow"],
        )],
    },
    Pin {
        reason: "what is not there proves nothing, and an entry of a log that the trust does not know counts for nothing",
        outcome: "accepted",
        seeds: VERSION_2,
        places: &[
            ("verificationMaterial.tlogEntries", &["empty", "remove"]),
            ("verificationMaterial.tlogEntries[]", &["remove"]),
            (
                "verificationMaterial.tlogEntries[].logId.keyId > ",
                &["cut", "flip"],
            ),
        ],
    },
    Pin {
        reason: "A004: a timestamp that is there is right, whatever else dates the signature",
        outcome: "timestamp-imprint",
        seeds: VERSION_1,
        places: &[(
            "verificationMaterial.timestampVerificationData",
            &["borrow"],
        )],
    },
    Pin {
        reason: "A004: a timestamp that is there is right, whatever else dates the signature",
        outcome: "timestamp-imprint",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[]",
            &["borrow"],
        )],
    },
    Pin {
        reason: "RFC 3161 §2.4.2: a token granted with modifications is a token",
        outcome: "accepted",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.status.0",
            &["flip"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1, §5.3: the versions say what the content is and how the signer is named, and a hash is listed once",
        outcome: "timestamp-malformed",
        seeds: VERSION_2,
        places: &[
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.version",
                &["flip"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.digestAlgorithms.0",
                &["double"],
            ),
            (
                "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
                 response.token.content.signedData.signerInfos.signer.version",
                &["flip"],
            ),
        ],
    },
    Pin {
        reason: "RFC 5652 §5.3: the signature algorithm that is named is the one that is used",
        outcome: "timestamp-signature-algorithm",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signatureAlgorithm.0",
            &["flip"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.3: the signature algorithm that is named is the one that is used",
        outcome: "timestamp-signature-algorithm",
        seeds: &["keyless-v2-rsa"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.signerInfos.signer.signatureAlgorithm",
            &["swap"],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: what a token does not sign is skipped, not read; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: VERSION_2,
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.certificates*",
            &[
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
            ],
        )],
    },
    Pin {
        reason: "RFC 5652 §5.1: what a token does not sign is skipped, not read; the trusted root's own certificate is used",
        outcome: "accepted",
        seeds: &["keyless-v2-rsa"],
        places: &[(
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp > \
             response.token.content.signedData.certificates*",
            &["swap"],
        )],
    },
];
