//! A build on a server that holds repositories, as claims of a certificate.

use std::collections::BTreeMap;

use crate::claims::CertificateClaim;
use crate::joined::{Part, joined};
use crate::pattern::{Pattern, PatternError};

/// What must be so of a build; what is not given may be anything.
pub(crate) struct Build<'a> {
    /// The address that paths of repositories follow, with the `/` at its end.
    pub(crate) server: &'a str,
    /// The repository's path on the server.
    pub(crate) repository: Option<&'a Pattern>,
    /// The glob for any repository's path.
    pub(crate) any_repository: &'a str,
    /// The file that says what the build does, with what stands between the repository and it.
    pub(crate) config: Option<(&'a str, &'a Pattern)>,
    /// The ref that it ran on.
    pub(crate) git_ref: Option<&'a Pattern>,
    /// What started it.
    pub(crate) trigger: Option<&'a Pattern>,
    /// The commit that it ran on.
    pub(crate) sha: Option<&'a Pattern>,
}

impl Build<'_> {
    /// What a certificate must claim.
    pub(crate) fn claims(&self) -> Result<BTreeMap<CertificateClaim, Pattern>, PatternError> {
        let mut claims = BTreeMap::new();
        let server = Part::Literal(self.server);
        if let Some(repository) = self.repository {
            let parts = [server, Part::Pattern(repository)];
            claims.insert(CertificateClaim::SourceRepositoryUri, joined(&parts)?);
        }
        if let Some((between, file)) = self.config {
            let repository = self
                .repository
                .map_or(Part::Glob(self.any_repository), Part::Pattern);
            // The name of a file may have an `@` in it, but no `/`: so `@refs/` begins the ref.
            let parts = [
                server,
                repository,
                Part::Literal(between),
                Part::Pattern(file),
                Part::Glob("@refs/**"),
            ];
            claims.insert(CertificateClaim::BuildConfigUri, joined(&parts)?);
        }
        let plain = [
            (CertificateClaim::SourceRepositoryRef, self.git_ref),
            (CertificateClaim::BuildTrigger, self.trigger),
            (CertificateClaim::SourceRepositoryDigest, self.sha),
        ];
        claims.extend(
            plain
                .into_iter()
                .filter_map(|(claim, pattern)| Some((claim, pattern?.clone()))),
        );
        Ok(claims)
    }
}

/// Whether the pattern is one of paths below a server, not of whole addresses; `exact` says so of a text without stars.
pub(crate) fn is_path(pattern: &Pattern, exact: impl FnOnce(&str) -> bool) -> bool {
    let text = pattern.as_str();
    match pattern.kind() {
        "exact" => exact(text),
        "glob" => text.contains('/') && !text.starts_with('/') && !text.contains("://"),
        _ => true,
    }
}
