//! What can be said about media without decoding or fetching it.
//!
//! [`probe`] reads headers: format by magic bytes, width and height. [`Guard`] judges where a URL leads. May use
//! `canonical` only. Deliberately absent: any decoder (the engine's), any socket (the exchange's), and any trust in a
//! declared content type.

#![warn(missing_docs)]

mod guard;
pub mod probe;

pub use guard::{Config, Guard, Place};
pub use probe::check_image;
