//! The flags that say what must have been signed.

use clap::Args;

use super::trust::{Annotation, annotation};

/// A statement in place of a signature.
#[derive(Args, Debug)]
pub(crate) struct StatementType {
    /// What the predicate must be: an alias (spdxjson, slsaprovenance1, …), a URI, or `any`.
    #[arg(
        long = "type",
        value_name = "TYPE",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) predicate_type: Option<String>,
}

impl StatementType {
    /// As it was written; `None` when it was not.
    pub(crate) fn as_deref(&self) -> Option<&str> {
        self.predicate_type.as_deref()
    }
}

/// What was signed beside the digest.
#[derive(Args, Debug)]
pub(crate) struct Annotated {
    /// Demand that NAME=VALUE was signed with the digest; several times: all of them.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = annotation, env = "COUNTERSIGN_ANNOTATIONS", hide_env = true)]
    pub(crate) annotations: Vec<Annotation>,
}
