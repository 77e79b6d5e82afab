//! livegate: a multi-tenant gateway that lets a client of one face-liveness vendor talk to any other.

pub mod admin;
pub mod app;
pub mod auth;
pub mod canonical;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod exchange;
pub mod gateway;
pub mod limits;
pub mod media;
pub mod meter;
pub mod route;
pub mod simulate;
pub mod store;
pub mod tenancy;
pub mod units;
pub mod vendors;
