//! Authorities: chains of certificates whose links are verified once, and paths that lead from a leaf to them.

use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, VerifyingKey};
use crate::digest::sha256;
use crate::fault::CertificateFault;
use crate::moment::Moment;
use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm, KeyKind, PublicKey, Window};

/// Signatures by authorities that are tried for one leaf, whatever the evidence brings along (A150).
const SIGNATURE_TRIES: usize = 16;

/// A trusted authority: the certificate that issues first, its own issuer next, the anchor last.
///
/// The links between them were verified when the trust was made; their validity is judged at each proven time.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) name: String,
    /// Whether its owner gave it by hand, in contrast to a trusted root.
    pub(crate) own: bool,
    pub(crate) valid: Window,
    pub(crate) chain: Vec<Issuer>,
    /// A time stamping authority's signer, where the trust names it.
    pub(crate) signer: Option<Issuer>,
    pub(crate) id: Digest,
}

/// One certificate with its prepared key.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) certificate: Certificate,
    pub(crate) key: VerifyingKey,
    /// SHA-256 of the key's SPKI: what CT logs call `issuer_key_hash` (RFC 6962 §3.2).
    pub(crate) key_hash: Digest,
}

impl Issuer {
    pub(crate) fn new(certificate: Certificate) -> Result<Self, CertificateFault> {
        let key = verifying_key(certificate.key())?;
        let key_hash = sha256(certificate.key().spki());
        Ok(Self {
            certificate,
            key,
            key_hash,
        })
    }
}

/// A key prepared for the algorithm that its kind usually signs certificates and tokens with.
pub(crate) fn verifying_key(key: &PublicKey) -> Result<VerifyingKey, CertificateFault> {
    let usual = match key.kind() {
        KeyKind::EcdsaP256 => Algorithm::Ecdsa(HashAlgorithm::Sha256),
        KeyKind::EcdsaP384 => Algorithm::Ecdsa(HashAlgorithm::Sha384),
        KeyKind::EcdsaP521 => Algorithm::Ecdsa(HashAlgorithm::Sha512),
        KeyKind::Ed25519 => Algorithm::Ed25519,
        KeyKind::Rsa { .. } => Algorithm::RsaPkcs1(HashAlgorithm::Sha256),
    };
    VerifyingKey::prepare(key, [usual]).ok_or(CertificateFault::Key)
}

impl Authority {
    /// Verifies the links of a chain, the anchor last, and prepares its keys.
    ///
    /// A time stamping chain may start with the authority's signer; every other certificate is an authority's.
    pub(crate) fn prepare(
        name: String,
        own: bool,
        valid: Window,
        purpose: Purpose,
        chain: &[Bytes],
    ) -> Result<Self, CertificateFault> {
        let mut certificates = Vec::with_capacity(chain.len());
        for der in chain {
            certificates.push(Certificate::parse(der)?);
        }
        let id = certificates
            .first()
            .map(Certificate::fingerprint)
            .ok_or(CertificateFault::Untrusted)?;
        let signer = match certificates.first() {
            Some(first) if purpose == Purpose::TimeStamping && !first.is_authority() => {
                first.check_signer(purpose)?;
                Some(certificates.remove(0))
            }
            _ => None,
        };
        for (below, certificate) in certificates.iter().enumerate() {
            certificate.check_authority(purpose, below)?;
        }
        let chain = certificates
            .into_iter()
            .map(Issuer::new)
            .collect::<Result<Vec<_>, _>>()?;
        let mut lower = signer.as_ref();
        for issuer in &chain {
            if let Some(certificate) = lower {
                check_issued(certificate, issuer)?;
            }
            lower = Some(&issuer.certificate);
        }
        // An authority without any certificate above its signer is anchored in the signer itself: too little to trust.
        if chain.is_empty() {
            return Err(CertificateFault::NotAuthority);
        }
        let signer = signer.map(Issuer::new).transpose()?;
        Ok(Self {
            name,
            own,
            valid,
            chain,
            signer,
            id,
        })
    }

    /// Fails unless the authority, and its certificates from `position` up to the anchor, are valid at `moment`.
    pub(crate) fn check_time(
        &self,
        position: usize,
        moment: Moment,
    ) -> Result<(), CertificateFault> {
        let time = moment.stated;
        if !self.valid.contains(time) {
            return Err(CertificateFault::AuthorityWindow {
                window: self.valid,
                time,
            });
        }
        self.chain.iter().skip(position).try_for_each(|issuer| {
            moment
                .ends()
                .try_for_each(|time| issuer.certificate.check_time(time))
        })
    }
}

/// Fails unless `issuer` is named as the issuer of `certificate` and signed it.
fn check_issued(certificate: &Certificate, issuer: &Issuer) -> Result<(), CertificateFault> {
    if certificate.issuer() != issuer.certificate.subject() {
        return Err(CertificateFault::Untrusted);
    }
    certificate.check_signature(&issuer.key)
}

/// A path from a leaf to an anchor, valid at every time it was asked for.
#[derive(Debug)]
pub(crate) struct Path<'a> {
    pub(crate) authority: &'a Authority,
    /// The key hash of the certificate that issued the leaf.
    pub(crate) issuer_key_hash: Digest,
    /// Certificates from the leaf to the anchor, both counted.
    pub(crate) length: usize,
}

/// A certificate of a path that is not acceptable, with its position: 0 is the leaf.
pub(crate) type PathFault = (usize, CertificateFault);

/// Follows a leaf to a trusted authority: directly, or through the certificates that the evidence brings along, in order;
/// how many those may be is limited where they are read.
///
/// Everything on the path must be valid at each of `moments`: a chain that was valid when the leaf was issued and is not at
/// the proven time does not count (A012).
pub(crate) fn find_path<'a>(
    leaf: &Certificate,
    intermediates: &[Bytes],
    purpose: Purpose,
    authorities: &'a [Authority],
    moments: &[Moment],
) -> Result<Path<'a>, PathFault> {
    let times = || moments.iter().flat_map(|moment| moment.ends());
    for time in times() {
        leaf.check_time(time).map_err(|fault| (0, fault))?;
    }
    if purpose == Purpose::CodeSigning {
        refuse_foreign_roots(intermediates, authorities)?;
    }
    let mut tries = SIGNATURE_TRIES;
    let mut issuer_key_hash = None;
    let mut between: Vec<Issuer> = Vec::new();
    let mut rest = intermediates.iter();
    loop {
        let below = between.len();
        let current = between.last().map_or(leaf, |issuer| &issuer.certificate);
        match trusted_issuer(current, below, authorities, moments, &mut tries) {
            Found::Issuer(authority, position) => {
                let issuer = authority.chain.get(position).map(|issuer| issuer.key_hash);
                let issuer_key_hash = issuer_key_hash
                    .or(issuer)
                    .ok_or((0, CertificateFault::Untrusted))?;
                let length = 1 + below + authority.chain.len() - position;
                return Ok(Path {
                    authority,
                    issuer_key_hash,
                    length,
                });
            }
            Found::Unacceptable(fault) => return Err((below + 1, fault)),
            Found::None => {}
        }
        let Some(next) = rest.next() else {
            return Err((below, CertificateFault::Untrusted));
        };
        let position = below + 1;
        let next = Certificate::parse(next).map_err(|fault| (position, fault))?;
        next.check_authority(purpose, below)
            .map_err(|fault| (position, fault))?;
        for time in times() {
            next.check_time(time).map_err(|fault| (position, fault))?;
        }
        let next = Issuer::new(next).map_err(|fault| (position, fault))?;
        check_issued(current, &next).map_err(|fault| (below, fault))?;
        issuer_key_hash = issuer_key_hash.or(Some(next.key_hash));
        between.push(next);
    }
}

/// Evidence must not bring a root of its own, even beside a path that needs none of it: whoever reads it elsewhere may take
/// it for one (the bundle's specification: signers must not include root certificates). One that the trust has as well is
/// only superfluous, as in bundles of 2022.
fn refuse_foreign_roots(
    intermediates: &[Bytes],
    authorities: &[Authority],
) -> Result<(), PathFault> {
    for (above, der) in intermediates.iter().enumerate() {
        let known = authorities
            .iter()
            .flat_map(|authority| &authority.chain)
            .any(|issuer| issuer.certificate.der() == der);
        // What can't be read is no root, and fails where a path needs it.
        if !known
            && let Ok(certificate) = Certificate::parse(der)
            && certificate.subject() == certificate.issuer()
            && verifying_key(certificate.key())
                .is_ok_and(|key| certificate.check_signature(&key).is_ok())
        {
            return Err((above + 1, CertificateFault::Untrusted));
        }
    }
    Ok(())
}

/// The certificates above a leaf, ordered by name: each is named as the issuer of the one before.
///
/// For sets without order, such as a token's; names alone prove nothing, [`find_path`] verifies what this orders.
pub(crate) fn in_order(leaf: &Certificate, unordered: &[Bytes]) -> Vec<Bytes> {
    let mut left: Vec<(Certificate, &Bytes)> = unordered
        .iter()
        .filter_map(|der| {
            Certificate::parse(der)
                .ok()
                .map(|certificate| (certificate, der))
        })
        .collect();
    let mut ordered = Vec::with_capacity(left.len());
    let mut issuer = leaf.issuer().clone();
    while let Some(position) = left
        .iter()
        .position(|(certificate, _)| *certificate.subject() == issuer)
    {
        let (certificate, der) = left.swap_remove(position);
        issuer = certificate.issuer().clone();
        ordered.push(der.clone());
    }
    ordered
}

enum Found<'a> {
    Issuer(&'a Authority, usize),
    /// It was issued by a trusted authority that does not count at these times, or not for this.
    Unacceptable(CertificateFault),
    None,
}

fn trusted_issuer<'a>(
    certificate: &Certificate,
    below: usize,
    authorities: &'a [Authority],
    moments: &[Moment],
    tries: &mut usize,
) -> Found<'a> {
    let mut fault = None;
    for authority in authorities {
        for (position, issuer) in authority.chain.iter().enumerate() {
            if issuer.certificate.subject() != certificate.issuer() || *tries == 0 {
                continue;
            }
            *tries -= 1;
            match certificate.check_signature(&issuer.key) {
                Ok(()) => {}
                // A foreign certificate with an authority's name; another authority may have the same name.
                Err(CertificateFault::Signature) => continue,
                Err(other) => {
                    fault.get_or_insert(other);
                    continue;
                }
            }
            let acceptable = moments
                .iter()
                .try_for_each(|moment| authority.check_time(position, *moment))
                .and_then(|()| check_path_lengths(authority, position, below));
            match acceptable {
                Ok(()) => return Found::Issuer(authority, position),
                Err(other) => fault = Some(other),
            }
        }
    }
    fault.map_or(Found::None, Found::Unacceptable)
}

/// The chain was prepared for signers right below its first certificate; a path that has more must fit as well.
fn check_path_lengths(
    authority: &Authority,
    position: usize,
    below: usize,
) -> Result<(), CertificateFault> {
    for (above, issuer) in authority.chain.iter().skip(position).enumerate() {
        if let Some(maximum) = issuer.certificate.path_length()
            && (above + below) as u64 > maximum
        {
            return Err(CertificateFault::PathLength { maximum });
        }
    }
    Ok(())
}
