//! The verifier for programs without an asynchronous runtime.

use std::sync::Arc;

use countersign_formats::{Reference, UnixTime};
use countersign_policy::Decision;
use countersign_proof::{Content, Image};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::verifier::Verification;

/// [`crate::Verifier`] with a runtime of its own; inside another runtime its methods answer
/// [`VerifyError::InsideRuntime`].
#[derive(Debug)]
pub struct Verifier {
    verifier: crate::Verifier,
    runtime: Option<Runtime>,
}

impl Verifier {
    /// Wraps a verifier.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Runtime`] when the host gives no thread or descriptor for it.
    pub fn new(verifier: crate::Verifier) -> Result<Self, VerifyError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(VerifyError::Runtime)?;
        Ok(Self {
            verifier,
            runtime: Some(runtime),
        })
    }

    /// [`crate::Verifier::verify`], waiting for the answer.
    ///
    /// # Errors
    ///
    /// As there, and [`VerifyError::InsideRuntime`].
    pub fn verify(
        &self,
        reference: &Reference,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.runtime()?
            .block_on(self.verifier.verify(reference, now))
    }

    /// [`crate::Verifier::verify_through`], waiting for the answer.
    ///
    /// # Errors
    ///
    /// As there, and [`VerifyError::InsideRuntime`].
    pub fn verify_through(
        &self,
        reference: &Reference,
        index: &Image,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.runtime()?
            .block_on(self.verifier.verify_through(reference, index, now))
    }

    /// [`crate::Verifier::verify_blob`], waiting for the answer.
    ///
    /// # Errors
    ///
    /// As there, and [`VerifyError::InsideRuntime`].
    pub fn verify_blob(
        &self,
        content: Arc<dyn Content>,
        evidence: &[Evidence],
        now: UnixTime,
    ) -> Result<Decision, VerifyError> {
        self.runtime()?
            .block_on(self.verifier.verify_blob(content, evidence, now))
    }

    /// Blocking inside a runtime would stop its thread, and tokio panics then.
    fn runtime(&self) -> Result<&Runtime, VerifyError> {
        if Handle::try_current().is_ok() {
            return Err(VerifyError::InsideRuntime);
        }
        self.runtime.as_ref().ok_or(VerifyError::InsideRuntime)
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        // A runtime that is dropped inside another one panics; one that is shut down in the background does not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
