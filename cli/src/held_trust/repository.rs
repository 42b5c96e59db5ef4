//! The TUF repository that this machine trusts, by its cache or its mirror.

use std::time::Duration;

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_services::{AnswerFault, Client, ServiceError, Settings, StaticFiles};
use countersign_trust_store::tuf::{
    Acquired, Acquisition, BoxFuture, Cache, Folders, Instance, Mirror, MirrorError, TufError,
    acquire,
};

use crate::context::Context;
use crate::failure::Failure;

/// The folders of this user.
pub(crate) fn folders() -> Result<Folders, Failure> {
    Folders::of(&|name| std::env::var_os(name)).ok_or_else(|| {
        Failure::usage(
            "no-home",
            "nothing says where trust is kept on this machine",
        )
        .hint("set `HOME`, or name a folder in `COUNTERSIGN_TRUST_DIR`")
    })
}

/// The cache of the repository that this machine trusts; `None` when none was chosen.
pub(crate) fn cache(context: &Context<'_, '_>) -> Result<Option<Cache>, Failure> {
    let Some(folders) = Folders::of(&|name| std::env::var_os(name)) else {
        return Ok(None);
    };
    let Some(mut instance) = Instance::load(&folders, &Limits::DEFAULT)? else {
        return Ok(None);
    };
    // Another mirror of the same repository: what it serves is proven from the same root.
    let other = MIRROR_VARIABLES
        .iter()
        .find_map(|name| context.environment(name))
        .filter(|mirror| !mirror.is_empty());
    if let Some(mirror) = other {
        instance.mirror = mirror.trim_end_matches('/').to_owned();
    }
    Ok(Some(Cache::new(instance, &folders, &Limits::DEFAULT)))
}

/// Whether the address can be a mirror's; nothing is sent to it.
pub(crate) fn usable_mirror(context: &Context<'_, '_>, address: &str) -> Result<(), Failure> {
    WebMirror::new(context, address).map(|_| ())
}

/// The variables that name another mirror of the chosen repository; the first that is set counts.
const MIRROR_VARIABLES: [&str; 2] = ["COUNTERSIGN_MIRROR", "TUF_MIRROR"];

/// The repository's material that holds now.
pub(crate) fn get(
    context: &Context<'_, '_>,
    cache: &Cache,
    max_age: Option<u64>,
    always: bool,
) -> Result<Acquired, Failure> {
    let set = MIRROR_VARIABLES
        .iter()
        .find(|name| context.environment(name).is_some());
    let place = format!("in `{}`", set.unwrap_or(&"TUF_MIRROR"));
    get_from(context, cache, max_age, always, &place)
}

/// As [`get`]; `place` says where another mirror would be named.
pub(crate) fn get_from(
    context: &Context<'_, '_>,
    cache: &Cache,
    max_age: Option<u64>,
    always: bool,
    place: &str,
) -> Result<Acquired, Failure> {
    let mirror = match context.global.offline {
        true => None,
        false => Some(WebMirror::new(context, &cache.instance().mirror)?),
    };
    let how = Acquisition {
        now: context.now,
        mirror: mirror.as_ref().map(|mirror| mirror as &dyn Mirror),
        max_age,
        always,
    };
    let acquired = context.runtime()?.block_on(acquire(cache, how));
    acquired.map_err(|error| of_mirror(&cache.instance().mirror, error, mirror.is_some(), place))
}

/// What is wrong with a repository's trust, by the name of its mirror; `asked` says whether the mirror was.
fn of_mirror(mirror: &str, error: TufError, asked: bool, place: &str) -> Failure {
    let past_its_date = match &error {
        TufError::Expired { .. } => asked,
        TufError::Stale { refresh, .. } => matches!(**refresh, TufError::Expired { .. }),
        _ => false,
    };
    let named = matches!(
        error,
        TufError::Mirror(_)
            | TufError::Offline { .. }
            | TufError::File { .. }
            | TufError::Locked { .. }
    );
    let unanswered = matches!(error, TufError::Mirror(_));
    let failure = Failure::from(error);
    let failure = if past_its_date {
        failure.instead(&format!(
            "the mirror serves a state past its date: its owners must sign a new one, or another mirror is named {place}; is the clock of this machine right?",
        ))
    } else if unanswered {
        failure.instead(&format!("try again later, or name another mirror {place}"))
    } else {
        failure
    };
    if named {
        return failure;
    }
    let mirror = crate::escape::field(mirror);
    Failure {
        message: format!("`{mirror}`: {}", failure.message),
        ..failure
    }
}

/// A mirror over https, under the deadline of the command.
struct WebMirror {
    files: StaticFiles,
}

impl WebMirror {
    fn new(context: &Context<'_, '_>, address: &str) -> Result<Self, Failure> {
        let settings = Settings {
            ca_certificates: context.global.transport.authorities.clone(),
            ..crate::signatory::service_settings(context, false)
        };
        Ok(Self {
            files: StaticFiles::new(&Client::new(settings), address)?,
        })
    }
}

impl Mirror for WebMirror {
    fn name(&self) -> String {
        self.files.name().to_string()
    }

    fn fetch<'a>(
        &'a self,
        path: &'a str,
        cap: u64,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MirrorError>> {
        Box::pin(async move {
            self.files
                .get(path, cap)
                .await
                .map_err(|error| match &error {
                    ServiceError::Answer { fault, .. }
                        if matches!(**fault, AnswerFault::OverLimit { .. }) =>
                    {
                        MirrorError::OverLimit {
                            path: path.to_owned(),
                            limit: cap,
                        }
                    }
                    ServiceError::Unavailable { .. } => MirrorError::Unavailable {
                        detail: error.to_string(),
                    },
                    _ => MirrorError::Response {
                        detail: error.to_string(),
                    },
                })
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
