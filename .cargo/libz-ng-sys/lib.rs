//! The API of `libz-ng-sys`, served by `libz-sys`.
//!
//! pingora-core asks flate2 for its zlib-ng backend, and the crate behind that builds C sources with cmake, which a
//! fresh machine lacks. `libz-sys` has the same interface and needs only the C compiler that ring and SQLite need
//! anyway, so re-exporting it keeps flate2's code unchanged. livegate compresses nothing on its hot path.
//! Delete this crate and the `[patch]` in `Cargo.toml` once pingora lets its users choose the backend.

#![no_std]

pub use libz_sys::*;
