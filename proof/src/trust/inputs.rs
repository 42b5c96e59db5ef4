//! The digest of everything that trust is made from.

use super::TrustBuilder;
use crate::digest::Hasher;
use countersign_formats::{AuthorityInstance, Digest, HashAlgorithm, LogInstance, Window};

impl TrustBuilder {
    /// Hashes every input, each with its length, so that no two inputs run into each other.
    pub(super) fn digest(&self) -> Digest {
        let mut inputs = Inputs(Hasher::new(HashAlgorithm::Sha256));
        inputs.add(b"countersign trust 1");
        for key in &self.keys {
            inputs.add(b"key");
            inputs.add(key.key.spki());
            inputs.window(&key.valid);
            for scheme in key.schemes.iter().flatten() {
                inputs.add(scheme.name().as_bytes());
            }
            inputs.add(if key.schemes.is_some() {
                b"narrowed"
            } else {
                b"all"
            });
        }
        for root in &self.roots {
            inputs.logs(b"log", &root.logs);
            inputs.logs(b"ct-log", &root.ct_logs);
            inputs.authorities(b"authority", &root.certificate_authorities);
            inputs.authorities(b"timestamp-authority", &root.timestamp_authorities);
        }
        for (roots, intermediates) in &self.own {
            inputs.add(b"own-roots");
            roots.iter().for_each(|certificate| inputs.add(certificate));
            inputs.add(b"own-intermediates");
            intermediates
                .iter()
                .for_each(|certificate| inputs.add(certificate));
        }
        for witness in &self.witnesses {
            inputs.add(b"witness");
            inputs.add(witness.name.as_bytes());
            inputs.add(witness.key.spki());
        }
        inputs.add(&[
            u8::from(self.dangers.ignore_sct),
            u8::from(self.dangers.ignore_log),
            u8::from(self.dangers.judge_certificates_now),
        ]);
        inputs.0.finish()
    }
}

struct Inputs(Hasher);

impl Inputs {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn window(&mut self, window: &Window) {
        for end in [window.start, window.end] {
            match end {
                Some(time) => self.add(&time.0.to_be_bytes()),
                None => self.add(b"open"),
            }
        }
    }

    fn logs(&mut self, role: &[u8], logs: &[LogInstance]) {
        for log in logs {
            self.add(role);
            self.add(log.base_url.as_bytes());
            self.add(log.hash_algorithm.as_bytes());
            self.add(log.key.key_details.as_bytes());
            self.add(&log.key.raw);
            self.window(&log.key.valid);
            self.add(&log.log_id);
            self.add(log.checkpoint_key_id.as_deref().unwrap_or_default());
            self.add(log.origin.as_deref().unwrap_or_default().as_bytes());
        }
    }

    fn authorities(&mut self, role: &[u8], authorities: &[AuthorityInstance]) {
        for authority in authorities {
            self.add(role);
            self.add(authority.uri.as_bytes());
            self.window(&authority.valid);
            authority
                .chain
                .iter()
                .for_each(|certificate| self.add(certificate));
        }
    }
}
