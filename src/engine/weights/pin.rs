//! A file's size and hash, and how a file can differ from them.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// What a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Exact size.
    pub bytes: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// What is wrong with a file. The text goes on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// There is none.
    #[error("is missing")]
    Missing,
    /// Not the pinned size; its hash was not computed.
    #[error("has {found} bytes instead of {expected}")]
    Size {
        /// Pinned.
        expected: u64,
        /// Of the file.
        found: u64,
    },
    /// The pinned size, with another content.
    #[error("has sha-256 {found} instead of {expected}")]
    Hash {
        /// Pinned.
        expected: &'static str,
        /// Of the file.
        found: String,
    },
    /// It could not be read to its end.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
}

// === impl Pin ===

impl Pin {
    /// Compares the size first, so that no more is read than a right file has.
    pub fn check(&self, size: u64, mut content: impl Read) -> Result<(), Flaw> {
        if size != self.bytes {
            return Err(Flaw::Size {
                expected: self.bytes,
                found: size,
            });
        }
        let mut hasher = Sha256::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            }
        }
        let digest = hasher.finalize();
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if found == self.sha256 {
            Ok(())
        } else {
            Err(Flaw::Hash {
                expected: self.sha256,
                found,
            })
        }
    }
}

// === impl Flaw ===

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::Missing
        } else {
            Self::Unreadable(error)
        }
    }
}
