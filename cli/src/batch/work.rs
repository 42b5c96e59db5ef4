//! One thing from statement to referrer: drafted, entered, kept in the journal, stored beside its images.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};
use countersign_proof::{Image, Subject, Verified};
use countersign_registry::{ListedVia, Published, PublishedLegacy};
use countersign_sign::{Prepared, Signed};

use super::Tagged;
use super::journal::{Journal, Known};
use super::outcome::{Ending, Placed};
use super::pause::Pause;
use super::targets::Target;
use crate::arguments::Placement;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::signatory::{Draft, Name, Redraft, Signatory, Voice};

/// Something that is signed once.
pub(super) struct Task {
    /// Its name in the journal.
    pub(super) name: String,
    /// What is signed.
    pub(super) statement: Bytes,
    /// The images beside which it is stored, by their position.
    pub(super) places: Vec<usize>,
    /// Whether it is one statement about all of them.
    pub(super) joint: bool,
}

impl Task {
    pub(super) fn new(statement: Bytes, places: Vec<usize>, joint: bool) -> Self {
        Self {
            name: String::new(),
            statement,
            places,
            joint,
        }
    }
}

/// What all tasks of a run share.
pub(super) struct Work<'a> {
    signatory: &'a Signatory,
    signer: &'a Name,
    voice: &'a Voice,
    pause: &'a Pause,
    placement: &'a Placement,
    journal: Option<RefCell<Journal>>,
    created: UnixTime,
    tagged: Tagged<'a>,
    check_name: bool,
    /// Outages one after the other after which the rest is not tried.
    patience: usize,
    outages: Cell<usize>,
    given_up: RefCell<Option<Failure>>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        signatory: &'a Signatory,
        signer: &'a Name,
        voice: &'a Voice,
        pause: &'a Pause,
        placement: &'a Placement,
        journal: Option<Journal>,
        created: UnixTime,
    ) -> Self {
        Self {
            signatory,
            signer,
            voice,
            pause,
            placement,
            journal: journal.map(RefCell::new),
            created,
            tagged: Tagged::Attestation,
            check_name: false,
            patience: usize::MAX,
            outages: Cell::new(0),
            given_up: RefCell::new(None),
        }
    }

    /// What goes under a tag, when the placement asks for one.
    pub(super) fn tagged(self, tagged: Tagged<'a>) -> Self {
        Self { tagged, ..self }
    }

    /// Refuses a certificate of another name than the one that was looked for, before anything is logged.
    pub(super) fn checking_name(self, check_name: bool) -> Self {
        Self { check_name, ..self }
    }

    /// How many outages of services one after the other end the attempts.
    pub(super) fn giving_up_after(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// Does one task; what became of each of its images, by their slots.
    pub(super) async fn run(
        &self,
        task: &Task,
        targets: &[(usize, Target)],
    ) -> Vec<(usize, Ending)> {
        let places: Vec<&(usize, Target)> = task
            .places
            .iter()
            .filter_map(|place| targets.get(*place))
            .collect();
        let every = |ending: &dyn Fn() -> Ending| {
            places.iter().map(|(slot, _)| (*slot, ending())).collect()
        };
        let given_up = self.given_up.borrow().clone();
        if let Some(failure) = given_up {
            return every(&|| Ending::NotAttempted(failure.clone()));
        }
        let Some((_, first)) = places.first() else {
            return Vec::new();
        };
        // A signature under a tag is one of its own; only an attestation is the bundle's envelope.
        let needed = self.placement.format.bundle() || matches!(self.tagged, Tagged::Attestation);
        let signed = match needed {
            true => self.signed(task, first).await.map(Some),
            false => Ok(None),
        };
        let signed = match signed {
            Ok(signed) => signed,
            Err(failure) => {
                self.trouble(&failure).await;
                return every(&|| Ending::Failed(failure.clone()));
            }
        };
        self.outages.set(0);
        let mut ended: Vec<(usize, Ending)> = Vec::new();
        let mut done: Vec<(&str, Placed)> = Vec::new();
        for (slot, target) in places {
            // Two tags of one image: stored once.
            let known = done.iter().find(|(name, _)| *name == target.name);
            let placed = match known {
                Some((_, placed)) => Ok(placed.clone()),
                None => self.placed(task, target, signed.as_ref()).await,
            };
            ended.push((
                *slot,
                match placed {
                    Ok(placed) => {
                        done.push((&target.name, placed.clone()));
                        Ending::Signed(Box::new(placed))
                    }
                    Err(failure) => Ending::Failed(failure),
                },
            ));
        }
        ended
    }

    /// Whatever concerns the others too ends the attempts.
    async fn trouble(&self, failure: &Failure) {
        let refused = self.signatory.refused().await;
        let outages = match failure.status {
            ExitStatus::Unavailable => self.outages.get() + 1,
            _ => 0,
        };
        self.outages.set(outages);
        let journal = ["file-unwritable", "journal-damaged"].contains(&failure.code.as_ref());
        if refused.is_some() || outages >= self.patience || (journal && self.journal.is_some()) {
            *self.given_up.borrow_mut() = Some(failure.clone());
        }
    }

    /// The bundle, from the journal or new, and whether an earlier run began it.
    async fn signed(&self, task: &Task, target: &Target) -> Result<(Signed, bool), Failure> {
        let prepared = prepared(task, target)?;
        let known = match &self.journal {
            Some(journal) => journal.borrow().known(&task.name)?,
            None => Known::Nothing,
        };
        let (draft, resumed) = match known {
            Known::Signed(bundle) => {
                let reopened = self.signatory.reopen(&prepared, bundle);
                let signed = reopened.map_err(|failure| self.unusable(target, &failure))?;
                self.check(&signed)?;
                return Ok((signed, true));
            }
            Known::Drafted(bundle) => {
                let redraft = self.signatory.redraft(&prepared, &bundle);
                match redraft.map_err(|failure| self.unusable(target, &failure))? {
                    Redraft::Draft(draft) => (*draft, true),
                    Redraft::Ended(ended) => {
                        let entered = self
                            .signatory
                            .entered(self.voice, &prepared, *ended, &target.name)
                            .await?;
                        if let Some(signed) = entered {
                            self.check(&signed)?;
                            self.keep_signed(task, &signed)?;
                            return Ok((signed, true));
                        }
                        // Nothing of it is public.
                        (self.drafted(task, &prepared).await?, false)
                    }
                }
            }
            Known::Nothing => (self.drafted(task, &prepared).await?, false),
        };
        let entered = self
            .signatory
            .enter(self.voice, &prepared, draft, &target.name)
            .await;
        let signed = entered.map_err(|failure| match resumed && failure.code == "entry-exists" {
            true => failure.instead("the earlier run has entered it; resume again where the log hands out its entries, or sign it anew with another journal, which makes another entry"),
            false => failure,
        })?;
        self.keep_signed(task, &signed)?;
        Ok((signed, resumed))
    }

    /// A new draft, which the journal has.
    async fn drafted(&self, task: &Task, prepared: &Prepared) -> Result<Draft, Failure> {
        let draft = self.signatory.draft(self.voice, prepared).await?;
        if self.check_name {
            self.check(&draft.signed)?;
        }
        self.keep_draft(task, &draft)?;
        Ok(draft)
    }

    fn keep_signed(&self, task: &Task, signed: &Signed) -> Result<(), Failure> {
        match &self.journal {
            Some(journal) => journal.borrow_mut().signed(&task.name, &signed.bundle),
            None => Ok(()),
        }
    }

    /// What is about to be sent to a log stands in the journal first.
    fn keep_draft(&self, task: &Task, draft: &Draft) -> Result<(), Failure> {
        match &self.journal {
            Some(journal) if draft.is_unlogged() => {
                let bundle = &draft.signed.bundle;
                journal.borrow_mut().drafted(&task.name, bundle)
            }
            _ => Ok(()),
        }
    }

    /// A certificate of another name would not be found by the next look.
    fn check(&self, signed: &Signed) -> Result<(), Failure> {
        if self.signer.is_of(&signed.verified) {
            return Ok(());
        }
        Err(Failure::new(
            ExitStatus::Unavailable,
            "identity-unexpected",
            "the certificate names another identity than the token let expect; nothing was logged for it and nothing was stored",
        )
        .hint("sign without `--if-missing`, and with a new journal"))
    }

    /// A bundle of the journal that does not verify now is never replaced in silence: a log may have its entry.
    fn unusable(&self, target: &Target, failure: &Failure) -> Failure {
        let status = match failure.status {
            ExitStatus::Internal => ExitStatus::Usage,
            status => status,
        };
        Failure::new(
            status,
            "journal-bundle-unusable",
            format!(
                "the bundle that the journal has for `{}` cannot be used: {}",
                target.name, failure.message
            ),
        )
        .hint("give the trusted root and the signing config of the earlier run; or sign it anew with another journal, which makes another log entry")
    }

    async fn placed(
        &self,
        task: &Task,
        target: &Target,
        signed: Option<&(Signed, bool)>,
    ) -> Result<Placed, Failure> {
        let mut placed = match signed {
            Some((signed, resumed)) => {
                let own;
                let signed = if *signed.verified.subject() == target.image.digest {
                    signed
                } else {
                    let prepared = prepared(task, target)?;
                    own = self.signatory.reopen(&prepared, signed.bundle.clone())?;
                    &own
                };
                let mut placed = match self.placement.format.bundle() {
                    true => self.bundled(task, target, signed, *resumed).await?,
                    false => Placed::proven(&signed.verified),
                };
                if self.placement.format.legacy() && matches!(self.tagged, Tagged::Attestation) {
                    let layer = self.signatory.attestation_layer(&signed.verified).await?;
                    placed.tagged(self.under_tag(target, &layer).await?);
                }
                placed
            }
            None => Placed::nothing(),
        };
        if let Tagged::Signature(annotations) = self.tagged
            && self.placement.format.legacy()
        {
            let repository = crate::images::repository(&target.reference);
            let prepared = Prepared::simple_signing(target.image.digest, &repository, annotations)?;
            let draft = self.signatory.draft(self.voice, &prepared).await?;
            let signed = self
                .signatory
                .enter(self.voice, &prepared, draft, &target.name)
                .await?;
            if placed.is_nothing() {
                placed = Placed::proven(&signed.verified);
            }
            placed.tagged(self.under_tag(target, &signed.verified).await?);
        }
        placed.counted(target.store.requests());
        Ok(placed)
    }

    async fn under_tag(
        &self,
        target: &Target,
        layer: &Verified,
    ) -> Result<PublishedLegacy, Failure> {
        let stored = self.pause.obeying(|| {
            countersign_registry::publish_legacy(target.store.as_ref(), &target.image, layer)
        });
        Ok(stored.await?)
    }

    async fn bundled(
        &self,
        task: &Task,
        target: &Target,
        signed: &Signed,
        resumed: bool,
    ) -> Result<Placed, Failure> {
        let path = self.placement.bundle.as_ref();
        if let Some(path) = path.filter(|path| path.as_os_str() != "-") {
            crate::files::write(
                "the bundle",
                path,
                &signed.bundle,
                crate::files::Audience::Everybody,
                crate::files::Existing::Replace,
            )?;
        }
        let published = match self.placement.no_upload {
            true => None,
            false => Some(self.published(task, target, signed).await?),
        };
        Ok(Placed::bundle(signed, resumed, published, path))
    }

    async fn published(
        &self,
        task: &Task,
        target: &Target,
        signed: &Signed,
    ) -> Result<(String, Option<ListedVia>), Failure> {
        if let Some(journal) = &self.journal {
            let stored = journal.borrow().stored(&task.name, &target.name);
            if let Some(manifest) = stored
                && self
                    .pause
                    .obeying(|| target.store.exists(&manifest))
                    .await?
            {
                return Ok((manifest.to_string(), None));
            }
        }
        let Published { manifest, via, .. } = self
            .pause
            .obeying(|| {
                countersign_registry::publish(
                    target.store.as_ref(),
                    &target.image,
                    &signed.verified,
                    self.created,
                )
            })
            .await?;
        if let Some(journal) = &self.journal {
            journal
                .borrow_mut()
                .placed(&task.name, &target.name, &manifest.digest)?;
        }
        Ok((manifest.digest.to_string(), via))
    }
}

fn prepared(task: &Task, target: &Target) -> Result<Prepared, Failure> {
    let subject = Subject::Image(Image::pinned(target.image.digest));
    Ok(Prepared::statement(
        task.statement.clone(),
        subject,
        &Limits::DEFAULT,
    )?)
}
