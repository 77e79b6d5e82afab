//! The proxies under test: child processes that say where they listen, and whose CPU time is read from `/proc`.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdout};

use super::bare::Role;
use super::workload::{KEY_ID, KEY_SECRET};

/// How long a proxy may take to listen.
const START: Duration = Duration::from_secs(60);
/// Linux counts the CPU time of a process in hundredths of a second on every architecture (proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    /// What a table calls it.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    process: Process,
    _folder: Option<TempDir>,
}

/// A child process; killed, and waited for, when dropped.
#[derive(Debug)]
struct Process(Child);

// === impl Proxy ===

impl Proxy {
    /// The product, with a configuration and a folder of its own.
    pub async fn livegate(upstream: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("livegate.toml");
        fs::write(folder.path().join("secret"), KEY_SECRET)?;
        fs::write(
            &file,
            configuration(&folder.path().display().to_string(), upstream),
        )?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_livegate"));
        command.args(["serve", "--offline", "--config"]).arg(file);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(command.current_dir(folder.path()).spawn()?);
        let stderr = ChildStderr::from_std(process.0.stderr.take().context("stderr is piped")?)?;
        let address = listening(stderr).await?;
        Ok(Self {
            name: "livegate",
            address,
            process,
            _folder: Some(folder),
        })
    }

    /// This executable in the role of a bare proxy.
    pub async fn bare(role: Role, upstream: SocketAddr) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["bare", role.name(), &upstream.to_string()])
            .stdout(Stdio::piped());
        let mut process = Process(command.spawn()?);
        let stdout = ChildStdout::from_std(process.0.stdout.take().context("stdout is piped")?)?;
        let address = listening(stdout).await?;
        Ok(Self {
            name: "bare pingora",
            address,
            process,
            _folder: None,
        })
    }

    /// User and system time that the process has used so far.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.0.id()))?;
        // The name in parentheses is field 2 and may hold anything; user and system time are fields 14 and 15.
        let (_, fields) = text.rsplit_once(')').context("no name in /proc/PID/stat")?;
        let ticks: Vec<u32> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(TICK * ticks.iter().sum())
    }
}

// === impl Process ===

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if the process has ended by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Where a proxy says that it listens; what else it says goes to stderr.
async fn listening(output: impl AsyncRead + Unpin + Send + 'static) -> anyhow::Result<SocketAddr> {
    let mut output = BufReader::new(output);
    let address = tokio::time::timeout(START, announced(&mut output))
        .await
        .context("it takes too long")??;
    // A pipe that nobody reads would stop the proxy once it is full.
    tokio::spawn(async move { tokio::io::copy(&mut output, &mut tokio::io::stderr()).await });
    Ok(address)
}

/// The address in the first line that is JSON with `fields.gateway`.
async fn announced(output: &mut (impl AsyncBufReadExt + Unpin)) -> anyhow::Result<SocketAddr> {
    let mut said = String::new();
    loop {
        let start = said.len();
        if output.read_line(&mut said).await? == 0 {
            bail!("it ended and said:\n{said}");
        }
        let line: Option<Value> = said
            .get(start..)
            .and_then(|line| serde_json::from_str(line).ok());
        if let Some(address) = line
            .as_ref()
            .and_then(|line| line["fields"]["gateway"].as_str())
        {
            return address.parse().context("the announced address is not one");
        }
    }
}

fn configuration(folder: &str, upstream: SocketAddr) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
threads = 1

[admin]
listen = "127.0.0.1:0"

[store]
url = "sqlite://{folder}/livegate.db"
master_key = {{ file = "{folder}/master.key" }}

[upstreams.stub]
vendor = "accuauth"
base_url = "http://{upstream}"
api_id = {{ file = "{folder}/secret" }}
api_secret = {{ file = "{folder}/secret" }}

[plans.bench]
quota = "unlimited"

[tenants.bench]
plan = "bench"
keys = [{{ id = "{KEY_ID}", secret = {{ file = "{folder}/secret" }} }}]

[[routes]]
tenant = "bench"
to = [{{ upstream = "stub" }}]
"#
    )
}
