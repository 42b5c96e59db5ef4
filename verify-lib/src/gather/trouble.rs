//! Why something was not had, and what that means for the answer.

use std::future::Future;

use countersign_formats::Descriptor;
use countersign_policy::{Cause, CauseClass};
use countersign_registry::{ErrorClass, Fault, Store, StoreError};
use tokio::time::timeout_at;

use super::Gatherer;

/// Why something was not had.
pub(super) enum Trouble {
    Store(StoreError),
    Deadline,
}

impl Trouble {
    /// What is wrong with bytes that are what their digest says and that cannot be read: that is evidence which does not count, since
    /// whoever may push could else make "unsigned" look like "could not find out".
    pub(super) fn garbage(&self) -> Option<String> {
        match self {
            Self::Store(StoreError::Untrusted { fault, .. }) => match &**fault {
                Fault::Malformed { error, .. } => Some(error.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Gatherer<'_> {
    /// Waits no longer than the deadline.
    pub(super) async fn patient<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Trouble> {
        match timeout_at(self.deadline, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Trouble::Store(error)),
            Err(_) => Err(Trouble::Deadline),
        }
    }

    pub(super) fn cause(&self, store: &dyn Store, trouble: Trouble) -> Cause {
        match trouble {
            Trouble::Store(error) => Cause {
                class: class(&error),
                source: store.name(),
                detail: error.to_string(),
            },
            Trouble::Deadline => Cause {
                class: CauseClass::Network,
                source: store.name(),
                detail: format!(
                    "no answer within the deadline of {} s",
                    self.patience.as_secs_f32()
                ),
            },
        }
    }

    /// The cause for something that a listing names.
    pub(super) fn listed(
        &self,
        store: &dyn Store,
        trouble: Trouble,
        descriptor: &Descriptor,
    ) -> Cause {
        let cause = self.cause(store, trouble);
        Cause {
            detail: format!(
                "`{}` is listed and cannot be had: {}",
                descriptor.digest, cause.detail
            ),
            ..cause
        }
    }
}

/// What kind of trouble a store's error is to a decision.
pub(crate) fn class(error: &StoreError) -> CauseClass {
    if matches!(error, StoreError::NotFound { .. }) {
        return CauseClass::Incomplete;
    }
    match error.class() {
        ErrorClass::Authentication => CauseClass::Authentication,
        ErrorClass::Unreadable | ErrorClass::Local => CauseClass::Unreadable,
        ErrorClass::OverLimit => CauseClass::Budget,
        ErrorClass::NotFound => CauseClass::Incomplete,
        _ => CauseClass::Network,
    }
}

pub(super) fn not_proven(source: String) -> Cause {
    Cause {
        class: CauseClass::Incomplete,
        source,
        detail: "a piece was not proven to its end".to_owned(),
    }
}
