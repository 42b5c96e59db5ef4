//! What became of each image, told in the order in which they were named.

use std::path::PathBuf;

use countersign_proof::Verified;
use countersign_proof::digest::sha256;
use countersign_registry::{ListedVia, PublishedLegacy};
use countersign_sign::Signed;
use serde_json::{Value, json};

use super::targets::{Missed, Target};
use crate::commands::Done;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::signing;

/// How the work on one image ended.
pub(super) enum Ending {
    /// It has its bundle.
    Signed(Box<Placed>),
    /// It had one already.
    Present,
    Failed(Failure),
    /// The failure of others was of a kind that would have met it too.
    NotAttempted(Failure),
}

/// What was stored for an image.
#[derive(Clone, Default)]
pub(super) struct Placed {
    resumed: bool,
    /// The manifest and how readers find it, when a bundle was stored.
    manifest: Option<(String, Option<ListedVia>)>,
    bundle_file: Option<String>,
    bundle: Vec<u8>,
    /// What was stored under a tag.
    under_tag: Option<PublishedLegacy>,
    /// The members of the JSON entry that come from the proof.
    proofs: Option<Value>,
    requests: u64,
}

impl Placed {
    /// Nothing so far.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.proofs.is_none()
    }

    /// A proof whose evidence is yet to be stored.
    pub(super) fn proven(verified: &Verified) -> Self {
        let mut proofs = json!({ "bundle": null });
        signing::add_proofs(&mut proofs, verified);
        Self {
            proofs: Some(proofs),
            ..Self::default()
        }
    }

    /// A bundle where it belongs.
    pub(super) fn bundle(
        signed: &Signed,
        resumed: bool,
        manifest: Option<(String, Option<ListedVia>)>,
        bundle_file: Option<&PathBuf>,
    ) -> Self {
        let mut proofs = json!({ "bundle": sha256(&signed.bundle).to_string() });
        signing::add_proofs(&mut proofs, &signed.verified);
        let to_stdout = bundle_file.is_some_and(|path| path.as_os_str() == "-");
        Self {
            resumed,
            manifest,
            bundle_file: bundle_file.map(|path| path.display().to_string()),
            bundle: if to_stdout {
                signed.bundle.to_vec()
            } else {
                Vec::new()
            },
            proofs: Some(proofs),
            ..Self::default()
        }
    }

    /// Something was stored under a tag, too.
    pub(super) fn tagged(&mut self, published: PublishedLegacy) {
        self.under_tag = Some(published);
    }

    /// HTTP requests that were made for the image.
    pub(super) fn counted(&mut self, requests: u64) {
        self.requests = requests;
    }
}

/// A place in the list.
enum Slot {
    Missed(Box<Missed>),
    Open,
    Ended(Ending),
    Told(ExitStatus, Value),
}

/// The list.
pub(super) struct Outcomes {
    verb: &'static str,
    slots: Vec<Slot>,
    /// How many of them have been told of, and how many of those are targets.
    told: usize,
    told_targets: usize,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    signed: u64,
    resumed: u64,
    present: u64,
    failed: u64,
    not_attempted: u64,
}

impl Outcomes {
    pub(super) fn new(verb: &'static str) -> Self {
        Self {
            verb,
            slots: Vec::new(),
            told: 0,
            told_targets: 0,
            counts: Counts::default(),
        }
    }

    /// A place for an image that is worked on.
    pub(super) fn expect(&mut self) -> usize {
        self.slots.push(Slot::Open);
        self.slots.len() - 1
    }

    /// An image that could not be resolved.
    pub(super) fn miss(&mut self, missed: Missed) {
        self.slots.push(Slot::Missed(Box::new(missed)));
    }

    pub(super) fn end(&mut self, slot: usize, ending: Ending) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = Slot::Ended(ending);
        }
    }

    /// Ends an image that needs nothing, unless it has ended otherwise.
    pub(super) fn present(&mut self, slot: usize) {
        if let Some(slot @ Slot::Open) = self.slots.get_mut(slot) {
            *slot = Slot::Ended(Ending::Present);
        }
    }

    /// The failure of the only image: the command's own.
    pub(super) fn lone_failure(&self) -> Option<Failure> {
        match self.slots.as_slice() {
            [Slot::Missed(missed)] => Some(missed.failure.clone()),
            [Slot::Ended(Ending::Failed(failure) | Ending::NotAttempted(failure))] => {
                Some(failure.clone())
            }
            _ => None,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot, Slot::Missed(_) | Slot::Ended(Ending::Failed(_))))
    }

    /// One statement about all is not signed about some.
    pub(super) fn withheld(
        mut self,
        context: &mut Context<'_, '_>,
        targets: &[(usize, Target)],
    ) -> Result<Done, Failure> {
        let first = self.slots.iter().find_map(|slot| match slot {
            Slot::Missed(missed) => Some(missed.failure.clone()),
            _ => None,
        });
        let Some(failure) = first else {
            return Err(Failure::internal("no-failure", "nothing has failed"));
        };
        for slot in &mut self.slots {
            if matches!(slot, Slot::Open) {
                *slot = Slot::Ended(Ending::NotAttempted(failure.clone()));
            }
        }
        self.done(context, targets, 0)
    }

    /// Tells of the images that have ended, as far as all before them have.
    pub(super) fn tell(&mut self, context: &mut Context<'_, '_>, targets: &[(usize, Target)]) {
        if self.lone_failure().is_some() {
            return;
        }
        while let Some(slot) = self.slots.get_mut(self.told) {
            let told = match slot {
                Slot::Told(..) | Slot::Open => return,
                Slot::Missed(missed) => self.counts.missed(context, missed),
                Slot::Ended(ending) => {
                    let Some((_, target)) = targets.get(self.told_targets) else {
                        return;
                    };
                    self.told_targets += 1;
                    self.counts.ended(context, self.verb, target, ending)
                }
            };
            *slot = Slot::Told(told.0, told.1);
            self.told += 1;
        }
    }

    /// The end of the command.
    pub(super) fn done(
        mut self,
        context: &mut Context<'_, '_>,
        targets: &[(usize, Target)],
        certificates: u64,
    ) -> Result<Done, Failure> {
        if let Some(failure) = self.lone_failure() {
            return Err(failure);
        }
        self.tell(context, targets);
        let total = self.slots.len();
        let counts = &self.counts;
        if total > 1 {
            context.printer.say(&format!(
                "{total} images: {} {}, {} resumed, {} already, {} failed, {} not attempted",
                counts.signed,
                self.verb,
                counts.resumed,
                counts.present,
                counts.failed,
                counts.not_attempted
            ));
        }
        let summary = json!({
            "images": total,
            "signed": counts.signed,
            "resumed": counts.resumed,
            "alreadySigned": counts.present,
            "failed": counts.failed,
            "notAttempted": counts.not_attempted,
            "certificates": certificates,
        });
        let mut status = ExitStatus::Pass;
        let mut entries = Vec::with_capacity(total);
        for slot in self.slots {
            if let Slot::Told(ended, entry) = slot {
                status = status.and(ended);
                entries.push(entry);
            }
        }
        Ok(Done {
            status,
            result: Some(json!({
                "exitCode": status.code(),
                "images": entries,
                "summary": summary,
            })),
        })
    }
}

impl Counts {
    fn missed(&mut self, context: &mut Context<'_, '_>, missed: &Missed) -> (ExitStatus, Value) {
        self.failed += 1;
        let shown = missed.name.as_ref().map_or(&missed.text, |(name, _)| name);
        complain(context, shown, &missed.failure);
        let mut entry = failed(&missed.text, "failed", &missed.failure);
        if let Some((name, digest)) = &missed.name {
            add(&mut entry, "image", json!(name));
            add(&mut entry, "digest", json!(digest.to_string()));
        }
        (missed.failure.status, entry)
    }

    fn ended(
        &mut self,
        context: &mut Context<'_, '_>,
        verb: &str,
        target: &Target,
        ending: &Ending,
    ) -> (ExitStatus, Value) {
        let (status, mut entry) = match ending {
            Ending::Signed(placed) => {
                let state = if placed.resumed {
                    self.resumed += 1;
                    "resumed"
                } else {
                    self.signed += 1;
                    "signed"
                };
                announce(context, verb, target, placed);
                (ExitStatus::Pass, signed(target, placed, state))
            }
            Ending::Present => {
                self.present += 1;
                context.printer.line(&target.name);
                context.printer.say(&format!(
                    "{} is {verb} by this signer already, nothing done",
                    escape::field(&target.name)
                ));
                let entry = json!({
                    "reference": escape::capped(&target.text, escape::FIELD_BYTES),
                    "exitCode": 0,
                    "state": "already-signed",
                    "alreadySigned": true,
                });
                (ExitStatus::Pass, entry)
            }
            Ending::Failed(failure) => {
                self.failed += 1;
                complain(context, &target.name, failure);
                (failure.status, failed(&target.text, "failed", failure))
            }
            Ending::NotAttempted(failure) => {
                self.not_attempted += 1;
                (
                    failure.status,
                    failed(&target.text, "not-attempted", failure),
                )
            }
        };
        add(&mut entry, "image", json!(target.name));
        add(&mut entry, "digest", json!(target.image.digest.to_string()));
        if let Some(platform) = &target.platform {
            add(&mut entry, "platform", json!(platform));
        }
        (status, entry)
    }
}

fn announce(context: &mut Context<'_, '_>, verb: &str, target: &Target, placed: &Placed) {
    if !placed.bundle.is_empty() {
        context.printer.document(&placed.bundle);
        context.printer.document(b"\n");
    }
    context.printer.line(&target.name);
    let stored = match &placed.manifest {
        // An earlier run stored it.
        Some((manifest, None)) if placed.resumed => format!(", stored as {manifest}"),
        Some((manifest, via)) => format!(", stored as {manifest} ({})", signing::via(*via)),
        None => String::new(),
    };
    let file = placed
        .bundle_file
        .as_ref()
        .map_or_else(String::new, |path| format!(", bundle in `{path}`"));
    if let Some(tagged) = &placed.under_tag {
        context.printer.say(&format!(
            "stored under the tag {} as {} (layer {} of {})",
            tagged.tag, tagged.manifest.digest, tagged.layer.digest, tagged.layers
        ));
    }
    let resumed = if placed.resumed { " (resumed)" } else { "" };
    context.printer.say(&format!(
        "{verb} {}{resumed}{stored}{file}",
        escape::field(&target.name)
    ));
}

fn signed(target: &Target, placed: &Placed, state: &str) -> Value {
    let mut entry = json!({
        "reference": escape::capped(&target.text, escape::FIELD_BYTES),
        "exitCode": 0,
        "state": state,
        "manifest": placed.manifest.as_ref().map(|(manifest, _)| manifest),
        "listedVia": placed.manifest.as_ref().and_then(|(_, listed)| listed.map(|listed| signing::via(Some(listed)))),
        "bundleFile": placed.bundle_file,
        "requests": placed.requests,
    });
    if let Some(tagged) = &placed.under_tag {
        let legacy = json!({
            "tag": tagged.tag,
            "manifest": tagged.manifest.digest.to_string(),
            "layer": tagged.layer.digest.to_string(),
            "layers": tagged.layers,
        });
        add(&mut entry, "legacy", legacy);
    }
    if let Some(Value::Object(proofs)) = &placed.proofs {
        for (name, value) in proofs {
            add(&mut entry, name, value.clone());
        }
    }
    entry
}

fn failed(text: &str, state: &str, failure: &Failure) -> Value {
    json!({
        "reference": escape::capped(text, escape::FIELD_BYTES),
        "exitCode": failure.status.code(),
        "state": state,
        "error": failure.to_json(),
    })
}

fn add(entry: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = entry {
        members.insert(name.to_owned(), value);
    }
}

fn complain(context: &mut Context<'_, '_>, name: &str, failure: &Failure) {
    context.printer.say(&format!(
        "error: `{}`: {}",
        escape::field(name),
        failure.message
    ));
    if let Some(hint) = &failure.hint {
        context.printer.say(&format!("hint: {hint}"));
    }
}
