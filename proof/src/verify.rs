//! The one road from a piece of evidence to a proof: each step takes what the step before it proved.

use crate::authority::{self, Path};
use crate::certificate::{Certificate, Purpose};
use crate::claim::Claim;
use crate::crypto::{Algorithm, VerifyingKey};
use crate::dangers::Danger;
use crate::evidence::{Held, Unverified};
use crate::fault::CertificateFault;
use crate::identity::{self, CertificateIdentity, X509Identity};
use crate::key::Scheme;
use crate::log::{self, Circumstances, KnownEntry};
use crate::log_binding::{Logged, LoggedSigner};
use crate::message::SignedMessage;
use crate::naming;
use crate::rejected::{Checked, RejectReason, Rejected};
use crate::report::{Check, LogId, VerificationReport};
use crate::sct;
use crate::subject::Subject;
use crate::timestamp;
use crate::trust::{PreparedKey, TrustMaterial};
use crate::verified::{Dated, ProvenEntry, ProvenTimestamp, Signer, Verified};
use bytes::Bytes;
use countersign_formats::{BundleContent, Envelope, KeyMaterial, LogEntry, UnixTime, media_types};
use std::sync::Arc;

/// Proves that a trusted signer made the piece's claim about `subject`, and at which times.
///
/// Everything that can be checked must be right: a log entry or timestamp of an instance that the trust does not know is
/// noted in the report and not counted, one that is known and wrong rejects the piece. How many logs, timestamps and
/// certificate timestamps are enough is for the caller to judge on the proof.
///
/// # Errors
/// [`Rejected`], with the first check that failed.
pub fn verify(
    piece: &Unverified,
    subject: &Subject,
    trust: &TrustMaterial,
    now: UnixTime,
) -> Result<Verified, Rejected> {
    let question = Question {
        subject,
        trust,
        now,
    };
    let mut outcome = prove(piece, 0, &question);
    // Only an envelope outside of a bundle has several signatures; each stands alone, with its own times and entries.
    if let Unverified::Dsse(dsse) = piece {
        for signature in 1..dsse.envelope.signatures.len() {
            if outcome.is_ok() {
                break;
            }
            outcome = prove(piece, signature, &question).or(outcome);
        }
    }
    outcome.map_err(|reason| {
        let unproven = piece.peek();
        let signer = unproven.unverified_signer();
        Rejected::new(*reason, piece.origin().clone()).about(
            piece.digest(),
            unproven.unverified_claim,
            Some(signer),
        )
    })
}

/// What is asked of every piece.
struct Question<'a> {
    subject: &'a Subject,
    trust: &'a TrustMaterial,
    now: UnixTime,
}

/// The road itself.
fn prove(piece: &Unverified, signature: usize, question: &Question<'_>) -> Checked<Verified> {
    let opened = open(piece, signature, question)?;
    let timed = establish_times(opened, question)?;
    let identified = identify_signer(timed, question)?;
    let signed = verify_signature(identified, question)?;
    let logged = prove_entries(signed, question)?;
    name_subject(logged, question)
}

/// A piece taken apart; nothing is proven.
struct Opened<'a> {
    held: &'a Arc<Held>,
    content: Content<'a>,
    message: SignedMessage<'a>,
    signature: &'a Bytes,
    material: Material<'a>,
    entries: &'a [LogEntry],
    timestamps: &'a [Bytes],
    /// Bundles must prove inclusion whatever version they say they are; older forms carry promises.
    inclusion_required: bool,
    checks: Vec<Check>,
    dangers: Vec<Danger>,
}

enum Content<'a> {
    Envelope(&'a Envelope),
    SimpleSigning(&'a Bytes),
    Message,
}

enum Material<'a> {
    Key {
        hint: Option<&'a str>,
    },
    Certificate {
        leaf: &'a Bytes,
        intermediates: &'a [Bytes],
    },
}

fn open<'a>(
    piece: &'a Unverified,
    signature: usize,
    question: &Question<'a>,
) -> Checked<Opened<'a>> {
    let (held, content, signed, material, entries, timestamps) = match piece {
        Unverified::Bundle(piece) => {
            let bundle = &piece.bundle;
            let material = match &bundle.material {
                KeyMaterial::PublicKey { hint } => Material::Key { hint: Some(hint) },
                KeyMaterial::Certificate(leaf) => Material::Certificate {
                    leaf,
                    intermediates: &[],
                },
                KeyMaterial::Chain(chain) => match chain.split_first() {
                    Some((leaf, intermediates)) => Material::Certificate {
                        leaf,
                        intermediates,
                    },
                    None => {
                        let fault = CertificateFault::Malformed {
                            what: "chain: it is empty",
                        };
                        return Err(RejectReason::Certificate { position: 0, fault }.into());
                    }
                },
            };
            let (content, signature) = match &bundle.content {
                BundleContent::Dsse(envelope) => (
                    Content::Envelope(envelope),
                    only_signature(envelope, signature)?,
                ),
                BundleContent::Message { digest, signature } => {
                    naming::compare_message_digest(digest.as_ref(), question.subject)?;
                    (Content::Message, signature)
                }
            };
            (
                &piece.held,
                content,
                signature,
                material,
                bundle.log_entries.as_slice(),
                bundle.timestamps.as_slice(),
            )
        }
        Unverified::SimpleSigning(piece) => {
            let annotations = &piece.annotations;
            let material =
                annotated_material(annotations.certificate.as_ref(), &annotations.chain, None);
            let (entries, timestamps) = (
                annotations.entry.as_slice(),
                annotations.timestamp.as_slice(),
            );
            (
                &piece.held,
                Content::SimpleSigning(&piece.held.bytes),
                &piece.signature,
                material,
                entries,
                timestamps,
            )
        }
        Unverified::Dsse(piece) => {
            let annotations = &piece.annotations;
            let keyid = piece
                .envelope
                .signatures
                .get(signature)
                .and_then(|signature| signature.keyid.as_deref());
            let material =
                annotated_material(annotations.certificate.as_ref(), &annotations.chain, keyid);
            let (entries, timestamps) = (
                annotations.entry.as_slice(),
                annotations.timestamp.as_slice(),
            );
            let signature = only_signature(&piece.envelope, signature)?;
            (
                &piece.held,
                Content::Envelope(&piece.envelope),
                signature,
                material,
                entries,
                timestamps,
            )
        }
        Unverified::Notation(_) => {
            return Err(RejectReason::UnsupportedForm {
                form: "a notation signature",
            }
            .into());
        }
    };
    let message = match content {
        Content::Envelope(envelope) => {
            // N-30: a closed list of one.
            if envelope.payload_type != media_types::IN_TOTO_PAYLOAD {
                let found = identity::excerpt(&envelope.payload_type);
                return Err(RejectReason::PayloadType {
                    found,
                    expected: media_types::IN_TOTO_PAYLOAD,
                }
                .into());
            }
            SignedMessage::envelope(&envelope.payload_type, &envelope.payload)
        }
        Content::SimpleSigning(payload) => SignedMessage::payload(payload),
        Content::Message => SignedMessage::subject(question.subject, held.limits.bundle_bytes),
    };
    Ok(Opened {
        held,
        content,
        message,
        signature: signed,
        material,
        entries,
        timestamps,
        inclusion_required: matches!(piece, Unverified::Bundle(_)),
        checks: Vec::with_capacity(16),
        dangers: Vec::new(),
    })
}

fn only_signature(envelope: &Envelope, position: usize) -> Checked<&Bytes> {
    match envelope.signatures.get(position) {
        Some(signature) => Ok(&signature.signature),
        None => Err(RejectReason::SignatureCount {
            found: envelope.signatures.len(),
            expected: "at least one",
        }
        .into()),
    }
}

fn annotated_material<'a>(
    leaf: Option<&'a Bytes>,
    chain: &'a [Bytes],
    hint: Option<&'a str>,
) -> Material<'a> {
    match leaf {
        Some(leaf) => Material::Certificate {
            leaf,
            intermediates: chain,
        },
        None => Material::Key { hint },
    }
}

/// A piece with the times that logs and authorities prove for its signature.
struct Timed<'a> {
    opened: Opened<'a>,
    entries: Vec<KnownEntry<'a>>,
    timestamps: Vec<ProvenTimestamp>,
    /// All proven times, as bounds: the signature was made no later than each.
    times: Vec<UnixTime>,
}

fn establish_times<'a>(mut opened: Opened<'a>, question: &Question<'a>) -> Checked<Timed<'a>> {
    let Question { trust, now, .. } = *question;
    let entries = if trust.dangers.ignore_log {
        // TOB-SIGSTORE-2, -3: an entry that is not checked proves no time.
        opened.dangers.push(Danger::IgnoreLog);
        opened.checks.push(Check::Weakened(Danger::IgnoreLog));
        Vec::new()
    } else {
        log::known_entries(opened.entries, trust, now, &mut opened.checks)?
    };
    let (limits, signature) = (&opened.held.limits, opened.signature);
    let timestamps = timestamp::prove(
        opened.timestamps,
        signature,
        trust,
        limits,
        now,
        &mut opened.checks,
    )?;
    let times = entries
        .iter()
        .filter_map(|entry| entry.integrated_time)
        .chain(timestamps.iter().map(|timestamp| timestamp.no_later_than))
        .collect();
    Ok(Timed {
        opened,
        entries,
        timestamps,
        times,
    })
}

/// A piece whose possible signers are known and acceptable at every proven time.
struct Identified<'a> {
    timed: Timed<'a>,
    candidates: Candidates<'a>,
}

enum Candidates<'a> {
    Keys(Vec<&'a PreparedKey>),
    Certificate(Box<ProvenCertificate>),
}

/// A certificate that a trusted authority issued for code signing, valid at every proven time.
struct ProvenCertificate {
    certificate: Certificate,
    key: VerifyingKey,
    signer: Signer,
    scts: Vec<LogId>,
}

fn identify_signer<'a>(mut timed: Timed<'a>, question: &Question<'a>) -> Checked<Identified<'a>> {
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
    let maximum = timed.opened.held.limits.certificates;
    let path = authority::find_path(
        &certificate,
        intermediates,
        maximum,
        Purpose::CodeSigning,
        trust.authorities.usable(),
        &judged_at,
    )
    .map_err(refuse)?;
    for time in &judged_at {
        timed.opened.checks.push(Check::CertificatePath {
            length: path.length,
            time: *time,
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
) -> Checked<Vec<UnixTime>> {
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
    Ok(vec![now])
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

/// A piece whose signature one signer made.
struct Signed<'a> {
    timed: Timed<'a>,
    signer: ProvenSigner<'a>,
    scheme: Scheme,
}

enum ProvenSigner<'a> {
    Key(&'a PreparedKey),
    Certificate(Box<ProvenCertificate>),
}

fn verify_signature<'a>(
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
            let time = timed.times.first().copied().unwrap_or(question.now);
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
    times: &[UnixTime],
    now: UnixTime,
) -> Option<Checked<(&'a PreparedKey, Scheme)>> {
    let mut outcome = None;
    for (key, scheme) in found {
        let window = key.trusted.valid;
        let outside = match times {
            [] => (!window.contains(now)).then_some(now),
            times => times.iter().copied().find(|time| !window.contains(*time)),
        };
        match outside {
            None => return Some(Ok((key, *scheme))),
            Some(time) => {
                outcome = Some(Err(RejectReason::KeyWindow {
                    window,
                    time,
                    proven: !times.is_empty(),
                }
                .into()));
            }
        }
    }
    outcome
}

/// A signed piece whose log entries, as far as the trust knows their logs, are about this signature and in their logs.
struct LoggedPiece<'a> {
    signed: Signed<'a>,
    logs: Vec<ProvenEntry>,
    witnesses: Vec<String>,
}

fn prove_entries<'a>(mut signed: Signed<'a>, question: &Question<'a>) -> Checked<LoggedPiece<'a>> {
    let mut checks = std::mem::take(&mut signed.timed.opened.checks);
    let opened = &signed.timed.opened;
    let logged = Logged {
        message: &opened.message,
        envelope: match opened.content {
            Content::Envelope(envelope) => Some(envelope),
            Content::SimpleSigning(_) | Content::Message => None,
        },
        signature: opened.signature,
        signer: match &signed.signer {
            ProvenSigner::Key(key) => LoggedSigner::Key(key.trusted.key.spki()),
            ProvenSigner::Certificate(proven) => {
                LoggedSigner::Certificate(proven.certificate.der())
            }
        },
        scheme: signed.scheme,
    };
    let circumstances = Circumstances {
        held: opened.held,
        trust: question.trust,
        now: question.now,
        times: &signed.timed.times,
        inclusion_required: opened.inclusion_required,
    };
    let mut witnesses = Vec::new();
    let logs = log::prove_entries(
        &signed.timed.entries,
        &logged,
        &circumstances,
        &mut witnesses,
        &mut checks,
    )?;
    signed.timed.opened.checks = checks;
    Ok(LoggedPiece {
        signed,
        logs,
        witnesses,
    })
}

/// The claim is read only now, from the bytes that the signature was verified over, and must name the subject.
fn name_subject(logged: LoggedPiece<'_>, question: &Question<'_>) -> Checked<Verified> {
    let LoggedPiece {
        signed: Signed {
            timed,
            signer,
            scheme,
        },
        logs,
        witnesses,
    } = logged;
    let Timed {
        opened,
        timestamps,
        times,
        ..
    } = timed;
    let mut checks = opened.checks;
    let (claim, named) = match opened.content {
        Content::Envelope(envelope) => {
            naming::statement_about(envelope, question.subject, opened.held)?
        }
        Content::SimpleSigning(payload) => naming::simple_signing_about(payload, question.subject)?,
        Content::Message => {
            let digest = question.subject.digest();
            (Claim::Message { digest }, digest)
        }
    };
    checks.push(Check::SubjectNamed { digest: named });
    let (signer, scts, not_before) = match signer {
        ProvenSigner::Key(key) => (Signer::Key(key.id), Vec::new(), None),
        ProvenSigner::Certificate(proven) => {
            let not_before = proven.certificate.not_before();
            (proven.signer, proven.scts, Some(not_before))
        }
    };
    let dated = match times.iter().min() {
        Some(earliest) => Dated::Within {
            not_before,
            not_after: *earliest,
        },
        None => Dated::Undated,
    };
    Ok(Verified {
        held: Arc::clone(opened.held),
        claim,
        signer,
        scheme,
        dated,
        logs,
        timestamps,
        scts,
        witnesses,
        via: Vec::new(),
        report: VerificationReport { checks },
        dangers: opened.dangers,
        subject: question.subject.digest(),
        trust: question.trust.digest(),
    })
}
