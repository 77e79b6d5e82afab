//! Everything that is tested from outside, in one binary.

#[path = "../support/mod.rs"]
mod support;

mod engine;
mod layers;
mod operating;
mod refusals;
mod spine;
mod upstream;
mod weights;
