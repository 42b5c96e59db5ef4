//! Opens registries and layouts under the global settings.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_formats::Reference;
use countersign_registry::{
    Cache, ErrorClass, Event, Keychain, Settings, Store, StoreError, Target,
};

use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::printer::Words;
use crate::progress::Progress;
use crate::request_line::request_line;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::new(status(error.class()), error.code(), error.to_string()).or_hint(error.hint())
    }
}

/// The exit code of an error that a store reported.
fn status(class: ErrorClass) -> ExitStatus {
    match class {
        ErrorClass::NotFound => ExitStatus::NotFound,
        ErrorClass::Authentication => ExitStatus::Authentication,
        ErrorClass::Local | ErrorClass::Unsupported | ErrorClass::Usage => ExitStatus::Usage,
        // Garbage from a peer and a flood of it are "could not find out", never an internal error.
        _ => ExitStatus::Unavailable,
    }
}

/// An image reference as it stands on the command line.
pub(crate) fn reference(text: &str) -> Result<Reference, Failure> {
    Reference::parse(text).map_err(|error| {
        Failure::usage(error.code(), error.to_string())
            .or_hint(error.hint())
            .or_hint(Some(
                "write `HOST/REPOSITORY[:TAG][@DIGEST]`, or `oci:DIR` for a layout".to_owned(),
            ))
    })
}

/// Where evidence that was fetched is kept, unless nothing says where.
pub(crate) fn cache(context: &Context<'_, '_>) -> Option<Cache> {
    let directory = context
        .global
        .transport
        .cache_directory
        .clone()
        .or_else(|| Cache::user_directory(|name| context.environment(name)))?;
    Some(Cache::new(directory, Cache::LIMIT))
}

/// How registries are reached in this run.
pub(crate) fn settings(context: &Context<'_, '_>) -> Settings {
    let transport = &context.global.transport;
    let terminal = context.terminal;
    let words = context.printer.words();
    let verbosity = context.printer.verbosity();
    let mut settings = Settings {
        allow_http: context.global.allow_http,
        deadline: context.global.timeout,
        shared_deadline: Some(Arc::clone(&context.deadline)),
        offline: context.global.offline,
        keychain: Keychain::from_environment(|name| std::env::var(name).ok()),
        ca_certificates: transport.authorities.clone(),
        client_identity: transport.identity.clone(),
        mirrors: transport.mirrors.clone(),
        cache: cache(context).filter(|_| !transport.no_cache),
        ..Settings::default()
    };
    if verbosity > 0 || terminal {
        settings.diagnostics = Some(diagnostics(words, verbosity, terminal));
    }
    settings
}

fn diagnostics(words: Words, verbosity: u8, terminal: bool) -> countersign_registry::Diagnostics {
    let bar: Mutex<Option<(Progress, u64)>> = Mutex::new(None);
    Arc::new(move |event: &Event| match event {
        Event::Progress { done, total } => {
            let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
            let (progress, shown) =
                bar.get_or_insert_with(|| (Progress::bytes("transfer", *total, terminal), 0));
            progress.advance(done.saturating_sub(*shown));
            *shown = *done;
            if done >= total {
                *bar = None;
            }
        }
        other if verbosity > 0 => {
            if let Some(line) = line(other) {
                words.say(&line);
            }
        }
        _ => {}
    })
}

/// One line of diagnostics; the registry has removed secrets from addresses already.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::Request {
            method,
            url,
            status,
            bytes,
            elapsed,
            error,
        } => Some(request_line(
            method,
            url,
            *status,
            error.as_deref(),
            *bytes,
            *elapsed,
        )),
        Event::Note(note) => Some(format!("> {}", escape::field(note))),
        _ => None,
    }
}

/// Opens the store of `reference` and says what to look for in it.
pub(crate) fn open(
    reference: &Reference,
    settings: &Settings,
) -> Result<(Box<dyn Store>, Target), Failure> {
    Ok((
        countersign_registry::open(reference, settings)?,
        target(reference),
    ))
}

/// What `reference` names inside its store; a digest wins over a tag.
pub(crate) fn target(reference: &Reference) -> Target {
    let (tag, digest) = match reference {
        Reference::Registry(registry) => (registry.tag(), registry.digest()),
        Reference::Layout(layout) => (layout.tag(), layout.digest()),
        Reference::Archive(archive) => (archive.tag(), archive.digest()),
    };
    match (digest, tag) {
        (Some(digest), _) => Target::Digest(*digest),
        (None, Some(tag)) => Target::Tag(tag.to_owned()),
        (None, None) => Target::Sole,
    }
}
