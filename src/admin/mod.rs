//! The operators' listener: health, readiness and metrics. Loopback by default, its own socket, never on the data plane.
//!
//! Built on axum. Knows no area but `meter`: whoever builds the gateway says what readiness means, as a list of named
//! [`Check`]s.

mod config;

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use config::Config;

use crate::meter::Meter;

/// One thing that must work before the gateway should get calls.
pub struct Check {
    /// What it is, e.g. `store`.
    pub name: &'static str,
    /// Why it does not work. May block for as long as a query takes.
    pub run: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// What the listener shows.
pub struct Admin {
    /// Source of `/metrics`.
    pub meter: Meter,
    /// Source of `/readyz`.
    pub checks: Vec<Check>,
    /// Brings gauges up to date before they are shown.
    pub gauges: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// Serves until `stop` turns true.
///
/// - `GET /healthz`: 200 while the process runs.
/// - `GET /readyz`: 200, or 503 naming what is not ready.
/// - `GET /metrics`: Prometheus text format 0.0.4.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(admin));
    let stopped = async move {
        // The sender going away is a stop too.
        let _gone = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let checked = tokio::task::spawn_blocking(move || {
        admin
            .checks
            .iter()
            .map(|check| (check.name, (check.run)()))
            .collect::<Vec<_>>()
    });
    let Ok(results) = checked.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let all = results.iter().all(|(_, result)| result.is_ok());
    let checks: Map<String, Value> = results
        .into_iter()
        .map(|(name, result)| {
            (
                name.to_owned(),
                result.map_or_else(Value::from, |()| Value::from("ok")),
            )
        })
        .collect();
    let status = if all {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": all, "checks": checks }))).into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    (admin.gauges)();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        admin.meter.metrics().render(),
    )
        .into_response()
}
