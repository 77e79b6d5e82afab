//! The integration tests, one file per subject, in one binary.

#[path = "../support/mod.rs"]
mod support;

mod engine;
