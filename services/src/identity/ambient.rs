//! Tokens that the surroundings give to a machine: CI systems, clouds, SPIFFE agents.

use std::path::PathBuf;

use countersign_formats::json::{ObjectWriter, Reader};
use countersign_formats::{Document, Error, Limits};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderName};

use super::{IdentityToken, TokenError};
use crate::error::{ServiceError, ServiceKind, ServiceName};
use crate::http::{self, Call, Client};
use crate::secret::Secret;

/// The agent's address where Buildkite names none.
const BUILDKITE: &str = "https://agent.buildkite.com/v3";
/// The metadata service's host where Google names none.
const GOOGLE: &str = "metadata.google.internal";
/// What the metadata service asks of its callers and says of itself.
const GOOGLE_FLAVOUR: HeaderName = HeaderName::from_static("metadata-flavor");
/// Where Linux says what machine it runs on.
const PRODUCT_NAME: &str = "/sys/class/dmi/id/product_name";

/// Where a token can be had from without asking a person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ambient {
    /// The variable SIGSTORE_ID_TOKEN, which GitLab and others fill.
    Variable(Secret),
    /// GitHub Actions, for jobs with the permission `id-token: write`.
    GitHubActions {
        /// ACTIONS_ID_TOKEN_REQUEST_URL.
        url: Secret,
        /// ACTIONS_ID_TOKEN_REQUEST_TOKEN.
        token: Secret,
    },
    /// CircleCI's variable CIRCLE_OIDC_TOKEN_V2.
    CircleCi(Secret),
    /// Buildkite's agent.
    Buildkite {
        /// BUILDKITE_AGENT_ENDPOINT.
        endpoint: String,
        /// BUILDKITE_AGENT_ACCESS_TOKEN.
        token: Secret,
        /// BUILDKITE_JOB_ID.
        job: String,
    },
    /// Google Cloud's metadata service.
    Google {
        /// Its host, and port when it has one.
        host: String,
    },
    /// A SPIFFE agent's workload API at a Unix socket.
    Spiffe {
        /// The socket.
        socket: PathBuf,
    },
}

impl Ambient {
    /// Finds out where a token can be had from. Asks nobody and opens no socket; `environment` reads one variable.
    ///
    /// # Errors
    /// [`TokenError::NotGranted`] in a CI system that could give tokens but was not told to.
    pub fn detect(
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TokenError> {
        let product = || {
            std::fs::read_to_string(PRODUCT_NAME)
                .is_ok_and(|name| name.trim_start().starts_with("Google"))
        };
        Self::detect_on(environment, product)
    }

    fn detect_on(
        environment: impl Fn(&str) -> Option<String>,
        is_google: impl FnOnce() -> bool,
    ) -> Result<Option<Self>, TokenError> {
        let variable = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let secret = |name: &str| variable(name).map(Secret::new);
        if let Some(token) = secret("SIGSTORE_ID_TOKEN") {
            return Ok(Some(Self::Variable(token)));
        }
        if let (Some(url), Some(token)) = (
            secret("ACTIONS_ID_TOKEN_REQUEST_URL"),
            secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ) {
            return Ok(Some(Self::GitHubActions { url, token }));
        }
        if let Some(token) = secret("CIRCLE_OIDC_TOKEN_V2") {
            return Ok(Some(Self::CircleCi(token)));
        }
        if let (Some(token), Some(job)) = (
            secret("BUILDKITE_AGENT_ACCESS_TOKEN"),
            variable("BUILDKITE_JOB_ID"),
        ) {
            let endpoint =
                variable("BUILDKITE_AGENT_ENDPOINT").unwrap_or_else(|| BUILDKITE.to_owned());
            return Ok(Some(Self::Buildkite {
                endpoint,
                token,
                job,
            }));
        }
        if let Some(socket) = variable("SPIFFE_ENDPOINT_SOCKET") {
            let path = socket.strip_prefix("unix://").unwrap_or(&socket);
            let path = path.strip_prefix("unix:").unwrap_or(path);
            return Ok(Some(Self::Spiffe {
                socket: PathBuf::from(path),
            }));
        }
        if variable("GITHUB_ACTIONS").is_some() {
            return Err(TokenError::NotGranted {
                system: "GitHub Actions",
                remedy: "give the job `permissions: { id-token: write }`; pull requests from forks do not get it",
            });
        }
        if variable("GITLAB_CI").is_some() {
            return Err(TokenError::NotGranted {
                system: "GitLab",
                remedy: "give the job `id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }`",
            });
        }
        if let Some(host) = variable("GCE_METADATA_HOST") {
            return Ok(Some(Self::Google { host }));
        }
        Ok(is_google().then(|| Self::Google {
            host: GOOGLE.to_owned(),
        }))
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Variable(_) => "SIGSTORE_ID_TOKEN",
            Self::GitHubActions { .. } => "GitHub Actions",
            Self::CircleCi(_) => "CircleCI",
            Self::Buildkite { .. } => "Buildkite",
            Self::Google { .. } => "Google Cloud",
            Self::Spiffe { .. } => "SPIFFE",
        }
    }

    /// Gets a token for `audience`. Variables hold one for the audience that it was made for: the check shows it.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`], [`ServiceError::Answer`], [`ServiceError::TokenRefused`], [`ServiceError::Address`],
    /// [`ServiceError::Token`] when what came is not a token.
    pub async fn fetch(
        &self,
        client: &Client,
        audience: &str,
    ) -> Result<IdentityToken, ServiceError> {
        let limits = &client.settings().limits;
        let token = match self {
            Self::Variable(token) | Self::CircleCi(token) => token.clone(),
            Self::GitHubActions { url, token } => github(client, url, token, audience).await?,
            Self::Buildkite {
                endpoint,
                token,
                job,
            } => buildkite(client, endpoint, token, job, audience).await?,
            Self::Google { host } => google(client, host, audience).await?,
            #[cfg(unix)]
            Self::Spiffe { socket } => super::spiffe::fetch(client, socket, audience).await?,
            #[cfg(not(unix))]
            Self::Spiffe { .. } => {
                return Err(ServiceError::configuration(
                    "SPIFFE agents are reached by Unix sockets only",
                ));
            }
        };
        Ok(IdentityToken::parse(token.reveal(), limits)?)
    }
}

async fn github(
    client: &Client,
    url: &Secret,
    token: &Secret,
    audience: &str,
) -> Result<Secret, ServiceError> {
    let mut url = http::parse_with_query(url.reveal(), client.settings().allow_http)?;
    let service = source(&url);
    url.query_pairs_mut().append_pair("audience", audience);
    let call = Call::get(
        &service,
        url,
        client.settings().limits.token_bytes,
        "token answer",
    )
    .header(ACCEPT, "application/json")
    .authorized("Bearer", token)?;
    ask_for_member(client, call, token, "value").await
}

async fn buildkite(
    client: &Client,
    endpoint: &str,
    token: &Secret,
    job: &str,
    audience: &str,
) -> Result<Secret, ServiceError> {
    let base = http::parse(endpoint, client.settings().allow_http)?;
    let service = source(&base);
    if !job
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(ServiceError::configuration(
            "BUILDKITE_JOB_ID is not the identifier of a job",
        ));
    }
    let mut body = Vec::new();
    let mut object = ObjectWriter::new(&mut body);
    object.string("audience", audience);
    object.end();
    let url = http::below(&base, &format!("jobs/{job}/oidc/tokens"));
    let cap = client.settings().limits.token_bytes;
    let call = Call::post(&service, url, body, "application/json", cap, "token answer")
        .authorized("Token", token)?;
    ask_for_member(client, call, token, "token").await
}

async fn ask_for_member(
    client: &Client,
    call: Call<'_>,
    token: &Secret,
    member: &'static str,
) -> Result<Secret, ServiceError> {
    let secrets = [token.clone()];
    let call = call.hiding(&secrets);
    let reply = client.begin().ask(&call).await?;
    if !reply.status.is_success() {
        return Err(refused(&call, &reply));
    }
    read_member(&reply.body, member, &client.settings().limits).map_err(|error| {
        // Its words could show a part of the token.
        ServiceError::malformed(call.service, call.what, error.code())
    })
}

async fn google(client: &Client, host: &str, audience: &str) -> Result<Secret, ServiceError> {
    // Link-local and unencrypted by design: nothing secret is sent, and the answer is checked by whoever receives the token.
    let path = "computeMetadata/v1/instance/service-accounts/default/identity";
    let mut url = http::parse(&format!("http://{host}/{path}"), true)?;
    let service = source(&url);
    url.query_pairs_mut()
        .append_pair("audience", audience)
        .append_pair("format", "full");
    let cap = client.settings().limits.token_bytes;
    let call = Call::get(&service, url, cap, "token answer").header(GOOGLE_FLAVOUR, "Google");
    let reply = client.begin().ask(&call).await?;
    if !reply.status.is_success() {
        return Err(refused(&call, &reply));
    }
    if reply
        .headers
        .get(GOOGLE_FLAVOUR)
        .is_none_or(|flavour| flavour != "Google")
    {
        return Err(ServiceError::malformed(
            &service,
            "token answer",
            "it is not from Google's metadata service",
        ));
    }
    String::from_utf8(reply.body.to_vec())
        .map(Secret::new)
        .map_err(|_| ServiceError::malformed(&service, "token answer", "it is not text"))
}

fn refused(call: &Call<'_>, reply: &http::Reply) -> ServiceError {
    match reply.status.as_u16() {
        status @ (401 | 403) => ServiceError::TokenRefused {
            service: call.service.clone(),
            status,
            message: http::error_words(&reply.body, call.secrets),
        },
        _ => reply.refusal(call.service, call.secrets),
    }
}

fn source(url: &Url) -> ServiceName {
    ServiceName {
        kind: ServiceKind::TokenSource,
        address: http::shown(url),
    }
}

pub(crate) fn read_member(
    body: &[u8],
    member: &'static str,
    limits: &Limits,
) -> Result<Secret, Error> {
    let cap = ("token_bytes", limits.token_bytes);
    let mut reader = Reader::from_bytes(Document::Json, body, cap, limits)?;
    let mut token = None;
    reader.object(|reader, name| {
        if name == member {
            token = Some(Secret::new(reader.string()?));
            return Ok(());
        }
        reader.ignore()
    })?;
    let token = reader.required(member, token)?;
    reader.end()?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::Ambient;

    fn detect(variables: &[(&str, &str)]) -> Result<Option<&'static str>, &'static str> {
        let environment = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Ambient::detect_on(environment, || false)
            .map(|found| found.map(|found| found.name()))
            .map_err(|error| error.code())
    }

    #[test]
    fn each_system_is_known_by_its_variables() {
        for (variables, name) in [
            (vec![("SIGSTORE_ID_TOKEN", "t")], "SIGSTORE_ID_TOKEN"),
            (
                vec![
                    ("GITHUB_ACTIONS", "true"),
                    ("ACTIONS_ID_TOKEN_REQUEST_URL", "u"),
                    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
                ],
                "GitHub Actions",
            ),
            (vec![("CIRCLE_OIDC_TOKEN_V2", "t")], "CircleCI"),
            (
                vec![
                    ("BUILDKITE_AGENT_ACCESS_TOKEN", "t"),
                    ("BUILDKITE_JOB_ID", "j"),
                ],
                "Buildkite",
            ),
            (
                vec![("SPIFFE_ENDPOINT_SOCKET", "unix:///run/spire.sock")],
                "SPIFFE",
            ),
            (
                vec![("GCE_METADATA_HOST", "169.254.169.254")],
                "Google Cloud",
            ),
        ] {
            assert_eq!(detect(&variables), Ok(Some(name)));
        }
        assert_eq!(detect(&[]), Ok(None));
        assert_eq!(detect(&[("SIGSTORE_ID_TOKEN", " ")]), Ok(None));
    }

    #[test]
    fn a_job_without_the_permission_is_told_so() {
        assert_eq!(
            detect(&[("GITHUB_ACTIONS", "true")]),
            Err("token-not-granted")
        );
        assert_eq!(detect(&[("GITLAB_CI", "true")]), Err("token-not-granted"));
    }

    #[test]
    fn nothing_secret_is_in_its_debug_form() {
        let found = Ambient::detect_on(
            |name| (name == "SIGSTORE_ID_TOKEN").then(|| "hunter2".to_owned()),
            || false,
        );
        assert_eq!(format!("{found:?}"), "Ok(Some(Variable(****)))");
    }
}
