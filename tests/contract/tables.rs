//! Golden tables: what changes for a caller shows in their diff. `LIVEGATE_BLESS=1` rewrites them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use libtest_mimic::Failed;
use livegate::canonical::{Liveness, Op, Problem, ProblemKind, Verdict};
use livegate::vendors::{VENDORS, Vendor};
use serde_json::Value;

use super::fixtures;
use super::world::{
    Dialect, ID, Upstream, Words, callable, everything, json, served, settings, told,
};
use crate::generate;

/// How every dialect writes every problem, and what the same vendor's outbound half reads of it.
pub fn problems() -> Result<(), Failed> {
    let mut table = "# Problems\n\nHow each dialect writes each problem, and what the vendor's other half reads. Ops are named where they differ.\n".to_owned();
    for vendor in VENDORS {
        let Some(dialect) = spoken(vendor) else {
            continue;
        };
        writeln!(
            table,
            "\n## {}\n\n| problem | written | read back |\n|---|---|---|",
            vendor.id
        )?;
        for kind in ProblemKind::ALL {
            let mut rows: Vec<(String, Vec<Op>)> = Vec::new();
            for op in served(vendor) {
                let row = row(&dialect, op, kind)?;
                match rows.iter_mut().find(|(known, _)| *known == row) {
                    Some((_, ops)) => ops.push(op),
                    None => rows.push((row, vec![op])),
                }
            }
            let differ = rows.len() > 1;
            for (row, ops) in rows {
                let ops: Vec<_> = ops.iter().map(|op| op.as_str()).collect();
                let of = if differ {
                    format!(" ({})", ops.join(", "))
                } else {
                    String::new()
                };
                writeln!(table, "| {kind}{of} | {row} |")?;
            }
        }
    }
    golden("problems.md", &table)
}

fn row(dialect: &Dialect, op: Op, kind: ProblemKind) -> Result<String, Failed> {
    let response = dialect.problem(op, &Problem::new(kind, "DETAIL"));
    let status = response.status().as_u16();
    let words = words(status, &json(&response)?);
    let read = match Upstream::of(dialect.vendor) {
        None => "-".to_owned(),
        Some(upstream) => match upstream.read(&everything(op), response) {
            Err(problem) => problem.kind.to_string(),
            Ok(outcome) => return Err(format!("{kind} is read as {outcome:?}").into()),
        },
    };
    Ok(format!("{status} {words} | {read}"))
}

fn spoken(vendor: &'static Vendor) -> Option<Dialect> {
    Dialect::of(vendor, settings(vendor).first()?)
}

/// The members of an error that are not the same in all of them.
fn words(status: u16, body: &Value) -> String {
    let everywhere =
        |text: &str| text == "\"DETAIL\"" || text.contains(&ID.hex()) || text.contains(&ID.uuid());
    let members = body.as_object().into_iter().flatten();
    members
        .map(|(key, value)| (key, value.to_string()))
        .filter(|(_, text)| !everywhere(text) && *text != status.to_string())
        .map(|(key, text)| format!("{key}={text}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What is lost between every dialect and every upstream.
pub fn loss_matrix() -> Result<(), Failed> {
    let mut table = "# Losses\n\n\
        What a call or an answer loses on its way. *Not asked*: the caller asks for it, the upstream has no word for it (it\n\
        may answer it all the same). *Not told*: the upstream answers it, the dialect has no word for it. *Not known*: the\n\
        dialect has a word for it, the upstream does not answer it, so it is left out.\n\n\
        | dialect | upstream | op | not asked | not told | not known |\n|---|---|---|---|---|---|\n".to_owned();
    for dialect in VENDORS.iter().filter(|vendor| vendor.inbound.is_some()) {
        for upstream in VENDORS.iter().filter(|vendor| vendor.outbound.is_some()) {
            let spoken = spoken(dialect).ok_or("no dialect")?;
            let asked = Upstream::of(upstream).ok_or("no upstream")?;
            for op in served(dialect).intersection(&callable(upstream)) {
                let asks = Words::of(dialect, *op)?;
                let heard = asked.flags(*op)?;
                let not_asked = asks.flags().filter(|flag| !heard.contains(flag));
                let told = told(&spoken, *op);
                let known = known(upstream, *op)?;
                writeln!(
                    table,
                    "| {} | {} | {op} | {} | {} | {} |",
                    dialect.id,
                    upstream.id,
                    list(not_asked),
                    list(known.difference(&told).copied()),
                    list(told.difference(&known).copied()),
                )?;
            }
        }
    }
    golden("loss_matrix.md", &table)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The fields that the upstream's fixtures of that op hold at least once.
fn known(upstream: &'static Vendor, op: Op) -> Result<BTreeSet<&'static str>, Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let mut known = BTreeSet::new();
    for fixture in fixtures::responses(upstream)? {
        let read = asked.read(&fixture.call, fixture.response);
        let (true, Ok(outcome)) = (fixture.call.op() == op, read) else {
            continue;
        };
        let facts = generate::facts_of(outcome);
        for (name, copy) in generate::FIELDS {
            let nothing = Liveness::new(Verdict::Undecided);
            let mut copied = nothing.clone();
            copy(&mut copied, &facts);
            if copied != nothing {
                known.insert(name);
            }
        }
    }
    Ok(known)
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the suite blesses its tables by environment"
)]
fn golden(name: &str, table: &str) -> Result<(), Failed> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    if std::env::var_os("LIVEGATE_BLESS").is_some() {
        fs::write(&path, table)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let changed = table
        .lines()
        .find(|line| !expected.lines().any(|known| known == *line));
    if table == expected {
        Ok(())
    } else {
        let line = changed.unwrap_or("a line is gone");
        Err(
            format!("tests/snapshots/{name} is out of date (LIVEGATE_BLESS=1 rewrites it): {line}")
                .into(),
        )
    }
}
