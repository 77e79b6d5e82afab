//! Downloads one package with its registry's own tool: `npm pack` or `pip download`.
//!
//! The tools know the user's registry, proxy and credentials, which therefore are no business of ours: they get the
//! environment and the configuration that they would get from a shell. Nothing is installed and no code of a package
//! runs. There is no shell in between, and no tool outlives its time limit.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::table::{Package, Registry};
use crate::clock::Clock;

/// How often a running tool is looked after.
const POLL: Duration = Duration::from_millis(20);
/// Longest part of a tool's complaint that is repeated, characters.
const COMPLAINT: usize = 200;

/// The programs, and how long one download may take.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Node's package manager.
    pub npm: PathBuf,
    /// A Python with the module `pip`.
    pub python: PathBuf,
    /// For one package.
    pub limit: Duration,
}

/// Why a tool brought no archive.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The program is not on this machine.
    #[error("{0} was not found")]
    NotFound(String),
    /// It ended with an error.
    #[error("{program} failed with {status}: {complaint}")]
    Failed {
        /// Which.
        program: String,
        /// Exit code or signal.
        status: ExitStatus,
        /// The first line of what it said, without addresses.
        complaint: String,
    },
    /// It was ended.
    #[error("{program} was stopped after {} s", .limit.as_secs_f32())]
    TimedOut {
        /// Which.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// It claims to have succeeded.
    #[error("{program} delivered {count} files instead of one archive")]
    NoArchive {
        /// Which.
        program: String,
        /// Files that were there.
        count: usize,
    },
    /// Starting it, or reading what it left.
    #[error("{program} could not be run")]
    Io {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

// === impl Tools ===

impl Tools {
    /// Whatever `npm` and `python3` are on this machine; five minutes.
    pub fn standard() -> Self {
        Self {
            npm: "npm".into(),
            python: "python3".into(),
            limit: Duration::from_secs(300),
        }
    }

    /// Downloads the archive of `package` into `scratch` and gives its path.
    pub fn download(&self, package: &Package, scratch: &Path) -> Result<PathBuf, ToolError> {
        let program = match package.registry {
            Registry::Npm => &self.npm,
            Registry::PyPi => &self.python,
        };
        let name = program.display().to_string();
        let archives = scratch.join("archives");
        let complaints = scratch.join("complaints");
        let io = |source| ToolError::Io {
            program: name.clone(),
            source,
        };
        fs::create_dir(&archives).map_err(io)?;
        let mut child = Command::new(program)
            .args(arguments(package.registry))
            .arg(&archives)
            .arg(package.requirement())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&complaints).map_err(io)?)
            .spawn()
            .map_err(|source| {
                if source.kind() == io::ErrorKind::NotFound {
                    ToolError::NotFound(name.clone())
                } else {
                    io(source)
                }
            })?;
        let status = wait(&mut child, self.limit).map_err(io)?;
        let status = status.ok_or_else(|| ToolError::TimedOut {
            program: name.clone(),
            limit: self.limit,
        })?;
        if !status.success() {
            return Err(ToolError::Failed {
                program: name.clone(),
                status,
                complaint: complaint(&fs::read(&complaints).map_err(io)?),
            });
        }
        let mut files = fs::read_dir(&archives)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(io)?;
        match (files.pop(), files.len()) {
            (Some(archive), 0) => Ok(archive.path()),
            (last, others) => Err(ToolError::NoArchive {
                program: name,
                count: others + usize::from(last.is_some()),
            }),
        }
    }
}

/// All arguments but the last two, which are the folder and the package.
fn arguments(registry: Registry) -> &'static [&'static str] {
    match registry {
        Registry::Npm => &[
            "pack",
            "--loglevel=error",
            "--ignore-scripts",
            "--pack-destination",
        ],
        // Platform and version are spelt out so that every machine gets the one file that is pinned.
        Registry::PyPi => &[
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--only-binary=:all:",
            "--platform=manylinux_2_17_x86_64",
            "--implementation=cp",
            "--python-version=311",
            "--dest",
        ],
    }
}

/// Waits for a child; `None` if it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let clock = Clock::system();
    let deadline = clock.instant() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if clock.instant() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// The first line that a tool printed. Addresses may hold credentials, so words that look like one are left out.
fn complaint(printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    let line = printed.lines().find(|line| !line.trim().is_empty());
    let words = line.unwrap_or("it did not say why").split_whitespace();
    let shown = words.map(|word| {
        if word.contains("://") {
            "(address)"
        } else {
            word
        }
    });
    shown
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(COMPLAINT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_one_short_line_without_addresses() {
        let said = b"\n npm error 404 - GET https://user:canary@registry.example/x?canary\nmore";
        assert_eq!(complaint(said), "npm error 404 - GET (address)");
        assert_eq!(complaint(b""), "it did not say why");
        assert_eq!(
            complaint("é".repeat(999).as_bytes()).chars().count(),
            COMPLAINT
        );
    }
}
