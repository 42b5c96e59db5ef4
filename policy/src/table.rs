//! Tables of policy tests: which record comes to which answer under which policies, and when.

use countersign_formats::{Limits, UnixTime};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use crate::compile::yaml_error;
use crate::decision::{Action, Status};
use crate::document::API_VERSION;
use crate::error::{PolicyError, PolicyProblem, nearest, shown};
use crate::set::Source;
use crate::yaml::strict;

/// The only `kind` of a table.
pub const TEST_KIND: &str = "PolicyTest";

/// Most cases of one table.
const CASES: usize = 10_000;
/// Deepest nesting of a table.
const DEPTH: usize = 16;

/// A table of cases; paths in it are relative to the file that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTable {
    /// Name of the table.
    pub name: String,
    /// The cases, in order.
    pub cases: Vec<TestCase>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// What the case says.
    pub name: String,
    /// Line in the file, counted from 1.
    pub line: u64,
    /// The pack with the record.
    pub pack: String,
    /// The image whose record is meant; `None` where the pack has one.
    pub image: Option<String>,
    /// The platform inside the image's index that is judged, reached through the index, such as `linux/arm64`.
    pub platform: Option<String>,
    /// Files and folders of policies.
    pub policies: Vec<String>,
    /// The time to judge by; `None` means the time of the record.
    pub now: Option<UnixTime>,
    /// The verdict that is expected.
    pub verdict: Status,
    /// The action that is expected; `None` takes any.
    pub action: Option<Action>,
    /// Codes that must be among the reasons, causes, mismatches and rejections.
    pub codes: Vec<String>,
    /// Texts each of which must stand in some reason or cause.
    pub reasons: Vec<String>,
    /// The exit code that `verify` must end with; `None` takes any.
    pub exit_code: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: Spanned<String>,
    kind: Spanned<String>,
    metadata: Metadata,
    #[serde(default)]
    pack: Option<String>,
    #[serde(default)]
    policies: Vec<String>,
    cases: Spanned<Vec<Spanned<Case>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: Spanned<String>,
    #[serde(default)]
    pack: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    now: Option<Spanned<String>>,
    expect: Spanned<String>,
    #[serde(default)]
    action: Option<Spanned<String>>,
    #[serde(default)]
    codes: Vec<Spanned<String>>,
    #[serde(default)]
    reasons: Vec<Spanned<String>>,
    #[serde(default)]
    exit_code: Option<Spanned<u8>>,
}

impl TestTable {
    /// Whether the text says that it is a table; what is none may be a policy in the same folder.
    #[must_use]
    pub fn is_one(source: &Source) -> bool {
        kind(source).is_some_and(|kind| kind == TEST_KIND)
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], with the place in the text.
    pub fn parse(source: &Source, limits: &Limits) -> Result<Self, PolicyError> {
        let reader = Reader { source };
        let limit = limits.policy_bytes;
        if source.bytes.len() as u64 > limit {
            let message = format!("the table is larger than {limit} bytes");
            return Err(reader.fault(PolicyProblem::OverLimit, None, message));
        }
        let text = std::str::from_utf8(&source.bytes).map_err(|error| {
            let message = format!(
                "the table is not UTF-8 from byte {} on",
                error.valid_up_to()
            );
            reader.fault(PolicyProblem::Syntax, None, message)
        })?;
        // A whole policy named by mistake is better told so than by its first field.
        if let Some(kind) = kind(source).filter(|kind| kind != TEST_KIND) {
            let message = format!("kind is `{}`, not `{TEST_KIND}`", shown(&kind));
            return Err(reader.fault(PolicyProblem::UnknownVersion, None, message));
        }
        let document: Document = serde_saphyr::from_str_with_options(text, strict(DEPTH, 1))
            .map_err(|error| yaml_error(source, limits, &error))?;
        reader.table(document)
    }
}

/// What kind of document the text says that it is.
fn kind(source: &Source) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    let text = std::str::from_utf8(&source.bytes).ok()?;
    serde_saphyr::from_str::<Kind>(text)
        .ok()
        .map(|document| document.kind)
}

struct Reader<'a> {
    source: &'a Source,
}

impl Reader<'_> {
    fn table(&self, document: Document) -> Result<TestTable, PolicyError> {
        for (field, found, expected) in [
            ("apiVersion", &document.api_version, API_VERSION),
            ("kind", &document.kind, TEST_KIND),
        ] {
            if found.value != expected {
                return Err(self.fault(
                    PolicyProblem::UnknownVersion,
                    Some(found.referenced),
                    format!("{field} is `{}`, not `{expected}`", shown(&found.value)),
                ));
            }
        }
        let cases = document.cases;
        if cases.value.is_empty() || cases.value.len() > CASES {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(cases.referenced),
                format!("a table has 1 to {CASES} cases"),
            ));
        }
        let mut names = std::collections::BTreeSet::new();
        let mut table = TestTable {
            name: document.metadata.name,
            cases: Vec::with_capacity(cases.value.len()),
        };
        for case in cases.value {
            let place = case.referenced;
            let case = self.case(case.value, place, &document.pack, &document.policies)?;
            if !names.insert(case.name.clone()) {
                return Err(self.fault(
                    PolicyProblem::Conflict,
                    Some(place),
                    format!("two cases bear the name `{}`", shown(&case.name)),
                ));
            }
            table.cases.push(case);
        }
        Ok(table)
    }

    fn case(
        &self,
        case: Case,
        place: Location,
        pack: &Option<String>,
        policies: &[String],
    ) -> Result<TestCase, PolicyError> {
        let missing = |field: &str| {
            let fault = self.fault(
                PolicyProblem::MissingField,
                Some(place),
                format!("the case `{}` has no `{field}`", shown(&case.name.value)),
            );
            PolicyError {
                hint: Some(format!(
                    "write `{field}` into the case, or above `cases` for all of them"
                )),
                ..fault
            }
        };
        let own = Some(case.policies).filter(|own| !own.is_empty());
        let policies = own.unwrap_or_else(|| policies.to_vec());
        if policies.is_empty() {
            return Err(missing("policies"));
        }
        let pack = case
            .pack
            .or_else(|| pack.clone())
            .ok_or_else(|| missing("pack"))?;
        let texts = |list: Vec<Spanned<String>>| list.into_iter().map(|text| text.value).collect();
        let expect = self.word(
            &case.expect,
            &[
                ("pass", Status::Pass),
                ("fail", Status::Fail),
                ("unknown", Status::Unknown),
            ],
        )?;
        let action = case
            .action
            .as_ref()
            .map(|action| {
                let words = [Action::Admit, Action::AdmitWithWarning, Action::Deny];
                self.word(action, &words.map(|action| (action.as_str(), action)))
            })
            .transpose()?;
        let now = case
            .now
            .as_ref()
            .map(|now| {
                UnixTime::parse_rfc3339(&now.value).map_err(|_| {
                    let fault = self.fault(
                        PolicyProblem::InvalidValue,
                        Some(now.referenced),
                        format!("`{}` is no time", shown(&now.value)),
                    );
                    PolicyError {
                        hint: Some("write it as \"2026-01-31T12:00:00Z\"".to_owned()),
                        ..fault
                    }
                })
            })
            .transpose()?;
        Ok(TestCase {
            name: case.name.value,
            line: place.line(),
            pack,
            image: case.image,
            platform: case.platform,
            policies,
            now,
            verdict: expect,
            action,
            codes: texts(case.codes),
            reasons: texts(case.reasons),
            exit_code: case.exit_code.map(|code| code.value),
        })
    }

    fn word<T: Copy>(
        &self,
        found: &Spanned<String>,
        words: &[(&str, T)],
    ) -> Result<T, PolicyError> {
        words
            .iter()
            .find(|(word, _)| *word == found.value)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let fault = self.fault(
                    PolicyProblem::InvalidValue,
                    Some(found.referenced),
                    format!("there is no `{}` here", shown(&found.value)),
                );
                PolicyError {
                    hint: Some(match nearest(&found.value, names.iter().copied()) {
                        Some(name) => format!("did you mean `{name}`?"),
                        None => format!("write one of `{}`", names.join("`, `")),
                    }),
                    ..fault
                }
            })
    }

    fn fault(
        &self,
        problem: PolicyProblem,
        place: Option<Location>,
        message: String,
    ) -> PolicyError {
        PolicyError {
            file: self.source.name.clone(),
            line: place.map(|place| place.line()),
            column: place.map(|place| place.column()),
            problem,
            message,
            hint: None,
        }
    }
}
