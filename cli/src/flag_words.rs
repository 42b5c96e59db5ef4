//! What a piece of evidence misses, in the words of the flags that asked for it.

use std::collections::BTreeMap;

use countersign_policy::{
    CertificateClaim, GITHUB_ISSUER, GITHUB_SERVER, GITLAB_ISSUER, Mismatch, MismatchKind, Wording,
    Words,
};

/// The flags that a policy was made from.
#[derive(Debug, Default)]
pub(crate) struct FlagWords {
    /// The flag that names the identity of a signer, by the signer's name in the policy.
    pub(crate) identities: BTreeMap<String, &'static str>,
    /// The flags and values that say who a signer is, by the signer's name in the policy.
    pub(crate) signers: BTreeMap<String, String>,
    /// The flag that names the issuer, or stands for one.
    pub(crate) issuer: Option<&'static str>,
    /// What was asked about the build.
    pub(crate) builds: BTreeMap<CertificateClaim, BuildFlag>,
}

/// A flag about the build.
#[derive(Debug)]
pub(crate) struct BuildFlag {
    pub(crate) flag: &'static str,
    /// What it is about, in a word.
    pub(crate) what: &'static str,
    /// Its value.
    pub(crate) asked: String,
    /// What the flag's value leaves out of the claim.
    pub(crate) form: Form,
}

/// How the value of a flag relates to the claim in a certificate.
#[derive(Debug)]
pub(crate) enum Form {
    /// It is the claim.
    Whole,
    /// It is what follows this address.
    Below(String),
    /// It is the file alone, of a claim that names repository and ref as well.
    File {
        /// The flag that names the repository, where one does.
        repository: Option<&'static str>,
    },
}

impl Wording for FlagWords {
    fn words(&self, mismatch: &Mismatch, signer: Option<&str>, alone: bool) -> Words {
        let found = mismatch.found.trim_matches('`');
        let certified = mismatch.found.starts_with('`');
        match mismatch.kind {
            MismatchKind::CertificateClaim(claim) => self
                .builds
                .get(&claim)
                .map(|asked| asked.words(mismatch, alone))
                .unwrap_or_default(),
            MismatchKind::Identity => {
                let flag = signer.and_then(|name| self.identities.get(name));
                Words {
                    message: flag
                        .filter(|_| certified)
                        .map(|flag| format!("{}, as `{flag}` asks", mismatch.message)),
                    hint: certified.then(|| {
                        format!(
                            "if this signer is meant, write `--certificate-identity {}`",
                            argument(found)
                        )
                    }),
                }
            }
            MismatchKind::Issuer => Words {
                message: self
                    .issuer
                    .map(|flag| format!("{}, as `{flag}` asks", mismatch.message)),
                hint: Some(if certified {
                    issuer_hint(self.issuer, found)
                } else {
                    "an issuer is asked for, and the certificate is of an authority that names none"
                        .to_owned()
                }),
            },
            kind => Words {
                message: None,
                hint: hint(kind, mismatch, found),
            },
        }
    }

    fn signer(&self, name: &str) -> Option<String> {
        self.signers.get(name).cloned()
    }
}

impl BuildFlag {
    fn words(&self, mismatch: &Mismatch, alone: bool) -> Words {
        let Self {
            flag, what, asked, ..
        } = self;
        if mismatch.found == "absent" {
            return Words {
                message: Some(format!(
                    "`{flag}` asks for `{asked}`, the certificate does not say the {what}"
                )),
                hint: Some(format!(
                    "the signer's certificate has no such extension; leave out `{flag}`, and name the signer with `--certificate-identity` instead"
                )),
            };
        }
        let claimed = mismatch.found.trim_matches('`');
        if let Some(file) = self.file(mismatch) {
            return match file {
                File::Another(found) => self.says(&found, alone),
                File::Elsewhere(Some(repository)) => Words {
                    message: Some(format!(
                        "`{flag}` asks for `{asked}` of what `{repository}` names, the certificate says `{claimed}`"
                    )),
                    hint: Some(format!(
                        "if this build is meant, change `{repository}` and `{flag}`"
                    )),
                },
                File::Elsewhere(None) => Words {
                    message: Some(format!(
                        "`{flag}` asks for `{asked}`, the certificate says `{claimed}`"
                    )),
                    hint: Some(format!("if this build is meant, change `{flag}`")),
                },
            };
        }
        match &self.form {
            Form::Below(server) => match claimed.strip_prefix(server.as_str()) {
                Some(below) => self.says(below, alone),
                // Of another server the flag cannot name anything.
                None => Words {
                    message: Some(format!(
                        "`{flag}` asks for `{server}{asked}`, the certificate says `{claimed}`"
                    )),
                    hint: Some(elsewhere(flag, claimed)),
                },
            },
            _ => self.says(claimed, alone),
        }
    }

    /// The two values of the flag, and how to write the other.
    fn says(&self, found: &str, alone: bool) -> Words {
        let Self {
            flag, what, asked, ..
        } = self;
        let lead = if alone {
            format!("identity differs only in the {what}: ")
        } else {
            String::new()
        };
        Words {
            message: Some(format!(
                "{lead}`{flag}` asks for `{asked}`, the certificate says `{found}`"
            )),
            hint: Some(format!(
                "if this build is meant, write `{flag} {}`",
                argument(found)
            )),
        }
    }

    /// The file that a certificate names, where the flag asks for one.
    fn file(&self, mismatch: &Mismatch) -> Option<File> {
        let Form::File { repository } = self.form else {
            return None;
        };
        Some(match &mismatch.part {
            Some(only) if only.is_build_file() => {
                let folder = ".github/workflows/";
                let folder = if self.asked.starts_with(folder) {
                    folder
                } else {
                    ""
                };
                File::Another(format!("{folder}{}", only.found))
            }
            _ => File::Elsewhere(repository),
        })
    }
}

/// How to name a build of another server than the flag's.
fn elsewhere(flag: &str, claimed: &str) -> String {
    let gitlab = format!("{GITLAB_ISSUER}/");
    let named = [
        (GITHUB_SERVER, "GitHub", "--github-repository"),
        (gitlab.as_str(), "GitLab", "--gitlab-project"),
    ]
    .into_iter()
    .find_map(|(server, name, other)| Some((name, other, claimed.strip_prefix(server)?)));
    match named {
        Some((name, other, below)) if other != flag => format!(
            "the build ran on {name}; if it is meant, write `{other} {}`",
            argument(below)
        ),
        _ => format!(
            "the build ran on another server than `{flag}` is about, unless `--certificate-oidc-issuer` names that one"
        ),
    }
}

/// How to name the issuer of a certificate, where `flag` named or meant another.
fn issuer_hint(flag: Option<&str>, found: &str) -> String {
    let about_gitlab = flag.is_some_and(|flag| flag.starts_with("--gitlab-"));
    match flag {
        // Flags about one system's builds are not made right by the issuer of another's.
        Some(flag) if about_gitlab && found == GITHUB_ISSUER => {
            format!("a workflow of GitHub is named by `--github-repository` in place of `{flag}`")
        }
        Some(flag) if flag.starts_with("--github-") && found == GITLAB_ISSUER => {
            format!("a pipeline of GitLab is named by `--gitlab-project` in place of `{flag}`")
        }
        _ => format!(
            "if this issuer is meant, write `--certificate-oidc-issuer {}`",
            argument(found)
        ),
    }
}

enum File {
    /// Another file of the same repository.
    Another(String),
    /// A file of another repository, or one that is named in another way.
    Elsewhere(Option<&'static str>),
}

/// What would change a mismatch that is not about who signed.
fn hint(kind: MismatchKind, mismatch: &Mismatch, found: &str) -> Option<String> {
    Some(match kind {
        MismatchKind::Key => {
            "if this key is meant, give its public key with `--key`".to_owned()
        }
        MismatchKind::SignerKind if mismatch.expected.starts_with("a key ") => {
            "sign with the key, or name the identity with `--certificate-identity` and `--certificate-oidc-issuer`".to_owned()
        }
        MismatchKind::SignerKind => {
            "sign with a certificate, or give the public key with `--key`".to_owned()
        }
        MismatchKind::Logs => "`--require-log` asks for it, or the default for certificates; the signer must log the signature".to_owned(),
        MismatchKind::Timestamps => "`--require-timestamp` or `--use-signed-timestamps` asks for it; the signer must have the signature timestamped".to_owned(),
        MismatchKind::Scts => "every certificate needs it by default; `--insecure-ignore-sct` leaves the check out".to_owned(),
        MismatchKind::Times if mismatch.hint.is_some() => "every certificate needs it by default; the signer must log the signature where a time is promised, or have it timestamped".to_owned(),
        MismatchKind::PredicateType => format!("ask for `--type {found}`, or attest the type that is asked for"),
        MismatchKind::ClaimKind if mismatch.found.contains("://") => {
            format!("sign the subject itself with `countersign sign`, or ask for `verify-attestation --type {found}`")
        }
        _ => return None,
    })
}

/// A value as a shell takes it.
fn argument(value: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-._/:@+=,%".contains(character);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_a_shell_takes_it() {
        assert_eq!(argument("refs/heads/main"), "refs/heads/main");
        assert_eq!(argument("Release build"), "'Release build'");
        assert_eq!(argument("it's; $(id)"), "'it'\\''s; $(id)'");
        assert_eq!(argument(""), "''");
    }
}
