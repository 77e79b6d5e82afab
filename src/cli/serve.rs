//! `livegate serve`: the gateway, until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;

use super::models::Reporter;
use crate::app::{self, Running};
use crate::config::{self, Loaded};
use crate::engine::weights::{self, Mode};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration; without it a built-in one: local engine, embedded store, loopback, one key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Never fetch weights.
    #[arg(long)]
    offline: bool,
}

/// Serves until SIGTERM or SIGINT; SIGHUP reloads the configuration.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    app::log_to_stderr(Level::INFO);
    let loaded = match &arguments.config {
        Some(path) => config::load(path),
        None => config::built_in(),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return super::check::refuse(&errors),
    };
    app::runtime(&loaded.config)?.block_on(serve(loaded, arguments.offline))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(loaded: Loaded, offline: bool) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt, mut hangup) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    );
    let models = loaded.config.engine.models.clone();
    let running = app::start(loaded, std::io::stdout()).await?;
    if !offline && running.needs_weights() {
        fetch_weights(&running, models);
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => running.reload().await,
        }
    }
    running.stop().await
}

/// In the background: other upstreams serve meanwhile, and `/readyz` says what is awaited.
fn fetch_weights(running: &Running, models: PathBuf) {
    let engine = running.engine.clone();
    tokio::task::spawn_blocking(move || {
        match weights::fetch(&models, Mode::Online, &Reporter::new()) {
            Ok(_) => engine.reload(),
            Err(error) => tracing::error!(%error, "the engine has no weights"),
        }
    });
}
