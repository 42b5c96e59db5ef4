//! The lab's timestamp authorities (RFC 3161): tokens built by hand, each part open to bending.

use crate::certificate::Identity;
use crate::der_writer::{
    boolean, context, context_primitive, generalized_time, integer, octet_string, oid, sequence,
    set, set_of, small_integer, tlv,
};
use crate::keys::{Hash, sha256};

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

/// A timestamp response before it is signed.
#[derive(Clone, Debug)]
pub struct TimestampSpec {
    /// Who signs.
    pub signer: Identity,
    /// The time stated, seconds since 1970.
    pub time: i64,
    /// Hash of the imprint.
    pub imprint_hash: Hash,
    /// What is stamped: the signature's bytes.
    pub stamped: Vec<u8>,
    /// Certificates put into the token, DER, in this order.
    pub certificates: Vec<Vec<u8>>,
    /// `PKIStatus`: 0 granted, 1 granted with modifications, 2 rejection.
    pub status: u8,
    /// `eContentType` of the token.
    pub content_type: String,
    /// Value of the content-type attribute; `None` leaves it out.
    pub content_type_attribute: Option<String>,
    /// Value of the message-digest attribute when not the real one.
    pub message_digest: Option<Vec<u8>>,
    /// Which certificate the ESSCertIDv2 attribute names, DER; `None` leaves the attribute out.
    pub ess_certificate: Option<Vec<u8>>,
    /// Writes the SHA-1 attribute of RFC 2634 in place of version 2.
    pub ess_version_1: bool,
    /// Whether there are signed attributes at all.
    pub signed_attributes: bool,
    /// Number of SignerInfos written.
    pub signer_infos: usize,
    /// Adds a SignerInfo with a broken signature at this place.
    pub broken_signer: Option<usize>,
    /// Flips the last bit of the signature.
    pub broken: bool,
    /// Accuracy in seconds.
    pub accuracy: Option<u64>,
    /// Policy identifier.
    pub policy: String,
    /// Digest algorithm of the SignerInfo.
    pub digest: Hash,
    /// Further elements of the `PKIStatusInfo`, DER.
    pub status_info: Vec<u8>,
    /// Version of the SignedData.
    pub version: u64,
    /// The list of digest algorithms, DER, in place of the SignerInfo's own.
    pub digest_algorithms: Option<Vec<u8>>,
    /// Version of the SignerInfo in place of the one that goes with its identifier.
    pub signer_version: Option<u64>,
    /// Names the signer by this key identifier in place of issuer and serial.
    pub key_identifier: Option<Vec<u8>>,
    /// Parameters behind the signature algorithm, DER.
    pub signature_parameters: Vec<u8>,
    /// Writes issuer and serial of the signer's certificate into the ESSCertIDv2; the serial, a DER `INTEGER`, may be another.
    pub ess_serial: Option<Vec<u8>>,
    /// Further signed attributes that mean nothing.
    pub other_attributes: usize,
    /// An extension of the timestamp: whether it is critical.
    pub extension: Option<bool>,
    /// The hash in place of that of [`TimestampSpec::stamped`], for who was asked with a hash alone.
    pub imprint: Option<Vec<u8>>,
    /// The request's nonce, a DER `INTEGER`.
    pub nonce: Vec<u8>,
    /// Writes the content as one constructed string around as many pieces (BER).
    pub pieces: Option<usize>,
}

impl TimestampSpec {
    /// What an honest authority answers.
    pub fn new(signer: &Identity, time: i64, stamped: &[u8]) -> Self {
        Self {
            signer: signer.clone(),
            time,
            imprint_hash: Hash::Sha256,
            stamped: stamped.to_vec(),
            certificates: vec![signer.certificate.clone()],
            status: 0,
            content_type: TST_INFO.to_owned(),
            content_type_attribute: Some(TST_INFO.to_owned()),
            message_digest: None,
            ess_certificate: Some(signer.certificate.clone()),
            ess_version_1: false,
            signed_attributes: true,
            signer_infos: 1,
            broken_signer: None,
            broken: false,
            accuracy: Some(1),
            policy: "1.3.6.1.4.1.57264.2".to_owned(),
            digest: signer.key.hash(),
            status_info: Vec::new(),
            version: 3,
            digest_algorithms: None,
            signer_version: None,
            key_identifier: None,
            signature_parameters: Vec::new(),
            ess_serial: None,
            other_attributes: 0,
            extension: None,
            imprint: None,
            nonce: Vec::new(),
            pieces: None,
        }
    }

    /// The `TimeStampResp`, DER.
    pub fn sign(&self) -> Vec<u8> {
        let status = sequence(&[&small_integer(u64::from(self.status)), &self.status_info]);
        if self.status > 1 {
            return sequence(&[&status]);
        }
        sequence(&[&status, &self.token()])
    }

    /// The `TimeStampToken` alone, DER.
    pub fn token(&self) -> Vec<u8> {
        let info = self.info();
        let mut certificates = Vec::new();
        if !self.certificates.is_empty() {
            certificates = tlv(0xa0, &self.certificates.concat());
        }
        let signer_info = self.signer_info(&info);
        let mut infos = vec![signer_info; self.signer_infos];
        if let Some(place) = self.broken_signer {
            let other = Self {
                broken: true,
                ..self.clone()
            };
            infos.insert(place, other.signer_info(&info));
        }
        let content = match self.pieces {
            None => octet_string(&info),
            Some(pieces) => {
                let pieces = info.chunks(info.len().div_ceil(pieces)).map(octet_string);
                tlv(0x24, &pieces.collect::<Vec<_>>().concat())
            }
        };
        let signed = sequence(&[
            &small_integer(self.version),
            &set(&[self
                .digest_algorithms
                .as_ref()
                .unwrap_or(&self.digest.algorithm())]),
            &sequence(&[&oid(&self.content_type), &context(0, &content)]),
            &certificates,
            &tlv(0x31, &infos.concat()),
        ]);
        sequence(&[&oid(SIGNED_DATA), &context(0, &signed)])
    }

    fn info(&self) -> Vec<u8> {
        let imprint = sequence(&[
            &self.imprint_hash.algorithm(),
            &octet_string(
                self.imprint
                    .as_ref()
                    .unwrap_or(&self.imprint_hash.of(&self.stamped)),
            ),
        ]);
        let accuracy = self
            .accuracy
            .map(|seconds| sequence(&[&small_integer(seconds)]))
            .unwrap_or_default();
        sequence(&[
            &small_integer(1),
            &oid(&self.policy),
            &imprint,
            &integer(&sha256(&self.stamped)[..12]),
            &generalized_time(self.time),
            &accuracy,
            &self.nonce,
            &self
                .extension
                .map(|critical| {
                    let mark = if critical { boolean(true) } else { Vec::new() };
                    tlv(
                        0xa1,
                        &sequence(&[&oid("1.2.3.4"), &mark, &octet_string(b"")]),
                    )
                })
                .unwrap_or_default(),
        ])
    }

    fn signer_info(&self, info: &[u8]) -> Vec<u8> {
        let (issuer, serial) = issuer_and_serial(&self.signer.certificate);
        let attributes = self.attributes(info);
        let (written, signed) = if self.signed_attributes {
            // RFC 5652 section 5.4: what is signed is the SET, what is written is the implicit tag.
            let set = set_of(attributes);
            let mut written = set.clone();
            written[0] = 0xa0;
            (written, set)
        } else {
            (Vec::new(), info.to_vec())
        };
        let mut signature = self.signer.key.sign(&signed);
        if self.broken
            && let Some(last) = signature.last_mut()
        {
            *last ^= 1;
        }
        let (id, version) = match &self.key_identifier {
            Some(identifier) => (context_primitive(0, identifier), 3),
            None => (sequence(&[&issuer, &serial]), 1),
        };
        let mut algorithm = self.signer.key.signature_algorithm();
        if !self.signature_parameters.is_empty() {
            algorithm = sequence(&[content(&algorithm), &self.signature_parameters]);
        }
        sequence(&[
            &small_integer(self.signer_version.unwrap_or(version)),
            &id,
            &self.digest.algorithm(),
            &written,
            &algorithm,
            &octet_string(&signature),
        ])
    }

    fn attributes(&self, info: &[u8]) -> Vec<Vec<u8>> {
        let attribute = |id: &str, value: &[u8]| sequence(&[&oid(id), &set(&[value])]);
        let mut attributes = Vec::new();
        if let Some(content_type) = &self.content_type_attribute {
            attributes.push(attribute(CONTENT_TYPE, &oid(content_type)));
        }
        let digest = self
            .message_digest
            .clone()
            .unwrap_or_else(|| self.digest.of(info));
        attributes.push(attribute(MESSAGE_DIGEST, &octet_string(&digest)));
        attributes.push(attribute(
            SIGNING_TIME,
            &crate::der_writer::x509_time(self.time),
        ));
        if let Some(certificate) = &self.ess_certificate {
            if self.ess_version_1 {
                let id = sequence(&[&octet_string(&Hash::Sha1.of(certificate))]);
                attributes.push(attribute(
                    SIGNING_CERTIFICATE,
                    &sequence(&[&sequence(&[&id])]),
                ));
            } else {
                // RFC 5035 section 4: SHA-256 is the default and therefore left out.
                let named = self.ess_serial.as_ref().map(|serial| {
                    let (issuer, _) = issuer_and_serial(&self.signer.certificate);
                    sequence(&[&sequence(&[&context(4, &issuer)]), serial])
                });
                let id = sequence(&[
                    &octet_string(&sha256(certificate)),
                    &named.unwrap_or_default(),
                ]);
                attributes.push(attribute(
                    SIGNING_CERTIFICATE_V2,
                    &sequence(&[&sequence(&[&id])]),
                ));
            }
        }
        for number in 0..self.other_attributes {
            let id = format!("1.2.3.4.{number}");
            attributes.push(attribute(&id, &crate::der_writer::null()));
        }
        attributes
    }
}

/// Extensions of an honest timestamping leaf are set by the lab; this is its critical purpose (RFC 3161 section 2.3).
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// Issuer and serial of a certificate, both as they stand in its DER.
pub(crate) fn issuer_and_serial(certificate: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let tbs = content(content(certificate));
    let mut rest = tbs;
    let mut parts = Vec::new();
    while parts.len() < 4 && !rest.is_empty() {
        let (part, tail) = split_tlv(rest);
        parts.push(part);
        rest = tail;
    }
    if parts[0][0] == 0xa0 {
        parts.remove(0);
    }
    (parts[2].to_vec(), parts[0].to_vec())
}

fn content(bytes: &[u8]) -> &[u8] {
    let (header, length) = header(bytes);
    &bytes[header..header + length]
}

fn split_tlv(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = header(bytes);
    bytes.split_at(header + length)
}

fn header(bytes: &[u8]) -> (usize, usize) {
    let first = usize::from(bytes[1]);
    if first < 0x80 {
        (2, first)
    } else {
        let count = first & 0x7f;
        let length = bytes[2..2 + count]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (2 + count, length)
    }
}
