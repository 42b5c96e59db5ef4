//! Certificate authorities that are given by hand.

use crate::authority::Authority;
use crate::certificate::{Certificate, Purpose};
use crate::fault::CertificateFault;
use crate::trust_error::TrustError;
use bytes::Bytes;
use countersign_formats::Window;

/// Each root is an authority, and each intermediate with its way up to a root is one.
pub(super) fn own_authorities(
    roots: &[Bytes],
    intermediates: &[Bytes],
) -> Result<Vec<Authority>, TrustError> {
    if roots.is_empty() {
        return Err(TrustError::NoRoot);
    }
    let mut authorities = Vec::with_capacity(roots.len() + intermediates.len());
    for (position, root) in roots.iter().enumerate() {
        let authority =
            own_authority(std::slice::from_ref(root)).map_err(|fault| TrustError::Authority {
                role: "root",
                position,
                fault,
            })?;
        authorities.push(authority);
    }
    for (position, intermediate) in intermediates.iter().enumerate() {
        let refuse = |fault| TrustError::Authority {
            role: "intermediate",
            position,
            fault,
        };
        let chain = way_to_root(intermediate, roots, intermediates).map_err(refuse)?;
        authorities.push(own_authority(&chain).map_err(refuse)?);
    }
    Ok(authorities)
}

fn own_authority(chain: &[Bytes]) -> Result<Authority, CertificateFault> {
    Authority::prepare(
        "own authority".to_owned(),
        true,
        Window::ALWAYS,
        Purpose::CodeSigning,
        chain,
    )
}

/// The certificates from an intermediate up to a root, followed by name; the signatures are verified afterwards.
fn way_to_root(
    lowest: &Bytes,
    roots: &[Bytes],
    intermediates: &[Bytes],
) -> Result<Vec<Bytes>, CertificateFault> {
    let mut chain = vec![lowest.clone()];
    // Each step takes an intermediate that is not in the chain yet, so it ends.
    for _ in 0..=intermediates.len() {
        let Some(last) = chain.last() else { break };
        let last = Certificate::parse(last)?;
        let issued_by = |candidate: &&Bytes| {
            Certificate::parse(candidate).is_ok_and(|candidate| {
                candidate.subject() == last.issuer()
                    && crate::authority::verifying_key(candidate.key())
                        .is_ok_and(|key| last.check_signature(&key).is_ok())
            })
        };
        if let Some(root) = roots.iter().find(issued_by) {
            chain.push(root.clone());
            return Ok(chain);
        }
        let Some(next) = intermediates
            .iter()
            .filter(|other| !chain.contains(other))
            .find(issued_by)
        else {
            break;
        };
        chain.push(next.clone());
    }
    Err(CertificateFault::Untrusted)
}
