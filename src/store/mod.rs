//! The store's settings, until the store is here.

pub mod config;

pub use config::Config;
