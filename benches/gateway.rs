//! What a call costs, end to end: the real `livegate` binary beside a pingora proxy that does nothing else, on
//! loopback, in one run.
//!
//! ```text
//! cargo bench --bench gateway              a Markdown table
//! cargo bench --bench gateway -- --json    the same rows for a script
//! cargo test --bench gateway               one checked request of each kind, nothing measured
//! ```
//!
//! # Design
//!
//! Three children: livegate with one worker thread, and two bare proxies (one relays, one refuses after looking at one
//! header). They are killed by id when this process returns, also on an error. Generator and upstream share the one
//! thread of this process, so that on two cores the proxy under test has the other to itself.
//!
//! CPU time per request is the steady figure; requests per second and percentiles also measure generator and upstream.
//! livegate keeps its books meanwhile (usage rows, access log to `/dev/null`): that is part of the product. The rounds
//! of both proxies alternate, so that a slow minute of the machine does not fall on one of them.
//!
//! Deliberately absent: open-loop load, TLS, several workers, upstreams that think. This compares proxies; it does not
//! size machines.

mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use livegate::clock::Clock;
use tokio::net::TcpListener;

use support::bare::{self, Role};
use support::child::Proxy;
use support::load::Load;
use support::report::{self, Round, Row};
use support::stub;
use support::workload::{self, Workload};

/// As in the product.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 3;
/// Part of a round's requests that are sent before it, unmeasured.
const WARM_UP: usize = 10;
/// A round ends here even if requests are left.
const ROUND_TIME: Duration = Duration::from_secs(30);

#[derive(Debug, Parser)]
struct Arguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Measure. `cargo bench` says it; `cargo test` does not.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    child: Option<Child>,
}

#[derive(Debug, clap::Subcommand)]
enum Child {
    /// How this executable starts itself as the proxy to compare with.
    #[command(hide = true)]
    Bare { role: Role, upstream: SocketAddr },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Child::Bare { role, upstream }) = arguments.child {
        return bare::run(role, upstream);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(compare(arguments.bench))?;
    let mut stdout = std::io::stdout().lock();
    match (arguments.bench, arguments.json) {
        (false, _) => writeln!(
            stdout,
            "every request was answered as expected; nothing was measured"
        )?,
        (true, false) => stdout.write_all(report::markdown(&rows).as_bytes())?,
        (true, true) => writeln!(stdout, "{}", serde_json::to_string_pretty(&rows)?)?,
    }
    Ok(())
}

async fn compare(measure: bool) -> anyhow::Result<Vec<Row>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = listener.local_addr()?;
    tokio::spawn(stub::serve(listener));
    let livegate = Proxy::livegate(upstream)
        .await
        .context("livegate does not start")?;
    let relay = Proxy::bare(Role::Relay, upstream)
        .await
        .context("the bare relay does not start")?;
    let refuse = Proxy::bare(Role::Refuse, upstream)
        .await
        .context("the bare refusal does not start")?;
    let mut rows = Vec::new();
    for workload in workload::all() {
        let bare = if workload.is_refused() {
            &refuse
        } else {
            &relay
        };
        for proxy in [bare, &livegate] {
            workload
                .check(proxy.address)
                .await
                .with_context(|| format!("{}: {}", proxy.name, workload.name))?;
        }
        if measure {
            rows.extend(beside(&workload, bare, &livegate).await?);
        }
    }
    Ok(rows)
}

/// Measures both proxies under one workload, in turns.
async fn beside(workload: &Workload, bare: &Proxy, livegate: &Proxy) -> anyhow::Result<[Row; 2]> {
    let (mut of_bare, mut of_livegate) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (proxy, rounds) in [(bare, &mut of_bare), (livegate, &mut of_livegate)] {
            let round = round(workload, proxy).await;
            rounds.push(round.with_context(|| format!("{}: {}", proxy.name, workload.name))?);
        }
    }
    let bare = Row::new(workload.name, bare.name, &of_bare, None);
    let livegate = Row::new(workload.name, livegate.name, &of_livegate, Some(&bare));
    Ok([bare, livegate])
}

async fn round(workload: &Workload, proxy: &Proxy) -> anyhow::Result<Round> {
    let load = |requests| Load {
        address: proxy.address,
        request: workload.request.clone(),
        status: workload.status,
        requests,
        within: ROUND_TIME,
    };
    let clock = Clock::system();
    load(workload.requests / WARM_UP).drive(&clock).await?;
    let before = proxy.cpu_time()?;
    let driven = load(workload.requests).drive(&clock).await?;
    Ok(Round {
        cpu: proxy.cpu_time()? - before,
        driven,
    })
}
