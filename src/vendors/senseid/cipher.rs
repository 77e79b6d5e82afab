//! How the vendor encrypts photos and videos: AES-256-GCM without additional data, the tag after the ciphertext, and one
//! initialisation vector for every file. Key and vector are the bytes of their text, not hexadecimal digits.
//! Operation manual, section 2.

use bytes::{Bytes, BytesMut};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::canonical::{Problem, ProblemKind, Secret};

/// A key with its vector.
pub(super) struct Cipher {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
}

// === impl Cipher ===

impl Cipher {
    /// `Internal` if either has the wrong length, which the configuration check rules out.
    pub(super) fn new(key: &Secret, iv: &Secret) -> Result<Self, Problem> {
        let unusable = || {
            Problem::new(
                ProblemKind::Internal,
                "the gateway is not configured for this call",
            )
        };
        let key = UnboundKey::new(&AES_256_GCM, key.expose().as_bytes()).map_err(|_| unusable())?;
        Ok(Self {
            key: LessSafeKey::new(key),
            iv: iv.expose().as_bytes().try_into().map_err(|_| unusable())?,
        })
    }

    /// Decrypts in place: the buffer is not copied if nobody else holds it. `DecryptFailed` if the tag does not fit.
    pub(super) fn open(&self, sealed: Bytes) -> Result<Bytes, Problem> {
        let mut buffer = BytesMut::from(sealed);
        let length = self
            .key
            .open_in_place(self.nonce(), Aad::empty(), &mut buffer)
            .map(|plain| plain.len())
            .map_err(|_| {
                Problem::new(
                    ProblemKind::DecryptFailed,
                    "an encrypted field does not decrypt under your key",
                )
            })?;
        buffer.truncate(length);
        Ok(buffer.freeze())
    }

    /// Encrypts into one new buffer.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut buffer = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        buffer.extend_from_slice(plain);
        self.key
            .seal_in_place_append_tag(self.nonce(), Aad::empty(), &mut buffer)
            .map_err(|_| {
                Problem::new(
                    ProblemKind::MediaTooLarge,
                    "the file is too large to encrypt",
                )
            })?;
        Ok(buffer)
    }

    /// The same for every file: the vendor's choice, not ours.
    fn nonce(&self) -> Nonce {
        Nonce::assume_unique_for_key(self.iv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Cipher {
        let key = Secret::new("dcbbad6765e14139a07d34b92292a672".to_owned());
        Cipher::new(&key, &Secret::new("df25d188a061".to_owned())).unwrap()
    }

    #[test]
    fn the_vectors_of_the_published_pair() {
        let counted: Vec<u8> = (0..16).collect();
        for (plain, sealed) in [
            (&b""[..], "I6k0mmG2T5I1t2nCWicdtg=="),
            (b"hello", "7EWZ/NONkYfOjH/m+K3KKsDO4CZ/"),
            (&counted, "hCH3k7h8GUFbXDPpJo6ySxW4nFAjLcgBTLrm7ewfJb4="),
        ] {
            let bytes = published().seal(plain).unwrap();
            assert_eq!(base64_turbo::STANDARD.encode(&bytes), sealed);
            assert_eq!(published().open(bytes.into()).unwrap(), plain);
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_decrypts() {
        let sealed = published().seal(b"hello").unwrap();
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            for broken in [flipped, sealed[..at].to_vec()] {
                let problem = published().open(broken.into()).expect_err("broken");
                assert_eq!(problem.kind, ProblemKind::DecryptFailed);
            }
        }
    }

    #[test]
    fn decrypting_copies_nothing() {
        let sealed = Bytes::from(published().seal(b"hello").unwrap());
        let place = sealed.as_ptr();
        assert_eq!(published().open(sealed).unwrap().as_ptr(), place);
    }

    #[test]
    fn lengths_are_exact() {
        let secret = |length| Secret::new("x".repeat(length));
        for (key, iv) in [(31, 12), (33, 12), (32, 11), (32, 13), (16, 12), (0, 0)] {
            assert!(
                Cipher::new(&secret(key), &secret(iv)).is_err(),
                "{key} {iv}"
            );
        }
    }
}
