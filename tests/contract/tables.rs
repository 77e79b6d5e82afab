//! Golden tables: what changes for a caller shows in their diff. `LIVEGATE_BLESS=1` rewrites them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use libtest_mimic::Failed;
use livegate::canonical::{AttackScore, FaceDetails, Liveness, Op, Problem, ProblemKind, Verdict};
use livegate::vendors::{DialectSettings, VENDORS, Vendor};
use serde_json::Value;

use super::fixtures;
use super::world::{Dialect, ID, Upstream, callable, json, picture_call, served};
use crate::generate::DETAIL_FIELDS;

/// How every dialect writes every problem, and what the same vendor's outbound half reads of it.
pub fn problems() -> Result<(), Failed> {
    let mut table = "# Problems\n\nHow each dialect writes each problem, and what the vendor's other half reads.\n".to_owned();
    for vendor in VENDORS {
        let Some(dialect) = Dialect::of(vendor, &DialectSettings::default()) else {
            continue;
        };
        writeln!(
            table,
            "\n## {}\n\n| problem | written | read back |\n|---|---|---|",
            vendor.id
        )?;
        for kind in ProblemKind::ALL {
            let response = dialect.problem(Op::ImageLiveness, &Problem::new(kind, "DETAIL"));
            let written = format!(
                "{} {}",
                response.status().as_u16(),
                words(&json(&response)?)
            );
            let read = match Upstream::of(vendor) {
                None => "-".to_owned(),
                Some(upstream) => match upstream.read(&picture_call(true), response) {
                    Err(problem) => problem.kind.to_string(),
                    Ok(liveness) => liveness.verdict.to_string(),
                },
            };
            writeln!(table, "| {kind} | {written} | {read} |")?;
        }
    }
    golden("problems.md", &table)
}

/// The members of an error that are not the same in all of them.
fn words(body: &Value) -> String {
    let members = body.as_object().into_iter().flatten();
    members
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .filter(|(_, text)| *text != "DETAIL" && !text.contains(&ID.hex()))
        .map(|(key, text)| format!("{key}={text:?}"))
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
            for op in served(dialect)
                .into_iter()
                .filter(|op| callable(upstream).contains(op))
            {
                let told = told(dialect)?;
                let known = known(upstream)?;
                let row = [
                    not_asked(upstream)?,
                    known.difference(&told).copied().collect(),
                    told.difference(&known).copied().collect(),
                ];
                let [asked, told, known] =
                    row.map(|names| names.into_iter().collect::<Vec<_>>().join(", "));
                writeln!(
                    table,
                    "| {} | {} | {op} | {asked} | {told} | {known} |",
                    dialect.id, upstream.id
                )?;
            }
        }
    }
    golden("loss_matrix.md", &table)
}

fn not_asked(upstream: &'static Vendor) -> Result<BTreeSet<&'static str>, Failed> {
    let upstream = Upstream::of(upstream).ok_or("no upstream")?;
    let with = upstream.request(&picture_call(true))?;
    let without = upstream.request(&picture_call(false))?;
    let asked = with.uri() != without.uri() || with.body() != without.body();
    Ok((!asked).then_some("details").into_iter().collect())
}

/// The fields of an answer that the dialect has words for: those that change what it writes.
fn told(dialect: &'static Vendor) -> Result<BTreeSet<&'static str>, Failed> {
    let dialect = Dialect::of(dialect, &DialectSettings::default()).ok_or("no dialect")?;
    let call = picture_call(true);
    let bare = dialect.answer(&call, Liveness::new(Verdict::Live));
    let mut told = BTreeSet::new();
    for (name, fill, _) in DETAIL_FIELDS {
        let mut details = FaceDetails::default();
        fill(&mut details);
        let answer = dialect.answer(
            &call,
            Liveness {
                details,
                ..Liveness::new(Verdict::Live)
            },
        );
        if answer.body() != bare.body() {
            told.insert(name);
        }
    }
    let score = AttackScore::new(0.1);
    if dialect
        .answer(
            &call,
            Liveness {
                score,
                ..Liveness::new(Verdict::Live)
            },
        )
        .body()
        != bare.body()
    {
        told.insert("score");
    }
    Ok(told)
}

/// The fields that the upstream's fixtures hold at least once.
fn known(upstream: &'static Vendor) -> Result<BTreeSet<&'static str>, Failed> {
    let upstream = Upstream::of(upstream).ok_or("no upstream")?;
    let mut known = BTreeSet::new();
    for fixture in fixtures::responses(upstream.vendor.id)? {
        let Ok(liveness) = upstream.read(&picture_call(true), fixture.response) else {
            continue;
        };
        let filled = DETAIL_FIELDS
            .iter()
            .filter(|(_, _, has)| has(&liveness.details));
        known.extend(filled.map(|(name, ..)| *name));
        known.extend(liveness.score.map(|_| "score"));
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
