//! Who may call, how much, and where their calls go: tenants, keys, plans, routes and upstreams as data.
//!
//! [`Snapshot`] is the compiled, immutable form that every request reads; a reload compiles a new one whole and swaps
//! it in, and calls in flight finish on theirs. May use `canonical`, `vendors` and `units`; does no I/O: whoever
//! compiles a snapshot has read files and environment already.

mod compile;
pub mod config;
mod snapshot;

pub use compile::{CompileError, compile};
pub use config::Config;
pub use snapshot::{
    DigestedSecret, Key, Plan, Quota, Rate, Route, Snapshot, Target, Tenant, Upstream,
};
