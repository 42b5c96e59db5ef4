//! What evidence is proven against: the trusted root and own certificate authorities; and the checks that flags switch off.

use std::path::Path;

use bytes::Bytes;
use countersign::VerifierBuilder;
use countersign::record::Authority as OwnAuthority;
use countersign_formats::{Digest, Limits, TrustedRoot, pem_certificates};
use countersign_policy::PolicySet;
use countersign_proof::{Dangers, Witness};
use serde_json::Value;

use crate::arguments::{self, Anchors, Trust};
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files;
use crate::held_trust::Chosen;

/// Largest file of certificates that is read, in bytes.
const CERTIFICATES_BYTES: u64 = 1 << 20;

/// The material of one run.
pub(crate) struct Material {
    chosen: Chosen,
    /// Whether anything is demanded of logs and authorities.
    needed: bool,
    /// Whether trust that holds no longer is a matter of each image: a policy may speak of outages, and of keys besides.
    each: bool,
    own: Option<OwnAuthority>,
    witnesses: Vec<Witness>,
}

/// What a record keeps of the material.
pub(crate) struct Snapshot {
    /// The trusted root's document.
    pub(crate) root: Bytes,
    /// The own authority in place of the root's.
    pub(crate) authority: Option<OwnAuthority>,
    /// The witnesses that count.
    pub(crate) witnesses: Vec<Witness>,
}

impl Material {
    /// What the flags amount to: the trusted root that they name, else that of a pack, of this machine's repository, or the built-in
    /// one. Files are read, and no socket is opened.
    pub(crate) fn new(
        context: &Context<'_, '_>,
        trust: &Trust,
        policies: &PolicySet,
    ) -> Result<Self, Failure> {
        let material = Self::of(context, &trust.anchors, policies)?;
        Ok(Self {
            each: !trust.policy.is_empty(),
            ..material
        })
    }

    /// As [`Material::new`], for a command that names its signers in another way.
    pub(crate) fn of(
        context: &Context<'_, '_>,
        anchors: &Anchors,
        policies: &PolicySet,
    ) -> Result<Self, Failure> {
        let demanded = policies.policies().iter().any(|policy| {
            let keys = &policy.trust.keys;
            keys.logs > 0 || keys.timestamps > 0 || keys.witnesses > 0
        });
        Ok(Self {
            chosen: Chosen::new(context, anchors.trusted_root.as_deref(), &anchors.source)?,
            needed: policies.wants_certificates() || demanded,
            each: false,
            own: own_authority(&anchors.material)?,
            witnesses: witnesses(&anchors.material)?,
        })
    }

    /// The material as it is now, for a record: the trusted root's document, the own authority in place of its authorities, and the
    /// witnesses.
    pub(crate) fn snapshot(self, context: &Context<'_, '_>) -> Result<(Self, Snapshot), Failure> {
        let held = self.chosen.hold(context)?;
        let snapshot = Snapshot {
            root: held.document.clone(),
            authority: self.own.clone(),
            witnesses: self.witnesses.clone(),
        };
        let material = Self {
            chosen: Chosen::Held(Box::new(held)),
            ..self
        };
        Ok((material, snapshot))
    }

    /// Gives the material to a verifier; a mirror may be asked before.
    ///
    /// For keys nothing is demanded of logs and authorities: nobody is asked, and what is at hand is used, since whatever a known log or
    /// authority says about their signatures must be right.
    pub(crate) fn apply(
        self,
        context: &Context<'_, '_>,
        mut builder: VerifierBuilder,
    ) -> Result<(VerifierBuilder, Value), Failure> {
        let Self {
            chosen,
            needed,
            each,
            own,
            witnesses,
        } = self;
        for witness in witnesses {
            builder = builder.witness(witness);
        }
        let held = match needed {
            true => match chosen.hold(context) {
                Ok(held) => Some(held),
                Err(failure) if each && failure.status == ExitStatus::TrustMaterial => {
                    builder = builder.trust_missing(failure.message);
                    None
                }
                Err(failure) => return Err(failure),
            },
            false => chosen.at_hand(context),
        };
        let mut record = Value::Null;
        if let Some(held) = held {
            if (needed && held.expires.is_some()) || context.printer.verbosity() > 0 {
                context.printer.words().say(&held.words);
            }
            builder = trusting(builder, held.root, held.digest, own);
            if let Some(expires) = held.expires.filter(|_| needed) {
                builder = builder.trust_expires(expires);
            }
            record = held.record;
        } else {
            builder = authority(builder, own);
        }
        Ok((builder, record))
    }
}

/// A verifier that proves by this root, or by its logs and an own authority.
pub(crate) fn trusting(
    builder: VerifierBuilder,
    mut root: TrustedRoot,
    digest: Digest,
    own: Option<OwnAuthority>,
) -> VerifierBuilder {
    if own.is_some() {
        // Who names an own authority means that one, not also every other.
        root.certificate_authorities.clear();
    }
    authority(builder.trusted_root(&root).root_digest(digest), own)
}

fn authority(builder: VerifierBuilder, own: Option<OwnAuthority>) -> VerifierBuilder {
    match own {
        None => builder,
        Some(OwnAuthority::Apart {
            roots,
            intermediates,
        }) => builder.certificate_authority(roots, intermediates),
        Some(OwnAuthority::Chain(certificates)) => builder.certificate_chain(certificates),
    }
}

fn own_authority(material: &arguments::Material) -> Result<Option<OwnAuthority>, Failure> {
    if let Some(path) = &material.certificate_chain {
        let certificates = certificates("--certificate-chain", path)?;
        return Ok(Some(OwnAuthority::Chain(certificates)));
    }
    let Some(path) = &material.ca_roots else {
        return Ok(None);
    };
    Ok(Some(OwnAuthority::Apart {
        roots: certificates("--ca-roots", path)?,
        intermediates: match &material.ca_intermediates {
            Some(path) => certificates("--ca-intermediates", path)?,
            None => Vec::new(),
        },
    }))
}

fn witnesses(material: &arguments::Material) -> Result<Vec<Witness>, Failure> {
    let read = |text: &String| {
        Witness::parse(text).map_err(|error| {
            Failure::usage(error.code(), format!("--witness: {error}"))
                .hint("give the key as the witness publishes it: `name+hash+key`, of the type of Ed25519 cosignatures (4)")
        })
    };
    material.witnesses.iter().map(read).collect()
}

fn certificates(flag: &str, path: &Path) -> Result<Vec<Bytes>, Failure> {
    let text = files::read("the certificates", path, CERTIFICATES_BYTES)?;
    pem_certificates(&text, &Limits::DEFAULT).map_err(|error| {
        Failure::usage(
            error.code(),
            format!("{flag}: `{}`: {error}", path.display()),
        )
        .hint("the file must hold certificates as PEM, each between `-----BEGIN CERTIFICATE-----` and its end")
    })
}

/// The checks that flags switch off.
pub(crate) fn dangers(
    context: &mut Context<'_, '_>,
    trust: &Trust,
    policies: &PolicySet,
) -> Dangers {
    let demanded = policies
        .policies()
        .iter()
        .any(|policy| policy.trust.keys.logs > 0);
    let harmless = !policies.wants_certificates() && !demanded;
    if harmless {
        // Nothing is switched off: whatever a known log says about a key's signature is still held to be right.
        if trust.anchors.material.insecure_ignore_tlog {
            context.printer.say(
                "`--insecure-ignore-tlog` changes nothing here: no log entry is demanded of a key",
            );
        }
        if trust.anchors.material.insecure_ignore_sct {
            context
                .printer
                .say("`--insecure-ignore-sct` changes nothing here: no certificate is asked for");
        }
        return Dangers::NONE;
    }
    Dangers {
        ignore_sct: trust.anchors.material.insecure_ignore_sct,
        ignore_log: trust.anchors.material.insecure_ignore_tlog,
        judge_certificates_now: false,
    }
}
