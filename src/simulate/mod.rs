//! Stand-ins for what is not at hand: vendors, and attacks to show that the engine refuses them.
//!
//! A simulator is a vendor's own inbound half served over HTTP: whatever dialect the crate knows can be simulated, and
//! nothing here names a vendor. It is as strict as the vendor documents itself to be (path, credential, sizes, request,
//! pictures), and then answers what its [`Script`] says, what a request's `x-simulate` header asks for, or what the
//! SHA-256 of the media decides. [`Fault`]s break answers on demand: `x-simulate-fault`, or every n-th one.
//!
//! [`recapture`](recapture::recapture) takes a simulated photograph of a picture on a screen; it may use nothing of the
//! crate. Deliberately absent: any judgement of a picture's content, any memory of what was sent (requests are counted,
//! see [`Counts`]), and any claim that a simulated attack measures what a real one would.
//!
//! # Design
//!
//! *Why hyper and not axum, as for the operators?* There is nothing to route, and a simulator must be able to close a
//! connection without an answer, or in the middle of one.

#![warn(missing_docs)]

mod account;
mod answers;
mod faults;
pub mod recapture;
mod script;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use account::{Account, SettingError};
pub use faults::{Fault, FaultError, Recurring};
pub use script::{Digest, Rule, Script, Scripted, ScriptedError};

use crate::media;
use crate::vendors::{Fixtures, VENDORS, Vendor};

/// How a simulator behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Whom it serves.
    pub account: Account,
    /// What it answers.
    pub script: Script,
    /// What goes wrong by itself.
    pub fault: Option<Recurring>,
    /// Which private addresses it may download media from.
    pub downloads: media::Config,
}

/// A simulator that serves; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
    /// One task, which ends with this set.
    server: JoinSet<()>,
}

/// What a simulator has seen, and nothing of its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// By what was found: `live`, `spoof`, or a problem's name.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// By a fault's name; such a request has an outcome too.
    pub faults: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Seen(Mutex<Counts>);

/// A simulator could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The vendor has no dialect here.
    #[error(
        "vendor {0} has no dialect to serve; choose one that `livegate vendors` lists as a dialect"
    )]
    NoDialect(&'static str),
    /// The listener has no address.
    #[error("the listener of the simulator has no address; bind it before")]
    Listener(#[source] io::Error),
}

/// Vendors other than ourselves whose API can be served.
pub fn vendors() -> impl Iterator<Item = &'static Vendor> {
    VENDORS
        .iter()
        .copied()
        .filter(|vendor| vendor.inbound.is_some() && vendor.fixtures == Fixtures::Vendor)
}

/// Serves a vendor's API on `listener`, in the background of the current tokio runtime.
///
/// # Errors
///
/// See [`StartError`].
pub fn start(
    vendor: &'static Vendor,
    listener: TcpListener,
    config: Config,
) -> Result<Running, StartError> {
    let inbound = vendor.inbound.ok_or(StartError::NoDialect(vendor.id))?;
    let address = listener.local_addr().map_err(StartError::Listener)?;
    let seen = Arc::new(Seen::default());
    let simulator = server::Simulator::new(vendor, inbound, config, Arc::clone(&seen));
    let mut server = JoinSet::new();
    server.spawn(server::serve(listener, Arc::new(simulator)));
    Ok(Running {
        address,
        seen,
        server,
    })
}

// === impl Running ===

impl Running {
    /// What it has seen so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.seen.counts().clone()
    }

    /// Closes every connection and the listener.
    pub async fn stop(mut self) {
        self.server.shutdown().await;
    }
}

// === impl Seen ===

impl Seen {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; the first is number 1.
    fn begin(&self) -> u64 {
        let mut counts = self.counts();
        counts.requests += 1;
        counts.requests
    }

    fn end(&self, outcome: &'static str, fault: Option<Fault>) {
        let mut counts = self.counts();
        *counts.outcomes.entry(outcome).or_default() += 1;
        if let Some(fault) = fault {
            *counts.faults.entry(fault.as_str()).or_default() += 1;
        }
    }
}
