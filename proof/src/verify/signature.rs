//! Whose signature it is: one of the possible signers', under one of the schemes of its key.

use super::opened::Material;
use super::signer::{Candidates, Identified, ProvenCertificate};
use super::{Question, Timed};
use crate::crypto::VerifyingKey;
use crate::identity;
use crate::key::Scheme;
use crate::message::SignedMessage;
use crate::moment::Moment;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::Check;
use crate::trust::{PreparedKey, TrustMaterial};
use countersign_formats::UnixTime;

/// A piece whose signature one signer made.
pub(super) struct Signed<'a> {
    pub(super) timed: Timed<'a>,
    pub(super) signer: ProvenSigner<'a>,
    pub(super) scheme: Scheme,
}

pub(super) enum ProvenSigner<'a> {
    Key(&'a PreparedKey),
    Certificate(Box<ProvenCertificate>),
}

pub(super) fn verify_signature<'a>(
    identified: Identified<'a>,
    question: &Question<'a>,
) -> Checked<Signed<'a>> {
    let Identified {
        mut timed,
        candidates,
    } = identified;
    let (message, signature) = (&timed.opened.message, timed.opened.signature);
    match candidates {
        Candidates::Certificate(proven) => {
            let schemes = Scheme::of(proven.certificate.key().kind());
            let refuse = || RejectReason::Signature {
                keys: 0,
                certificate: true,
                hint: None,
            };
            let scheme =
                find_scheme(message, &proven.key, schemes, signature)?.ok_or_else(refuse)?;
            timed
                .opened
                .checks
                .push(Check::CertificateSignature { scheme });
            Ok(Signed {
                timed,
                signer: ProvenSigner::Certificate(proven),
                scheme,
            })
        }
        Candidates::Keys(keys) => {
            let (mut found, mut unknown) = (Vec::new(), None);
            for key in &keys {
                match find_scheme(message, &key.verifying, &key.schemes, signature) {
                    Ok(Some(scheme)) => found.push((*key, scheme)),
                    Ok(None) => {}
                    Err(reason) => unknown = Some(reason),
                }
            }
            let (key, scheme) = match (key_in_window(&found, &timed.times, question.now), unknown) {
                (Some(Ok(found)), _) => found,
                (Some(Err(reason)), _) => return Err(reason),
                (None, Some(reason)) => return Err(reason),
                (None, None) => {
                    return Err(RejectReason::Signature {
                        keys: keys.len(),
                        certificate: false,
                        hint: unknown_hint(&timed.opened.material, question.trust),
                    }
                    .into());
                }
            };
            timed.opened.checks.push(Check::KeySignature {
                key: key.id,
                scheme,
            });
            let proven = timed.times.first();
            let time = proven.map_or(question.now, |moment| moment.latest);
            timed.opened.checks.push(Check::KeyWindow { time });
            Ok(Signed {
                timed,
                signer: ProvenSigner::Key(key),
                scheme,
            })
        }
    }
}

/// The piece's hint, where it names none of the trusted keys.
fn unknown_hint(material: &Material<'_>, trust: &TrustMaterial) -> Option<String> {
    match material {
        Material::Key { hint: Some(hint) }
            if !hint.is_empty() && trust.keys.iter().all(|key| key.hint != *hint) =>
        {
            Some(identity::excerpt(hint))
        }
        _ => None,
    }
}

/// The first of the key's schemes under which the signature is its own.
fn find_scheme(
    message: &SignedMessage<'_>,
    key: &VerifyingKey,
    schemes: &[Scheme],
    signature: &[u8],
) -> Checked<Option<Scheme>> {
    let mut unknown = None;
    for scheme in schemes {
        match message.is_signed(key, *scheme, signature) {
            Ok(true) => return Ok(Some(*scheme)),
            Ok(false) => {}
            Err(reason) => unknown = Some(reason),
        }
    }
    unknown.map_or(Ok(None), Err)
}

/// A016: every proven time must be inside the key's window, both ends included; without any, `now` must be.
///
/// A key may be trusted more than once, with several windows.
fn key_in_window<'a>(
    found: &[(&'a PreparedKey, Scheme)],
    moments: &[Moment],
    now: UnixTime,
) -> Option<Checked<(&'a PreparedKey, Scheme)>> {
    let mut outcome = None;
    for (key, scheme) in found {
        let window = key.trusted.valid;
        let outside = match moments {
            [] => (!window.contains(now)).then_some(now),
            moments => moments
                .iter()
                .flat_map(|moment| moment.ends())
                .find(|time| !window.contains(*time)),
        };
        match outside {
            None => return Some(Ok((key, *scheme))),
            Some(time) => {
                outcome = Some(Err(RejectReason::KeyWindow {
                    window,
                    time,
                    proven: !moments.is_empty(),
                }
                .into()));
            }
        }
    }
    outcome
}
