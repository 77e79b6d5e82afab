//! The key under which secrets are digested.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::tenancy::DigestedSecret;

/// 256 bits from the operator's master key file. Wiped when dropped, never printed.
pub struct MasterKey(Zeroizing<[u8; 32]>);

// === impl MasterKey ===

impl MasterKey {
    /// Reads 64 hexadecimal digits of either case; anything else is `None`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut key = Zeroizing::new([0; 32]);
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            let digit = |ascii: &u8| char::from(*ascii).to_digit(16);
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        }
        Some(Self(key))
    }

    /// HMAC-SHA256 of a secret. Secrets are random and long, so a slow hash would only help those who flood us.
    #[must_use]
    pub fn digest(&self, secret: &str) -> DigestedSecret {
        // RFC 2104 pads a short key with zeros to the block size.
        let mut block = Zeroizing::new([0; 64]);
        let (start, _) = block.split_at_mut(self.0.len());
        start.copy_from_slice(&*self.0);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(secret.as_bytes());
        DigestedSecret(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0B0B0B0B";

    #[test]
    fn reads_64_digits_and_nothing_else() {
        assert!(MasterKey::from_hex(HEX).is_some());
        for bad in [
            "",
            "0b",
            &HEX[1..],
            &format!("{HEX}0b"),
            &HEX.replace("0b", "0g"),
        ] {
            assert!(MasterKey::from_hex(bad).is_none(), "{bad:?}");
        }
    }

    /// RFC 4231, test case 1: its key of 20 bytes, padded here to 32, pads to the same block.
    #[test]
    fn digests_as_the_standard_says() {
        let key = format!("{}{}", "0b".repeat(20), "00".repeat(12));
        let DigestedSecret(digest) = MasterKey::from_hex(&key).expect("valid").digest("Hi There");
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn debug_is_blind() {
        let key = MasterKey::from_hex(HEX).expect("valid");
        assert_eq!(format!("{key:?}"), "MasterKey(..)");
    }
}
