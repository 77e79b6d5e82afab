//! What can be said about media without decoding it.
//!
//! [`probe`] reads headers: format by magic bytes, width and height. May use `canonical` only. Deliberately absent: any
//! decoder (the engine's), and any trust in a declared content type.

#![warn(missing_docs)]

pub mod probe;

pub use probe::check_image;
