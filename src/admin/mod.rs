//! The admin listener's settings, until the listener is here.

pub mod config;

pub use config::Config;
