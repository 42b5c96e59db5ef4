//! Signs what many images are about with one identity: `sign` and `attest`, for one image as for thousands.
//!
//! First everything is resolved and, where that was asked for, looked up; then what becomes public is said and agreed to; then
//! several are signed at a time. What fails is told beside what does not, and a journal lets a later run go on from there.

mod journal;
mod list;
mod outcome;
mod pause;
mod targets;
mod work;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use bytes::Bytes;
use countersign_formats::Digest;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::arguments::{Many, Placement, Signer};
use crate::clock;
use crate::commands::Done;
use crate::context::Context;
use crate::failure::Failure;
use crate::presence::{Presence, Sought};
use crate::progress::Progress;
use crate::signatory::{Candidate, Name, Signatory, Voice};
use crate::{elsewhere, legacy, platforms, signing, stores};

use journal::Journal;
pub(crate) use list::Named;
use outcome::{Ending, Outcomes};
use pause::Pause;
use targets::Resolving;
pub(crate) use targets::Target;
use work::{Task, Work};

/// Makes the statement about some images.
pub(crate) type Maker<'a> = &'a dyn Fn(&[&Target]) -> Result<Bytes, Failure>;

/// What is to be signed about the images.
pub(crate) struct Order<'a> {
    /// `signed` or `attested`.
    pub(crate) verb: &'static str,
    /// Makes the statement.
    pub(crate) statement: Maker<'a>,
    /// Whether one statement is about all of them.
    pub(crate) joint: bool,
    /// What goes under a tag, when `--format` asks for one.
    pub(crate) tagged: Tagged<'a>,
    /// What is looked for first, under `--if-missing`.
    pub(crate) missing: Option<Looking<'a>>,
}

/// What stands under the tag of cosign 2 beside an image.
#[derive(Clone, Copy)]
pub(crate) enum Tagged<'a> {
    /// A signature of its own, over a payload with these annotations.
    Signature(&'a BTreeMap<String, String>),
    /// The envelope of the bundle.
    Attestation,
}

/// Says what is looked for, given a statement that is about to be signed.
pub(crate) type Looking<'a> = &'a dyn Fn(&Bytes) -> Sought<'a>;

/// What was named, read and opened before any socket.
pub(crate) struct Batch<'a> {
    many: &'a Many,
    placement: &'a Placement,
    named: Vec<Named>,
    /// Whether there is more than one image for sure.
    several: bool,
}

impl<'a> Batch<'a> {
    /// Reads the names of the images; opens no socket.
    ///
    /// # Errors
    /// A name that cannot be read, or one bundle file for several images (exit 2).
    pub(crate) fn read(
        many: &'a Many,
        placement: &'a Placement,
        signer: &Signer,
        joint: bool,
    ) -> Result<Self, Failure> {
        let listed = many.images_from.as_deref() == Some(Path::new("-"));
        if listed && signer.services.identity_token.as_deref() == Some("-") {
            return Err(Failure::usage(
                "conflicting-flags",
                "standard input cannot be both the list of images and the token",
            )
            .hint("give one of them as a file"));
        }
        let named = list::read(many)?;
        let platforms = &many.platforms;
        let several = named.len() > 1
            || many.recursive
            || platforms.all_platforms
            || platforms.platform.len() > 1;
        if several && !joint && placement.bundle.is_some() {
            return Err(Failure::usage(
                "conflicting-flags",
                "`--bundle` names one file and several images are to be signed",
            )
            .hint("sign one image a command, or drop `--bundle`"));
        }
        let references = named.iter().map(|named| &named.reference);
        legacy::possible(placement, many.journal.is_some(), references)?;
        Ok(Self {
            many,
            placement,
            named,
            several,
        })
    }

    /// Whether standard input is read for the list.
    pub(crate) fn takes_input(&self) -> bool {
        self.many.images_from.as_deref() == Some(Path::new("-"))
    }

    /// Whether there is more than one image.
    pub(crate) fn is_several(&self) -> bool {
        self.several
    }

    /// Signs.
    ///
    /// # Errors
    /// Of a single image its own error; of several what concerns them all, such as a token that is refused.
    pub(crate) fn run(
        self,
        context: &mut Context<'_, '_>,
        candidate: Candidate,
        order: &Order<'_>,
    ) -> Result<Done, Failure> {
        let epoch = context.environment("SOURCE_DATE_EPOCH");
        let created = clock::creation_time(epoch, context.now)?;
        if let Some(path) = &self.placement.bundle {
            signing::bundle_writable(path)?;
        }
        let journal = self
            .many
            .journal
            .as_deref()
            .map(Journal::open)
            .transpose()?;
        if !self.placement.no_upload {
            elsewhere::warn_of_cosign_repository(
                context,
                "what is signed is stored beside the image and not there",
            );
        }
        let signatory = &candidate.connect(context)?;
        if self.placement.format.legacy() {
            signatory.has_place_in_tags()?;
        }
        let settings = stores::settings(context);
        let runtime = context.runtime()?;
        let texts: Vec<String> = self.named.iter().map(|named| named.text.clone()).collect();
        let platforms = &self.many.platforms;
        let chosen = platforms::chosen(context, &runtime, &settings, &texts, platforms)?;
        let mut chosen: Vec<String> = chosen.into_iter().map(|chosen| chosen.name).collect();
        if !platforms.are_all_absent() {
            // Two indexes may list one image, which is signed once.
            let mut seen = HashSet::new();
            chosen.retain(|name| seen.insert(name.clone()));
        }
        let named = match chosen == texts {
            true => self.named.clone(),
            false => list::pinned(&chosen)?,
        };
        let voice = Voice::of(context, if self.several { 2 } else { 1 });
        let pause = Pause::new(self.several.then(|| voice.clone()));
        let jobs = usize::from(self.many.jobs);
        let resolving = Resolving {
            settings: &settings,
            pause: &pause,
            voice: &voice,
            recursive: self.many.recursive,
            each: self.several.then_some(context.global.timeout),
        };
        let bar = Progress::images("resolving", named.len(), context.terminal);
        let found = runtime.block_on(async {
            stream::iter(&named)
                .map(|named| async {
                    let found = resolving.resolve(named).await;
                    bar.advance(1);
                    found
                })
                .buffered(jobs)
                .collect::<Vec<_>>()
                .await
        });
        drop(bar);
        let mut outcomes = Outcomes::new(order.verb);
        let mut targets = Vec::new();
        for found in found.into_iter().flatten() {
            match found {
                Ok(target) => targets.push((outcomes.expect(), target)),
                Err(missed) => outcomes.miss(missed),
            }
        }
        if let Some(failure) = outcomes.lone_failure() {
            return Err(failure);
        }
        if order.joint && outcomes.has_failed() {
            return outcomes.withheld(context, &targets);
        }
        let mut tasks = tasks(order, &targets, &mut outcomes)?;
        if tasks.is_empty() {
            return outcomes.done(context, &targets, 0);
        }
        let name = runtime.block_on(signatory.introduce(&voice))?;
        for task in &mut tasks {
            task.name = journal::task(&task.statement, &name);
        }
        if let Some(looking) = order.missing {
            self.drop_present(
                &runtime,
                context,
                &settings,
                signatory,
                &name,
                looking,
                &mut tasks,
                &targets,
                &mut outcomes,
            )?;
        }
        let public = public(journal.as_ref(), &tasks, &targets)?;
        if !public.is_empty() {
            signatory.agree(context, &name, &public)?;
        }
        let work = Work::new(
            signatory,
            &name,
            &voice,
            &pause,
            self.placement,
            journal,
            created,
        )
        .tagged(order.tagged)
        .checking_name(order.missing.is_some())
        .giving_up_after(2 * jobs + 2);
        let bar = Progress::images(order.verb, tasks.len(), context.terminal && self.several);
        runtime.block_on(async {
            let mut running = stream::iter(&tasks)
                .map(|task| async {
                    let ended = work.run(task, &targets).await;
                    bar.advance(1);
                    ended
                })
                .buffer_unordered(jobs);
            while let Some(ended) = running.next().await {
                for (target, ending) in ended {
                    outcomes.end(target, ending);
                }
                bar.aside(|| outcomes.tell(context, &targets));
            }
        });
        drop(bar);
        let certificates = runtime.block_on(signatory.certificates());
        outcomes.done(context, &targets, certificates)
    }

    /// Ends what is signed already.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of `run`, apart for its length"
    )]
    fn drop_present(
        &self,
        runtime: &tokio::runtime::Runtime,
        context: &Context<'_, '_>,
        settings: &countersign_registry::Settings,
        signatory: &Signatory,
        name: &Name,
        looking: Looking<'_>,
        tasks: &mut Vec<Task>,
        targets: &[(usize, Target)],
        outcomes: &mut Outcomes,
    ) -> Result<(), Failure> {
        let Some(first) = tasks.first() else {
            return Ok(());
        };
        let settings = countersign_registry::Settings {
            shared_deadline: None,
            ..settings.clone()
        };
        let sought = looking(&first.statement);
        let presence = Presence::new(context, &settings, signatory, name, sought)?;
        let bar = Progress::images("looking", targets.len(), context.terminal && self.several);
        let looked = runtime.block_on(async {
            let looks = tasks
                .iter()
                .flat_map(|task| task.places.iter().map(move |place| (task, *place)));
            stream::iter(looks)
                .map(|(task, place)| (task, place, &presence, &bar))
                .map(|(task, place, presence, bar)| async move {
                    let present = match targets.get(place) {
                        Some((_, target)) => presence.of(&target.name, &task.statement).await,
                        None => Ok(false),
                    };
                    bar.advance(1);
                    (place, present)
                })
                .buffered(usize::from(self.many.jobs))
                .collect::<Vec<_>>()
                .await
        });
        drop(bar);
        let mut found = std::collections::HashMap::new();
        for (place, present) in looked {
            match present {
                Ok(present) => {
                    found.insert(place, present);
                }
                // Not known is not missing: this image is left alone.
                Err(failure) => {
                    outcomes.end(place_of(targets, place), Ending::Failed(failure));
                    found.insert(place, true);
                }
            }
        }
        for task in tasks.iter_mut() {
            let all = task
                .places
                .iter()
                .all(|place| found.get(place) == Some(&true));
            task.places.retain(|place| {
                let present = found.get(place) == Some(&true);
                // One statement about several: missing at one is missing.
                let drop = if task.joint { all } else { present };
                if drop {
                    outcomes.present(place_of(targets, *place));
                }
                !drop
            });
        }
        tasks.retain(|task| !task.places.is_empty());
        Ok(())
    }
}

fn place_of(targets: &[(usize, Target)], place: usize) -> usize {
    targets.get(place).map_or(place, |(slot, _)| *slot)
}

/// What is signed once: images of the same digest share a signature wherever they are.
fn tasks(
    order: &Order<'_>,
    targets: &[(usize, Target)],
    outcomes: &mut Outcomes,
) -> Result<Vec<Task>, Failure> {
    if order.joint {
        let all: Vec<&Target> = targets.iter().map(|(_, target)| target).collect();
        let statement = (order.statement)(&all)?;
        return Ok(vec![Task::new(
            statement,
            (0..targets.len()).collect(),
            true,
        )]);
    }
    let mut tasks: Vec<Task> = Vec::new();
    let mut known = std::collections::HashMap::<(Digest, Bytes), usize>::new();
    for (place, (slot, target)) in targets.iter().enumerate() {
        let statement = match (order.statement)(&[target]) {
            Ok(statement) => statement,
            Err(failure) => {
                outcomes.end(*slot, Ending::Failed(failure));
                continue;
            }
        };
        let key = (target.image.digest, statement.clone());
        match known.get(&key).and_then(|index| tasks.get_mut(*index)) {
            Some(task) => task.places.push(place),
            None => {
                known.insert(key, tasks.len());
                tasks.push(Task::new(statement, vec![place], false));
            }
        }
    }
    if let Some(failure) = outcomes.lone_failure() {
        return Err(failure);
    }
    Ok(tasks)
}

/// The names about which something new becomes public: what an earlier run has entered is public already.
fn public(
    journal: Option<&Journal>,
    tasks: &[Task],
    targets: &[(usize, Target)],
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for task in tasks {
        if let Some(journal) = journal
            && matches!(journal.known(&task.name)?, journal::Known::Signed(_))
        {
            continue;
        }
        let places = task.places.iter().filter_map(|place| targets.get(*place));
        names.extend(places.map(|(_, target)| target.name.clone()));
    }
    Ok(names)
}
