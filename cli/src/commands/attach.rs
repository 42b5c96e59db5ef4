//! `attach`: evidence that was made elsewhere, stored beside an image byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use countersign_formats::{
    Bundle, Envelope, Limits, Statement, UnixTime, decode_base64, media_types, pem_certificates,
};
use countersign_policy::Verdict;
use countersign_registry::replicate::tag_evidence;
use countersign_registry::{
    Attachment, Depot, Resolved, Target, attach, open_depot, publish, publish_legacy,
};
use serde_json::json;
use tokio::runtime::Runtime;

use super::Done;
use crate::arguments::{
    AttachAttestation, AttachBundle, AttachCommand, AttachSbom, AttachSignature, ProofFlags,
};
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::explain;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::staged::Staged;
use crate::trust::{self, Wanted};
use crate::{clock, files, images, moving, stores};

/// Largest bill of materials that is stored, in bytes.
const SBOM_BYTES: u64 = 64 << 20;
/// Largest signature or payload file, in bytes.
const SIGNATURE_BYTES: u64 = 1 << 20;

/// The time that is written beside what is attached.
fn created(context: &Context<'_, '_>) -> Result<UnixTime, Failure> {
    clock::creation_time(context.environment("SOURCE_DATE_EPOCH"), context.now)
}

/// The image that something is attached to.
struct Place {
    name: String,
    depot: std::sync::Arc<dyn Depot>,
    image: Resolved,
    runtime: Runtime,
}

impl Place {
    fn open(context: &Context<'_, '_>, text: &str) -> Result<Self, Failure> {
        let reference = stores::reference(text)?;
        let settings = moving::settings(context);
        let runtime = context.runtime()?;
        let depot = open_depot(&reference, &settings)?;
        let image = runtime.block_on(depot.resolve(&stores::target(&reference)))?;
        Ok(Self {
            name: images::pinned(&reference, &image.descriptor.digest),
            depot,
            image,
            runtime,
        })
    }
}

pub(crate) fn run(command: AttachCommand, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    match command {
        AttachCommand::Bundle(arguments) => bundle(&arguments, context),
        AttachCommand::Signature(arguments) => signature(&arguments, context),
        AttachCommand::Attestation(arguments) => attestation(&arguments, context),
        AttachCommand::Sbom(arguments) => sbom(&arguments, context),
    }
}

fn read(what: &str, path: &Path, cap: u64) -> Result<Bytes, Failure> {
    files::read(what, path, cap).map(Bytes::from)
}

fn unusable(what: &str, path: &Path, error: &countersign_formats::Error) -> Failure {
    Failure::usage(
        error.code(),
        format!("{what} `{}`: {error}", path.display()),
    )
    .hint("`countersign inspect FILE` shows what a file is")
}

fn bundle(arguments: &AttachBundle, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let limits = Limits::DEFAULT;
    let bytes = read("the bundle", &arguments.bundle, limits.bundle_bytes)?;
    let parsed = Bundle::parse(&bytes, &limits)
        .map_err(|error| unusable("the bundle", &arguments.bundle, &error))?;
    let place = Place::open(context, &arguments.image)?;
    let staged = Staged::new(place.image.clone()).with_bundle(bytes.clone());
    let created = created(context)?;
    match prove(context, &place, &staged, &arguments.proof)? {
        Proven::Denied(done) => Ok(done),
        Proven::Yes(verified) => {
            let image = &place.image.descriptor;
            let published = place.runtime.block_on(publish(
                &*place.depot as &dyn countersign_registry::Store,
                image,
                &verified,
                created,
            ))?;
            Ok(report(
                context,
                &place,
                "bundle",
                &published.manifest.digest.to_string(),
                true,
            ))
        }
        Proven::NotAsked => {
            let mut annotations = BTreeMap::from([(
                media_types::ANNOTATION_CREATED.to_owned(),
                created.to_string(),
            )]);
            let content = match &parsed.content {
                countersign_formats::BundleContent::Dsse(envelope) => {
                    if let Ok(statement) = Statement::parse(envelope.payload.clone(), &limits) {
                        annotations.insert(
                            media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE.to_owned(),
                            statement.predicate_type,
                        );
                    }
                    "dsse-envelope"
                }
                countersign_formats::BundleContent::Message { .. } => "message-signature",
            };
            annotations.insert(
                media_types::ANNOTATION_BUNDLE_CONTENT.to_owned(),
                content.to_owned(),
            );
            let attachment = Attachment {
                artifact_type: media_types::BUNDLE_V03.to_owned(),
                bytes,
                annotations,
            };
            store(context, &place, "bundle", &attachment)
        }
    }
}

fn signature(arguments: &AttachSignature, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let payload = read("the payload", &arguments.payload, SIGNATURE_BYTES)?;
    let text = read("the signature", &arguments.signature, SIGNATURE_BYTES)?;
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    decode_base64(&text, text.len()).ok_or_else(|| {
        Failure::usage(
            "signature-unreadable",
            format!(
                "the signature `{}` is not base64",
                arguments.signature.display()
            ),
        )
        .hint("give the signature as base64, as cosign's `--output-signature` writes it")
    })?;
    let mut annotations = BTreeMap::from([("dev.cosignproject.cosign/signature".to_owned(), text)]);
    if let Some(path) = &arguments.certificate {
        let certificate = read("the certificate", path, SIGNATURE_BYTES)?;
        pem_certificates(&certificate, &Limits::DEFAULT)
            .map_err(|error| unusable("the certificate", path, &error))?;
        annotations.insert(
            "dev.sigstore.cosign/certificate".to_owned(),
            String::from_utf8_lossy(&certificate).into_owned(),
        );
    }
    let place = Place::open(context, &arguments.image)?;
    let staged = Staged::new(place.image.clone()).with_layer(
        ".sig",
        media_types::SIMPLE_SIGNING,
        payload,
        annotations,
    );
    under_tag(context, &place, &staged, "signature", &arguments.proof)
}

fn attestation(
    arguments: &AttachAttestation,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let limits = Limits::DEFAULT;
    let path = &arguments.attestation;
    let bytes = read("the envelope", path, limits.bundle_bytes)?;
    let envelope =
        Envelope::parse(&bytes, &limits).map_err(|error| unusable("the envelope", path, &error))?;
    let statement = Statement::parse(envelope.payload, &limits)
        .map_err(|error| unusable("the statement in the envelope", path, &error))?;
    let annotations = BTreeMap::from([
        (
            "dev.cosignproject.cosign/signature".to_owned(),
            String::new(),
        ),
        ("predicateType".to_owned(), statement.predicate_type),
    ]);
    let place = Place::open(context, &arguments.image)?;
    let staged = Staged::new(place.image.clone()).with_layer(
        ".att",
        media_types::DSSE_ENVELOPE,
        bytes,
        annotations,
    );
    under_tag(context, &place, &staged, "attestation", &arguments.proof)
}

fn sbom(arguments: &AttachSbom, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    if !arguments.unverified {
        return Err(unverified("a bill of materials as it is has no signature"));
    }
    let artifact_type = match arguments.format.as_str() {
        "spdx" => "text/spdx",
        "spdxjson" => "text/spdx+json",
        "cyclonedx" => "application/vnd.cyclonedx+json",
        "cyclonedxxml" => "application/vnd.cyclonedx+xml",
        "syft" => "application/vnd.syft+json",
        other if other.contains('/') => other,
        other => {
            return Err(
                Failure::usage("invalid-value", format!("--type: `{other}` is no format"))
                    .hint("write spdx, spdxjson, cyclonedx, cyclonedxxml, syft or a media type"),
            );
        }
    };
    let bytes = read("the bill of materials", &arguments.sbom, SBOM_BYTES)?;
    if artifact_type.ends_with("+json")
        && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err()
    {
        return Err(Failure::usage(
            "malformed-document",
            format!(
                "the bill of materials `{}` is not JSON, which `--type {}` says it is",
                arguments.sbom.display(),
                escape::field(&arguments.format)
            ),
        )
        .hint("name the file's own format with `--type`, or another file"));
    }
    let place = Place::open(context, &arguments.image)?;
    let attachment = Attachment {
        artifact_type: artifact_type.to_owned(),
        bytes,
        annotations: BTreeMap::from([(
            media_types::ANNOTATION_CREATED.to_owned(),
            created(context)?.to_string(),
        )]),
    };
    store(context, &place, "sbom", &attachment)
}

enum Proven {
    Yes(Box<countersign_proof::Verified>),
    NotAsked,
    Denied(Done),
}

/// Judges what is staged, unless it was said that nobody need do so.
fn prove(
    context: &mut Context<'_, '_>,
    place: &Place,
    staged: &Staged,
    flags: &ProofFlags,
) -> Result<Proven, Failure> {
    if !flags.trust.names_somebody() {
        if flags.unverified {
            return Ok(Proven::NotAsked);
        }
        return Err(unverified("nobody is named who may have signed it"));
    }
    let wanted = Wanted::Statement(None);
    let mut done = None;
    // A simple-signing payload is a signature and no statement: whichever is meant, it must count under the same trust.
    for wanted in [wanted, Wanted::Signature] {
        let policies = trust::policy(context, &flags.trust, wanted, false, &[])?;
        let verifier =
            Judging::of_files(context, policies, &flags.trust, &[])?.passing_on(context, false)?;
        let target = Target::Digest(place.image.descriptor.digest);
        let verification =
            place
                .runtime
                .block_on(verifier.verify_in(staged, &target, context.now))?;
        if matches!(verification.decision.verdict, Verdict::Pass)
            && let Some(verified) = verification.decision.accepted.first()
        {
            return Ok(Proven::Yes(Box::new((**verified).clone())));
        }
        done = Some((verification, judging::question(&verifier)));
    }
    let Some((verification, question)) = done else {
        return Err(Failure::internal("nothing-judged", "nothing was judged"));
    };
    let status = explain::status(&verification.decision);
    explain::explain(
        context,
        &verification.name,
        &verification.decision,
        &question,
    );
    if flags.unverified {
        return Ok(Proven::NotAsked);
    }
    context.printer.say("nothing was stored");
    // A pass without a piece that counts would be a policy that demands nothing.
    let status = if status == ExitStatus::Pass {
        ExitStatus::NoneAcceptable
    } else {
        status
    };
    Ok(Proven::Denied(Done {
        status,
        result: Some(json!({
            "image": place.name,
            "attached": false,
            "exitCode": status.code(),
            "decision": judging::record(&verification.decision),
        })),
    }))
}

fn unverified(why: &str) -> Failure {
    Failure::usage(
        "unverified",
        format!("this would be stored unverified: {why}"),
    )
    .hint("name who signed it (`--key`, `--certificate-identity`, …), or say `--unverified`")
}

fn under_tag(
    context: &mut Context<'_, '_>,
    place: &Place,
    staged: &Staged,
    kind: &'static str,
    flags: &ProofFlags,
) -> Result<Done, Failure> {
    let verified = match prove(context, place, staged, flags)? {
        Proven::Denied(done) => return Ok(done),
        Proven::Yes(verified) => Some(verified),
        Proven::NotAsked => None,
    };
    let Some((tag, manifest)) = staged.tagged() else {
        return Err(Failure::internal("nothing-staged", "nothing was staged"));
    };
    let image = &place.image.descriptor;
    let depot = &*place.depot;
    let published = verified.as_ref().map(|verified| {
        place.runtime.block_on(publish_legacy(
            depot as &dyn countersign_registry::Store,
            image,
            verified,
        ))
    });
    let digest = match published {
        Some(published) => published?.manifest.digest,
        None => place.runtime.block_on(async {
            for (digest, bytes) in staged.blobs() {
                depot.push_blob(bytes.clone(), digest).await?;
            }
            Ok::<_, Failure>(tag_evidence(depot, manifest, tag).await?.digest)
        })?,
    };
    Ok(report(
        context,
        place,
        kind,
        &digest.to_string(),
        verified.is_some(),
    ))
}

fn store(
    context: &mut Context<'_, '_>,
    place: &Place,
    kind: &'static str,
    attachment: &Attachment,
) -> Result<Done, Failure> {
    let store = &*place.depot as &dyn countersign_registry::Store;
    let image = &place.image.descriptor;
    let pushed = place.runtime.block_on(attach(store, image, attachment))?;
    Ok(report(
        context,
        place,
        kind,
        &pushed.descriptor.digest.to_string(),
        false,
    ))
}

fn report(
    context: &mut Context<'_, '_>,
    place: &Place,
    kind: &'static str,
    digest: &str,
    verified: bool,
) -> Done {
    let word = if verified { "verified" } else { "not verified" };
    context.printer.line(&place.name);
    context
        .printer
        .say(&format!("attached {kind} {digest} [{word}]"));
    Done::pass(json!({
        "image": place.name,
        "attached": true,
        "kind": kind,
        "manifest": digest,
        "verified": verified,
        "exitCode": 0,
    }))
}
