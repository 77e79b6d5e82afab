//! livegate: a multi-tenant gateway that lets a client of one face-liveness vendor talk to any other.

pub mod canonical;
pub mod clock;
pub mod engine;
pub mod media;
pub mod simulate;
pub mod tenancy;
pub mod vendors;
