//! `completion`: a script that teaches a shell the command line.

use clap::CommandFactory as _;
use serde_json::json;

use super::Done;
use crate::arguments::{Arguments, Completion, Shell};
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Completion, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let (shell, name) = match arguments.shell {
        Shell::Bash => (clap_complete::Shell::Bash, "bash"),
        Shell::Zsh => (clap_complete::Shell::Zsh, "zsh"),
        Shell::Fish => (clap_complete::Shell::Fish, "fish"),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "countersign", &mut script);
    context.printer.document(&script);
    Ok(Done::pass(
        json!({"shell": name, "script": String::from_utf8_lossy(&script)}),
    ))
}
