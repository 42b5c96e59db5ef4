//! Records in packs, in place of images in registries: judged offline over the same road.

use std::path::Path;

use countersign::pack::{Pack, SectionKind};
use countersign::record::{ImageRecord, Replay};
use countersign::{Verification, Verifier, VerifierBuilder};
use countersign_formats::{Descriptor, Digest, Limits, UnixTime};
use countersign_policy::{PolicySet, Source};
use countersign_proof::Image;
use countersign_registry::Target;
use countersign_trust_store::{Root, RootOrigin};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::arguments::Platforms;
use crate::commands::Done;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::explain::Question;
use crate::failure::Failure;
use crate::files::{self, Existing};
use crate::judging::{self, Judging};
use crate::{material, platforms};

/// A pack and the records in it.
pub(crate) struct Records {
    pack: Pack,
    records: Vec<ImageRecord>,
}

/// A record that was chosen, and what in its store is judged.
pub(crate) struct Chosen<'a> {
    pub(crate) record: &'a ImageRecord,
    judged: Judged,
}

/// What of a record is judged.
#[derive(Clone)]
enum Judged {
    /// The image itself.
    Itself,
    /// A manifest of its index, by the manifest's own name.
    Named(Digest),
    /// An image of its index, reached through the index.
    Through(Image, Digest),
}

/// A reference without tag and digest.
fn repository(reference: &str) -> &str {
    let name = reference
        .split_once('@')
        .map_or(reference, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && name != "oci" && name != "oci-archive" => name,
        _ => name,
    }
}

/// Refuses before any work when a pack could not be written to `path`.
pub(crate) fn writable(path: &Path, existing: Existing) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Err(Failure::usage(
            "bad-value",
            "a pack is an archive, and is not printed on standard output",
        )
        .hint("name a file, such as `acme.pack`"));
    }
    files::writable("the pack", path, existing)
}

impl Records {
    /// Opens a pack that `policy record` wrote.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let pack = Pack::open(path, &Limits::DEFAULT)?;
        let records = pack
            .sections_of(SectionKind::Record)
            .map(|section| ImageRecord::parse(&section.name, &section.bytes))
            .collect::<Result<Vec<_>, _>>()?;
        if records.is_empty() {
            return Err(Failure::usage(
                "pack-without-record",
                format!(
                    "`{}` holds no record of an image",
                    escape::field(&path.display().to_string())
                ),
            )
            .hint("`countersign policy record` writes packs with records"));
        }
        Ok(Self { pack, records })
    }

    /// The record of the image `name`: its reference as it was recorded, or its digest; or by digest a manifest of its index.
    pub(crate) fn of(&self, name: &str) -> Result<Chosen<'_>, Failure> {
        let (place, digest) = name.rsplit_once('@').unwrap_or(("", name));
        let same =
            |record: &&ImageRecord| record.reference == name || record.digest.to_string() == digest;
        if let Some(record) = self.records.iter().find(same) {
            let judged = Judged::Itself;
            return Ok(Chosen { record, judged });
        }
        // What was recorded about the manifests of an index is in the record of the index.
        let beside = |record: &&ImageRecord| {
            !place.is_empty() && repository(&record.reference) == repository(place)
        };
        match (self.records.iter().find(beside), Digest::parse(digest)) {
            (Some(record), Ok(digest)) => Ok(Chosen {
                record,
                judged: Judged::Named(digest),
            }),
            _ => Err(Failure::usage(
                "image-not-recorded",
                format!("the pack has no record of `{}`", escape::field(name)),
            )
            .hint(self.choices())),
        }
    }

    /// The one record.
    pub(crate) fn sole(&self) -> Result<Chosen<'_>, Failure> {
        match self.records.as_slice() {
            [record] => Ok(Chosen {
                record,
                judged: Judged::Itself,
            }),
            _ => Err(Failure::usage(
                "image-ambiguous",
                "the pack has records of several images and none was named",
            )
            .hint(self.choices())),
        }
    }

    /// The records of `names`, or all of them where none is named.
    pub(crate) fn chosen(&self, names: &[String]) -> Result<Vec<Chosen<'_>>, Failure> {
        if names.is_empty() {
            let all = self.records.iter().map(|record| Chosen {
                record,
                judged: Judged::Itself,
            });
            return Ok(all.collect());
        }
        names.iter().map(|name| self.of(name)).collect()
    }

    fn choices(&self) -> String {
        let names: Vec<String> = self
            .records
            .iter()
            .take(10)
            .map(|record| format!("`{}`", escape::field(&record.reference)))
            .collect();
        format!("name one of {}", names.join(", "))
    }

    /// Judges a record offline.
    pub(crate) fn verify(
        &self,
        chosen: &Chosen<'_>,
        verifier: &Verifier,
        runtime: &Runtime,
        now: UnixTime,
    ) -> Result<Verification, Failure> {
        let replay = self.replay(chosen.record);
        Ok(match &chosen.judged {
            Judged::Itself => runtime.block_on(replay.verify(verifier, now))?,
            Judged::Named(digest) => {
                let target = Target::Digest(*digest);
                runtime.block_on(replay.verify_target(verifier, &target, now))?
            }
            Judged::Through(index, image) => {
                runtime.block_on(replay.verify_through(verifier, index, image, now))?
            }
        })
    }

    /// In place of what was chosen, the images for these platforms inside it, as far as any are asked for.
    pub(crate) fn platforms<'a>(
        &self,
        chosen: Chosen<'a>,
        flags: &Platforms,
        runtime: &Runtime,
        say: &mut dyn FnMut(&Descriptor, &str),
    ) -> Result<Vec<Chosen<'a>>, Failure> {
        if flags.are_all_absent() {
            return Ok(vec![chosen]);
        }
        let record = chosen.record;
        let digest = match &chosen.judged {
            Judged::Named(digest) => digest,
            _ => &record.digest,
        };
        let resolved = runtime.block_on(self.replay(record).manifest(digest))?;
        let index = platforms::read(&resolved)?;
        let mut inside = Vec::new();
        for entry in platforms::entries(platforms::listed(&index, &resolved)?, flags)? {
            say(
                entry,
                &format!("{}@{digest}", repository(&record.reference)),
            );
            inside.push(Chosen {
                record,
                judged: Judged::Through(index.clone(), entry.digest),
            });
        }
        Ok(inside)
    }

    /// In place of what was chosen, the image for the one platform that is asked for, if any is.
    pub(crate) fn platform<'a>(
        &self,
        chosen: Chosen<'a>,
        platform: Option<&String>,
        runtime: &Runtime,
    ) -> Result<Chosen<'a>, Failure> {
        let flags = Platforms::one(platform);
        let mut inside = self.platforms(chosen, &flags, runtime, &mut |_, _| ())?;
        match (inside.pop(), inside.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(Failure::internal(
                "image-ambiguous",
                "one platform was named and not one image was chosen",
            )),
        }
    }

    fn replay(&self, record: &ImageRecord) -> Replay {
        Replay::new(record, &self.pack, &Limits::DEFAULT)
    }

    /// A verifier under the trust with which the record was made, as the pack says: whoever wrote the pack chose it.
    pub(crate) fn trusting(
        &self,
        record: &ImageRecord,
        builder: VerifierBuilder,
    ) -> Result<VerifierBuilder, Failure> {
        let section = self.pack.required(SectionKind::TrustedRoot)?;
        let origin = RootOrigin::Pack(self.pack.path().to_owned());
        let root = Root::parse(section.bytes.clone(), origin, &Limits::DEFAULT)?;
        let builder = record
            .witnesses
            .iter()
            .cloned()
            .fold(builder, VerifierBuilder::witness);
        Ok(material::trusting(
            builder,
            root.trusted_root().clone(),
            *root.digest(),
            record.authority.clone(),
        ))
    }

    /// The policies by which it was recorded; `None` when it was recorded without any.
    pub(crate) fn policies(&self) -> Result<Option<PolicySet>, Failure> {
        let sources: Vec<Source> = self
            .pack
            .sections_of(SectionKind::Policy)
            .map(|section| Source {
                name: format!("{}:{}", self.pack.path().display(), section.name),
                bytes: section.bytes.clone(),
            })
            .collect();
        if sources.is_empty() {
            return Ok(None);
        }
        PolicySet::parse(&sources, &Limits::DEFAULT)
            .map(Some)
            .map_err(|error| Failure::from(countersign::PolicyLoadError::from(error)))
    }
}

/// Judges the images that were recorded into the pack `path`, by the caller's own trust and clock.
pub(crate) fn images(
    context: &mut Context<'_, '_>,
    path: &Path,
    names: &[String],
    flags: &Platforms,
    judging: Judging,
) -> Result<Done, Failure> {
    let records = Records::open(path)?;
    let named = records.chosen(names)?;
    let (verifier, trust) = judging.verifier(context)?;
    let (runtime, now) = (context.runtime()?, context.now);
    let mut chosen = Vec::new();
    for one in named {
        chosen.extend(
            records.platforms(one, flags, &runtime, &mut |entry, index| {
                platforms::say(context, entry, index);
            })?,
        );
    }
    let question = Question {
        // A record has what was looked for when it was made.
        elsewhere: Vec::new(),
        ..judging::question(&verifier)
    };
    let mut status = ExitStatus::Pass;
    let mut entries = Vec::new();
    for chosen in chosen {
        let verification = records.verify(&chosen, &verifier, &runtime, now)?;
        let text = &chosen.record.reference;
        let done = judging::report(context, text, &verification, &question);
        status = status.and(done.status);
        entries.push(done.entry);
    }
    Ok(Done {
        status,
        result: Some(json!({ "exitCode": status.code(), "images": entries, "trust": trust })),
    })
}
