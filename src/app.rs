//! Builds everything from a configuration, and takes it down again: the only file that knows all areas.
//!
//! What a reload replaces is the snapshot (upstreams, plans, tenants, routes). `[server]`, `[admin]`, `[store]` and
//! `[engine]` belong to sockets, files and threads that live as long as the process; a change to them is reported and
//! waits for a restart.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::admin::{self, Admin, Check};
use crate::clock::Clock;
use crate::config::{self, Config, Loaded};
use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::gateway::{self, Gateway, Listener};
use crate::limits::Limits;
use crate::media::Guard;
use crate::meter::{AccessSink, Meter, Metrics};
use crate::store::{SqliteStore, Store};
use crate::tenancy::Snapshot;

/// How often the configuration file is looked at for changes.
const WATCH: Duration = Duration::from_secs(1);

/// How long the last records may take to be written.
const FLUSH: Duration = Duration::from_secs(10);

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    /// Where callers reach it.
    pub gateway: SocketAddr,
    /// Where operators reach it.
    pub admin: SocketAddr,
    /// The local engine, to be told when weights have come.
    pub engine: Engine,
    reloader: Arc<Reloader>,
    limits: Arc<Limits>,
    meter: Meter,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<io::Result<()>>>,
}

/// Diagnostics go to stderr: lines for people on a terminal, JSON for collectors. stdout belongs to the access log.
/// `level` is the least important that is said of livegate itself.
pub fn log_to_stderr(level: Level) {
    // pingora logs heads that it could not parse, with whatever secret was in them; what matters of it we log ourselves.
    let ours = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("livegate", level);
    let ours = ours.with_target("pingora", LevelFilter::OFF);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = if io::stderr().is_terminal() {
        layer.boxed()
    } else {
        layer.json().boxed()
    };
    // A second call, as in tests, keeps the first subscriber.
    let _kept = tracing_subscriber::registry()
        .with(layer.with_filter(ours))
        .try_init();
}

/// The threads that everything runs on, inference apart.
pub fn runtime(config: &Config) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if config.server.threads > 0 {
        builder.worker_threads(config.server.threads);
    }
    builder.thread_name("livegate").enable_all().build()
}

/// Starts a gateway: files made, store opened, sockets bound, engine loading; then serving in the background.
pub async fn start(
    loaded: Loaded,
    access_log: impl Write + Send + 'static,
) -> anyhow::Result<Running> {
    config::prepare_files(&loaded.config)?;
    let compiled = loaded.compile()?;
    let config = &loaded.config;
    let clock = Clock::system();

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(config.store.url.path())?);
    let engine = Engine::start(&config.engine);
    let metrics = Metrics::new()?;
    let access = AccessSink::to(access_log, metrics.clone())?;
    let meter = Meter::new(Arc::clone(&store), access, metrics)?;
    let limits = Arc::new(Limits::new(Arc::clone(&store), clock.clone()));
    let snapshot = Arc::new(ArcSwap::from_pointee(compiled.snapshot));
    let gateway = Gateway::new(gateway::Parts {
        snapshot: Arc::clone(&snapshot),
        master: compiled.master_key,
        limits: Arc::clone(&limits),
        meter: meter.clone(),
        exchange: Exchange::new(engine.clone(), Guard::new(&config.media), clock.clone()),
        config: config.server.clone(),
        clock,
    });

    let listener = Listener::bind(config.server.listen.0).with_context(|| {
        format!(
            "cannot listen on server.listen = {}",
            config.server.listen.0
        )
    })?;
    let operators = TcpListener::bind(config.admin.listen.0)
        .await
        .with_context(|| format!("cannot listen on admin.listen = {}", config.admin.listen.0))?;
    let (public, admin) = (listener.address(), operators.local_addr()?);
    let (stop, stopped) = watch::channel(false);
    let shown = Admin {
        meter: meter.clone(),
        checks: checks(&store, &engine, &snapshot),
        gauges: gauges(&meter, &gateway, &engine, &limits),
    };
    let servers = vec![
        tokio::spawn(listener.serve(gateway, stopped.clone())),
        tokio::spawn(admin::serve(operators, shown, stopped.clone())),
    ];
    let reloader = Arc::new(Reloader {
        loaded,
        snapshot,
        limits: Arc::clone(&limits),
    });
    tokio::spawn(Arc::clone(&reloader).watch(stopped));
    tracing::info!(gateway = %public, admin = %admin, "listening");
    Ok(Running {
        gateway: public,
        admin,
        engine,
        reloader,
        limits,
        meter,
        stop,
        servers,
    })
}

/// What must work before calls should come. The engine only counts if some route leads to it.
fn checks(
    store: &Arc<dyn Store>,
    engine: &Engine,
    snapshot: &Arc<ArcSwap<Snapshot>>,
) -> Vec<Check> {
    let (store, engine, snapshot) = (Arc::clone(store), engine.clone(), Arc::clone(snapshot));
    vec![
        Check {
            name: "store",
            run: Box::new(move || store.check().map_err(|error| error.to_string())),
        },
        Check {
            name: "engine",
            run: Box::new(move || {
                if leads_to_engine(&snapshot.load()) {
                    engine.status()
                } else {
                    Ok(())
                }
            }),
        },
    ]
}

/// Brings the gauges up to date that nobody keeps on the way of a call.
fn gauges(
    meter: &Meter,
    gateway: &Gateway,
    engine: &Engine,
    limits: &Arc<Limits>,
) -> Box<dyn Fn() + Send + Sync> {
    let (meter, gateway, engine, limits) = (
        meter.clone(),
        gateway.clone(),
        engine.clone(),
        Arc::clone(limits),
    );
    Box::new(move || {
        let metrics = meter.metrics();
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.inflight_body_bytes.set(gauge(gateway.body_bytes()));
        metrics.engine_waiting.set(gauge(engine.waiting()));
        for left in limits.remaining() {
            metrics.set_quota_remaining(&left.tenant, left.period, left.units);
        }
    })
}

/// The engine is the upstream that has no address.
fn leads_to_engine(snapshot: &Snapshot) -> bool {
    snapshot
        .routes
        .iter()
        .flat_map(|route| &route.to)
        .any(|target| target.upstream.base_url.is_empty())
}

// === impl Running ===

impl Running {
    /// Whether some route leads to an engine that cannot judge yet.
    #[must_use]
    pub fn needs_weights(&self) -> bool {
        leads_to_engine(&self.reloader.snapshot.load()) && self.engine.status().is_err()
    }

    /// Reads the configuration again; see [`Reloader`].
    pub async fn reload(&self) {
        self.reloader.reload().await;
    }

    /// Stops taking calls, lets those in flight end, gives unused quota back, writes the last records.
    pub async fn stop(self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        for server in self.servers {
            server.await??;
        }
        self.limits.settle().await;
        let meter = self.meter;
        let written = tokio::task::spawn_blocking(move || meter.flush(FLUSH)).await?;
        ensure!(
            written,
            "the last records could not be written within {} s",
            FLUSH.as_secs()
        );
        tracing::info!("stopped");
        Ok(())
    }
}

/// Swaps in a changed configuration, whole or not at all.
#[derive(Debug)]
struct Reloader {
    loaded: Loaded,
    snapshot: Arc<ArcSwap<Snapshot>>,
    limits: Arc<Limits>,
}

// === impl Reloader ===

impl Reloader {
    async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let Some(path) = self.loaded.path() else {
            return;
        };
        let path = path.to_owned();
        let mut seen = modified(&path).await;
        loop {
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let now = modified(&path).await;
            if now != seen && now.is_some() {
                seen = now;
                self.reload().await;
            }
        }
    }

    async fn reload(&self) {
        let Some(path) = self.loaded.path().map(Path::to_owned) else {
            tracing::warn!("there is no configuration file to reload");
            return;
        };
        let read = tokio::task::spawn_blocking(move || {
            let loaded = config::load(&path)?;
            let compiled = loaded.compile()?;
            Ok::<_, config::ConfigErrors>((loaded.config, compiled))
        });
        match read.await {
            Ok(Ok((config, compiled))) => {
                if !self.loaded.config.same_process(&config) {
                    tracing::warn!(
                        "[server], [admin], [store], [media] or [engine] changed: restart to apply that"
                    );
                }
                self.snapshot.store(Arc::new(compiled.snapshot));
                self.limits.retain(&self.snapshot.load()).await;
                tracing::info!("the configuration was reloaded");
            }
            Ok(Err(errors)) => {
                tracing::error!(%errors, "the configuration is wrong, the old one stays")
            }
            Err(error) => {
                tracing::error!(%error, "the configuration could not be reloaded, the old one stays")
            }
        }
    }
}

async fn modified(path: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(path).await.ok()?.modified().ok()
}
