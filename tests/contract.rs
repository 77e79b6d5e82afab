//! The contract suite: every law, for every vendor and every pair of dialect and upstream.
//!
//! Nothing here names a vendor: the trials are generated from `VENDORS`, the facts come from `tests/fixtures/<vendor>`.
//! `cargo test --test contract -- accuauth_to` runs one vendor's row; `LIVEGATE_BLESS=1` rewrites the golden tables.

#[path = "support/generate.rs"]
mod generate;

mod contract {
    pub mod fixtures;
    pub mod hostile;
    pub mod pair_laws;
    pub mod tables;
    pub mod vendor_laws;
    pub mod world;
}

use contract::{hostile, pair_laws, tables, vendor_laws};
use libtest_mimic::{Arguments, Failed, Trial};
use livegate::vendors::{VENDORS, Vendor};

type VendorLaw = fn(&'static Vendor) -> Result<(), Failed>;
type Table = fn() -> Result<(), Failed>;
type PairLaw = fn(&'static Vendor, &'static Vendor) -> Result<(), Failed>;

/// Which halves a vendor must have for a law to say anything about it.
#[derive(Clone, Copy)]
enum Halves {
    Any,
    Inbound,
    Outbound,
    Both,
}

// === impl Halves ===

impl Halves {
    fn has(self, vendor: &Vendor) -> bool {
        match self {
            Self::Any => true,
            Self::Inbound => vendor.inbound.is_some(),
            Self::Outbound => vendor.outbound.is_some(),
            Self::Both => vendor.inbound.is_some() && vendor.outbound.is_some(),
        }
    }
}

const VENDOR_LAWS: &[(&str, Halves, VendorLaw)] = &[
    (
        "v1_fixtures_parse",
        Halves::Any,
        vendor_laws::fixtures_parse,
    ),
    ("v2_lossless", Halves::Inbound, vendor_laws::lossless),
    ("v3_own_words", Halves::Both, vendor_laws::own_words),
    ("v4_answers", Halves::Both, vendor_laws::answers),
    (
        "v5_problems_total",
        Halves::Inbound,
        vendor_laws::problems_total,
    ),
    ("v6_honesty", Halves::Any, vendor_laws::honesty),
    ("v7_hostile_requests", Halves::Inbound, hostile::requests),
    ("v7_hostile_answers", Halves::Outbound, hostile::answers),
    ("v7_bounded_time", Halves::Inbound, hostile::bounded_time),
    ("v8_scrub", Halves::Any, hostile::scrub),
    ("v9_head_only", Halves::Inbound, vendor_laws::head_only),
    ("v10_fail_closed", Halves::Outbound, hostile::fail_closed),
];

const PAIR_LAWS: &[(&str, PairLaw)] = &[
    ("p1_verdict_survives", pair_laws::verdict_survives),
    ("p2_call_survives", pair_laws::call_survives),
    ("p3_refusal_is_early", pair_laws::refusal_is_early),
    ("p4_problems_survive", pair_laws::problems_survive),
];

const TABLES: &[(&str, Table)] = &[
    ("problems", tables::problems),
    ("loss_matrix", tables::loss_matrix),
];

fn main() {
    let mut trials = Vec::new();
    for vendor in VENDORS {
        for &(name, _, law) in VENDOR_LAWS
            .iter()
            .filter(|(_, halves, _)| halves.has(vendor))
        {
            let name = format!("{}::{name}", vendor.id);
            trials.push(Trial::test(name, move || law(vendor)));
        }
    }
    for dialect in VENDORS.iter().filter(|vendor| vendor.inbound.is_some()) {
        for upstream in VENDORS.iter().filter(|vendor| vendor.outbound.is_some()) {
            for &(name, law) in PAIR_LAWS {
                let name = format!("{}_to_{}::{name}", dialect.id, upstream.id);
                trials.push(Trial::test(name, move || law(dialect, upstream)));
            }
        }
    }
    for &(name, table) in TABLES {
        trials.push(Trial::test(format!("tables::{name}"), table));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
