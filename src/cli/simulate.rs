//! `livegate simulate`: vendors' APIs on this machine, with outcomes and faults on demand.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::canonical::Secret;
use crate::simulate::{self, Account, Config, Fault, Recurring, Running, Script};
use crate::vendors::{Vendor, by_id};
use crate::{config, media};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whom to simulate; without one, every vendor that has a dialect here.
    vendors: Vec<String>,
    /// Where to listen; vendors after the first take the ports after it. Port 0 takes free ones.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The public half of the one account.
    #[arg(long, default_value = "sim")]
    id: String,
    /// The environment variable with its secret; without it the secret is `sim-secret`.
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// What to answer: TOML with `default = "live"` and `[[rule]]`s of `media_sha256` and `outcome`.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// What goes wrong: slow=MILLISECONDS, drop, cut, truncate, html, garbage, throttle, unknown-fields or wrong-type.
    #[arg(long)]
    fault: Option<Fault>,
    /// With --fault: every n-th request instead of all.
    #[arg(long, value_name = "N", requires = "fault", default_value = "1")]
    every: NonZeroU64,
    /// A private address, as it is written in URLs, that media may be downloaded from. May be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    allow_host: Vec<String>,
    /// A vendor's own setting. May be repeated.
    #[arg(long, value_name = "VENDOR.NAME=VALUE")]
    setting: Vec<String>,
}

/// Serves until Ctrl-C.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let vendors = vendors(&arguments.vendors)?;
    let config = config(arguments)?;
    let shown = Account {
        // Who reads the terminal learns the variable's name only.
        secret: match &arguments.secret_env {
            Some(name) => Secret::new(format!("${name}")),
            None => config.account.secret.clone(),
        },
        ..config.account.clone()
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut running = Vec::new();
        for (index, vendor) in (0..).zip(vendors) {
            let simulator = start(vendor, arguments.listen, index, &config).await?;
            running.push((vendor, simulator));
        }
        let text = describe(&running, &shown);
        std::io::stdout().write_all(text.as_bytes())?;
        interrupt.recv().await;
        for (_, simulator) in running {
            simulator.stop().await;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn vendors(names: &[String]) -> anyhow::Result<Vec<&'static Vendor>> {
    if names.is_empty() {
        return Ok(simulate::vendors().collect());
    }
    let find = |name: &String| {
        by_id(name).ok_or_else(|| {
            let known: Vec<&str> = simulate::vendors().map(|vendor| vendor.id).collect();
            anyhow!(
                "there is no vendor {name:?}; write one of {}",
                known.join(", ")
            )
        })
    };
    names.iter().map(find).collect()
}

fn config(arguments: &Arguments) -> anyhow::Result<Config> {
    ensure!(!arguments.id.is_empty(), "--id is empty; write any text");
    let mut account = Account {
        id: arguments.id.clone(),
        ..Account::default()
    };
    if let Some(name) = &arguments.secret_env {
        account.secret = config::secret_from_environment(name).map_err(|error| anyhow!(error))?;
    }
    for setting in &arguments.setting {
        account.set(setting)?;
    }
    let script = match &arguments.script {
        None => Script::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?
        }
    };
    let every = arguments.every;
    Ok(Config {
        account,
        script,
        fault: arguments.fault.map(|fault| Recurring { fault, every }),
        downloads: media::Config {
            allow_hosts: arguments.allow_host.clone(),
        },
    })
}

async fn start(
    vendor: &'static Vendor,
    mut listen: SocketAddr,
    index: u16,
    config: &Config,
) -> anyhow::Result<Running> {
    if listen.port() != 0 {
        let port = listen.port().checked_add(index);
        listen.set_port(port.context("there are not enough ports after the first")?);
    }
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    Ok(simulate::start(vendor, listener, config.clone())?)
}

/// Who is where, and what makes a gateway call them.
fn describe(running: &[(&'static Vendor, Running)], account: &Account) -> String {
    let mut rows = vec![["vendor", "base URL"].map(str::to_owned).to_vec()];
    let mut variables = String::new();
    let mut upstreams = String::new();
    for (vendor, simulator) in running {
        let url = format!("http://{}", simulator.address);
        rows.push(vec![vendor.id.to_owned(), url.clone()]);
        if vendor.outbound.is_none() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = write!(
            upstreams,
            "\n[upstreams.sim-{0}]\nvendor = \"{0}\"\nbase_url = \"{url}\"\n",
            vendor.id
        );
        let account = account.clone().with_defaults_of(vendor);
        for (name, secret) in account.secrets_for(vendor) {
            let variable = format!("SIM_{}_{name}", vendor.id).to_uppercase();
            let _ = writeln!(variables, "export {variable}=\"{}\"", secret.expose());
            let _ = writeln!(upstreams, "{name} = {{ env = \"{variable}\" }}");
        }
    }
    format!(
        "{}\nWhat makes a gateway call them:\n\n{variables}{upstreams}",
        super::table(&rows)
    )
}
