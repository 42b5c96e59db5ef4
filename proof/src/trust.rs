//! What is trusted: keys, authorities and logs, with everything prepared that does not depend on evidence.

use crate::authorities::Authorities;
use crate::authority::Authority;
use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, VerifyingKey};
use crate::dangers::Dangers;
use crate::digest::{Hasher, sha256};
use crate::fault::CertificateFault;
use crate::key::{KeyId, Scheme, TrustedKey};
use crate::trust_error::{TrustError, TrustWarning};
use crate::trusted_log::TrustedLog;
use bytes::Bytes;
use countersign_formats::{
    AuthorityInstance, Digest, HashAlgorithm, KeyKind, LogInstance, PublicKey, TrustedRoot, Window,
};
use std::fmt;
use std::sync::OnceLock;

/// Everything that evidence is judged against. Immutable, and cheap to share between threads.
#[derive(Debug)]
pub struct TrustMaterial {
    pub(crate) keys: Vec<PreparedKey>,
    pub(crate) logs: Vec<TrustedLog>,
    pub(crate) ct_logs: Vec<TrustedLog>,
    pub(crate) authorities: Authorities,
    pub(crate) timestamp_authorities: Authorities,
    pub(crate) witnesses: Vec<PreparedWitness>,
    pub(crate) dangers: Dangers,
    log_warnings: Vec<TrustWarning>,
    warnings: OnceLock<Vec<TrustWarning>>,
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

/// A witness whose cosignatures on checkpoints are looked for (C2SP tlog-cosignature).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The witness's name, as it stands on signature lines.
    pub name: String,
    /// Its Ed25519 key.
    pub key: PublicKey,
}

impl Witness {
    /// Reads a key as a witness publishes it (C2SP signed-note, verifier keys): `name+hash+key` with the hash in hexadecimal and the
    /// key in base64 behind its type, which is 4 for cosignatures with a time (C2SP tlog-cosignature).
    ///
    /// # Errors
    /// A text of another form or type, or whose hash is not that of its name and key.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let refuse = || TrustError::WitnessKey {
            name: crate::identity::excerpt(text),
        };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refuse());
        };
        let sound = !name.is_empty() && !name.chars().any(char::is_whitespace);
        let key = countersign_formats::decode_base64(key, 64).ok_or_else(refuse)?;
        let key = match key.split_first() {
            Some((4, key)) if sound && key.len() == 32 => key,
            _ => return Err(refuse()),
        };
        let expected: String = witness_hint(name, key)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if expected != hash {
            return Err(refuse());
        }
        // RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this, then the key.
        let mut spki = vec![
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        spki.extend_from_slice(key);
        Ok(Self {
            name: name.to_owned(),
            key: PublicKey::from_spki_der(&spki).map_err(|_| refuse())?,
        })
    }
}

/// The key as [`Witness::parse`] reads it.
impl fmt::Display for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 8410: the key is what an Ed25519 SubjectPublicKeyInfo ends with.
        let key = self
            .key
            .spki()
            .last_chunk::<32>()
            .copied()
            .unwrap_or_default();
        write!(formatter, "{}+", self.name)?;
        for byte in witness_hint(&self.name, &key) {
            write!(formatter, "{byte:02x}")?;
        }
        let typed: Vec<u8> = std::iter::once(4).chain(key).collect();
        write!(formatter, "+{}", countersign_formats::encode_base64(&typed))
    }
}

/// C2SP signed-note: SHA-256(name, line feed, signature type, key); type 4 is a cosignature with its time.
fn witness_hint(name: &str, key: &[u8]) -> [u8; 4] {
    let mut identity = Vec::with_capacity(name.len() + 34);
    identity.extend_from_slice(name.as_bytes());
    identity.extend_from_slice(b"\n\x04");
    identity.extend_from_slice(key);
    let digest = sha256(&identity);
    digest
        .as_bytes()
        .first_chunk::<4>()
        .copied()
        .unwrap_or_default()
}

#[derive(Debug)]
pub(crate) struct PreparedWitness {
    pub(crate) name: String,
    pub(crate) hint: [u8; 4],
    pub(crate) key: VerifyingKey,
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

    /// The parts of trusted roots that are not used; asking verifies all chains of authorities.
    pub fn warnings(&self) -> &[TrustWarning] {
        self.warnings.get_or_init(|| {
            let authorities = self.authorities.warnings().iter();
            let timestamp_authorities = self.timestamp_authorities.warnings().iter();
            self.log_warnings
                .iter()
                .chain(authorities)
                .chain(timestamp_authorities)
                .cloned()
                .collect()
        })
    }

    /// The trusted keys, with their names.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (&KeyId, &TrustedKey)> {
        self.keys.iter().map(|key| (&key.id, &key.trusted))
    }

    /// Whether any certificate authority is trusted.
    pub fn has_keyless(&self) -> bool {
        !self.authorities.usable().is_empty()
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

    /// Trusts an own certificate authority by one list, DER, in any order: a certificate that names itself as its issuer is
    /// a root, every other is an intermediate below one.
    pub fn certificate_chain(self, certificates: Vec<Bytes>) -> Self {
        let (roots, intermediates) = certificates.into_iter().partition(|der| {
            Certificate::parse(der)
                .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
        });
        self.certificate_authority(roots, intermediates)
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

    /// Prepares the keys, and verifies the authorities that were given by hand; the chains of a trusted root's authorities
    /// are verified when the first piece of evidence needs them, once.
    ///
    /// # Errors
    /// [`TrustError`] when a key, authority or witness that was given by hand is not usable. Parts of a trusted root that
    /// are not usable are left out instead ([`TrustMaterial::warnings`]).
    pub fn build(self) -> Result<TrustMaterial, TrustError> {
        let digest = self.digest();
        let mut own = Vec::new();
        for (roots, intermediates) in &self.own {
            own.extend(own_authorities(roots, intermediates)?);
        }
        let instances = |of: fn(&TrustedRoot) -> &Vec<AuthorityInstance>| {
            self.roots.iter().flat_map(of).cloned().collect()
        };
        let mut material = TrustMaterial {
            keys: Vec::with_capacity(self.keys.len()),
            logs: Vec::new(),
            ct_logs: Vec::new(),
            authorities: Authorities::new(
                Purpose::CodeSigning,
                "certificate authority",
                instances(|root| &root.certificate_authorities),
            ),
            timestamp_authorities: Authorities::new(
                Purpose::TimeStamping,
                "timestamp authority",
                instances(|root| &root.timestamp_authorities),
            ),
            witnesses: Vec::new(),
            dangers: self.dangers,
            log_warnings: Vec::new(),
            warnings: OnceLock::new(),
            digest,
        };
        for key in self.keys {
            let key = PreparedKey::prepare(key)?;
            if !material.keys.iter().any(|other| other.same_as(&key)) {
                material.keys.push(key);
            }
        }
        material.authorities.add(own);
        for root in &self.roots {
            material.add_logs(root);
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
    fn add_logs(&mut self, root: &TrustedRoot) {
        for instance in &root.logs {
            match TrustedLog::prepare(instance, &self.logs) {
                Ok(log) => self.logs.push(log),
                Err(reason) => {
                    let warning = TrustWarning::new("log", &instance.base_url, reason);
                    self.log_warnings.push(warning);
                }
            }
        }
        for instance in &root.ct_logs {
            match TrustedLog::prepare(instance, &self.ct_logs) {
                Ok(log) => self.ct_logs.push(log),
                Err(reason) => {
                    let role = "certificate transparency log";
                    let warning = TrustWarning::new(role, &instance.base_url, reason);
                    self.log_warnings.push(warning);
                }
            }
        }
    }
}

/// Each root is an authority, and each intermediate with its way up to a root is one.
fn own_authorities(roots: &[Bytes], intermediates: &[Bytes]) -> Result<Vec<Authority>, TrustError> {
    if roots.is_empty() {
        return Err(TrustError::NoRoot);
    }
    let mut authorities = Vec::with_capacity(roots.len() + intermediates.len());
    for (position, root) in roots.iter().enumerate() {
        let authority =
            own_authority(std::slice::from_ref(root)).map_err(|fault| TrustError::Authority {
                role: "root",
                position,
                fault,
            })?;
        authorities.push(authority);
    }
    for (position, intermediate) in intermediates.iter().enumerate() {
        let refuse = |fault| TrustError::Authority {
            role: "intermediate",
            position,
            fault,
        };
        let chain = way_to_root(intermediate, roots, intermediates).map_err(refuse)?;
        authorities.push(own_authority(&chain).map_err(refuse)?);
    }
    Ok(authorities)
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

impl PreparedWitness {
    fn prepare(witness: Witness) -> Result<Self, TrustError> {
        let name = witness.name;
        if witness.key.kind() != KeyKind::Ed25519 {
            return Err(TrustError::WitnessKey { name });
        }
        let hint = witness_hint(&name, witness.key.raw());
        match VerifyingKey::prepare(&witness.key, [Algorithm::Ed25519]) {
            Some(key) => Ok(Self { name, hint, key }),
            None => Err(TrustError::WitnessKey { name }),
        }
    }
}
