//! Certificates of the lab's authorities: described as plain data that a test can bend, then signed.

use crate::certificate_log::{SctSpec, sct_list};
use crate::der_writer::{
    bit_string, boolean, context, context_primitive, integer, octet_string, oid, sequence, set,
    small_integer, tlv, utf8_string, x509_time,
};
use crate::keys::{LabKey, sha256};

/// `1.3.6.1.4.1.57264.1`: where Fulcio's extensions live.
pub const FULCIO: &str = "1.3.6.1.4.1.57264.1";
const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// One extension: identifier, criticality, the DER inside the octet string.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Dotted object identifier.
    pub id: String,
    /// Whether it is marked critical.
    pub critical: bool,
    /// The value: what the octet string holds.
    pub value: Vec<u8>,
}

/// A certificate before it is signed.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// `version` field: 2 is X.509 version 3; `None` leaves it out (version 1).
    pub version: Option<u8>,
    /// The serial number, a complete DER `INTEGER`.
    pub serial: Vec<u8>,
    /// The issuer's `Name`, DER.
    pub issuer: Vec<u8>,
    /// The subject's `Name`, DER.
    pub subject: Vec<u8>,
    /// Start, seconds since 1970.
    pub not_before: i64,
    /// End, seconds since 1970.
    pub not_after: i64,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Extensions in the order written.
    pub extensions: Vec<Extension>,
    /// What certificate transparency logs say about it; one SCT list is embedded unless this is empty.
    pub scts: Vec<SctSpec>,
    /// Bytes that take the place of the SCT list's value.
    pub sct_list_override: Option<Vec<u8>>,
    /// The signature's `AlgorithmIdentifier`, DER, in place of the issuer's own.
    pub algorithm_override: Option<Vec<u8>>,
    /// The `Validity`'s two times, DER, in place of start and end.
    pub validity_override: Option<Vec<u8>>,
    /// Further fields of the body between key and extensions, DER.
    pub behind_key: Vec<u8>,
}

/// A certificate together with the key that it certifies: an authority, or a signer.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The subject's `Name`, DER.
    pub name: Vec<u8>,
    /// The key.
    pub key: LabKey,
}

impl CertificateSpec {
    /// A certificate authority; `path_length` as in RFC 5280 section 4.2.1.9.
    pub fn authority(
        name: &[u8],
        key: &LabKey,
        issuer_name: &[u8],
        issuer_key: &LabKey,
        path_length: Option<u8>,
        window: (i64, i64),
    ) -> Self {
        let mut constraints = boolean(true);
        if let Some(length) = path_length {
            constraints.extend(small_integer(u64::from(length)));
        }
        Self {
            version: Some(2),
            serial: serial_of(key.spki()),
            issuer: issuer_name.to_vec(),
            subject: name.to_vec(),
            not_before: window.0,
            not_after: window.1,
            spki: key.spki().to_vec(),
            extensions: vec![
                extension("2.5.29.15", true, key_usage(&[5, 6])),
                extension("2.5.29.19", true, tlv(0x30, &constraints)),
                subject_key_identifier(key.spki()),
                authority_key_identifier(issuer_key.spki()),
            ],
            scts: Vec::new(),
            sct_list_override: None,
            algorithm_override: None,
            validity_override: None,
            behind_key: Vec::new(),
        }
    }

    /// A code-signing leaf of Fulcio's shape, without subject alternative name and claims.
    pub fn code_signing(key: &LabKey, issuer: &Identity, window: (i64, i64)) -> Self {
        Self {
            version: Some(2),
            serial: serial_of(&[key.spki(), &window.0.to_be_bytes()].concat()),
            issuer: issuer.name.clone(),
            subject: sequence(&[]),
            not_before: window.0,
            not_after: window.1,
            spki: key.spki().to_vec(),
            extensions: vec![
                extension("2.5.29.15", true, key_usage(&[0])),
                extension(
                    "2.5.29.37",
                    false,
                    extended_key_usage(&["1.3.6.1.5.5.7.3.3"]),
                ),
                subject_key_identifier(key.spki()),
                authority_key_identifier(issuer.key.spki()),
            ],
            scts: Vec::new(),
            sct_list_override: None,
            algorithm_override: None,
            validity_override: None,
            behind_key: Vec::new(),
        }
    }

    /// Adds an extension at the end.
    pub fn with(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Takes the extension's place when one with this identifier is there, else adds it.
    pub fn replace(&mut self, new: Extension) {
        match self.extensions.iter_mut().find(|old| old.id == new.id) {
            Some(old) => *old = new,
            None => self.extensions.push(new),
        }
    }

    /// Removes every extension with this identifier.
    pub fn remove(&mut self, id: &str) {
        self.extensions.retain(|extension| extension.id != id);
    }

    /// Signs the certificate, DER; SCTs are made over it as precertificate first (RFC 6962 section 3.2).
    pub fn sign(&self, issuer: &LabKey) -> Vec<u8> {
        let mut extensions = self.extensions.clone();
        let list = match &self.sct_list_override {
            Some(bytes) => Some(bytes.clone()),
            None if self.scts.is_empty() => None,
            None => {
                let tbs = self.tbs(issuer, &extensions);
                Some(sct_list(&self.scts, &tbs, issuer.spki()))
            }
        };
        if let Some(list) = list {
            extensions.push(extension(SCT_LIST, false, octet_string(&list)));
        }
        let tbs = self.tbs(issuer, &extensions);
        sequence(&[
            &tbs,
            &self.algorithm(issuer),
            &bit_string(&issuer.sign(&tbs)),
        ])
    }

    fn algorithm(&self, issuer: &LabKey) -> Vec<u8> {
        self.algorithm_override
            .clone()
            .unwrap_or_else(|| issuer.signature_algorithm())
    }

    fn tbs(&self, issuer: &LabKey, extensions: &[Extension]) -> Vec<u8> {
        let version = self
            .version
            .map(|version| context(0, &small_integer(u64::from(version))))
            .unwrap_or_default();
        let encoded: Vec<Vec<u8>> = extensions
            .iter()
            .map(|extension| {
                let critical = if extension.critical {
                    boolean(true)
                } else {
                    Vec::new()
                };
                sequence(&[
                    &oid(&extension.id),
                    &critical,
                    &octet_string(&extension.value),
                ])
            })
            .collect();
        let extensions = if encoded.is_empty() {
            Vec::new()
        } else {
            context(3, &tlv(0x30, &encoded.concat()))
        };
        sequence(&[
            &version,
            &self.serial,
            &self.algorithm(issuer),
            &self.issuer,
            &sequence(&[self
                .validity_override
                .as_ref()
                .unwrap_or(&[x509_time(self.not_before), x509_time(self.not_after)].concat())]),
            &self.subject,
            &self.spki,
            &self.behind_key,
            &extensions,
        ])
    }
}

/// A `Name` of organisation and common name.
pub fn name(organisation: &str, common: &str) -> Vec<u8> {
    let attribute = |id: &str, text: &str| set(&[&sequence(&[&oid(id), &utf8_string(text)])]);
    sequence(&[
        &attribute("2.5.4.10", organisation),
        &attribute("2.5.4.3", common),
    ])
}

/// An extension.
pub fn extension(id: &str, critical: bool, value: Vec<u8>) -> Extension {
    Extension {
        id: id.to_owned(),
        critical,
        value,
    }
}

/// `KeyUsage` value with the bits of RFC 5280 section 4.2.1.3 set: 0 digitalSignature, 5 keyCertSign, 6 cRLSign.
pub fn key_usage(bits: &[u8]) -> Vec<u8> {
    let mut byte = 0_u8;
    for bit in bits {
        byte |= 0x80 >> bit;
    }
    tlv(0x03, &[byte.trailing_zeros() as u8, byte])
}

/// `ExtKeyUsageSyntax` value.
pub fn extended_key_usage(purposes: &[&str]) -> Vec<u8> {
    let purposes: Vec<Vec<u8>> = purposes.iter().map(|purpose| oid(purpose)).collect();
    tlv(0x30, &purposes.concat())
}

/// A subject alternative name extension of ready `GeneralName`s; critical, as Fulcio writes it beside an empty subject.
pub fn subject_alternative_name(names: &[Vec<u8>]) -> Extension {
    extension("2.5.29.17", true, tlv(0x30, &names.concat()))
}

/// `rfc822Name`.
pub fn email_name(text: &str) -> Vec<u8> {
    context_primitive(1, text.as_bytes())
}

/// `dNSName`.
pub fn dns_name(text: &str) -> Vec<u8> {
    context_primitive(2, text.as_bytes())
}

/// `uniformResourceIdentifier`.
pub fn uri_name(text: &str) -> Vec<u8> {
    context_primitive(6, text.as_bytes())
}

/// `otherName` of Fulcio's user name type.
pub fn other_name(text: &str) -> Vec<u8> {
    context(
        0,
        &[oid(&format!("{FULCIO}.7")), context(0, &utf8_string(text))].concat(),
    )
}

/// Fulcio claim 1.1 to 1.6: the text itself, no DER inside.
pub fn raw_claim(number: u8, text: &str) -> Extension {
    extension(
        &format!("{FULCIO}.{number}"),
        false,
        text.as_bytes().to_vec(),
    )
}

/// Fulcio claim 1.8 and later: a DER `UTF8String`.
pub fn claim(number: u8, text: &str) -> Extension {
    extension(&format!("{FULCIO}.{number}"), false, utf8_string(text))
}

fn subject_key_identifier(spki: &[u8]) -> Extension {
    extension("2.5.29.14", false, octet_string(&key_identifier(spki)))
}

/// The identifier of a key in the lab's certificates.
pub fn key_identifier(spki: &[u8]) -> Vec<u8> {
    sha256(spki)[..20].to_vec()
}

fn authority_key_identifier(spki: &[u8]) -> Extension {
    extension(
        "2.5.29.35",
        false,
        sequence(&[&context_primitive(0, &sha256(spki)[..20])]),
    )
}

fn serial_of(seed: &[u8]) -> Vec<u8> {
    let mut bytes = sha256(seed)[..16].to_vec();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    integer(&bytes)
}
