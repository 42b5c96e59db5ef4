//! Reads the YAML of a policy strictly: what is wrong with it is said in a policy's words.

use serde_saphyr::{Error as YamlError, Spanned};

use crate::compile::Compiler;
use crate::document::{API_VERSION, Document, Header, KIND};
use crate::error::{PolicyError, PolicyProblem, nearest, shown};

/// Deepest nesting of one policy document: rules within rules, and the fields around them.
const DOCUMENT_DEPTH: usize = 64;
/// Most documents in one source.
const DOCUMENTS: usize = 1000;

const PLAIN: &str = "write everything out where it belongs";

/// Everything stands where it belongs, once: what an alias or a merge key brings in from elsewhere is easily overlooked by whoever
/// reviews it.
pub(crate) fn strict(max_depth: usize, max_documents: usize) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: max_depth,
            max_documents: max_documents,
            max_aliases: 0,
            max_anchors: 0,
            max_merge_keys: 0,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        // There are no booleans: `yes` and `on`, which YAML 1.1 takes for some, must be quoted.
        strict_booleans: false,
        no_schema: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
    }
}

impl Compiler<'_> {
    pub(crate) fn documents(&self) -> Result<Vec<Document>, PolicyError> {
        let limit = self.limits.policy_bytes;
        if self.source.bytes.len() as u64 > limit {
            return Err(self.fault(
                PolicyProblem::OverLimit,
                None,
                format!("the policy is larger than {limit} bytes"),
            ));
        }
        let text = std::str::from_utf8(&self.source.bytes).map_err(|error| {
            let message = format!(
                "the policy is not UTF-8 from byte {} on",
                error.valid_up_to()
            );
            PolicyError {
                hint: Some("save it as UTF-8".to_owned()),
                ..self.fault(PolicyProblem::Syntax, None, message)
            }
        })?;
        let documents: Vec<Document> =
            serde_saphyr::from_multiple_with_options(text, strict(DOCUMENT_DEPTH, DOCUMENTS))
                .map_err(|error| {
                    self.other_kind(text)
                        .unwrap_or_else(|| self.yaml_fault(&error))
                })?;
        if documents.is_empty() {
            let fault = self.fault(
                PolicyProblem::MissingField,
                None,
                "there is no policy in it".to_owned(),
            );
            return Err(PolicyError {
                hint: Some(format!(
                    "begin with `apiVersion: {API_VERSION}` and `kind: {KIND}`"
                )),
                ..fault
            });
        }
        Ok(documents)
    }

    /// Of a file that cannot be read as a policy: whether it says itself that it is something else.
    fn other_kind(&self, text: &str) -> Option<PolicyError> {
        let headers: Vec<Header> =
            serde_saphyr::from_multiple_with_options(text, strict(DOCUMENT_DEPTH, DOCUMENTS))
                .ok()?;
        let checked = headers.iter();
        checked
            .map(|header| self.version(header.api_version.as_ref(), header.kind.as_ref()))
            .find_map(Result::err)
    }

    /// Refuses another `apiVersion` and another `kind` than a policy's.
    pub(crate) fn version(
        &self,
        api_version: Option<&Spanned<String>>,
        kind: Option<&Spanned<String>>,
    ) -> Result<(), PolicyError> {
        for (field, found, expected) in [
            ("apiVersion", api_version, API_VERSION),
            ("kind", kind, KIND),
        ] {
            if let Some(found) = found.filter(|found| found.value != expected) {
                return Err(PolicyError {
                    hint: Some(format!("write `{field}: {expected}`")),
                    ..self.fault(
                        PolicyProblem::UnknownVersion,
                        Some(found.referenced),
                        format!("{field} is `{}`, not `{expected}`", shown(&found.value)),
                    )
                });
            }
        }
        Ok(())
    }

    pub(crate) fn yaml_fault(&self, error: &YamlError) -> PolicyError {
        let error = error.without_snippet();
        let place = error.location();
        let fault = |problem, message, hint| PolicyError {
            hint,
            ..self.fault(problem, place, message)
        };
        match error {
            YamlError::DuplicateMappingKey { key, .. } => {
                let key = key
                    .as_deref()
                    .map_or("a key".to_owned(), |key| format!("`{}`", shown(key)));
                fault(
                    PolicyProblem::DuplicateKey,
                    format!("{key} is given twice"),
                    Some("keep one of the two".to_owned()),
                )
            }
            YamlError::SerdeUnknownField { field: merge, .. }
            | YamlError::SerdeUnknownVariant { variant: merge, .. }
                if merge == "<<" =>
            {
                fault(
                    PolicyProblem::NotPlain,
                    "a policy has no merge keys".to_owned(),
                    Some(PLAIN.to_owned()),
                )
            }
            YamlError::SerdeUnknownField {
                field, expected, ..
            } => fault(
                PolicyProblem::UnknownField,
                format!("there is no field `{}` here", shown(field)),
                Some(suggestion(field, expected)),
            ),
            YamlError::SerdeUnknownVariant {
                variant, expected, ..
            } => fault(
                PolicyProblem::UnknownField,
                format!("there is no `{}` here", shown(variant)),
                Some(suggestion(variant, expected)),
            ),
            YamlError::SerdeMissingField { field, .. } => fault(
                PolicyProblem::MissingField,
                format!("the field `{field}` is missing"),
                None,
            ),
            YamlError::QuotingRequired { value, .. } => fault(
                PolicyProblem::AmbiguousScalar,
                format!(
                    "`{}` is a number or a boolean to some readers of YAML",
                    shown(value)
                ),
                Some(format!("write `\"{}\"`", shown(value))),
            ),
            YamlError::MergeKeyNotAllowed { .. }
            | YamlError::MergeValueNotMapOrSeqOfMaps { .. } => fault(
                PolicyProblem::NotPlain,
                "a policy has no merge keys".to_owned(),
                Some(PLAIN.to_owned()),
            ),
            YamlError::AliasError { .. } | YamlError::UnknownAnchor { .. } => fault(
                PolicyProblem::NotPlain,
                "a policy has no aliases".to_owned(),
                Some(PLAIN.to_owned()),
            ),
            YamlError::UnsupportedTag { tag, .. }
            | YamlError::TaggedStructFieldName { tag, .. } => fault(
                PolicyProblem::NotPlain,
                format!("a policy has no tags like `{}`", shown(tag)),
                None,
            ),
            YamlError::Budget { breach, .. } => {
                use serde_saphyr::budget::BudgetBreach;
                match breach {
                    BudgetBreach::Anchors { .. }
                    | BudgetBreach::Aliases { .. }
                    | BudgetBreach::MergeKeys { .. } => fault(
                        PolicyProblem::NotPlain,
                        "a policy has no anchors, aliases or merge keys".to_owned(),
                        Some(PLAIN.to_owned()),
                    ),
                    other => fault(
                        PolicyProblem::OverLimit,
                        format!("the policy is too large or too deep: {other:?}"),
                        None,
                    ),
                }
            }
            YamlError::Unexpected {
                expected: "mapping start",
                ..
            } => fault(
                PolicyProblem::WrongType,
                "here belong fields, and not a single value".to_owned(),
                Some("write them below it, indented, or as `{field: value}`".to_owned()),
            ),
            YamlError::ExpectedStringKeyForExternallyTaggedEnum { .. } => fault(
                PolicyProblem::WrongType,
                "nothing is asked for here".to_owned(),
                Some("write a rule, as `signature: {by: SIGNER}`".to_owned()),
            ),
            YamlError::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => fault(
                PolicyProblem::WrongType,
                "no list belongs here".to_owned(),
                Some("write one; several rules go into an `allOf` list".to_owned()),
            ),
            YamlError::SerdeInvalidType { .. }
            | YamlError::SerdeInvalidValue { .. }
            | YamlError::SerdeInvalidLength { .. }
            | YamlError::Unexpected { .. }
            | YamlError::InvalidBooleanStrict { .. }
            | YamlError::NullIntoString { .. }
            | YamlError::UnexpectedValueForUnitEnumVariant { .. } => {
                fault(PolicyProblem::WrongType, sentence(error), None)
            }
            YamlError::InvalidScalar { ty, .. } => {
                let belongs = if ty.starts_with('u') {
                    "a whole number from 0 on"
                } else {
                    ty
                };
                fault(
                    PolicyProblem::WrongType,
                    format!("here belongs {belongs}"),
                    None,
                )
            }
            YamlError::ExpectedMappingEndAfterEnumVariantValue { .. } => fault(
                PolicyProblem::WrongType,
                "only one of these may stand here".to_owned(),
                Some("put several rules into an `allOf` list".to_owned()),
            ),
            _ => {
                let sentence = sentence(error);
                let problem = if sentence.contains("recursion limit") {
                    PolicyProblem::OverLimit
                } else {
                    PolicyProblem::Syntax
                };
                fault(problem, sentence, None)
            }
        }
    }
}

fn suggestion(found: &str, expected: &[&'static str]) -> String {
    match nearest(found, expected.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
            format!("here belong {}", names.join(", "))
        }
    }
}

/// What the YAML reader says, as part of one sentence and without the place, which is printed apart.
fn sentence(error: &YamlError) -> String {
    let text = error.render();
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(" at line ").next().unwrap_or(text);
    shown(text.trim_start_matches("error: ").trim_end_matches('.'))
}
