//! The local engine: judges faces on this machine's CPU, without asking any vendor.
//!
//! One picture goes through [`pipeline`]: [`decode`] (JPEG or PNG, upright), [`detect`] (YuNet), [`quality`] (can it be
//! judged at all), [`liveness`] (a passive anti-spoofing network), each on a thread of [`pool`], through [`network`], the
//! only file that knows the runtime.
//!
//! It is a real detector and a real network, and it is still no certified control: trained on undisclosed data, measured on
//! *simulated* copies, blind to a clean picture that is injected instead of taken. Where it is known to be wrong it says
//! so and gives no score.
//!
//! May use `canonical` and `media`. Deliberately absent: the network, the fetching of weights from within a call, any
//! record of pictures, and a verdict for what could not be judged.

#![warn(missing_docs)]

pub mod config;
pub mod decode;
pub mod detect;
pub mod liveness;
pub mod network;
pub mod pipeline;
pub mod pool;
pub mod quality;
pub mod tensor;
pub mod weights;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use arc_swap::ArcSwap;
use bytes::Bytes;

pub use config::Config;
pub use pipeline::{Details, Report};

use decode::Unreadable;
use network::OnnxNetwork;
use pipeline::{Networks, OperatingPoint};
use pool::{Pool, PoolError};

/// A handle to the engine; clones share its threads and networks. Dropping the last one ends the threads.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    models: PathBuf,
    point: OperatingPoint,
    /// The networks, or why there are none.
    networks: ArcSwap<Result<Arc<Networks>, String>>,
    /// The threads, or why there are none.
    pool: Result<Pool, String>,
}

/// Why a picture has no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The engine has no weights or no threads; the text is for the operator, see [`Engine::status`].
    #[error("the local engine is not available: {0}")]
    Unavailable(String),
    /// As many calls wait as may.
    #[error("the local engine has no room")]
    Overloaded,
    /// Not a whole JPEG or PNG, or too large.
    #[error("the picture cannot be read")]
    Unreadable,
    /// No face was found.
    #[error("there is no face in the picture")]
    NoFace,
    /// The engine's own fault. The cause is in the log.
    #[error("the local engine failed")]
    Failed,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

// === impl Engine ===

impl Engine {
    /// Starts the threads and loads the networks, which takes some ten milliseconds. Never fails: what is missing or damaged
    /// makes the engine unavailable, see [`Engine::status`].
    #[must_use]
    pub fn start(config: &Config) -> Self {
        let threads = match config.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let pool = Pool::start(threads, config.queue)
            .map_err(|error| format!("cannot start inference threads: {error}"));
        Self(Arc::new(Inner {
            networks: ArcSwap::from_pointee(load(&config.models)),
            models: config.models.clone(),
            point: OperatingPoint::of(config),
            pool,
        }))
    }

    /// Loads the networks again, for when weights have been fetched. Networks that work are kept if those in the folder do
    /// not. Blocks as long as [`Engine::start`].
    pub fn reload(&self) {
        let loaded = load(&self.0.models);
        if loaded.is_ok() || self.0.networks.load().is_err() {
            self.0.networks.store(Arc::new(loaded));
        }
    }

    /// Whether pictures can be inspected; if not, why, and what to do about it.
    ///
    /// # Errors
    ///
    /// A sentence for the operator.
    pub fn status(&self) -> Result<(), String> {
        self.parts().map(|_| ())
    }

    /// Calls that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.pool.as_ref().map_or(0, Pool::waiting)
    }

    /// Judges the largest face of a picture in JPEG or PNG.
    ///
    /// Dropping the future before its turn has come costs nothing more.
    ///
    /// # Errors
    ///
    /// See [`InspectError`].
    pub async fn inspect(&self, image: Bytes) -> Result<Report, InspectError> {
        let (pool, networks) = self.parts().map_err(InspectError::Unavailable)?;
        let point = self.0.point;
        pool.run(move || pipeline::inspect(&networks, point, &image))
            .await?
    }

    fn parts(&self) -> Result<(&Pool, Arc<Networks>), String> {
        let networks = Result::clone(&self.0.networks.load())?;
        let pool = self.0.pool.as_ref().map_err(String::clone)?;
        Ok((pool, networks))
    }
}

fn load(models: &Path) -> Result<Arc<Networks>, String> {
    let network = |file| {
        OnnxNetwork::load(&models.join(file))
            .map_err(|reason| format!("{reason}; run `livegate models fetch`"))
    };
    Ok(Arc::new(Networks {
        detector: Box::new(network(weights::YUNET)?),
        liveness: Box::new(network(weights::LIVENESS)?),
    }))
}

// === impl InspectError ===

impl From<PoolError> for InspectError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Full => Self::Overloaded,
            PoolError::Lost => Self::Failed,
        }
    }
}

impl From<Unreadable> for InspectError {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}
