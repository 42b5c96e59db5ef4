//! `migrate`: evidence under `.sig` and `.att` tags as bundles, as far as it can truly be one.

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, Descriptor, Digest, Envelope, KeyMaterial,
    LegacyAnnotations, Limits, LogEntry, Manifest, media_types,
};
use countersign_policy::PolicySet;
use countersign_proof::{KeyId, Rejected, Verified, digest};
use countersign_registry::replicate::{Extent, Piece, Role, Scope, survey};
use countersign_registry::{Depot, Resolved, Store, Target, open_depot, publish};
use countersign_services::{Client, Rekor, RekorVersion, ServiceError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Done;
use crate::arguments::Migrate;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::judging::Judging;
use crate::signatory::service_settings;
use crate::staged::Staged;
use crate::trust::{self, Wanted};
use crate::{clock, images, moving, stores};

/// What became of one layer.
struct Layer {
    tag: String,
    digest: Digest,
    predicate_type: Option<String>,
    outcome: &'static str,
    why: Option<Why>,
    bundle: Option<Digest>,
}

/// Why a layer stays what it is, or what its bundle lacks.
enum Why {
    /// It cannot be a bundle, or not with everything that it has.
    Not(&'static str),
    /// The bundle that it would be does not verify.
    Refused(String),
    /// The log could not be asked, or answered with something of no use: nothing is known.
    Unanswered(Box<ServiceError>),
}

impl Why {
    fn words(&self) -> String {
        match self {
            Self::Not(words) => (*words).to_owned(),
            Self::Refused(reason) => format!("as a bundle it does not verify: {reason}"),
            Self::Unanswered(error) => format!("its inclusion proof is not known: {error}"),
        }
    }
}

/// A manifest under a tag needs a new signature to become a statement.
const SIMPLE: &str = "a simple-signing payload is no statement: sign the image again";
const PROMISE: &str = "its log entry has a promise and no inclusion proof, which a bundle must have: name the log with `--rekor-url`";
const SEVERAL: &str = "the envelope has more or fewer signatures than the one that a bundle takes";
const GARBAGE: &str = "it is no envelope, or its annotations cannot be read";
const UNPROVEN: &str = "it does not count under the trust that is given";
/// Tags carry both kinds of timestamp, bundles one.
const UNDATED: &str = "without its timestamp, which is over the envelope, where a bundle's is over the signature; the log's time stays";

/// The code of a timestamp over other bytes than those that it has to be over.
const MISDATED: &str = "timestamp-imprint";

/// How bundles were judged.
enum Judged {
    /// This one counts.
    Counts(Digest, Box<Verified>),
    /// None counts; those that prove nothing say why.
    Not(Vec<Rejected>),
}

pub(crate) fn run(arguments: &Migrate, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let trust = &arguments.trust;
    let policies = trust::policy(context, trust, Wanted::Statement(None), false, &[])?;
    if trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let hints = hints(&policies);
    let log = log(context, arguments.rekor_url.as_deref())?;
    let reference = stores::reference(&arguments.image)?;
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let depot = open_depot(&reference, &settings)?;
    let root = runtime.block_on(depot.resolve(&stores::target(&reference)))?;
    let name = images::pinned(&reference, &root.descriptor.digest);
    let found = runtime.block_on(survey(
        &*depot,
        Extent::Whole(root),
        &Scope::Everything,
        &settings.limits,
    ))?;
    let verifier = Judging::of_files(context, policies, trust, &[])?.passing_on(context, true)?;
    let created = clock::creation_time(context.environment("SOURCE_DATE_EPOCH"), context.now)?;
    let mut layers = Vec::new();
    for piece in &found.pieces {
        let (Role::Tagged { subject, tag }, Manifest::Image(manifest)) =
            (&piece.role, &piece.resolved.manifest)
        else {
            continue;
        };
        let about = found
            .pieces
            .iter()
            .find(|other| other.resolved.descriptor.digest == *subject);
        let Some(image) = about.map(|about| &about.resolved) else {
            continue;
        };
        for layer in &manifest.layers {
            let mut entry = Layer {
                tag: tag.clone(),
                digest: layer.digest,
                predicate_type: layer.annotations.get("predicateType").cloned(),
                outcome: "kept",
                why: None,
                bundle: None,
            };
            let envelope = match envelope(&runtime, &*depot, layer)? {
                Ok(envelope) => envelope,
                Err(why) => {
                    entry.why = Some(Why::Not(why));
                    layers.push(entry);
                    continue;
                }
            };
            // A log's proofs are other ones every day, so that a bundle is not looked for by its digest.
            let same = bundles(&runtime, &*depot, &found.pieces, subject, &envelope)?;
            if let Judged::Counts(bundle, _) = prove(&runtime, context, &verifier, image, &same)? {
                entry.outcome = "there already";
                entry.bundle = Some(bundle);
                layers.push(entry);
                continue;
            }
            match draft(&runtime, log.as_ref(), layer, envelope, &hints) {
                Err(why) => entry.why = Some(why),
                Ok(mut draft) => {
                    let mut judged = prove(&runtime, context, &verifier, image, &draft.bundles())?;
                    if let Judged::Not(rejected) = &judged
                        && rejected.iter().any(|piece| piece.code() == MISDATED)
                        && !draft.log_entries.is_empty()
                    {
                        draft.timestamps.clear();
                        entry.why = Some(Why::Not(UNDATED));
                        judged = prove(&runtime, context, &verifier, image, &draft.bundles())?;
                    }
                    match judged {
                        Judged::Not(rejected) => {
                            let why = rejected
                                .first()
                                .map(|first| Why::Refused(first.to_string()));
                            entry.why = Some(why.unwrap_or(Why::Not(UNPROVEN)));
                        }
                        Judged::Counts(bundle, verified) => {
                            entry.bundle = Some(bundle);
                            entry.outcome = "would be converted";
                            if arguments.yes {
                                let store: &dyn Store = &*depot;
                                let image = &image.descriptor;
                                runtime.block_on(publish(store, image, &verified, created))?;
                                entry.outcome = "converted";
                            }
                        }
                    }
                }
            }
            layers.push(entry);
        }
    }
    Ok(report(context, &name, arguments.yes, &layers))
}

/// The hints under which the keys of a policy are named in bundles.
fn hints(policies: &PolicySet) -> Vec<String> {
    let keys = policies.keys();
    keys.iter().map(|key| KeyId::of(&key.key).hint()).collect()
}

/// The log that is asked for proofs, if one was named.
fn log(context: &Context<'_, '_>, url: Option<&str>) -> Result<Option<Rekor>, Failure> {
    let Some(url) = url else {
        return Ok(None);
    };
    if context.global.offline {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--offline` opens no socket, and a log is to be asked",
        )
        .hint("drop `--offline`, or `--rekor-url`"));
    }
    let client = Client::new(service_settings(context, false));
    Ok(Some(Rekor::new(&client, url, RekorVersion::V1)?))
}

/// The bundles about `subject` with the same payload and signature; nothing of them is verified.
fn bundles(
    runtime: &Runtime,
    depot: &dyn Depot,
    pieces: &[Piece],
    subject: &Digest,
    envelope: &Envelope,
) -> Result<Vec<Bytes>, Failure> {
    let limits = Limits::DEFAULT;
    let layers = pieces
        .iter()
        .filter(|piece| piece.role.subject() == Some(subject))
        .filter_map(|piece| match &piece.resolved.manifest {
            Manifest::Image(image) => Some(image),
            Manifest::Index(_) => None,
        })
        .flat_map(|image| &image.layers)
        // The payload in base64 is less than the whole.
        .filter(|layer| layer.size as usize > envelope.payload.len())
        .filter(|layer| layer.media_type.starts_with(media_types::BUNDLE_PREFIX));
    let mut same = Vec::new();
    for layer in layers {
        let bytes = runtime.block_on(depot.blob(layer, limits.bundle_bytes))?;
        if let Ok(Bundle {
            content: BundleContent::Dsse(other),
            ..
        }) = Bundle::parse(&bytes, &limits)
            && other.payload == envelope.payload
            && other.signatures.first().map(|one| &one.signature)
                == envelope.signatures.first().map(|one| &one.signature)
        {
            same.push(bytes);
        }
    }
    Ok(same)
}

/// The envelope of a layer, or why it is none that a bundle could hold.
fn envelope(
    runtime: &Runtime,
    depot: &dyn Depot,
    layer: &Descriptor,
) -> Result<Result<Envelope, &'static str>, Failure> {
    let limits = Limits::DEFAULT;
    match layer.media_type.as_str() {
        media_types::DSSE_ENVELOPE => {}
        media_types::SIMPLE_SIGNING => return Ok(Err(SIMPLE)),
        _ => return Ok(Err(GARBAGE)),
    }
    let bytes = runtime.block_on(depot.blob(layer, limits.bundle_bytes))?;
    Ok(match Envelope::parse(&bytes, &limits) {
        Ok(envelope) if envelope.signatures.len() == 1 => Ok(envelope),
        Ok(_) => Err(SEVERAL),
        Err(_) => Err(GARBAGE),
    })
}

/// The bundles that a layer may become: one for its certificate, or one for each key that may have signed it.
struct Draft {
    materials: Vec<KeyMaterial>,
    log_entries: Vec<LogEntry>,
    timestamps: Vec<Bytes>,
    envelope: Envelope,
}

impl Draft {
    fn bundles(&self) -> Vec<Bytes> {
        let bundle = |material: &KeyMaterial| Bundle {
            version: BundleVersion::V0_3,
            material: material.clone(),
            log_entries: self.log_entries.clone(),
            timestamps: self.timestamps.clone(),
            content: BundleContent::Dsse(self.envelope.clone()),
        };
        let bundles = self.materials.iter().map(bundle);
        bundles
            .map(|bundle| Bytes::from(bundle.to_json()))
            .collect()
    }
}

fn draft(
    runtime: &Runtime,
    log: Option<&Rekor>,
    layer: &Descriptor,
    envelope: Envelope,
    hints: &[String],
) -> Result<Draft, Why> {
    let annotations = LegacyAnnotations::parse(&layer.annotations, &Limits::DEFAULT)
        .map_err(|_| Why::Not(GARBAGE))?;
    // A promise alone would be lost on the way: what was logged must not look as if it never was.
    let log_entries = match (annotations.entry, log) {
        (None, _) => Vec::new(),
        (Some(_), None) => return Err(Why::Not(PROMISE)),
        (Some(entry), Some(log)) => {
            let proof = runtime
                .block_on(log.proof_of(&entry))
                .map_err(|error| Why::Unanswered(Box::new(error)))?;
            vec![LogEntry {
                proof: Some(proof),
                ..entry
            }]
        }
    };
    let materials = match annotations.certificate {
        Some(certificate) => vec![KeyMaterial::Certificate(certificate)],
        None => hints
            .iter()
            .map(|hint| KeyMaterial::PublicKey { hint: hint.clone() })
            .collect(),
    };
    Ok(Draft {
        materials,
        log_entries,
        timestamps: annotations.timestamp.into_iter().collect(),
        envelope,
    })
}

/// Judges bundles as a reader would find each of them; the first that counts ends it.
fn prove(
    runtime: &Runtime,
    context: &Context<'_, '_>,
    verifier: &countersign::Verifier,
    image: &Resolved,
    bundles: &[Bytes],
) -> Result<Judged, Failure> {
    let mut rejected = Vec::new();
    for bytes in bundles {
        let bundle = digest::sha256(bytes);
        let staged = Staged::new(image.clone()).with_bundle(bytes.clone());
        let target = Target::Digest(image.descriptor.digest);
        let verification = runtime.block_on(verifier.verify_in(&staged, &target, context.now))?;
        let decision = verification.decision;
        let mut accepted = decision.accepted.iter();
        if let Some(verified) = accepted.find(|verified| verified.digest() == bundle) {
            return Ok(Judged::Counts(bundle, Box::new((**verified).clone())));
        }
        let of_it = |piece: &Rejected| piece.digest() == Some(&bundle);
        rejected.extend(decision.rejected.into_iter().filter(of_it));
    }
    Ok(Judged::Not(rejected))
}

fn report(context: &mut Context<'_, '_>, name: &str, yes: bool, layers: &[Layer]) -> Done {
    for layer in layers {
        let bundle = layer.bundle.map(|bundle| format!(" as bundle {bundle}"));
        let why = layer.why.as_ref().map(|why| escape::field(&why.words()));
        let why = why.map(|why| format!(": {why}"));
        let what = bundle.unwrap_or_default() + &why.unwrap_or_default();
        context.printer.line(&format!(
            "{} {} of {}{what}",
            layer.outcome,
            layer.digest,
            escape::field(&layer.tag)
        ));
    }
    let rest = layers.iter().filter(|layer| layer.bundle.is_none()).count();
    let others = layers.len() - rest;
    context.printer.say(&match (layers.len(), yes) {
        (0, _) => format!("nothing is under tags about {name}"),
        (_, true) => format!(
            "{} bundles, {rest} left as they are; the tags stay for those who read them",
            others
        ),
        (_, false) => format!("{others} could be bundles, {rest} not; add `--yes` to store them"),
    });
    let unanswered = |layer: &Layer| matches!(layer.why, Some(Why::Unanswered(_)));
    let status = if layers.is_empty() {
        ExitStatus::NoEvidence
    } else if layers.iter().any(unanswered) {
        ExitStatus::Unavailable
    } else {
        ExitStatus::Pass
    };
    Done {
        status,
        result: Some(json!({
            "image": name,
            "dryRun": !yes,
            "exitCode": status.code(),
            "layers": layers.iter().map(record).collect::<Vec<Value>>(),
        })),
    }
}

fn record(layer: &Layer) -> Value {
    json!({
        "tag": escape::capped(&layer.tag, escape::FIELD_BYTES),
        "digest": layer.digest.to_string(),
        "predicateType": layer.predicate_type.as_deref().map(|text| escape::capped(text, escape::FIELD_BYTES)),
        "outcome": layer.outcome,
        "why": layer.why.as_ref().map(|why| escape::capped(&why.words(), escape::MESSAGE_BYTES)),
        "bundle": layer.bundle.map(|bundle| bundle.to_string()),
    })
}
