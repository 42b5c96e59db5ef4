//! The lab's certificate transparency log: it signs that it saw a precertificate (RFC 6962 section 3.2).

use crate::keys::{LabKey, sha256};

/// A signed certificate timestamp before it is signed, each part open to bending.
#[derive(Clone, Debug)]
pub struct SctSpec {
    /// The log's key.
    pub key: LabKey,
    /// The log id written; the key's own unless bent.
    pub log_id: [u8; 32],
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// Extension bytes, signed.
    pub extensions: Vec<u8>,
    /// The entry type signed: 1 precertificate, 0 certificate.
    pub entry_type: u16,
    /// Takes the place of SHA-256 of the issuer's SubjectPublicKeyInfo.
    pub issuer_key_hash: Option<[u8; 32]>,
    /// Signed in place of the certificate's own content.
    pub tbs_override: Option<Vec<u8>>,
    /// Flips the last bit of the signature.
    pub broken: bool,
    /// Hash and signature algorithm bytes (RFC 5246 section 7.4.1.4.1): 4 SHA-256, 3 ECDSA.
    pub algorithm: [u8; 2],
}

impl SctSpec {
    /// What an honest log says at `seconds` since 1970.
    pub fn new(key: &LabKey, seconds: i64) -> Self {
        Self {
            key: key.clone(),
            log_id: key.id(),
            timestamp: seconds as u64 * 1_000,
            extensions: Vec::new(),
            entry_type: 1,
            issuer_key_hash: None,
            tbs_override: None,
            broken: false,
            algorithm: [4, 3],
        }
    }

    fn encode(&self, tbs: &[u8], issuer_spki: &[u8]) -> Vec<u8> {
        let extensions = [
            &(self.extensions.len() as u16).to_be_bytes()[..],
            &self.extensions,
        ]
        .concat();
        let tbs = self.tbs_override.as_deref().unwrap_or(tbs);
        let mut signed = vec![0, 0];
        signed.extend_from_slice(&self.timestamp.to_be_bytes());
        signed.extend_from_slice(&self.entry_type.to_be_bytes());
        if self.entry_type == 1 {
            signed.extend_from_slice(&self.issuer_key_hash.unwrap_or_else(|| sha256(issuer_spki)));
        }
        signed.extend_from_slice(&(tbs.len() as u32).to_be_bytes()[1..]);
        signed.extend_from_slice(tbs);
        signed.extend_from_slice(&extensions);
        let mut signature = self.key.sign(&signed);
        if self.broken
            && let Some(last) = signature.last_mut()
        {
            *last ^= 1;
        }
        let mut out = vec![0];
        out.extend_from_slice(&self.log_id);
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&extensions);
        out.extend_from_slice(&self.algorithm);
        out.extend_from_slice(&(signature.len() as u16).to_be_bytes());
        out.extend_from_slice(&signature);
        out
    }
}

/// `SignedCertificateTimestampList` over a precertificate (RFC 6962 section 3.3).
pub fn sct_list(scts: &[SctSpec], tbs: &[u8], issuer_spki: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    for sct in scts {
        let encoded = sct.encode(tbs, issuer_spki);
        list.extend_from_slice(&(encoded.len() as u16).to_be_bytes());
        list.extend_from_slice(&encoded);
    }
    [&(list.len() as u16).to_be_bytes()[..], &list].concat()
}
