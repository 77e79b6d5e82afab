//! `livegate vendors`: what can be served, what can be called, and what can be carried from where to where.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::Output;
use crate::canonical::{MediaForm, Op};
use crate::vendors::{self, Carriage, Support, VENDORS, Vendor};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Prints the tables.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match arguments.output {
        Output::Text => text(),
        Output::Json => serde_json::to_string_pretty(&document())? + "\n",
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// One cell of the table: whether an op of a dialect can be carried to an upstream's vendor, in some form of its media.
fn carried(dialect: &Vendor, support: &Support, upstream: &Vendor) -> &'static str {
    let mut best = "-";
    for form in support.forms {
        match vendors::carriage(dialect, upstream, support.op, *form) {
            Carriage::Carried => return "yes",
            Carriage::OptIn(opt_in) => best = opt_in.as_str(),
            Carriage::Impossible => {}
        }
    }
    best
}

fn dialects() -> impl Iterator<Item = (&'static Vendor, &'static Support)> {
    VENDORS
        .iter()
        .filter_map(|vendor| Some((*vendor, vendor.inbound?)))
        .flat_map(|(vendor, inbound)| {
            inbound
                .capabilities()
                .ops
                .iter()
                .map(move |support| (vendor, support))
        })
}

fn upstreams() -> impl Iterator<Item = &'static Vendor> {
    VENDORS
        .iter()
        .copied()
        .filter(|vendor| vendor.outbound.is_some())
}

fn text() -> String {
    let columns: Vec<&str> = upstreams().map(|vendor| vendor.id).collect();
    let mut rows = vec![
        ["dialect", "op", "path", "media"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows[0].extend(columns.iter().map(|id| format!("to {id}")));
    for (vendor, support) in dialects() {
        let mut row = vec![
            vendor.id.to_owned(),
            support.op.to_string(),
            support.path.to_owned(),
            forms(support),
        ];
        row.extend(upstreams().map(|upstream| carried(vendor, support, upstream).to_owned()));
        rows.push(row);
    }
    super::table(&rows)
}

fn document() -> Value {
    let served: Vec<Value> = dialects()
        .map(|(vendor, support)| {
            let to: Map<String, Value> = upstreams()
                .map(|up| (up.id, carried(vendor, support, up)))
                .filter(|(_, carried)| *carried != "-")
                .map(|(id, carried)| (id.to_owned(), carried.into()))
                .collect();
            json!({ "dialect": vendor.id, "op": support.op.as_str(), "path": support.path,
                    "media": forms(support), "upstreams": to })
        })
        .collect();
    let called: Vec<Value> = upstreams()
        .map(|vendor| {
            let ops: Vec<&str> = Op::ALL
                .into_iter()
                .filter(|op| {
                    vendor
                        .outbound
                        .is_some_and(|half| half.capabilities().support(*op).is_some())
                })
                .map(Op::as_str)
                .collect();
            json!({ "vendor": vendor.id, "name": vendor.name, "ops": ops })
        })
        .collect();
    json!({ "dialects": served, "upstreams": called })
}

fn forms(support: &Support) -> String {
    let name = |form: &MediaForm| match form {
        MediaForm::Bytes => "bytes",
        MediaForm::Url => "url",
        MediaForm::Stored => "id",
    };
    support
        .forms
        .iter()
        .map(name)
        .collect::<Vec<_>>()
        .join(", ")
}
