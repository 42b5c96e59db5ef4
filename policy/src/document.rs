//! The shape of a policy document in YAML, each value with its place, nothing judged yet.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// The only `apiVersion`.
pub(crate) const API_VERSION: &str = "countersign.dev/v1";
/// The only `kind`.
pub(crate) const KIND: &str = "Policy";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) api_version: Spanned<String>,
    pub(crate) kind: Spanned<String>,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

/// What a document says that it is, whatever else stands in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    #[serde(default)]
    pub(crate) api_version: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) kind: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    pub(crate) name: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(default)]
    pub(crate) mode: ModeWord,
    #[serde(default)]
    pub(crate) expires: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) scope: Option<Scope>,
    pub(crate) signers: Spanned<BTreeMap<String, Spanned<Signer>>>,
    #[serde(default)]
    pub(crate) trust: Option<Trust>,
    #[serde(default)]
    pub(crate) deny: Option<Spanned<Deny>>,
    #[serde(default)]
    pub(crate) unavailable: Option<UnavailableWord>,
    #[serde(default)]
    pub(crate) insecure: Option<Insecure>,
    pub(crate) require: Spanned<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ModeWord {
    #[default]
    Enforce,
    Warn,
    Audit,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scope {
    pub(crate) images: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(crate) except: Vec<Spanned<Except>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Except {
    pub(crate) image: Spanned<String>,
    pub(crate) until: Spanned<String>,
    pub(crate) reason: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Deny {
    #[serde(default)]
    pub(crate) digests: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) identities: Vec<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) serials: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum UnavailableWord {
    Deny,
    Warn,
    UseCached(UseCached),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UseCached {
    pub(crate) max_age: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Insecure {
    #[serde(default)]
    pub(crate) ignore_sct: Option<Risk>,
    #[serde(default)]
    pub(crate) ignore_log: Option<Risk>,
    #[serde(default)]
    pub(crate) judge_certificates_now: Option<Risk>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Risk {
    pub(crate) reason: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Signer {
    #[serde(default)]
    pub(crate) key: Option<Box<Spanned<Key>>>,
    #[serde(default)]
    pub(crate) keys: Option<Vec<Spanned<Key>>>,
    #[serde(default)]
    pub(crate) keyless: Option<Box<Keyless>>,
    #[serde(default)]
    pub(crate) github: Option<Box<Spanned<Github>>>,
    #[serde(default)]
    pub(crate) certificate: Option<Certificate>,
    #[serde(default)]
    pub(crate) trust: Option<Counts>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Key {
    #[serde(default)]
    pub(crate) pem: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) file: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) pin: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) valid_from: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) valid_until: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) compromised_since: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) schemes: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Keyless {
    #[serde(default)]
    pub(crate) issuer: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) identity: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) github: Option<Spanned<Github>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Github {
    #[serde(default)]
    pub(crate) repository: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) r#ref: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) workflow: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) trigger: Option<Spanned<PatternText>>,
    #[serde(default)]
    pub(crate) sha: Option<Spanned<PatternText>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Certificate {
    pub(crate) identity: Spanned<PatternText>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Trust {
    #[serde(default)]
    pub(crate) root: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) keys: Option<Counts>,
    #[serde(default)]
    pub(crate) certificates: Option<Counts>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Counts {
    #[serde(default)]
    pub(crate) logs: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) timestamps: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) scts: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) times: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) witnesses: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Rule {
    AllOf(Vec<Spanned<Rule>>),
    AnyOf(Vec<Spanned<Rule>>),
    AtLeast(AtLeast),
    Signature(Signature),
    Statement(Box<Statement>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AtLeast {
    pub(crate) count: Spanned<u32>,
    #[serde(default)]
    pub(crate) distinct: DistinctWord,
    pub(crate) of: Vec<Spanned<Rule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DistinctWord {
    #[default]
    Identity,
    Issuer,
    Key,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Signature {
    pub(crate) by: Spanned<OneOrMore>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) max_age: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) subject: Option<SubjectWord>,
    #[serde(default)]
    pub(crate) via: Option<Spanned<ViaWord>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) r#type: Spanned<String>,
    pub(crate) by: Spanned<OneOrMore>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) select: Option<Spanned<SelectWord>>,
    #[serde(default)]
    pub(crate) minimum: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) max_age: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) subject: Option<SubjectWord>,
    #[serde(default)]
    pub(crate) via: Option<Spanned<ViaWord>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SelectWord {
    Any,
    All,
    Latest,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SubjectWord {
    Index,
    Platform,
    EachPlatform,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ViaWord {
    Index,
}

/// A pattern: a text, or a mapping that says which kind it is.
#[derive(Debug)]
pub(crate) enum PatternText {
    Deduced(String),
    Exact(String),
    Glob(String),
    Regex(String),
}

/// One name or a list of names.
#[derive(Debug)]
pub(crate) struct OneOrMore(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for PatternText {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PatternVisitor;
        impl<'de> Visitor<'de> for PatternVisitor {
            type Value = PatternText;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text, or a mapping with one of `exact`, `glob`, `regex`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PatternText, E> {
                Ok(PatternText::Deduced(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PatternText, A::Error> {
                const KINDS: &[&str] = &["exact", "glob", "regex"];
                let Some(kind) = map.next_key::<String>()? else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                let pattern = match kind.as_str() {
                    "exact" => PatternText::Exact(map.next_value()?),
                    "glob" => PatternText::Glob(map.next_value()?),
                    "regex" => PatternText::Regex(map.next_value()?),
                    other => return Err(de::Error::unknown_field(other, KINDS)),
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(de::Error::invalid_length(2, &self));
                }
                Ok(pattern)
            }
        }
        deserializer.deserialize_any(PatternVisitor)
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;
        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = OneOrMore;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the name of a signer or a list of names")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element::<String>()? {
                    names.push(name);
                }
                Ok(OneOrMore(names))
            }
        }
        deserializer.deserialize_any(NamesVisitor)
    }
}
