//! Files that a caller named by URL, fetched for an upstream that takes only bytes.
//!
//! Every hop is judged by the [`Guard`] and then connected to at the address that was judged; a redirect is a hop like
//! any other. Five seconds for all of it, as the dialects promise their clients.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header;

use super::connector::Connector;
use crate::canonical::{Problem, ProblemKind};
use crate::media::{Guard, Place};

const WITHIN: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 3;

/// Fetches a file of at most `max` bytes.
///
/// # Errors
///
/// `DownloadTimeout`, or `DownloadFailed` for everything else, so that nobody can tell what is behind us.
pub async fn fetch(
    connector: &Connector,
    guard: &Guard,
    url: &str,
    max: usize,
) -> Result<Bytes, Problem> {
    tokio::time::timeout(WITHIN, follow(connector, guard, url, max))
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Problem::new(
                ProblemKind::DownloadTimeout,
                "the file could not be fetched in time",
            ))
        })
}

async fn follow(
    connector: &Connector,
    guard: &Guard,
    url: &str,
    max: usize,
) -> Result<Bytes, Problem> {
    let mut place = Place::parse(url)?;
    for _ in 0..=MAX_REDIRECTS {
        let address = resolve(guard, &place).await?;
        let response = connector
            .get(&place, address, WITHIN, max)
            .await
            .map_err(failed)?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let location = response
            .headers()
            .get(header::LOCATION)
            .filter(|_| response.status().is_redirection());
        let Some(location) = location.and_then(|location| location.to_str().ok()) else {
            break;
        };
        place = place.redirected(location)?;
    }
    Err(Problem::new(
        ProblemKind::DownloadFailed,
        "the file could not be fetched",
    ))
}

async fn resolve(guard: &Guard, place: &Place) -> Result<SocketAddr, Problem> {
    let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
    guard.judge(place, &addresses)?;
    found
        .first()
        .copied()
        .ok_or_else(|| failed("the name has no address"))
}

fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    Problem::new(ProblemKind::DownloadFailed, "the file could not be fetched").source(cause)
}
