//! `livegate serve`: the gateway, until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{self, Options};
use crate::config;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration; without it a built-in one: local engine, embedded store, loopback, one key.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Never fetch weights.
    #[arg(long)]
    offline: bool,
}

/// Serves until SIGTERM or SIGINT; SIGHUP reloads the configuration.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    app::log_to_stderr();
    let loaded = match &arguments.config {
        Some(path) => config::load(path),
        None => config::built_in(),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return super::check::refuse(&errors),
    };
    app::runtime(&loaded)?.block_on(serve(loaded, Options { offline: arguments.offline }))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(loaded: config::Loaded, options: Options) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt, mut hangup) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
    let running = app::start(loaded, &options).await?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => running.reload(),
        }
    }
    running.stop().await
}
