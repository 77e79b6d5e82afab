//! The real binary, with a configuration of the test's own, on ports of its own, in a folder of its own.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Reply};

/// How long the binary may take to say what is expected: it loads two networks, perhaps on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway; ended by its process id when dropped.
pub struct Gateway {
    child: Child,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    folder: TempDir,
    access_log: Option<ChildStdout>,
    diagnostics: RefCell<Diagnostics>,
}

/// What it says on stderr, line by line.
struct Diagnostics {
    lines: Receiver<String>,
    seen: String,
}

// === impl Gateway ===

impl Gateway {
    /// Starts with `config`, in which `{models}` and `{dir}` stand for the folder of weights and a folder of its own.
    /// The secret of every key is in `{dir}/secret`: `s3cret-of-the-tests`.
    pub fn start(config: &str, models: &Path) -> Self {
        Self::start_with(config, models, &[])
    }

    /// The same with more files in its folder.
    pub fn start_with(config: &str, models: &Path, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("secret"), SECRET).expect("written");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("written");
        }
        let text = config
            .replace("{models}", &models.display().to_string())
            .replace("{dir}", &folder.path().display().to_string());
        let file = folder.path().join("livegate.toml");
        fs::write(&file, text).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_livegate"))
            .args(["serve", "--offline", "--config"])
            .arg(&file)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                // Nobody listens any more once the test is over.
                let _ = sender.send(line.expect("text"));
            }
        });
        let access_log = child.stdout.take();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let diagnostics = RefCell::new(Diagnostics {
            lines,
            seen: String::new(),
        });
        let mut gateway = Self {
            child,
            public: nowhere,
            admin: nowhere,
            folder,
            access_log,
            diagnostics,
        };
        let listening = gateway.until("listening");
        (gateway.public, gateway.admin) = addresses(&listening).expect("its addresses");
        gateway
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a picture as a form and waits for the answer.
    pub fn post_form(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        field: &str,
        file: &[u8],
    ) -> Reply {
        self.post_form_with(target, headers, field, file, &[])
    }

    /// The same with more fields.
    pub fn post_form_with(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        field: &str,
        file: &[u8],
        fields: &[(&str, &str)],
    ) -> Reply {
        let (content_type, body) = http::form(field, file, fields);
        let mut all = headers.to_vec();
        all.push(("content-type", &content_type));
        http::exchange(self.public, &http::request("POST", target, &all, &body))
    }

    /// Posts a body.
    pub fn post(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        http::exchange(self.public, &http::request("POST", target, headers, body))
    }

    /// Gets from the operators' listener.
    pub fn admin_get(&self, target: &str) -> Reply {
        http::exchange(self.admin, &http::request("GET", target, &[], b""))
    }

    /// The metrics, once they contain `text`: a call is counted after its answer has gone out.
    pub fn metrics_with(&self, text: &str) -> String {
        let patience = Instant::now() + PATIENCE;
        loop {
            let metrics = String::from_utf8(self.admin_get("/metrics").body).expect("text");
            if metrics.contains(text) {
                return metrics;
            }
            assert!(
                Instant::now() < patience,
                "`{text}` is missing from\n{metrics}"
            );
        }
    }

    /// Sends a signal to this process, by its id.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until it says something with these words in it, and returns that line.
    pub fn until(&self, words: &str) -> String {
        let mut diagnostics = self.diagnostics.borrow_mut();
        loop {
            let Ok(line) = diagnostics.lines.recv_timeout(PATIENCE) else {
                panic!("it never said `{words}`, but:\n{}", diagnostics.seen);
            };
            diagnostics.seen.push_str(&line);
            diagnostics.seen.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Stops it as an operator would and returns what it left: exit status, access log, diagnostics.
    pub fn stop(mut self) -> (ExitStatus, Vec<Value>, String) {
        if !self.diagnostics.borrow().seen.contains("stopping") {
            self.signal("TERM");
        }
        let status = self.child.wait().expect("it ends");
        let mut text = String::new();
        self.access_log
            .take()
            .expect("piped")
            .read_to_string(&mut text)
            .expect("text");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect();
        let diagnostics = self.diagnostics.borrow();
        let rest: Vec<String> = diagnostics.lines.iter().collect();
        let all = format!("{}{}", diagnostics.seen, rest.join("\n"));
        drop(diagnostics);
        (status, lines, all)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The secret of every key in a test's configuration.
pub const SECRET: &str = "s3cret-of-the-tests";

fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    let address = |name: &str| fields[name].as_str().and_then(|text| text.parse().ok());
    Some((address("gateway")?, address("admin")?))
}
