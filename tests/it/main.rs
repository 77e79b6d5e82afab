//! Everything that is tested from outside, in one binary: one file per subject.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test's helpers fail the test, and wait by the machine's clock"
)]

#[path = "../support/mod.rs"]
mod support;

mod auth;
mod config;
mod engine;
mod layers;
mod operating;
mod refusals;
mod simulate;
mod spine;
mod translate;
mod upstream;
mod weights;
