//! Takes named files out of a package's archive, into memory.
//!
//! An archive never decides where something is written: its entries are compared with the names that are wanted, and
//! everything else in it is passed over.

use std::fs::File;
use std::io::{self, Read};

use flate2::read::GzDecoder;

use super::pin::Flaw;
use super::table::{Registry, Wanted};

/// The content of one wanted file, or what is wrong with it.
pub type Taken = Result<Vec<u8>, Flaw>;

/// Takes `wanted` out of an archive, in that order. Fails if the archive itself is broken.
pub fn take(registry: Registry, archive: File, wanted: &[&Wanted]) -> io::Result<Vec<Taken>> {
    match registry {
        Registry::Npm => from_tar(archive, wanted),
        Registry::PyPi => from_zip(archive, wanted),
    }
}

fn from_tar(archive: File, wanted: &[&Wanted]) -> io::Result<Vec<Taken>> {
    let mut taken: Vec<Taken> = wanted.iter().map(|_| Err(Flaw::Missing)).collect();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        let entry = entry?;
        let path = entry.path_bytes();
        let position = wanted.iter().position(|w| w.member.as_bytes() == &*path);
        if let Some((wanted, slot)) = position.and_then(|i| wanted.get(i).zip(taken.get_mut(i))) {
            *slot = read(entry.size(), entry, wanted);
        }
    }
    Ok(taken)
}

fn from_zip(archive: File, wanted: &[&Wanted]) -> io::Result<Vec<Taken>> {
    let mut archive = zip::ZipArchive::new(archive)?;
    Ok(wanted
        .iter()
        .map(|wanted| {
            let entry = archive.by_name(wanted.member).map_err(io::Error::from)?;
            read(entry.size(), entry, wanted)
        })
        .collect())
}

/// Reads one entry, never more than the pinned size.
fn read(size: u64, entry: impl Read, wanted: &Wanted) -> Taken {
    let mut content = Vec::new();
    if size == wanted.pin.bytes {
        entry.take(size).read_to_end(&mut content)?;
    }
    wanted.pin.check(size, content.as_slice())?;
    Ok(content)
}
