//! `attest-blob`: signs a statement about a file into a bundle.

use countersign_formats::Limits;
use countersign_proof::Subject;
use countersign_sign::{Prepared, attestation_statement, ready_statement};

use super::{Done, sign_blob};
use crate::arguments::AttestBlob;
use crate::blob_content;
use crate::context::Context;
use crate::failure::Failure;
use crate::signatory::{Asked, Candidate};
use crate::signing::{self, Claim};

pub(crate) fn run(arguments: &AttestBlob, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let limits = Limits::DEFAULT;
    let path = signing::bundle_path(&arguments.file, arguments.written.bundle.as_ref())?;
    let document = &arguments.document;
    let claim = signing::claim(context, document)?;
    let documents = [&document.predicate, &document.statement];
    let asked = Asked {
        key: arguments.signer.key.as_deref(),
        services: &arguments.signer.services,
        yes: arguments.signer.yes,
        input_taken: arguments.file == "-" || signing::takes_input(&documents),
        patient: false,
    };
    let candidate = Candidate::read(context, asked)?;
    let artifact = blob_content::open(context, &arguments.file)?;
    let path_of_document = document.predicate.as_ref().or(document.statement.as_ref());
    let named = |error| match path_of_document {
        Some(path) => signing::about(path, error),
        None => Failure::from(error),
    };
    let statement = match claim {
        Claim::Predicate {
            predicate_type,
            bytes,
        } => attestation_statement(
            &[(artifact.name.as_str(), artifact.digest)],
            &predicate_type,
            &bytes,
        )
        .map_err(named)?,
        Claim::Statement(statement) => {
            ready_statement(statement.clone(), &artifact.digest, None, &limits).map_err(named)?;
            statement
        }
    };
    let subject = Subject::Blob(artifact.content.clone());
    let prepared = Prepared::statement(statement, subject, &limits)?;
    signing::bundle_writable(&path)?;
    let signatory = candidate.connect(context)?;
    let runtime = context.runtime()?;
    let signed = signatory.sign(context, &runtime, &prepared, &artifact.described())?;
    signing::write_bundle(context, &path, &signed.bundle)?;
    Ok(Done::pass(sign_blob::report(
        context, "attested", &artifact, &path, &signed,
    )))
}
