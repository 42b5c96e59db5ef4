//! Each code in the sources has its meaning and its exit code here, and each meaning here has its code.
//!
//! `ERRORS_PAGE=FILE` writes the table, by crate, to a file; `docs/errors.md` is made by the tests of the whole workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The codes of one source: where they come from, what they are about, and the exit code that goes with them.
struct Section {
    /// Folder of the crate.
    folder: &'static str,
    /// Files of it that are searched, below `src`; empty for all.
    files: &'static [&'static str],
    title: &'static str,
    about: &'static str,
    exit: &'static str,
    /// Code, meaning and, where it is another, the exit code.
    rows: &'static [(&'static str, &'static str, &'static str)],
}

/// Files whose codes name kinds of things and not errors.
const NOT_ERRORS: &[&str] = &["proof/src/evidence.rs"];
/// Codes of [`countersign_policy::SourceKind`], which stand in the same file as those of causes.
const SOURCES: &[&str] = &[
    "given",
    "bundle-referrers",
    "other-pieces",
    "signature-tag",
    "attestation-tag",
];

const SECTIONS: &[Section] = &[
    Section {
        folder: "formats",
        files: &[],
        title: "Documents",
        about: "A document cannot be read. In evidence this rejects the piece (exit code 12); in a file that is given it is exit code 2.",
        exit: "12 or 2",
        rows: &[
            (
                "bad-base64",
                "base64 text is not in the standard alphabet with padding",
                "",
            ),
            (
                "bad-der",
                "DER is not strict, or not what belongs there",
                "",
            ),
            (
                "bad-digest",
                "a digest is not an algorithm and its number of lower-case hexadecimal digits",
                "",
            ),
            (
                "bad-pem",
                "there is no PEM block, or one of another label",
                "",
            ),
            (
                "bad-value",
                "a value is outside of what its field allows",
                "",
            ),
            (
                "conflict",
                "two parts of the document contradict each other",
                "",
            ),
            ("duplicate-key", "a JSON object has one key twice", ""),
            ("json-syntax", "the text is not JSON", ""),
            ("missing-field", "a required field is absent", ""),
            ("not-utf8", "the text is not UTF-8", ""),
            (
                "over-limit",
                "something is larger, longer or deeper than its limit",
                "",
            ),
            (
                "unknown-field",
                "there is a field that the format does not know",
                "",
            ),
            (
                "unsupported",
                "the version, the algorithm or the kind is not supported",
                "",
            ),
            ("wrong-type", "a value is of another JSON type", ""),
        ],
    },
    Section {
        folder: "formats",
        files: &["reference_error.rs"],
        title: "References",
        about: "The name of an image cannot be read.",
        exit: "2",
        rows: &[
            (
                "reference-character",
                "a character is not allowed in a reference",
                "",
            ),
            ("reference-digest", "the part after `@` is no digest", ""),
            ("reference-empty", "nothing is named", ""),
            ("reference-host", "the registry's name is not a host", ""),
            ("reference-image-id", "an image ID is no reference", ""),
            (
                "reference-path",
                "the path of a layout or archive is empty or unusable",
                "",
            ),
            (
                "reference-port",
                "the registry's port is not a number from 1 to 65535",
                "",
            ),
            (
                "reference-repository",
                "the repository's name is not allowed",
                "",
            ),
            (
                "reference-scheme",
                "a URL is given in place of a reference",
                "",
            ),
            ("reference-tag", "the tag's name is not allowed", ""),
            ("reference-too-long", "the reference is too long", ""),
            (
                "reference-upper-case",
                "the repository has upper-case letters",
                "",
            ),
            (
                "reference-user-information",
                "the reference carries credentials",
                "",
            ),
        ],
    },
    Section {
        folder: "proof",
        files: &["trust_error.rs"],
        title: "Trust material",
        about: "Trust that is given cannot be used. Parts of a trusted root that cannot be used are left out, with one of these codes as a warning.",
        exit: "22",
        rows: &[
            (
                "trust-authority",
                "a certificate of an own authority is not acceptable, or has no way to a root",
                "",
            ),
            (
                "trust-chain",
                "a chain of a trusted root does not hold together",
                "warning",
            ),
            (
                "trust-hash-algorithm",
                "a log of a trusted root has a hash that is not supported",
                "warning",
            ),
            (
                "trust-key",
                "a key is unsound, or not of the kind that it says it is",
                "22, in a root a warning",
            ),
            (
                "trust-key-details",
                "the algorithm of a key in a trusted root is not supported",
                "warning",
            ),
            (
                "trust-key-window",
                "the validity of a key ends before it starts",
                "",
            ),
            (
                "trust-no-log-id",
                "a log of a trusted root has no identifier",
                "warning",
            ),
            (
                "trust-no-root",
                "an own authority has no root: no certificate names itself as its issuer",
                "",
            ),
            (
                "trust-no-scheme",
                "a key may be used with no signature scheme",
                "",
            ),
            (
                "trust-no-start",
                "an instance of a trusted root does not say since when it is valid",
                "warning",
            ),
            (
                "trust-reversed-window",
                "the validity of an instance ends before it starts",
                "warning",
            ),
            (
                "trust-same-log",
                "two logs of a trusted root share a key or an identifier",
                "warning",
            ),
            (
                "trust-witness-key",
                "the key of a witness is not an Ed25519 key",
                "",
            ),
        ],
    },
    Section {
        folder: "trust-store",
        files: &[],
        title: "Trusted roots",
        about: "A trusted root cannot be read.",
        exit: "22",
        rows: &[
            ("trusted-root-malformed", "it is not a trusted root", ""),
            (
                "trusted-root-over-limit",
                "it is larger than a trusted root may be",
                "",
            ),
            ("trusted-root-unreadable", "the file cannot be read", "2"),
        ],
    },
    Section {
        folder: "policy",
        files: &["decision.rs", "judge.rs"],
        title: "Outcomes",
        about: "What a decision comes to (`decision.outcome`, and the codes of its reasons).",
        exit: "12",
        rows: &[
            (
                "no-certificate",
                "a certificate is required and what was found is signed by keys",
                "13",
            ),
            ("no-evidence", "nothing at all was found", "10"),
            (
                "no-policy",
                "there is no policy, under which nothing passes",
                "12",
            ),
            (
                "none-acceptable",
                "something was found and nothing of it suffices",
                "12",
            ),
            ("pass", "the policies are met", "0"),
            (
                "unknown",
                "it could not be found out; the causes say why",
                "20, 21 or 22",
            ),
        ],
    },
    Section {
        folder: "policy",
        files: &["mismatch.rs"],
        title: "Mismatches",
        about: "What separates a proven piece from a rule.",
        exit: "12",
        rows: &[
            (
                "annotation",
                "a demanded annotation is absent or has another value",
                "",
            ),
            (
                "binding",
                "the proof is about another subject, or made under other trust",
                "",
            ),
            (
                "certificate-claim",
                "the certificate says something else about the build than is demanded",
                "",
            ),
            (
                "claim-kind",
                "the claim is of another kind: a statement, a signature, bytes",
                "",
            ),
            ("identity", "the certificate names somebody else", ""),
            (
                "issuer",
                "another issuer vouches for the identity, or none",
                "",
            ),
            ("key", "another key has signed", ""),
            ("key-window", "the key counts at another time only", ""),
            (
                "logs",
                "too few transparency logs stand behind the signature",
                "",
            ),
            ("predicate", "a signature's predicate says something", ""),
            ("predicate-type", "the statement is of another type", ""),
            (
                "scheme",
                "the key may not be used with this signature scheme",
                "",
            ),
            (
                "scts",
                "too few certificate transparency logs stand behind the certificate",
                "",
            ),
            (
                "signer-kind",
                "a key has signed where a certificate is demanded, or the reverse",
                "",
            ),
            ("times", "too few sources prove a time", ""),
            (
                "timestamps",
                "too few timestamp authorities stand behind the signature",
                "",
            ),
        ],
    },
    Section {
        folder: "policy",
        files: &["evidence.rs"],
        title: "Causes",
        about: "Why something could not be found out.",
        exit: "20",
        rows: &[
            ("authentication", "a registry wants other credentials", "21"),
            ("budget", "there is more evidence than is looked at", ""),
            (
                "incomplete",
                "a list is incomplete, or something in it could not be had",
                "",
            ),
            (
                "network",
                "the network, a deadline, a rate limit or a failing registry",
                "",
            ),
            ("stale-trust", "trust material is missing or too old", "22"),
            ("unreadable", "an answer is not what it must be", ""),
        ],
    },
    Section {
        folder: "policy",
        files: &["error.rs"],
        title: "Policy documents",
        about: "A policy cannot be used; the message names file, line and column.",
        exit: "2",
        rows: &[
            (
                "policy-ambiguous-scalar",
                "a value could be meant as text or as something else; quote it",
                "",
            ),
            (
                "policy-conflict",
                "two policies bear one name, or say opposite things about one key",
                "",
            ),
            ("policy-duplicate-key", "a field stands there twice", ""),
            ("policy-invalid-value", "a value is not allowed", ""),
            ("policy-key", "a key cannot be read", ""),
            ("policy-missing-field", "a required field is absent", ""),
            (
                "policy-not-plain",
                "anchors, aliases, tags and merge keys are not read",
                "",
            ),
            (
                "policy-over-limit",
                "a policy is larger, or has more parts, than is read",
                "",
            ),
            (
                "policy-pattern",
                "a pattern cannot be used or is not anchored",
                "",
            ),
            (
                "policy-several-documents",
                "a file has more than one document where one belongs",
                "",
            ),
            ("policy-syntax", "the text is not YAML", ""),
            (
                "policy-unknown-field",
                "there is a field that policies do not know",
                "",
            ),
            (
                "policy-unknown-signer",
                "a rule names a signer that is not defined",
                "",
            ),
            (
                "policy-unknown-version",
                "the version or kind of the document is not known",
                "",
            ),
            ("policy-wrong-type", "a value is of another type", ""),
        ],
    },
    Section {
        folder: "policy",
        files: &["pattern.rs"],
        title: "Patterns",
        about: "A pattern for an identity or issuer cannot be used.",
        exit: "2",
        rows: &[
            (
                "pattern-bad-regex",
                "the regular expression does not compile",
                "",
            ),
            ("pattern-empty", "the pattern is empty", ""),
            (
                "pattern-looks-like-regex",
                "a glob looks like a regular expression",
                "",
            ),
            (
                "pattern-not-a-repository",
                "it is not the name of a repository",
                "",
            ),
            ("pattern-three-stars", "`***` means nothing", ""),
            ("pattern-too-long", "the pattern is too long", ""),
            (
                "pattern-unanchored",
                "a regular expression must be written `^…$`",
                "",
            ),
        ],
    },
    Section {
        folder: "registry",
        files: &[],
        title: "Registries and layouts",
        about: "A store could not do what it was asked.",
        exit: "20",
        rows: &[
            (
                "bad-response",
                "the registry's answer breaks the protocol",
                "",
            ),
            ("blob-not-found", "a blob is not there", "11"),
            ("deadline-exceeded", "the deadline was over", ""),
            ("digest-mismatch", "content is not what its digest says", ""),
            (
                "fallback-tag-not-an-index",
                "the fallback tag for referrers holds something else",
                "",
            ),
            (
                "file-unusable",
                "a file of a layout cannot be read or written",
                "2",
            ),
            (
                "image-ambiguous",
                "a layout has several images and none is named",
                "2",
            ),
            ("image-not-found", "the image is not there", "11"),
            ("layout-not-found", "there is no layout in that place", "11"),
            (
                "login-refused",
                "the registry refuses the login that is stored",
                "21",
            ),
            (
                "login-required",
                "the registry wants a login and none is stored",
                "21",
            ),
            (
                "malformed-document",
                "a document in the registry is not what it must be",
                "",
            ),
            (
                "offline",
                "a socket would be opened and `--offline` forbids it",
                "",
            ),
            ("over-limit", "an answer is larger than its limit", ""),
            ("registry-error", "the registry answered with an error", ""),
            (
                "registry-throttled",
                "the registry limits the rate of requests",
                "",
            ),
            ("registry-unreachable", "no connection to the registry", ""),
            ("repository-not-found", "the repository is not there", "11"),
            (
                "size-mismatch",
                "content has another size than its descriptor says",
                "",
            ),
            (
                "store-unsupported",
                "this kind of place cannot do that",
                "2",
            ),
            (
                "tag-changed",
                "somebody else changed the tag at the same time",
                "",
            ),
            (
                "target-refused",
                "the registry points to an address that is not followed",
                "",
            ),
        ],
    },
    Section {
        folder: "registry-server",
        files: &[],
        title: "`registry serve`",
        about: "The registry cannot be served.",
        exit: "2",
        rows: &[
            (
                "bad-repository-name",
                "the repository's name is not allowed",
                "",
            ),
            ("cannot-listen", "the address cannot be listened on", ""),
            ("cannot-serve-directory", "the directory cannot be used", ""),
        ],
    },
    Section {
        folder: "sign-lib",
        files: &[],
        title: "Keys and signing",
        about: "A key cannot be used, or something cannot be signed.",
        exit: "2",
        rows: &[
            (
                "content-required",
                "the scheme signs the content itself, and only its digest is known",
                "",
            ),
            ("content-unreadable", "the content cannot be read", ""),
            ("crypto-library", "the cryptographic library failed", "1"),
            (
                "digest-unknown",
                "the digest of the content is not known under the algorithm that the scheme needs",
                "",
            ),
            (
                "key-encryption-unsupported",
                "the key is encrypted in a way that is not read",
                "",
            ),
            (
                "key-label-unknown",
                "the PEM block is not a private key",
                "",
            ),
            ("key-malformed", "the key is damaged", ""),
            ("key-not-pem", "the file holds no PEM block", ""),
            (
                "key-password-required",
                "the key is encrypted and no password is given",
                "",
            ),
            (
                "key-scheme-mismatch",
                "the key cannot sign under this scheme",
                "",
            ),
            (
                "key-sec1-inside",
                "an encrypted key holds SEC1 in place of PKCS#8",
                "",
            ),
            ("key-too-large", "the file is larger than a key", ""),
            (
                "key-unsupported",
                "the kind or size of the key is not supported",
                "",
            ),
            (
                "key-wrong-password",
                "the password is wrong, or the file is damaged",
                "",
            ),
            ("over-limit", "the predicate is larger than its limit", ""),
            (
                "predicate-not-text",
                "the predicate is not the text that its type takes",
                "",
            ),
            (
                "signature-not-verified",
                "what was signed does not verify; nothing was published",
                "1",
            ),
            ("signer-failed", "a remote signer failed", "20"),
            (
                "statement-subject-mismatch",
                "the statement is about something else",
                "",
            ),
            (
                "statement-type-mismatch",
                "the statement is of another type than was named",
                "",
            ),
        ],
    },
    Section {
        folder: "services",
        files: &[],
        title: "Services",
        about: "A service of keyless signing, or the login to it, did not do what it should.",
        exit: "20",
        rows: &[
            (
                "address-refused",
                "the address of a service is not one that is spoken to",
                "2",
            ),
            (
                "certificate-for-another-key",
                "the authority certified another key",
                "",
            ),
            (
                "certificate-not-valid-now",
                "the certificate is not valid at the present time",
                "",
            ),
            (
                "configuration",
                "the configuration of the services cannot be used",
                "2",
            ),
            ("deadline-exceeded", "the deadline was over", ""),
            (
                "entry-exists",
                "the log has this entry already and does not return it",
                "",
            ),
            (
                "entry-for-another-artifact",
                "the log returned the entry of something else",
                "",
            ),
            (
                "entry-incomplete",
                "the log's entry lacks a part that proves it",
                "",
            ),
            ("login-denied", "the login was denied", "21"),
            (
                "login-issuer-differs",
                "the browser came back from another issuer",
                "21",
            ),
            (
                "login-no-device-flow",
                "the issuer offers no device login",
                "21",
            ),
            (
                "login-no-port",
                "no port could be opened for the browser",
                "21",
            ),
            (
                "login-nonce-differs",
                "the token was made for another login",
                "21",
            ),
            (
                "login-state-differs",
                "the browser came back from another login",
                "21",
            ),
            ("login-timed-out", "nobody logged in in time", "21"),
            (
                "login-without-code",
                "the browser came back with neither a code nor an error",
                "21",
            ),
            (
                "malformed-answer",
                "the service's answer cannot be read",
                "",
            ),
            (
                "no-service",
                "the signing config names no usable service of a kind that is needed",
                "2",
            ),
            ("over-limit", "the answer is larger than its limit", ""),
            ("request-refused", "the service refused the request", ""),
            ("service-error", "the service answered with an error", ""),
            (
                "service-throttled",
                "the service limits the rate of requests",
                "",
            ),
            ("service-too-slow", "the service did not answer in time", ""),
            ("service-unreachable", "no connection to the service", ""),
            ("signer-failed", "the key could not sign the request", "2"),
            (
                "timestamp-for-another-message",
                "the timestamp is about something else",
                "",
            ),
            (
                "timestamp-nonce-differs",
                "the timestamp answers another request",
                "",
            ),
            (
                "timestamp-nonce-missing",
                "the timestamp does not say which request it answers",
                "",
            ),
            (
                "token-audience",
                "the identity token is for somebody else",
                "21",
            ),
            (
                "token-email-unverified",
                "the issuer has not verified the address",
                "21",
            ),
            (
                "token-expired",
                "the identity token is no longer valid",
                "21",
            ),
            (
                "token-file",
                "the identity token's file cannot be read",
                "2",
            ),
            (
                "token-identity",
                "the identity in the token cannot be used",
                "21",
            ),
            (
                "token-issuer",
                "the issuer in the token cannot be used",
                "21",
            ),
            ("token-malformed", "it is not an identity token", "21"),
            (
                "token-not-found",
                "there is no identity token in this place",
                "21",
            ),
            (
                "token-not-granted",
                "the platform grants no identity token",
                "21",
            ),
            (
                "token-not-yet-valid",
                "the identity token is not valid yet",
                "21",
            ),
            (
                "token-refused",
                "the service refused the identity token",
                "21",
            ),
            (
                "token-too-long",
                "the identity token is longer than its limit",
                "21",
            ),
            (
                "token-without-identity",
                "the identity token names nobody",
                "21",
            ),
        ],
    },
    Section {
        folder: "verify-lib",
        files: &[],
        title: "The verifier",
        about: "A verification could not be made, or a stored piece is not stored as its form demands.",
        exit: "2",
        rows: &[
            (
                "bundle-layers",
                "a manifest with a bundle has not exactly one layer",
                "12",
            ),
            ("deadline-exceeded", "the deadline was over", "20"),
            ("image-not-found", "the image is not there", "11"),
            (
                "inside-runtime",
                "the blocking verifier was called inside of a runtime",
                "1",
            ),
            ("no-policy", "there is nothing to judge by", ""),
            ("no-runtime", "the runtime did not start", "1"),
            (
                "no-trusted-root",
                "certificates are asked for and no authority is trusted",
                "22",
            ),
            ("policy-none", "a directory holds no policy", ""),
            ("policy-over-limit", "a policy is larger than is read", ""),
            (
                "policy-too-many",
                "there are more policies than are read",
                "",
            ),
            ("policy-unreadable", "a policy file cannot be read", ""),
            (
                "referrer-of-another-subject",
                "a listed referrer refers to something else",
                "12",
            ),
        ],
    },
    Section {
        folder: "cli",
        files: &[],
        title: "The program",
        about: "The command line, its files or the terminal.",
        exit: "2",
        rows: &[
            ("bad-registry-name", "it is not the name of a registry", ""),
            ("command-line", "the command line cannot be read", ""),
            ("conflicting-flags", "two flags exclude each other", ""),
            (
                "consent-refused",
                "somebody said no to what would become public",
                "",
            ),
            (
                "consent-required",
                "something would become public and nobody can be asked",
                "",
            ),
            (
                "demo-surprise",
                "a step of the demonstration ended otherwise than it must",
                "1",
            ),
            ("digest-required", "an image is named without a digest", ""),
            (
                "digest-unknown",
                "the content is known by a digest only, under another algorithm",
                "",
            ),
            ("file-exists", "a file would be overwritten", ""),
            ("file-too-large", "a file is larger than is read", ""),
            ("file-unreadable", "a file cannot be read", ""),
            ("file-unwritable", "a file cannot be written", ""),
            (
                "flag-not-honoured",
                "a flag of cosign that is not honoured; the hint says what to write",
                "",
            ),
            (
                "folder-not-empty",
                "the demonstration's folder is not empty",
                "",
            ),
            ("identity-missing", "an issuer is named and no identity", ""),
            (
                "invalid-value",
                "a flag has a value that it does not take",
                "",
            ),
            ("issuer-missing", "an identity is named and no issuer", ""),
            ("json-syntax", "the document is not JSON", ""),
            ("key-unreadable", "the public key cannot be read", ""),
            (
                "key-unsupported",
                "keys of this kind of place are not supported",
                "",
            ),
            ("missing-argument", "an argument or flag is missing", ""),
            ("missing-command", "no command was given", ""),
            ("no-authority", "no certificate authority was opened", "1"),
            (
                "no-certificate",
                "no certificate was got before signing",
                "1",
            ),
            (
                "no-service",
                "the signing config names no service of a kind that is needed",
                "",
            ),
            ("no-services", "no services were opened", "1"),
            ("no-trust", "nobody is named whose signature counts", ""),
            (
                "offline",
                "the command needs the network and `--offline` forbids it",
                "",
            ),
            ("password-mismatch", "the two passwords differ", ""),
            (
                "password-missing",
                "a password is needed and there is none",
                "",
            ),
            ("password-unreadable", "the password cannot be read", ""),
            (
                "presence-unknown",
                "it could not be found out whether the image is signed already",
                "20, 21 or 22",
            ),
            (
                "program-unknown",
                "the demonstration cannot find this program",
                "1",
            ),
            (
                "program-unrunnable",
                "the demonstration cannot run this program",
                "1",
            ),
            ("runtime", "the runtime did not start", "1"),
            (
                "services-not-proven",
                "what the services answered does not verify",
                "20",
            ),
            (
                "services-unclear",
                "services are named, and not which of them a key is to use",
                "",
            ),
            (
                "source-date-epoch",
                "SOURCE_DATE_EPOCH is not a number of seconds",
                "",
            ),
            ("token-file", "the identity token's file cannot be read", ""),
            (
                "token-on-command-line",
                "an identity token stands on the command line, where others can read it",
                "",
            ),
            ("unknown-command", "there is no such command", ""),
            (
                "unknown-document",
                "the document is of no kind that is shown",
                "",
            ),
            ("unknown-flag", "the command has no such flag", ""),
            (
                "username-missing",
                "a user name is needed and there is none",
                "",
            ),
        ],
    },
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_code(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// What stands in quotes in `text`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The codes in a source file: of functions `code`, of fields `code`, and of failures.
fn codes(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let mut found = BTreeSet::new();
    for (at, _) in source.match_indices("fn code(") {
        let rest = source.get(at..).unwrap();
        // To the brace at the function's own depth.
        let line = source
            .get(..at)
            .unwrap()
            .rfind('\n')
            .map_or(0, |end| end + 1);
        let indent: String = source
            .get(line..)
            .unwrap()
            .chars()
            .take_while(|c| *c == ' ')
            .collect();
        let end = rest.find(&format!("\n{indent}}}")).unwrap_or(rest.len());
        found.extend(
            quoted(rest.get(..end).unwrap())
                .filter(|text| is_code(text))
                .map(str::to_owned),
        );
    }
    let starts = [
        "code: \"",
        "Failure::usage(",
        "Failure::internal(",
        "Failure::new(",
        "Self::usage(",
    ];
    for start in starts {
        for (at, _) in source.match_indices(start) {
            let rest = source.get(at..).unwrap();
            found.extend(
                quoted(rest)
                    .next()
                    .filter(|text| is_code(text))
                    .map(str::to_owned),
            );
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every code in the sources of `folder`, by file below `src`.
fn by_file(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = repository().join(folder).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    files
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&source)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let found = codes(&fs::read_to_string(&path).unwrap());
            (name, found)
        })
        .filter(|(name, found)| {
            !found.is_empty() && !NOT_ERRORS.contains(&format!("{folder}/src/{name}").as_str())
        })
        .collect()
}

#[test]
fn each_code_in_the_sources_has_its_meaning_and_each_meaning_its_code() {
    let mut wrong = String::new();
    let folders: BTreeSet<&str> = SECTIONS.iter().map(|section| section.folder).collect();
    for folder in folders {
        let files = by_file(folder);
        let named: BTreeSet<&str> = SECTIONS
            .iter()
            .filter(|section| section.folder == folder)
            .flat_map(|section| section.files.iter().copied())
            .collect();
        for section in SECTIONS.iter().filter(|section| section.folder == folder) {
            let mut found: BTreeSet<&str> = files
                .iter()
                .filter(|(name, _)| {
                    if section.files.is_empty() {
                        !named.contains(name.as_str())
                    } else {
                        section.files.contains(&name.as_str())
                    }
                })
                .flat_map(|(_, codes)| codes.iter().map(String::as_str))
                .filter(|code| folder != "policy" || !SOURCES.contains(code))
                .collect();
            for (code, ..) in section.rows {
                if !found.remove(code) {
                    let _ = writeln!(
                        wrong,
                        "{}: `{code}` is in no source of {folder}",
                        section.title
                    );
                }
            }
            for code in found {
                let _ = writeln!(
                    wrong,
                    "{}: `{code}` of {folder} has no meaning",
                    section.title
                );
            }
        }
        if folder == "proof" {
            let listed: BTreeSet<&str> = countersign_proof::CODES
                .iter()
                .map(|(code, _)| *code)
                .collect();
            for (name, codes) in &files {
                for code in codes.iter().filter(|_| name != "trust_error.rs") {
                    if !listed.contains(code.as_str()) {
                        let _ = writeln!(wrong, "`{code}` of proof/src/{name} is not in CODES");
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn page() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         A code is the stable name of what went wrong; messages may change, codes do not. `--output json` carries it as\n\
         `error.code`, and in decisions beside each reason, mismatch and rejected piece. What the exit codes mean is in\n\
         [exit codes](exit-codes.md).\n\n\
         ## Rejected evidence\n\n\
         A check failed, so that the piece proves nothing. The exit code is 12 when nothing else satisfies the policy.\n\n",
    );
    page.push_str("| code | crate | meaning | exit code |\n|---|---|---|---|\n");
    for (code, meaning) in countersign_proof::CODES {
        let _ = writeln!(page, "| `{code}` | `proof` | {meaning} | 12 |");
    }
    for section in SECTIONS {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| code | crate | meaning | exit code |\n|---|---|---|---|\n",
            section.title, section.about
        );
        for (code, meaning, exit) in section.rows {
            let exit = if exit.is_empty() { section.exit } else { exit };
            let _ = writeln!(
                page,
                "| `{code}` | `{}` | {meaning} | {exit} |",
                section.folder
            );
        }
    }
    page
}

#[test]
fn each_exit_code_is_one_of_those_that_are_promised() {
    let promised = ["0", "1", "2", "10", "11", "12", "13", "20", "21", "22"];
    for section in SECTIONS {
        for (code, _, exit) in section.rows {
            let exit = if exit.is_empty() { section.exit } else { exit };
            let mut numbers = exit
                .split(|c: char| !c.is_ascii_digit())
                .filter(|number| !number.is_empty());
            assert!(
                exit == "warning" || numbers.clone().next().is_some(),
                "{code}"
            );
            assert!(
                numbers.all(|number| promised.contains(&number)),
                "{code}: {exit}"
            );
        }
    }
    if let Some(path) = std::env::var_os("ERRORS_PAGE") {
        fs::write(path, page()).unwrap();
    }
}
