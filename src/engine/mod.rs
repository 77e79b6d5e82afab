//! Local inference.

pub mod weights;
