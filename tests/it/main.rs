//! The integration tests: one binary, one file per subject.
#![expect(clippy::expect_used, reason = "a helper of a test may fail the test")]

mod auth;
mod config;
