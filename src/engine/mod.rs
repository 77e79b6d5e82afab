//! The engine's settings, until the engine is here.

pub mod config;

pub use config::Config;
