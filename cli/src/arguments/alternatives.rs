//! Flags that answer one question, of which one may be given: a flag beats the variable of another one.

use std::ffi::OsString;

use clap::Command;
use clap::builder::Resettable;
use clap::parser::{ArgMatches, ValueSource};

/// Two answers to one question each. Demands are not among them: a flag never takes away what a variable demands.
const ALTERNATIVES: [(&[&str], &[&str]); 3] = [
    (&["trusted_root"], &["trust_pack"]),
    (&["certificate_chain"], &["ca_roots", "ca_intermediates"]),
    (
        &["certificate_oidc_issuer"],
        &["certificate_oidc_issuer_regexp"],
    ),
];

/// The arguments whose variables are passed over, since the other answer is on the command line; and the command that they are of.
pub(super) fn outdone(command: Command, arguments: &[OsString]) -> (Vec<String>, Vec<String>) {
    let (mut path, mut outdone) = (Vec::new(), Vec::new());
    let Ok(matches) = command.ignore_errors(true).try_get_matches_from(arguments) else {
        return (path, outdone);
    };
    let mut innermost = &matches;
    while let Some((name, inner)) = innermost.subcommand() {
        path.push(name.to_owned());
        innermost = inner;
    }
    for (one, other) in ALTERNATIVES {
        for (flags, variables) in [(one, other), (other, one)] {
            if flags
                .iter()
                .any(|id| is_from(innermost, id, ValueSource::CommandLine))
            {
                let passed_over = variables
                    .iter()
                    .filter(|id| is_from(innermost, id, ValueSource::EnvVariable));
                outdone.extend(passed_over.map(|&id| id.to_owned()));
            }
        }
    }
    (path, outdone)
}

/// The command line whose subcommand at `path` does not read the variables of these arguments.
pub(super) fn without_variables(command: Command, path: &[String], ids: &[String]) -> Command {
    match path.split_first() {
        Some((name, rest)) => {
            command.mut_subcommand(name, |inner| without_variables(inner, rest, ids))
        }
        None => ids.iter().fold(command, |command, id| {
            command.mut_arg(id, |argument| argument.env(Resettable::Reset))
        }),
    }
}

fn is_from(matches: &ArgMatches, id: &str, source: ValueSource) -> bool {
    matches.try_contains_id(id).unwrap_or(false) && matches.value_source(id) == Some(source)
}
