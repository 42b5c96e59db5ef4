//! Opens and closes cosign's encrypted private key files: scrypt and NaCl secretbox around PKCS#8.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bytes::Bytes;
use countersign_formats::{EncryptedPrivateKey, Scrypt};
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::private_key::PrivateKey;
use crate::private_key_import::is_sec1;

/// The cost that cosign writes today.
const WRITTEN_N: u32 = 65_536;

impl PrivateKey {
    /// Opens an encrypted key; the password may be empty.
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`], [`KeyError::Sec1Inside`], or what [`PrivateKey::from_pkcs8_der`] reports.
    pub fn decrypt(encrypted: &EncryptedPrivateKey, password: &[u8]) -> Result<Self, KeyError> {
        let key = derive(&encrypted.kdf, password)?;
        let plaintext = XSalsa20Poly1305::new(Key::from_slice(key.as_slice()))
            .decrypt(
                Nonce::from_slice(&encrypted.nonce),
                encrypted.ciphertext.as_ref(),
            )
            .map(Zeroizing::new)
            .map_err(|_| KeyError::WrongPassword)?;
        if is_sec1(&plaintext) {
            return Err(KeyError::Sec1Inside);
        }
        Self::from_pkcs8_der(&plaintext)
    }

    /// Encrypts the key as cosign does: scrypt with N = 65536, r = 8, p = 1, fresh salt and nonce.
    ///
    /// # Errors
    /// [`KeyError::Library`] without randomness.
    pub fn encrypt(&self, password: &[u8]) -> Result<EncryptedPrivateKey, KeyError> {
        let random = SystemRandom::new();
        let mut salt = [0; 32];
        let mut nonce = [0; 24];
        random.fill(&mut salt).map_err(|_| randomness())?;
        random.fill(&mut nonce).map_err(|_| randomness())?;
        let kdf = Scrypt {
            n: WRITTEN_N,
            r: 8,
            p: 1,
            salt: Bytes::copy_from_slice(&salt),
        };
        let key = derive(&kdf, password)?;
        let ciphertext = XSalsa20Poly1305::new(Key::from_slice(key.as_slice()))
            .encrypt(Nonce::from_slice(&nonce), self.to_pkcs8_der().as_slice())
            .map_err(|_| KeyError::Library {
                operation: "key encryption",
            })?;
        Ok(EncryptedPrivateKey {
            kdf,
            nonce,
            ciphertext: ciphertext.into(),
        })
    }
}

/// The parser admits three costs only; they are checked again because 128 * N * r bytes are allocated here.
fn derive(kdf: &Scrypt, password: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let log_n = match (kdf.n, kdf.r, kdf.p) {
        (32_768, 8, 1) => 15,
        (65_536, 8, 1) => 16,
        (131_072, 8, 1) => 17,
        (n, r, p) => {
            return Err(KeyError::Unsupported {
                found: format!("scrypt N={n} r={r} p={p}"),
            });
        }
    };
    let failed = || KeyError::Library {
        operation: "key derivation",
    };
    let parameters = scrypt::Params::new(log_n, 8, 1, 32).map_err(|_| failed())?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, &kdf.salt, &parameters, key.as_mut_slice()).map_err(|_| failed())?;
    Ok(key)
}

fn randomness() -> KeyError {
    KeyError::Library {
        operation: "randomness",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_formats::KeyKind;

    /// An encrypted file as another writer would make it: any plaintext, any cost.
    fn sealed(plaintext: &[u8], n: u32, password: &[u8]) -> EncryptedPrivateKey {
        let kdf = Scrypt {
            n,
            r: 8,
            p: 1,
            salt: Bytes::from_static(&[7; 32]),
        };
        let nonce = [9; 24];
        let key = derive(&kdf, password).unwrap();
        let ciphertext = XSalsa20Poly1305::new(Key::from_slice(key.as_slice()))
            .encrypt(Nonce::from_slice(&nonce), plaintext)
            .unwrap();
        EncryptedPrivateKey {
            kdf,
            nonce,
            ciphertext: ciphertext.into(),
        }
    }

    #[test]
    fn every_cost_that_cosign_ever_wrote_is_read() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        for n in [32_768, 65_536, 131_072] {
            let opened = PrivateKey::decrypt(&sealed(&key.to_pkcs8_der(), n, b""), b"").unwrap();
            assert_eq!(opened.public_key(), key.public_key());
        }
    }

    #[test]
    fn another_cost_is_refused_before_memory_is_taken() {
        let mut key = sealed(b"x", 32_768, b"");
        for (n, r, p) in [
            (1 << 30, 8, 1),
            (65_536, 1_024, 1),
            (65_536, 8, 64),
            (0, 0, 0),
        ] {
            (key.kdf.n, key.kdf.r, key.kdf.p) = (n, r, p);
            let error = PrivateKey::decrypt(&key, b"").unwrap_err();
            assert_eq!(error.code(), "key-unsupported", "{n} {r} {p}");
        }
    }

    #[test]
    fn a_sec1_key_inside_is_refused_with_what_to_do() {
        // `ECPrivateKey` of version 1 with a scalar and the P-256 curve (RFC 5915 section 3).
        let mut sec1 = vec![0x30, 0x31, 2, 1, 1, 4, 32];
        sec1.extend([0x11; 32]);
        sec1.extend([0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        sec1[1] = (sec1.len() - 2) as u8;
        let error = PrivateKey::decrypt(&sealed(&sec1, 32_768, b"pw"), b"pw").unwrap_err();
        assert_eq!(error.code(), "key-sec1-inside");
        assert!(error.hint().unwrap().contains("import-key-pair"));
    }

    #[test]
    fn a_truncated_ciphertext_is_a_wrong_password_not_a_panic() {
        let whole = sealed(b"plaintext", 32_768, b"pw");
        for length in [0, 15, 16, whole.ciphertext.len() - 1] {
            let mut key = whole.clone();
            key.ciphertext.truncate(length);
            let error = PrivateKey::decrypt(&key, b"pw").unwrap_err();
            assert_eq!(error.code(), "key-wrong-password", "{length}");
        }
    }
}
