//! `attest`: signs a statement about images and stores it beside them.

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_sign::{attestation_statement, ready_statement};

use super::Done;
use crate::arguments::Attest;
use crate::batch::{Batch, Order, Tagged, Target};
use crate::context::Context;
use crate::failure::Failure;
use crate::images;
use crate::presence::Sought;
use crate::signatory::{Asked, Candidate};
use crate::signing::{self, Claim};

pub(crate) fn run(arguments: Attest, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let joint = arguments.one_statement;
    let document = &arguments.document;
    let input_taken = signing::takes_input(&[&document.predicate, &document.statement]);
    if input_taken && signing::takes_input(&[&arguments.many.images_from]) {
        return Err(Failure::usage(
            "conflicting-flags",
            "standard input cannot be both the list of images and the document",
        )
        .hint("give one of them as a file"));
    }
    let batch = Batch::read(
        &arguments.many,
        &arguments.placement,
        &arguments.signer,
        joint,
    )?;
    let claim = signing::claim(context, document)?;
    let asked = Asked {
        key: arguments.signer.key.as_deref(),
        services: &arguments.signer.services,
        yes: arguments.signer.yes,
        input_taken: input_taken || batch.takes_input(),
        patient: batch.is_several(),
    };
    let candidate = Candidate::read(context, asked)?;
    let statement = |targets: &[&Target]| statement(document, &claim, targets);
    let looking = |statement: &Bytes| Sought::Attestation(statement.clone());
    let order = Order {
        verb: "attested",
        statement: &statement,
        joint,
        tagged: Tagged::Attestation,
        missing: arguments.if_missing.then_some(&looking),
    };
    batch.run(context, candidate, &order)
}

fn statement(
    document: &crate::arguments::Document,
    claim: &Claim,
    targets: &[&Target],
) -> Result<Bytes, Failure> {
    let path = document.predicate.as_ref().or(document.statement.as_ref());
    let named = |error| match path {
        Some(path) => signing::about(path, error),
        None => Failure::from(error),
    };
    match claim {
        Claim::Predicate {
            predicate_type,
            bytes,
        } => {
            let mut subjects: Vec<(String, Digest)> = Vec::with_capacity(targets.len());
            for target in targets {
                let subject = (images::repository(&target.reference), target.image.digest);
                if !subjects.contains(&subject) {
                    subjects.push(subject);
                }
            }
            let most = Limits::DEFAULT.subjects;
            if subjects.len() > most {
                return Err(Failure::usage(
                    "over-limit",
                    format!(
                        "one statement would have {} subjects, more than the limit of {most} (`subjects`)",
                        subjects.len()
                    ),
                )
                .hint("drop `--one-statement`, or name fewer images a command"));
            }
            let subjects: Vec<(&str, Digest)> = subjects
                .iter()
                .map(|(name, digest)| (name.as_str(), *digest))
                .collect();
            attestation_statement(&subjects, predicate_type, bytes).map_err(named)
        }
        Claim::Statement(statement) => {
            for target in targets {
                let digest = &target.image.digest;
                ready_statement(statement.clone(), digest, None, &Limits::DEFAULT)
                    .map_err(named)?;
            }
            Ok(statement.clone())
        }
    }
}
