//! `livegate health`: whether a gateway on this machine is alive, for a container's health check.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::ensure;
use bytes::Bytes;
use http::Request;

use super::client;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where its operators' listener is.
    #[arg(long, default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
    /// Ask whether it is ready for calls, not just alive.
    #[arg(long)]
    ready: bool,
}

/// Exit code 0 if it is, 1 if not.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = if arguments.ready {
        "/readyz"
    } else {
        "/healthz"
    };
    let request = Request::get(path).body(Bytes::new())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let response = runtime.block_on(client::send(arguments.admin, request))?;
    let answer = String::from_utf8_lossy(response.body());
    ensure!(
        response.status().is_success(),
        "{} {}",
        response.status(),
        answer.trim()
    );
    Ok(ExitCode::SUCCESS)
}
