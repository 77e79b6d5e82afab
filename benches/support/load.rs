//! The load: a fixed number of connections, each of which sends its next request as soon as it has an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use livegate::clock::Clock;
use tokio::task::JoinSet;

use super::wire::Wire;

const CONNECTIONS: usize = 8;

/// What is sent where, and how often.
#[derive(Debug, Clone)]
pub struct Load {
    /// The proxy.
    pub address: SocketAddr,
    /// Head and body.
    pub request: Bytes,
    /// The status that every answer must have.
    pub status: u16,
    /// How many in all, over all connections.
    pub requests: usize,
    /// No request is begun after this time.
    pub within: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Driven {
    /// From before the first connection to after the last answer.
    pub elapsed: Duration,
    /// From the first byte sent to the last received, one per request, in no order.
    pub latencies: Vec<Duration>,
}

// === impl Load ===

impl Load {
    /// Sends all of it.
    ///
    /// # Errors
    ///
    /// A connection that is closed, or an answer with another status.
    pub async fn drive(self, clock: &Clock) -> anyhow::Result<Driven> {
        let begun = clock.instant();
        let left = Arc::new(AtomicUsize::new(self.requests));
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            connections.spawn(self.clone().converse(
                Arc::clone(&left),
                clock.clone(),
                begun + self.within,
            ));
        }
        let mut latencies = Vec::with_capacity(self.requests);
        while let Some(connection) = connections.join_next().await {
            latencies.extend(connection??);
        }
        Ok(Driven {
            elapsed: clock.instant() - begun,
            latencies,
        })
    }

    async fn converse(
        self,
        left: Arc<AtomicUsize>,
        clock: Clock,
        end: Instant,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut wire = Wire::connect(self.address).await?;
        let mut latencies = Vec::with_capacity(self.requests / CONNECTIONS);
        let one_less = |left: usize| left.checked_sub(1);
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
        {
            let begun = clock.instant();
            if begun >= end {
                break;
            }
            wire.write(&self.request).await?;
            let head = wire
                .read_head()
                .await?
                .context("the connection was closed without an answer")?;
            wire.skip_body(head.length).await?;
            ensure!(
                head.status == Some(self.status),
                "an answer has the status {:?}",
                head.status
            );
            latencies.push(clock.instant() - begun);
        }
        Ok(latencies)
    }
}
