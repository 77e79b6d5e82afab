//! `livegate check FILE`: says everything that is wrong with a configuration, and changes nothing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::Output;
use crate::config::{self, ConfigErrors};

/// Check a configuration without starting anything.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration file.
    file: PathBuf,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    file: String,
    errors: &'a [config::ConfigError],
}

/// Exit code 0 if the configuration is right, 2 if not.
pub fn run(args: &Arguments) -> anyhow::Result<ExitCode> {
    let verdict = config::load(&args.file).map(drop);
    let code = write(
        args,
        verdict.as_ref().err(),
        &mut io::stdout(),
        &mut io::stderr(),
    )?;
    Ok(ExitCode::from(code))
}

/// What every other command answers to a wrong configuration: the mistakes, a hint, exit code 2.
pub fn refuse(errors: &ConfigErrors) -> anyhow::Result<ExitCode> {
    explain(errors, &mut io::stderr())?;
    Ok(ExitCode::from(2))
}

fn explain(errors: &ConfigErrors, stderr: &mut dyn Write) -> io::Result<()> {
    writeln!(stderr, "{errors}")?;
    writeln!(stderr, "hint: config/livegate.toml documents every key")
}

fn write(
    args: &Arguments,
    errors: Option<&ConfigErrors>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<u8> {
    let file = args.file.display();
    match (args.output, errors) {
        (Output::Text, None) => writeln!(stdout, "{file}: ok")?,
        (Output::Text, Some(errors)) => explain(errors, stderr)?,
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
