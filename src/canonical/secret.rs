//! A string that cannot be printed.

use std::fmt;

use zeroize::Zeroize;

/// A credential or key. No `Display`, a redacting `Debug`, wiped when dropped, and no `==`: whoever compares secrets
/// compares their digests in constant time.
#[derive(Clone)]
pub struct Secret(String);

// === impl Secret ===

impl Secret {
    /// Takes ownership of the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends or digests it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// An empty secret is a configuration mistake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_blind() {
        assert_eq!(
            format!("{:?}", Secret::new("canary".to_owned())),
            "Secret(..)"
        );
    }
}
