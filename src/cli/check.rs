//! `livegate check FILE`: says everything that is wrong with a configuration, and changes nothing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::{self, ConfigErrors};

/// Check a configuration without starting anything.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration file.
    pub file: PathBuf,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// People: mistakes go to stderr, one per line.
    Text,
    /// Scripts: one object on stdout.
    Json,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    file: String,
    errors: &'a [config::ConfigError],
}

/// Exit code 0 if the configuration is right, 2 if not, 1 if the answer could not be written.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    let verdict = config::load(&args.file).map(drop);
    let code = write(args, verdict.as_ref().err(), &mut io::stdout(), &mut io::stderr());
    ExitCode::from(code.unwrap_or(1))
}

fn write(
    args: &CheckArgs,
    errors: Option<&ConfigErrors>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<u8> {
    let file = args.file.display();
    match (args.output, errors) {
        (Output::Text, None) => writeln!(stdout, "{file}: ok")?,
        (Output::Text, Some(errors)) => {
            writeln!(stderr, "{errors}")?;
            writeln!(stderr, "hint: config/livegate.toml documents every key")?;
        }
        (Output::Json, _) => {
            let report = Report {
                ok: errors.is_none(),
                file: file.to_string(),
                errors: errors.map_or(&[], |found| &found.errors),
            };
            serde_json::to_writer(&mut *stdout, &report)?;
            writeln!(stdout)?;
        }
    }
    stdout.flush()?;
    Ok(if errors.is_none() { 0 } else { 2 })
}
