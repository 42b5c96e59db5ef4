//! Certificates for a key and an identity token (Fulcio's interface, version 2).

mod chain;

use bytes::Bytes;
use countersign_formats::json::{ObjectWriter, Reader};
use countersign_formats::{
    Document, Error, KeyKind, Limits, PublicKey, UnixTime, clipped, encode_base64, pem_certificates,
};
use reqwest::Url;
use reqwest::header::ACCEPT;

use crate::error::{AnswerFault, ServiceError, ServiceKind, ServiceName, WORDS};
use crate::http::{self, Call, Client, error_words};
use crate::identity::{CheckedToken, TokenError};
use crate::secret::Secret;

pub use chain::CertificateChain;

/// Bytes of an answer: some certificates in PEM.
const ANSWER_BYTES: u64 = 1 << 20;
const WHAT: &str = "certificate answer";

/// A certificate authority that speaks Fulcio's interface.
#[derive(Clone, Debug)]
pub struct Fulcio {
    client: Client,
    service: ServiceName,
    url: Url,
}

impl Fulcio {
    /// The authority at `base_url`.
    ///
    /// # Errors
    /// [`ServiceError::Address`].
    pub fn new(client: &Client, base_url: &str) -> Result<Self, ServiceError> {
        let base = http::parse(base_url, client.settings().allow_http)?;
        Ok(Self {
            client: client.clone(),
            service: ServiceName {
                kind: ServiceKind::Fulcio,
                address: http::shown(&base),
            },
            url: http::below(&base, "api/v2/signingCert"),
        })
    }

    /// Asks for a certificate for `key` and the identity in `token`.
    ///
    /// `sign` signs the message that it is given with the key's usual scheme ([`Scheme::of`](countersign_proof::Scheme::of)),
    /// which proves that the key is the caller's. The certificate that comes back is for this key and valid at `now`; whether its
    /// authority is trusted is proven with the finished bundle.
    ///
    /// # Errors
    /// [`ServiceError::Token`] when the token is over, [`ServiceError::Signer`], [`ServiceError::TokenRefused`], [`ServiceError::Unavailable`], [`ServiceError::Answer`] with
    /// [`AnswerFault::OtherKey`] among its faults.
    pub async fn certify<E: std::fmt::Display>(
        &self,
        token: &CheckedToken,
        key: &PublicKey,
        now: UnixTime,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<CertificateChain, ServiceError> {
        // It was good when it was checked; for the thousandth certificate of a run that is long ago.
        if token.expires() <= now {
            let at = Some(token.expires());
            return Err(TokenError::Expired { at, now }.into());
        }
        let proof = sign(token.identity().as_bytes()).map_err(|error| ServiceError::Signer {
            detail: clipped(&error.to_string(), WORDS),
        })?;
        let secrets = [token.secret().clone()];
        let call = Call::post(
            &self.service,
            self.url.clone(),
            request(token.secret(), key, &proof),
            "application/json",
            ANSWER_BYTES,
            WHAT,
        )
        .header(ACCEPT, "application/json")
        .hiding(&secrets);
        let reply = self.client.begin().ask(&call).await?;
        if !reply.status.is_success() {
            let status = reply.status.as_u16();
            let message = error_words(&reply.body, &secrets);
            let about_token = message
                .as_deref()
                .is_some_and(|words| words.contains("identity token"));
            if matches!(status, 401 | 403) || about_token {
                return Err(ServiceError::TokenRefused {
                    service: self.service.clone(),
                    status,
                    message,
                });
            }
            return Err(reply.refusal(&self.service, &secrets));
        }
        let limits = &self.client.settings().limits;
        let malformed = |error: Error| ServiceError::malformed(&self.service, WHAT, error);
        let answer = Answer::parse(&reply.body, limits).map_err(malformed)?;
        let chain =
            CertificateChain::read(answer.certificates, answer.detached_sct).ok_or_else(|| {
                ServiceError::malformed(&self.service, WHAT, "its first certificate is not DER")
            })?;
        self.check(&chain, key, now)?;
        Ok(chain)
    }

    fn check(
        &self,
        chain: &CertificateChain,
        key: &PublicKey,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        // A certificate for another key would let its holder sign in the caller's name (attacks: sigstore response binding).
        if chain.public_key() != key.spki() {
            return Err(ServiceError::answer(&self.service, AnswerFault::OtherKey));
        }
        let (from, until) = (chain.not_before(), chain.not_after());
        // Authorities date certificates by their own clock; half a minute ahead of ours is no fault.
        if from.0.saturating_sub(30) > now.0 || until < now {
            let detail = format!("from {from} until {until}, and it is {now}");
            return Err(ServiceError::answer(
                &self.service,
                AnswerFault::CertificateTime { detail },
            ));
        }
        Ok(())
    }
}

fn request(token: &Secret, key: &PublicKey, proof: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut object = ObjectWriter::new(&mut body);
    object.object("credentials", |object| {
        object.string("oidcIdentityToken", token.reveal());
    });
    object.object("publicKeyRequest", |object| {
        object.object("publicKey", |object| {
            object.string("algorithm", algorithm(key.kind()));
            object.string("content", &key.to_pem());
        });
        object.string("proofOfPossession", &encode_base64(proof));
    });
    object.end();
    body
}

/// The name that Fulcio's interface has for a kind of key; it takes the curve and the size from the key itself.
fn algorithm(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => "ECDSA",
        KeyKind::Ed25519 => "ED25519",
        KeyKind::Rsa { .. } => "RSA_PSS",
    }
}

pub(crate) struct Answer {
    certificates: Vec<Bytes>,
    detached_sct: Option<Bytes>,
}

impl Answer {
    pub(crate) fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        let cap = ("answer_bytes", ANSWER_BYTES);
        let mut reader = Reader::from_bytes(Document::Json, body, cap, limits)?;
        let (mut pem, mut detached_sct) = (None, None);
        reader.object(|reader, name| {
            if !matches!(
                name,
                "signedCertificateEmbeddedSct" | "signedCertificateDetachedSct"
            ) {
                return reader.ignore();
            }
            if pem.is_some() {
                return Err(reader.unknown_field(name));
            }
            reader.object(|reader, name| {
                match name {
                    "chain" => pem = Some(read_chain(reader, limits)?),
                    "signedCertificateTimestamp" => {
                        detached_sct =
                            Some(reader.base64(("signature_bytes", limits.signature_bytes))?);
                    }
                    _ => reader.ignore()?,
                }
                Ok(())
            })
        })?;
        let pem = reader.required("chain", pem)?;
        reader.end()?;
        let certificates = pem_certificates(pem.as_bytes(), limits)?;
        Ok(Self {
            certificates,
            detached_sct,
        })
    }
}

/// The certificates as one PEM text.
fn read_chain(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    let mut text = String::new();
    reader.object(|reader, name| {
        if name != "certificates" {
            return reader.ignore();
        }
        let blocks = reader.capped_list(("certificates", limits.certificates), |reader| {
            reader.string().map(|text| text.into_owned())
        })?;
        text = blocks.join("\n");
        Ok(())
    })?;
    Ok(text)
}
