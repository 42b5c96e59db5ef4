//! What is trusted: keys, authorities and logs, with everything prepared that does not depend on evidence.

use crate::authority::Authority;
use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, VerifyingKey};
use crate::dangers::Dangers;
use crate::digest::{Hasher, sha256};
use crate::key::{KeyId, Scheme, TrustedKey};
use crate::rejected::CertificateFault;
use crate::report::LogId;
use bytes::Bytes;
use countersign_formats::{
    AuthorityInstance, Digest, HashAlgorithm, KeyKind, LogInstance, PublicKey, TrustedRoot, Window,
};

/// Everything that evidence is judged against. Immutable, and cheap to share between threads.
#[derive(Debug)]
pub struct TrustMaterial {
    pub(crate) keys: Vec<PreparedKey>,
    pub(crate) logs: Vec<TrustedLog>,
    pub(crate) ct_logs: Vec<TrustedLog>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) timestamp_authorities: Vec<Authority>,
    pub(crate) witnesses: Vec<PreparedWitness>,
    pub(crate) dangers: Dangers,
    warnings: Vec<TrustWarning>,
    digest: Digest,
}

/// A trusted key, ready for its schemes.
#[derive(Debug)]
pub(crate) struct PreparedKey {
    pub(crate) trusted: TrustedKey,
    pub(crate) id: KeyId,
    pub(crate) hint: String,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) verifying: VerifyingKey,
}

/// A transparency log or CT log.
#[derive(Debug)]
pub(crate) struct TrustedLog {
    pub(crate) id: LogId,
    /// First four bytes of the identifier of the key that signs checkpoints (C2SP signed-note).
    pub(crate) checkpoint_hint: Option<[u8; 4]>,
    /// Host name of the base URL: the name of a Rekor v2 log.
    pub(crate) origin: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: VerifyingKey,
    pub(crate) valid: Window,
    spki: Bytes,
}

/// A witness whose cosignatures on checkpoints are looked for (C2SP tlog-cosignature).
#[derive(Clone, Debug)]
pub struct Witness {
    /// The witness's name, as it stands on signature lines.
    pub name: String,
    /// Its Ed25519 key.
    pub key: PublicKey,
}

#[derive(Debug)]
pub(crate) struct PreparedWitness {
    pub(crate) name: String,
    pub(crate) hint: [u8; 4],
    pub(crate) key: VerifyingKey,
}

/// A part of a trusted root that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{instance} is not used: {reason}")]
#[non_exhaustive]
pub struct TrustWarning {
    /// The part: what it is, and its URL.
    pub instance: String,
    /// Why.
    pub reason: DisabledReason,
}

impl TrustWarning {
    /// A stable name of the reason, in kebab case.
    pub fn code(&self) -> &'static str {
        match &self.reason {
            DisabledReason::KeyDetails { .. } => "trust-key-details",
            DisabledReason::Key => "trust-key",
            DisabledReason::HashAlgorithm { .. } => "trust-hash-algorithm",
            DisabledReason::NoStart => "trust-no-start",
            DisabledReason::ReversedWindow => "trust-reversed-window",
            DisabledReason::SameLog => "trust-same-log",
            DisabledReason::NoLogId => "trust-no-log-id",
            DisabledReason::Chain(_) => "trust-chain",
        }
    }
}

/// Why a part of a trusted root is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisabledReason {
    /// The algorithm of its key is not known.
    #[error("key algorithm `{found}` is not supported")]
    KeyDetails {
        /// The name in the trusted root.
        found: String,
    },
    /// Its key can't be read, or is not of the kind that its algorithm says.
    #[error("its key is malformed or not of the kind that it says")]
    Key,
    /// Its tree has an unknown hash.
    #[error("hash algorithm `{found}` is not supported")]
    HashAlgorithm {
        /// The name in the trusted root.
        found: String,
    },
    /// Its validity has no start.
    #[error("its validity has no start")]
    NoStart,
    /// Its validity ends before it starts.
    #[error("its validity ends before it starts")]
    ReversedWindow,
    /// Another log has the same identifier or key.
    #[error(
        "another log has the same identifier with another key, or the same key with another identifier"
    )]
    SameLog,
    /// It has no identifier.
    #[error("it has no identifier")]
    NoLogId,
    /// Its chain of certificates is not acceptable.
    #[error("its certificates are not acceptable: {0}")]
    Chain(CertificateFault),
}

/// Trust that its owner gave by hand can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A key is not a point on its curve, or of small order.
    #[error("key `{key}` is not a sound public key")]
    Key {
        /// The key.
        key: KeyId,
    },
    /// A key may be used with no scheme.
    #[error("key `{key}` may be used with no scheme that its kind has")]
    NoScheme {
        /// The key.
        key: KeyId,
    },
    /// A key's validity ends before it starts.
    #[error("the validity of key `{key}` ends before it starts")]
    KeyWindow {
        /// The key.
        key: KeyId,
    },
    /// A certificate of an own authority is not acceptable.
    #[error("{role} certificate {position} of the own authority: {fault}")]
    Authority {
        /// `root` or `intermediate`.
        role: &'static str,
        /// Its position among its kind, from 0.
        position: usize,
        /// Why.
        fault: CertificateFault,
    },
    /// An own authority has no root.
    #[error("the own authority has no root certificate")]
    NoRoot,
    /// A witness's key is not an Ed25519 key.
    #[error("the key of witness `{name}` is not a sound Ed25519 key")]
    WitnessKey {
        /// The witness.
        name: String,
    },
}

impl TrustError {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "trust-key",
            Self::NoScheme { .. } => "trust-no-scheme",
            Self::KeyWindow { .. } => "trust-key-window",
            Self::Authority { .. } => "trust-authority",
            Self::NoRoot => "trust-no-root",
            Self::WitnessKey { .. } => "trust-witness-key",
        }
    }
}

impl TrustMaterial {
    /// Starts with no trust at all.
    pub fn builder() -> TrustBuilder {
        TrustBuilder::default()
    }

    /// Trusts these keys and nothing else.
    ///
    /// # Errors
    /// A key that is not sound, or may be used with no scheme.
    pub fn keys_only(keys: Vec<TrustedKey>) -> Result<Self, TrustError> {
        Self::builder().keys(keys).build()
    }

    /// The digest of everything that is trusted: two materials with one digest judge alike.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The parts of trusted roots that are not used.
    pub fn warnings(&self) -> &[TrustWarning] {
        &self.warnings
    }

    /// The trusted keys, with their names.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (&KeyId, &TrustedKey)> {
        self.keys.iter().map(|key| (&key.id, &key.trusted))
    }

    /// Whether any certificate authority is trusted.
    pub fn has_keyless(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// The checks that are left out.
    pub fn dangers(&self) -> Dangers {
        self.dangers
    }
}

/// Collects trust; see [`TrustMaterial::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustBuilder {
    roots: Vec<TrustedRoot>,
    keys: Vec<TrustedKey>,
    own: Vec<(Vec<Bytes>, Vec<Bytes>)>,
    witnesses: Vec<Witness>,
    dangers: Dangers,
}

impl TrustBuilder {
    /// Trusts the logs and authorities of a trusted root. Those that are not understood are left out, with a warning.
    pub fn trusted_root(mut self, root: &TrustedRoot) -> Self {
        self.roots.push(root.clone());
        self
    }

    /// Trusts a key.
    pub fn key(mut self, key: TrustedKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Trusts keys.
    pub fn keys(mut self, keys: impl IntoIterator<Item = TrustedKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Trusts an own certificate authority: its roots, and intermediates below them, DER.
    pub fn certificate_authority(mut self, roots: Vec<Bytes>, intermediates: Vec<Bytes>) -> Self {
        self.own.push((roots, intermediates));
        self
    }

    /// Looks for a witness's cosignatures.
    pub fn witness(mut self, witness: Witness) -> Self {
        self.witnesses.push(witness);
        self
    }

    /// Leaves checks out.
    pub fn dangers(mut self, dangers: Dangers) -> Self {
        self.dangers = dangers;
        self
    }

    /// Verifies what can be verified without evidence, and prepares the keys.
    ///
    /// # Errors
    /// [`TrustError`] when a key, authority or witness that was given by hand is not usable. Parts of a trusted root that
    /// are not usable are left out instead ([`TrustMaterial::warnings`]).
    pub fn build(self) -> Result<TrustMaterial, TrustError> {
        let digest = self.digest();
        let mut material = TrustMaterial {
            keys: Vec::with_capacity(self.keys.len()),
            logs: Vec::new(),
            ct_logs: Vec::new(),
            authorities: Vec::new(),
            timestamp_authorities: Vec::new(),
            witnesses: Vec::new(),
            dangers: self.dangers,
            warnings: Vec::new(),
            digest,
        };
        for key in self.keys {
            let key = PreparedKey::prepare(key)?;
            if !material.keys.iter().any(|other| other.same_as(&key)) {
                material.keys.push(key);
            }
        }
        for root in &self.roots {
            material.add_root(root);
        }
        for (roots, intermediates) in &self.own {
            material.add_own(roots, intermediates)?;
        }
        for witness in self.witnesses {
            material.witnesses.push(PreparedWitness::prepare(witness)?);
        }
        Ok(material)
    }

    /// Hashes every input, each with its length, so that no two inputs run into each other.
    fn digest(&self) -> Digest {
        let mut inputs = Inputs(Hasher::new(HashAlgorithm::Sha256));
        inputs.add(b"countersign trust 1");
        for key in &self.keys {
            inputs.add(b"key");
            inputs.add(key.key.spki());
            inputs.window(&key.valid);
            for scheme in key.schemes.iter().flatten() {
                inputs.add(scheme.name().as_bytes());
            }
            inputs.add(if key.schemes.is_some() {
                b"narrowed"
            } else {
                b"all"
            });
        }
        for root in &self.roots {
            inputs.logs(b"log", &root.logs);
            inputs.logs(b"ct-log", &root.ct_logs);
            inputs.authorities(b"authority", &root.certificate_authorities);
            inputs.authorities(b"timestamp-authority", &root.timestamp_authorities);
        }
        for (roots, intermediates) in &self.own {
            inputs.add(b"own-roots");
            roots.iter().for_each(|certificate| inputs.add(certificate));
            inputs.add(b"own-intermediates");
            intermediates
                .iter()
                .for_each(|certificate| inputs.add(certificate));
        }
        for witness in &self.witnesses {
            inputs.add(b"witness");
            inputs.add(witness.name.as_bytes());
            inputs.add(witness.key.spki());
        }
        inputs.add(&[
            u8::from(self.dangers.ignore_sct),
            u8::from(self.dangers.ignore_log),
            u8::from(self.dangers.judge_certificates_now),
        ]);
        inputs.0.finish()
    }
}

struct Inputs(Hasher);

impl Inputs {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn window(&mut self, window: &Window) {
        for end in [window.start, window.end] {
            match end {
                Some(time) => self.add(&time.0.to_be_bytes()),
                None => self.add(b"open"),
            }
        }
    }

    fn logs(&mut self, role: &[u8], logs: &[LogInstance]) {
        for log in logs {
            self.add(role);
            self.add(log.base_url.as_bytes());
            self.add(log.hash_algorithm.as_bytes());
            self.add(log.key.key_details.as_bytes());
            self.add(&log.key.raw);
            self.window(&log.key.valid);
            self.add(&log.log_id);
            self.add(log.checkpoint_key_id.as_deref().unwrap_or_default());
            self.add(log.origin.as_deref().unwrap_or_default().as_bytes());
        }
    }

    fn authorities(&mut self, role: &[u8], authorities: &[AuthorityInstance]) {
        for authority in authorities {
            self.add(role);
            self.add(authority.uri.as_bytes());
            self.window(&authority.valid);
            authority
                .chain
                .iter()
                .for_each(|certificate| self.add(certificate));
        }
    }
}

impl TrustMaterial {
    fn add_root(&mut self, root: &TrustedRoot) {
        for instance in &root.logs {
            match TrustedLog::prepare(instance, &self.logs) {
                Ok(log) => self.logs.push(log),
                Err(reason) => self.warn("log", &instance.base_url, reason),
            }
        }
        for instance in &root.ct_logs {
            match TrustedLog::prepare(instance, &self.ct_logs) {
                Ok(log) => self.ct_logs.push(log),
                Err(reason) => {
                    self.warn("certificate transparency log", &instance.base_url, reason)
                }
            }
        }
        for instance in &root.certificate_authorities {
            match prepare_authority(instance, Purpose::CodeSigning) {
                Ok(authority) => self.authorities.push(authority),
                Err(reason) => self.warn("certificate authority", &instance.uri, reason),
            }
        }
        for instance in &root.timestamp_authorities {
            match prepare_authority(instance, Purpose::TimeStamping) {
                Ok(authority) => self.timestamp_authorities.push(authority),
                Err(reason) => self.warn("timestamp authority", &instance.uri, reason),
            }
        }
    }

    fn warn(&mut self, role: &str, url: &str, reason: DisabledReason) {
        let instance = format!("{role} `{}`", crate::identity::excerpt(url));
        self.warnings.push(TrustWarning { instance, reason });
    }

    /// Each root is an authority, and each intermediate with its way up to a root is one.
    fn add_own(&mut self, roots: &[Bytes], intermediates: &[Bytes]) -> Result<(), TrustError> {
        if roots.is_empty() {
            return Err(TrustError::NoRoot);
        }
        for (position, root) in roots.iter().enumerate() {
            let authority = own_authority(std::slice::from_ref(root)).map_err(|fault| {
                TrustError::Authority {
                    role: "root",
                    position,
                    fault,
                }
            })?;
            self.authorities.push(authority);
        }
        for (position, intermediate) in intermediates.iter().enumerate() {
            let refuse = |fault| TrustError::Authority {
                role: "intermediate",
                position,
                fault,
            };
            let chain = way_to_root(intermediate, roots, intermediates).map_err(refuse)?;
            self.authorities
                .push(own_authority(&chain).map_err(refuse)?);
        }
        Ok(())
    }
}

fn own_authority(chain: &[Bytes]) -> Result<Authority, CertificateFault> {
    Authority::prepare(
        "own authority".to_owned(),
        true,
        Window::ALWAYS,
        Purpose::CodeSigning,
        chain,
    )
}

/// The certificates from an intermediate up to a root, followed by name; the signatures are verified afterwards.
fn way_to_root(
    lowest: &Bytes,
    roots: &[Bytes],
    intermediates: &[Bytes],
) -> Result<Vec<Bytes>, CertificateFault> {
    let mut chain = vec![lowest.clone()];
    // Each step takes an intermediate that is not in the chain yet, so it ends.
    for _ in 0..=intermediates.len() {
        let Some(last) = chain.last() else { break };
        let last = Certificate::parse(last)?;
        let issued_by = |candidate: &&Bytes| {
            Certificate::parse(candidate).is_ok_and(|candidate| {
                candidate.subject() == last.issuer()
                    && crate::authority::verifying_key(candidate.key())
                        .is_ok_and(|key| last.check_signature(&key).is_ok())
            })
        };
        if let Some(root) = roots.iter().find(issued_by) {
            chain.push(root.clone());
            return Ok(chain);
        }
        let Some(next) = intermediates
            .iter()
            .filter(|other| !chain.contains(other))
            .find(issued_by)
        else {
            break;
        };
        chain.push(next.clone());
    }
    Err(CertificateFault::Untrusted)
}

fn prepare_authority(
    instance: &AuthorityInstance,
    purpose: Purpose,
) -> Result<Authority, DisabledReason> {
    let valid = checked_window(instance.valid)?;
    let name = [&instance.uri, &instance.common_name, &instance.organization]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or("authority without name", |name| name);
    Authority::prepare(name.to_owned(), false, valid, purpose, &instance.chain)
        .map_err(DisabledReason::Chain)
}

/// TOB-SIGSTORE-1: a window without start is an omission, not "always".
fn checked_window(window: Window) -> Result<Window, DisabledReason> {
    match (window.start, window.end) {
        (None, _) => Err(DisabledReason::NoStart),
        (Some(start), Some(end)) if end < start => Err(DisabledReason::ReversedWindow),
        _ => Ok(window),
    }
}

impl PreparedKey {
    fn prepare(trusted: TrustedKey) -> Result<Self, TrustError> {
        let id = KeyId::of(&trusted.key);
        let schemes: Vec<Scheme> = Scheme::of(trusted.key.kind())
            .iter()
            .copied()
            .filter(|scheme| {
                trusted
                    .schemes
                    .as_ref()
                    .is_none_or(|narrowed| narrowed.contains(scheme))
            })
            .collect();
        if schemes.is_empty() {
            return Err(TrustError::NoScheme { key: id });
        }
        if let Window {
            start: Some(start),
            end: Some(end),
        } = trusted.valid
            && end < start
        {
            return Err(TrustError::KeyWindow { key: id });
        }
        let verifying =
            VerifyingKey::prepare(&trusted.key, schemes.iter().copied().map(Algorithm::of))
                .ok_or(TrustError::Key { key: id })?;
        Ok(Self {
            hint: id.hint(),
            id,
            schemes,
            verifying,
            trusted,
        })
    }

    fn same_as(&self, other: &Self) -> bool {
        self.id == other.id
            && self.trusted.valid == other.trusted.valid
            && self.schemes == other.schemes
    }
}

impl TrustedLog {
    fn prepare(instance: &LogInstance, others: &[Self]) -> Result<Self, DisabledReason> {
        let valid = checked_window(instance.key.valid)?;
        // RFC 6962 §2.1 knows one hash. Roots of logs without tree hash are those of CT logs, which imply it.
        if !matches!(instance.hash_algorithm.as_str(), "SHA2_256" | "") {
            return Err(DisabledReason::HashAlgorithm {
                found: crate::identity::excerpt(&instance.hash_algorithm),
            });
        }
        if instance.log_id.is_empty() {
            return Err(DisabledReason::NoLogId);
        }
        let Some(known) = KnownKey::from_details(&instance.key.key_details) else {
            return Err(DisabledReason::KeyDetails {
                found: crate::identity::excerpt(&instance.key.key_details),
            });
        };
        let key = PublicKey::from_spki_der(&instance.key.raw).map_err(|_| DisabledReason::Key)?;
        // TOB-SIGSTORE-6: the key must be of the kind that its details say.
        if !known.fits(key.kind()) {
            return Err(DisabledReason::Key);
        }
        let id = LogId(instance.log_id.clone());
        // A015: one key under two identifiers would count as two logs, and two keys under one can't be told apart.
        let spki = Bytes::copy_from_slice(key.spki());
        if others
            .iter()
            .any(|other| (other.id == id) != (other.spki == spki))
        {
            return Err(DisabledReason::SameLog);
        }
        let checkpoint_key = instance
            .checkpoint_key_id
            .as_ref()
            .unwrap_or(&instance.log_id);
        Ok(Self {
            id,
            checkpoint_hint: checkpoint_key.first_chunk::<4>().copied(),
            origin: instance.origin.clone(),
            algorithm: known.algorithm,
            key: VerifyingKey::prepare(&key, [known.algorithm]).ok_or(DisabledReason::Key)?,
            valid,
            spki,
        })
    }
}

/// The kind of key and the algorithm that a protobuf name of Sigstore's `PublicKeyDetails` stands for.
struct KnownKey {
    algorithm: Algorithm,
    kind: Kind,
}

enum Kind {
    Exactly(KeyKind),
    Rsa(u32),
}

impl KnownKey {
    fn from_details(details: &str) -> Option<Self> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let (algorithm, kind) = match details {
            "PKIX_ECDSA_P256_SHA_256" => {
                (Algorithm::Ecdsa(Sha256), Kind::Exactly(KeyKind::EcdsaP256))
            }
            "PKIX_ECDSA_P384_SHA_384" => {
                (Algorithm::Ecdsa(Sha384), Kind::Exactly(KeyKind::EcdsaP384))
            }
            "PKIX_ECDSA_P521_SHA_512" => {
                (Algorithm::Ecdsa(Sha512), Kind::Exactly(KeyKind::EcdsaP521))
            }
            "PKIX_ED25519" => (Algorithm::Ed25519, Kind::Exactly(KeyKind::Ed25519)),
            "PKIX_ED25519_PH" => (Algorithm::Ed25519ph, Kind::Exactly(KeyKind::Ed25519)),
            "PKIX_RSA_PKCS1V15_2048_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(2048)),
            "PKIX_RSA_PKCS1V15_3072_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(3072)),
            "PKIX_RSA_PKCS1V15_4096_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(4096)),
            "PKIX_RSA_PSS_2048_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(2048)),
            "PKIX_RSA_PSS_3072_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(3072)),
            "PKIX_RSA_PSS_4096_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(4096)),
            _ => return None,
        };
        Some(Self { algorithm, kind })
    }

    fn fits(&self, kind: KeyKind) -> bool {
        match (&self.kind, kind) {
            (Kind::Exactly(expected), kind) => *expected == kind,
            (Kind::Rsa(expected), KeyKind::Rsa { bits }) => *expected == bits,
            (Kind::Rsa(_), _) => false,
        }
    }
}

/// Whether a log entry's `keyDetails` may stand beside a signature of this scheme.
pub(crate) fn details_fit(details: &str, scheme: Scheme) -> bool {
    KnownKey::from_details(details).is_some_and(|known| known.algorithm == Algorithm::of(scheme))
}

impl PreparedWitness {
    fn prepare(witness: Witness) -> Result<Self, TrustError> {
        let name = witness.name;
        if witness.key.kind() != KeyKind::Ed25519 {
            return Err(TrustError::WitnessKey { name });
        }
        // C2SP signed-note: SHA-256(name, line feed, signature type, key); type 4 is a cosignature with its time.
        let mut identity = Vec::with_capacity(name.len() + 34);
        identity.extend_from_slice(name.as_bytes());
        identity.extend_from_slice(b"\n\x04");
        identity.extend_from_slice(witness.key.raw());
        let hint = sha256(&identity)
            .as_bytes()
            .first_chunk::<4>()
            .copied()
            .unwrap_or_default();
        match VerifyingKey::prepare(&witness.key, [Algorithm::Ed25519]) {
            Some(key) => Ok(Self { name, hint, key }),
            None => Err(TrustError::WitnessKey { name }),
        }
    }
}
