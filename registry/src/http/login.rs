//! Trying a login before it is kept.

use reqwest::Url;

use super::Registry;
use super::body::Expect;
use super::call::{Call, Right};
use crate::error::StoreError;

/// What a registry said to a login that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginTried {
    /// It asked for one and let this one in.
    Accepted,
    /// It let us in without looking at one, so that nothing is known about this one.
    NotAskedFor,
}

impl Registry {
    /// Asks the root of the API with the login of this store's keychain and with no right to any repository, as `docker login` does.
    ///
    /// # Errors
    /// [`StoreError::Authentication`] when the registry, or its token service, refuses the login; else what asking any question meets.
    pub async fn try_login(&self) -> Result<LoginTried, StoreError> {
        let expect = Expect::Document {
            cap: self.settings.limits.error_body_bytes,
            what: "answer of the API's root",
        };
        let root = Call {
            right: Right::Nothing,
            ..Call::get(self.root(), expect)
        };
        let reply = self.ask(&root).await?;
        match reply.status.as_u16() {
            200 if self.state().challenge().is_some() => Ok(LoginTried::Accepted),
            200 => Ok(LoginTried::NotAskedFor),
            // Nothing shows that this is a registry.
            _ => Err(self.status_error(&reply)),
        }
    }

    /// The root of the registry's API.
    pub(super) fn root(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        url
    }
}
