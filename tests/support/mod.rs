//! What several test binaries share.

pub mod files;
pub mod gateway;
pub mod http;
pub mod models;
pub mod pictures;
