//! The data plane's settings, until the data plane is here.

pub mod config;

pub use config::Config;
