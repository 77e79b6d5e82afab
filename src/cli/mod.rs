//! The command line: one file per command. Parses, runs, and turns errors into a line on stderr and an exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.

mod check;
mod client;
mod demo;
mod health;
mod models;
mod serve;
mod simulate;
mod translate;
mod vendors;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A gateway between clients of face-liveness vendors and any upstream.
#[derive(Debug, Parser)]
#[command(name = "livegate", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Arguments),
    /// Start everything on free ports, send one picture through every dialect and show the answers.
    Demo(demo::Arguments),
    /// Say what is wrong with a configuration, without running it.
    Check(check::Arguments),
    /// Ask a running gateway whether it is alive.
    Health(health::Arguments),
    /// Fetch or verify the local engine's weights.
    #[command(subcommand)]
    Models(models::Command),
    /// Serve vendors' APIs on this machine, with outcomes and faults on demand.
    Simulate(simulate::Arguments),
    /// Show which dialects are served and which vendors can be called.
    Vendors(vendors::Arguments),
    /// Show the request that an upstream would get for a request in a dialect, and what is lost.
    Translate(translate::Arguments),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Models(command) => models::run(&command),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Vendors(arguments) => vendors::run(&arguments),
        Command::Translate(arguments) => translate::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        // Nobody is left to tell if stderr is closed.
        let _closed = writeln!(std::io::stderr(), "livegate: {error:#}");
        ExitCode::FAILURE
    })
}

/// How a command that a script may read prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// Lines up the cells of each column; the first row is a header.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
        if index == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            text.push_str(&rule.join("  "));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_table_lines_up() {
        let rows = [
            vec!["a".to_owned(), "bb".to_owned()],
            vec!["ccc".to_owned(), "d".to_owned()],
        ];
        assert_eq!(table(&rows), "a    bb\n---  --\nccc  d\n");
    }
}
