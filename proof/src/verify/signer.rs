//! Who may have signed: trusted keys, or a certificate that holds at every proven time.

use super::opened::{Material, Opened};
use super::{Question, Timed};
use crate::authority::{self, Path};
use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, VerifyingKey};
use crate::dangers::Danger;
use crate::fault::CertificateFault;
use crate::identity::{self, CertificateIdentity, X509Identity};
use crate::key::Scheme;
use crate::moment::Moment;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::{Check, LogId};
use crate::sct;
use crate::trust::{PreparedKey, TrustMaterial};
use crate::verified::Signer;
use bytes::Bytes;
use countersign_formats::UnixTime;

/// A piece whose possible signers are known and acceptable at every proven time.
pub(super) struct Identified<'a> {
    pub(super) timed: Timed<'a>,
    pub(super) candidates: Candidates<'a>,
}

pub(super) enum Candidates<'a> {
    Keys(Vec<&'a PreparedKey>),
    Certificate(Box<ProvenCertificate>),
}

/// A certificate that a trusted authority issued for code signing, valid at every proven time.
pub(super) struct ProvenCertificate {
    pub(super) certificate: Certificate,
    pub(super) key: VerifyingKey,
    pub(super) signer: Signer,
    pub(super) scts: Vec<LogId>,
}

pub(super) fn identify_signer<'a>(
    mut timed: Timed<'a>,
    question: &Question<'a>,
) -> Checked<Identified<'a>> {
    let candidates = match timed.opened.material {
        Material::Key { hint } => Candidates::Keys(candidate_keys(hint, question.trust)?),
        Material::Certificate {
            leaf,
            intermediates,
        } => Candidates::Certificate(Box::new(prove_certificate(
            leaf,
            intermediates,
            &mut timed,
            question,
        )?)),
    };
    Ok(Identified { timed, candidates })
}

/// The key that the hint names, else every key; a hint is never more than that (N-34).
fn candidate_keys<'a>(
    hint: Option<&str>,
    trust: &'a TrustMaterial,
) -> Checked<Vec<&'a PreparedKey>> {
    let named: Vec<_> = trust
        .keys
        .iter()
        .filter(|key| Some(key.hint.as_str()) == hint)
        .collect();
    if !named.is_empty() {
        return Ok(named);
    }
    if trust.keys.is_empty() {
        let hint = hint.filter(|hint| !hint.is_empty()).map(identity::excerpt);
        return Err(RejectReason::KeyNotTrusted { hint, trusted: 0 }.into());
    }
    Ok(trust.keys.iter().collect())
}

fn prove_certificate(
    leaf: &Bytes,
    intermediates: &[Bytes],
    timed: &mut Timed<'_>,
    question: &Question<'_>,
) -> Checked<ProvenCertificate> {
    let Question { trust, now, .. } = *question;
    let refuse = |(position, fault)| Box::new(RejectReason::Certificate { position, fault });
    if trust.authorities.usable().is_empty() {
        return Err(refuse((0, CertificateFault::NoAuthorities)));
    }
    let certificate = Certificate::parse(leaf).map_err(|fault| refuse((0, fault)))?;
    certificate
        .check_signer(Purpose::CodeSigning)
        .map_err(|fault| refuse((0, fault)))?;
    let named = identity::read(&certificate).map_err(|fault| refuse((0, fault)))?;
    timed.opened.checks.push(Check::CertificateUse {
        fingerprint: certificate.fingerprint(),
    });

    let judged_at = times_to_judge_at(timed, trust, now)?;
    let path = authority::find_path(
        &certificate,
        intermediates,
        Purpose::CodeSigning,
        trust.authorities.usable(),
        &judged_at,
    )
    .map_err(refuse)?;
    for time in judged_at.iter().flat_map(|moment| moment.ends()) {
        timed.opened.checks.push(Check::CertificatePath {
            length: path.length,
            time,
        });
    }

    let scts = if trust.dangers.ignore_sct {
        timed.opened.dangers.push(Danger::IgnoreSct);
        timed.opened.checks.push(Check::Weakened(Danger::IgnoreSct));
        Vec::new()
    } else {
        sct::check(
            &certificate,
            &path.issuer_key_hash,
            &trust.ct_logs,
            now,
            &mut timed.opened.checks,
        )?
    };

    let schemes = Scheme::of(certificate.key().kind());
    let key = VerifyingKey::prepare(
        certificate.key(),
        schemes.first().copied().map(Algorithm::of),
    )
    .ok_or_else(|| refuse((0, CertificateFault::Key)))?;
    let signer = signer(&certificate, named, &path).map_err(|fault| refuse((0, fault)))?;
    Ok(ProvenCertificate {
        certificate,
        key,
        signer,
        scts,
    })
}

/// A certificate is judged at all proven times, not at one of them (TOB-SIGSTORE-4, N-80), and never quietly at `now`.
fn times_to_judge_at(
    timed: &mut Timed<'_>,
    trust: &TrustMaterial,
    now: UnixTime,
) -> Checked<Vec<Moment>> {
    if !timed.times.is_empty() {
        return Ok(timed.times.clone());
    }
    if !trust.dangers.judge_certificates_now {
        let Opened {
            entries,
            timestamps,
            checks,
            ..
        } = &timed.opened;
        let count =
            |wanted: fn(&Check) -> bool| checks.iter().filter(|check| wanted(check)).count();
        return Err(RejectReason::NoProvenTime {
            entries: entries.len(),
            unknown_logs: count(|check| matches!(check, Check::UnknownLog { .. })),
            timestamps: timestamps.len(),
            unknown_authorities: count(|check| {
                matches!(check, Check::UnknownTimestampAuthority { .. })
            }),
        }
        .into());
    }
    timed.opened.dangers.push(Danger::JudgeCertificatesNow);
    timed
        .opened
        .checks
        .push(Check::Weakened(Danger::JudgeCertificatesNow));
    Ok(vec![Moment::exact(now)])
}

fn signer(
    certificate: &Certificate,
    named: identity::Named,
    path: &Path<'_>,
) -> Result<Signer, CertificateFault> {
    let authority = path.authority.name.clone();
    let (serial, fingerprint) = (certificate.serial_hex(), certificate.fingerprint());
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    match named.san {
        Some(san) => Ok(Signer::Fulcio(Box::new(CertificateIdentity {
            san,
            issuer: named.issuer,
            extensions: named.extensions,
            serial,
            not_before,
            not_after,
            fingerprint,
            authority,
        }))),
        // Only an own authority may issue to nobody: its owner knows its certificates by other marks.
        None if path.authority.own && !named.is_fulcio() => {
            Ok(Signer::X509(Box::new(X509Identity {
                san: None,
                serial,
                not_before,
                not_after,
                fingerprint,
                authority,
            })))
        }
        None => Err(CertificateFault::NoName),
    }
}
