//! The parameters of RSASSA-PSS signatures in certificates and tokens.

use crate::asn1::{self, AlgorithmIdentifier, Element, Malformed, Reader, oid, tag};
use countersign_formats::HashAlgorithm;

/// The one hash of a signature by RSASSA-PSS (RFC 4055 §3.1):
/// ```text
/// RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] EXPLICIT AlgorithmIdentifier DEFAULT sha1,
///   maskGenAlgorithm [1] EXPLICIT AlgorithmIdentifier DEFAULT mgf1SHA1, saltLength [2] EXPLICIT INTEGER DEFAULT 20,
///   trailerField [3] EXPLICIT INTEGER DEFAULT 1 }
/// ```
/// SHA-256, SHA-384 or SHA-512, the same in MGF1, with a salt of its length: what TLS 1.3 and Sigstore sign with. Every
/// other choice is refused, SHA-1, which all defaults lead to, among them.
pub(crate) fn hash(parameters: Option<&Element<'_>>) -> Result<HashAlgorithm, Malformed> {
    let parameters = parameters
        .filter(|parameters| parameters.tag == tag::SEQUENCE)
        .ok_or(Malformed)?;
    let mut reader = Reader::new(parameters.value);
    let hash = reader.expect(tag::CONTEXT_CONSTRUCTED_0)?.value;
    let hash = strong_hash(asn1::single(hash, tag::SEQUENCE)?)?;
    let mask = reader.expect(tag::CONTEXT_CONSTRUCTED_1)?.value;
    let mask = AlgorithmIdentifier::read(asn1::single(mask, tag::SEQUENCE)?)?;
    let mask_hash = mask
        .parameters
        .filter(|parameters| parameters.tag == tag::SEQUENCE)
        .ok_or(Malformed)?;
    let mask_hash = strong_hash(mask_hash)?;
    let salt = asn1::single(
        reader.expect(tag::CONTEXT_CONSTRUCTED_2)?.value,
        tag::INTEGER,
    )?;
    reader.finish()?;
    if mask.algorithm == oid::MGF1 && mask_hash == hash && salt.small()? == hash.size() as u64 {
        Ok(hash)
    } else {
        Err(Malformed)
    }
}

fn strong_hash(element: Element<'_>) -> Result<HashAlgorithm, Malformed> {
    AlgorithmIdentifier::read(element)?
        .strong_hash()
        .ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_testdata::der_writer::{context, null, oid, sequence, small_integer};

    const SHA256: &str = "2.16.840.1.101.3.4.2.1";
    const SHA384: &str = "2.16.840.1.101.3.4.2.2";
    const SHA512: &str = "2.16.840.1.101.3.4.2.3";
    const SHA1: &str = "1.3.14.3.2.26";
    const MGF1: &str = "1.2.840.113549.1.1.8";

    fn parts(hash: &str, mask: &str, mask_hash: &str, salt: u64) -> Vec<Vec<u8>> {
        let plain = |id: &str| sequence(&[&oid(id), &null()]);
        vec![
            context(0, &plain(hash)),
            context(1, &sequence(&[&oid(mask), &plain(mask_hash)])),
            context(2, &small_integer(salt)),
        ]
    }

    fn read(parts: &[Vec<u8>]) -> Result<HashAlgorithm, Malformed> {
        let der = sequence(&[&parts.concat()]);
        hash(Some(&asn1::single(&der, tag::SEQUENCE)?))
    }

    #[test]
    fn one_strong_hash_throughout_is_accepted() {
        assert_eq!(
            read(&parts(SHA256, MGF1, SHA256, 32)),
            Ok(HashAlgorithm::Sha256)
        );
        assert_eq!(
            read(&parts(SHA384, MGF1, SHA384, 48)),
            Ok(HashAlgorithm::Sha384)
        );
        assert_eq!(
            read(&parts(SHA512, MGF1, SHA512, 64)),
            Ok(HashAlgorithm::Sha512)
        );
    }

    #[test]
    fn every_other_choice_is_refused() {
        let good = parts(SHA256, MGF1, SHA256, 32);
        for bad in [
            parts(SHA1, MGF1, SHA1, 20),
            parts(SHA256, MGF1, SHA384, 32),
            parts(SHA256, SHA256, SHA256, 32),
            parts(SHA256, MGF1, SHA256, 20),
            parts(SHA256, MGF1, SHA256, 222),
            good.get(..2).unwrap_or_default().to_vec(),
            good.get(1..).unwrap_or_default().to_vec(),
            Vec::new(),
            [good.clone(), vec![context(3, &small_integer(1))]].concat(),
        ] {
            assert_eq!(read(&bad), Err(Malformed), "{bad:02x?}");
        }
        assert_eq!(hash(None), Err(Malformed));
        let number = small_integer(1);
        assert!(asn1::single(&number, tag::INTEGER).is_ok_and(|one| hash(Some(&one)).is_err()));
    }
}
