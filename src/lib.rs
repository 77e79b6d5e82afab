//! livegate: a multi-tenant gateway that lets a client of one face-liveness vendor talk to any other.
//!
//! # The words
//!
//! One word per concept, in code, configuration, logs and metrics: **vendor**; **dialect**, a vendor's API as livegate
//! serves it; **upstream**, a configured place to send calls; **op**, what is asked; **call**, one canonical request;
//! **outcome**, its canonical answer; **verdict**, live, spoof or undecided; **attack score**, 0..1, up = attack,
//! decision at 0.5; **problem**, a canonical error; **tenant**, **key**, **plan**, **route**; **permit**, the
//! admission of one call; **turn** and **exchange**, talking to an upstream; **snapshot**, the compiled configuration;
//! **engine**, inference on this machine.
//!
//! # One request, step by step
//!
//! 1. [`gateway`] (`request_filter`, the only user of `pingora_proxy`) takes the head; its front refuses ambiguous ones;
//! 2. [`vendors::recognise`] finds the dialect and the op from method, path and headers;
//! 3. [`auth::authenticate`] turns the presented credential into a tenant and a key;
//! 4. [`limits::Limits::admit`] checks concurrency, rate and quota, and gives a permit;
//! 5. the gateway reads the body, within its size, time and share of memory;
//! 6. the dialect's [`Inbound::parse_request`](vendors::Inbound::parse_request) makes a [`canonical::Call`] of it;
//! 7. [`media::check_image`] holds its pictures to the dialect's limits without decoding them;
//! 8. [`route::plan`] chooses an upstream that can carry the call;
//! 9. [`exchange::Exchange::run`] talks to it through its [`Outbound`](vendors::Outbound) half: a vendor over HTTP, or the
//!    [`engine`] on this machine;
//! 10. the dialect renders the outcome or the problem, and `logging`, always, settles the permit and keeps the record
//!     in [`meter`].
//!
//! # Reading order
//!
//! [`canonical`], [`vendors`] (then `vendors/accuauth`), [`tenancy`], [`auth`], [`limits`], [`route`], [`exchange`],
//! [`gateway`]. Then the sides: [`engine`], [`media`], [`store`], [`meter`], [`admin`], [`simulate`], [`config`], [`app`],
//! [`cli`].
//! Who may use whom is a table in `tests/it/layers.rs`.
//!
//! # Invariants
//!
//! - Unknown is never live: what is missing, mistyped or undecided becomes an error in the dialect, never a score.
//! - The verdict survives: a score is written on its verdict's side of the dialect's threshold, whatever rounding does.
//! - Every call that was admitted is settled exactly once, in `logging`, and quota is never spent before it is durable.
//! - No secret, picture, query string or text of a caller's reaches a log, a label, an error or a `Debug`.
//! - Adapters are pure, and no file outside `vendors/<vendor>` names a vendor.
//! - Nothing panics on input; nothing is unbounded: bodies, heads, queues, answers, pixels, time.

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
