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

#[cfg(test)]
mod tests {
    use super::*;

    /// Exit code, stdout and stderr for a file of that text.
    fn check(text: &str, output: Output) -> (u8, String, String) {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("f.toml");
        std::fs::write(&file, text).expect("written");
        let args = Arguments { file, output };
        let found = config::load(&args.file).err();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = write(&args, found.as_ref(), &mut stdout, &mut stderr).expect("written");
        let text = |bytes| {
            let text = String::from_utf8(bytes).expect("text");
            text.replace(&folder.path().display().to_string(), "DIR")
        };
        (code, text(stdout), text(stderr))
    }

    const WRONG: &str = "[server]\nthreads = -1\n\n[plans.p]\n";

    #[test]
    fn a_valid_file_is_ok() {
        let expected = (0, "DIR/f.toml: ok\n".to_owned(), String::new());
        assert_eq!(check("", Output::Text), expected);
        let (code, stdout, stderr) = check("", Output::Json);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert_eq!(
            stdout,
            "{\"ok\":true,\"file\":\"DIR/f.toml\",\"errors\":[]}\n"
        );
    }

    #[test]
    fn people_read_every_mistake_on_stderr() {
        let (code, stdout, stderr) = check(WRONG, Output::Text);
        assert_eq!((code, stdout.as_str()), (2, ""));
        let lines: Vec<_> = stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{stderr}");
        assert_eq!(
            lines[0],
            "DIR/f.toml:2:11: server.threads: -1 does not fit; write a whole number, 0 or more"
        );
        assert!(
            lines[1].starts_with("DIR/f.toml:4:8: plans.p.quota: missing; "),
            "{stderr}"
        );
        assert!(lines[2].starts_with("hint: "), "{stderr}");
    }

    #[test]
    fn scripts_read_every_mistake_on_stdout() {
        let (code, stdout, stderr) = check(WRONG, Output::Json);
        assert_eq!((code, stderr.as_str()), (2, ""));
        let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(report["ok"], false);
        assert_eq!(report["errors"][0]["line"], 2);
        assert_eq!(report["errors"][0]["column"], 11);
        assert_eq!(report["errors"][1]["key"], "plans.p.quota");
    }
}
