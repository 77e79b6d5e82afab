//! The models folder: what is in it, and how something gets there.
//!
//! A file has its name only once it is complete and on disk, so a reader never meets half of one. Whoever writes holds
//! the folder's lock; readers need none.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::Progress;
use super::pin::Flaw;
use super::table::Wanted;

/// Begins the name of whatever is not finished.
const PARTIAL: &str = ".partial-";
const LOCK: &str = ".lock";
const MANIFEST: &str = "manifest.json";

/// Where the files of a models folder came from, for people; what they must be is in the table.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    files: Vec<Origin>,
}

/// Where one file came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name in the models folder.
    pub file: String,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Registry, name and version.
    pub package: String,
}

/// Compares a file with its pin.
pub fn check(folder: &Path, wanted: &Wanted) -> Result<(), Flaw> {
    let file = File::open(folder.join(wanted.file))?;
    wanted.result().check(file.metadata()?.len(), file)
}

/// Makes the folder if need be and waits until no other process writes to it. The lock ends with the value.
pub fn lock(folder: &Path, progress: &dyn Progress) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.step("waiting for another process that fetches into the same folder");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Removes what a run left that was killed. Under the lock nothing unfinished belongs to anyone else.
pub fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PARTIAL.as_bytes())
        {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// A place for downloads, on the same file system as the result; gone with the value.
pub fn scratch(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(PARTIAL).tempdir_in(folder)
}

/// Writes a file whole or not at all.
pub fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(PARTIAL)
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Notes where files came from, beside what is known of the others.
pub fn note(folder: &Path, origins: &[Origin]) -> io::Result<()> {
    // A manifest that cannot be read says nothing, and is replaced.
    let mut manifest: Manifest = fs::read(folder.join(MANIFEST))
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default();
    manifest
        .files
        .retain(|known| origins.iter().all(|new| new.file != known.file));
    manifest.files.extend_from_slice(origins);
    manifest.files.sort_by(|a, b| a.file.cmp(&b.file));
    let mut json = serde_json::to_vec_pretty(&manifest)?;
    json.push(b'\n');
    write(folder, MANIFEST, &json)
}
