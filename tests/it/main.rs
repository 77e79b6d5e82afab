//! Everything that is tested from outside, in one binary.

#[path = "../support/mod.rs"]
mod support;

mod layers;
mod refusals;
mod spine;
mod weights;
