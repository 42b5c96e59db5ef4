//! A question asked with the login that the registry wants.

use super::auth::{self, Authorization, HostState};
use super::call::{Call, Reply, Right};
use super::transport::Transport;
use super::{Registry, challenge, origin};
use crate::error::StoreError;
use crate::settings::Event;

impl Registry {
    /// One attempt, and one more where the login that was refused is not the one that is stored by now.
    pub(super) async fn ask_once(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let keychain = &self.settings.keychain;
        match self.ask_with_login(call).await {
            Err(StoreError::Authentication { .. })
                if keychain.renew(&self.registry, &self.repository).await? =>
            {
                self.ask_with_login(call).await
            }
            answered => answered,
        }
        .map_err(|error| self.naming_the_missing_file(error))
    }

    /// Says with the error of a login that the file for logins is not there which the user named.
    fn naming_the_missing_file(&self, error: StoreError) -> StoreError {
        match (error, self.settings.keychain.missing_file_words()) {
            (
                StoreError::Authentication {
                    registry,
                    detail,
                    had_login,
                },
                Some(words),
            ) => StoreError::Authentication {
                registry,
                detail: format!("{detail}; {words}"),
                had_login,
            },
            (error, _) => error,
        }
    }

    /// What is known about logins is sent along, a challenge is answered once.
    async fn ask_with_login(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let at_home = origin::same(&call.url, &self.base);
        let transport = self.transport();
        let state = self.state();
        let authorization = self.known_login(&transport, &state, call).await?;
        let reply = self
            .follow(&transport, call, authorization.as_ref())
            .await?;
        if !at_home {
            return Ok(reply);
        }
        let kept = authorization
            .as_ref()
            .is_some_and(|authorization| authorization.kept);
        let again = match reply.status.as_u16() {
            401 if reply.at_home => match challenge::choose(&reply.headers) {
                Some(challenge) => {
                    state.remember(&challenge);
                    self.authorization(&transport, &state, call.right, true)
                        .await?
                }
                None => None,
            },
            // ECR answers a token that is over with 403, its public side with 400.
            400 | 403 if kept && reply.at_home => {
                self.authorization(&transport, &state, call.right, true)
                    .await?
            }
            _ => return self.admitted(call, reply).await,
        };
        match again {
            Some(again) => {
                let reply = self.follow(&transport, call, Some(&again)).await?;
                self.admitted(call, reply).await
            }
            None => self.admitted(call, reply).await,
        }
    }

    /// What a question is sent with at first: what is known by now about logins, where it goes to the registry itself.
    pub(super) async fn known_login(
        &self,
        transport: &Transport<'_>,
        state: &HostState,
        call: &Call<'_>,
    ) -> Result<Option<Authorization>, StoreError> {
        if !origin::same(&call.url, &self.base) {
            return Ok(None);
        }
        self.authorization(transport, state, call.right, false)
            .await
    }

    async fn authorization(
        &self,
        transport: &Transport<'_>,
        state: &HostState,
        right: Right<'_>,
        fresh: bool,
    ) -> Result<Option<Authorization>, StoreError> {
        let Some(challenge) = state.challenge() else {
            return Ok(None);
        };
        let keychain = &self.settings.keychain;
        if self.settings.diagnostics.is_some()
            && let Some(words) = keychain.missing_file_words()
            && self.settings.sessions.is_first_warning(&words)
        {
            self.settings
                .tell(&Event::Note(format!("{words}; the next places are asked")));
        }
        let credential = keychain.lookup(&self.registry, &self.repository).await?;
        let scope = match right {
            Right::Nothing => String::new(),
            Right::Pull => format!("repository:{}:pull", self.repository),
            Right::Push => format!("repository:{}:pull,push", self.repository),
            Right::Delete => format!("repository:{}:pull,push,delete", self.repository),
            Right::Mount(from) => format!(
                "repository:{}:pull,push repository:{from}:pull",
                self.repository
            ),
        };
        auth::answer(
            transport,
            state,
            &challenge,
            credential.as_ref(),
            &scope,
            fresh,
        )
        .await
    }

    /// Turns 401 and 403 into an error.
    pub(super) async fn admitted(
        &self,
        call: &Call<'_>,
        reply: Reply,
    ) -> Result<Reply, StoreError> {
        if !matches!(reply.status.as_u16(), 401 | 403) {
            return Ok(reply);
        }
        if !reply.at_home {
            return Err(StoreError::response(
                &self.name,
                format!(
                    "a host that it redirects to answered with status {}",
                    reply.status.as_u16()
                ),
            ));
        }
        let had_login = self
            .settings
            .keychain
            .lookup(&self.registry, &self.repository)
            .await?
            .is_some();
        let mut detail = format!(
            "status {} for `{}`",
            reply.status.as_u16(),
            origin::shown(&call.url)
        );
        for word in [&reply.code, &reply.message].into_iter().flatten() {
            detail.push_str(": ");
            detail.push_str(word);
        }
        Err(StoreError::Authentication {
            registry: self.registry.clone(),
            detail: countersign_formats::clipped(&detail, 512),
            had_login,
        })
    }
}
