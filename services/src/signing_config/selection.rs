//! The services that may be asked, as many at once as are needed.

use std::collections::HashSet;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};

use countersign_formats::UnixTime;

use super::{Selector, Service};
use crate::error::{ErrorClass, ServiceError, ServiceKind};

/// Services that may be used now, the newest first and one an operator, and how many of them are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The candidates; those after the first `needed` stand in for one that is down.
    pub candidates: Vec<Service>,
    /// How many are needed.
    pub needed: usize,
}

impl Selection {
    /// Asks as many services as are needed, all at once; one that cannot be reached is replaced by the next candidate.
    ///
    /// # Errors
    /// The error of the last service that failed, when there are no candidates left; any error that is not the network's at once.
    pub async fn gather<T, F>(
        &self,
        mut ask: impl FnMut(Service) -> F,
    ) -> Result<Vec<T>, ServiceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        let mut candidates = self.candidates.iter();
        let mut asking = tokio::task::JoinSet::new();
        for (index, candidate) in candidates.by_ref().take(self.needed).enumerate() {
            let answer = ask(candidate.clone());
            asking.spawn(async move { (index, answer.await) });
        }
        let mut answers = Vec::new();
        while let Some(joined) = asking.join_next().await {
            let (index, answer) =
                joined.map_err(|error| ServiceError::configuration(error.to_string()))?;
            match answer {
                Ok(answer) => answers.push((index, answer)),
                // A service that is down may be replaced; one that answers wrongly is to be known of.
                Err(error) if error.class() == ErrorClass::Network => {
                    let Some(next) = candidates.next() else {
                        return Err(error);
                    };
                    let answer = ask(next.clone());
                    asking.spawn(async move { (index, answer.await) });
                }
                Err(error) => return Err(error),
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// As many services as the selector asks for.
pub(super) fn select(
    services: &[Service],
    selector: Selector,
    versions: &[u64],
    kind: ServiceKind,
    now: UnixTime,
) -> Result<Selection, ServiceError> {
    // At most one an operator: two logs of one operator are one witness.
    let mut operators = HashSet::new();
    let mut candidates: Vec<Service> = usable(services, versions, now)
        .into_iter()
        .filter(|service| operators.insert(service.operator.as_str()))
        .cloned()
        .collect();
    let found = candidates.len();
    let needed = match selector {
        _ if services.is_empty() => 0,
        Selector::Any | Selector::Unspecified => 1,
        Selector::All => found.max(1),
        Selector::Exact(count) => count,
    };
    if found < needed {
        let wanted = needed;
        return Err(ServiceError::NoService {
            kind,
            wanted,
            found,
        });
    }
    if selector == Selector::Any && found > 1 {
        // Clients spread over the operators; nothing secret depends on the choice.
        let random = RandomState::new().build_hasher().finish();
        candidates.rotate_left(usize::try_from(random % found as u64).unwrap_or_default());
    }
    Ok(Selection { candidates, needed })
}

/// The one service to use.
pub(super) fn newest<'a>(
    services: &'a [Service],
    versions: &[u64],
    kind: ServiceKind,
    now: UnixTime,
) -> Result<Option<&'a Service>, ServiceError> {
    let found = usable(services, versions, now).into_iter().next();
    if found.is_none() && !services.is_empty() {
        let (wanted, found) = (1, 0);
        return Err(ServiceError::NoService {
            kind,
            wanted,
            found,
        });
    }
    Ok(found)
}

/// The services that can be used at `now` with the highest version that some of them have, the newest first.
fn usable<'a>(services: &'a [Service], versions: &[u64], now: UnixTime) -> Vec<&'a Service> {
    let open: Vec<&Service> = services
        .iter()
        .filter(|service| service.valid.contains(now))
        .collect();
    let version = versions
        .iter()
        .filter(|version| {
            open.iter()
                .any(|service| service.major_version == **version)
        })
        .max();
    let mut usable: Vec<&Service> = open
        .into_iter()
        .filter(|service| Some(&service.major_version) == version)
        .collect();
    usable.sort_by_key(|service| std::cmp::Reverse(service.valid.start));
    usable
}
