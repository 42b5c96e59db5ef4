//! Names that lead into the own network do not resolve.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::origin;

/// A resolver that leaves out internal addresses: checked on what is connected to, so that a name that answers differently the second
/// time (DNS rebinding) gains nothing.
#[derive(Debug)]
pub(super) struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| !origin::is_internal_address(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err("the name leads into the network that this service runs in".into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
