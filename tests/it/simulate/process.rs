//! `livegate simulate` as a user runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::lab::{Lab, callable, simulated};
use crate::support::http;

/// What it prints makes a gateway call it: the variables are set, the sections are a configuration, the address answers.
#[test]
fn what_it_prints_is_a_configuration() {
    let lab = Lab::new();
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.toml");
    fs::write(&script, "default = \"no-face\"\n").expect("written");
    let child = Command::new(env!("CARGO_BIN_EXE_livegate"))
        .args(["simulate", "--secret-env", "SIM_TEST_SECRET"])
        .args(["--allow-host", &lab.files.to_string(), "--script"])
        .arg(&script)
        .env("SIM_TEST_SECRET", "sim-secret")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut child = Ended(child);
    let mut lines = BufReader::new(child.0.stdout.take().expect("piped")).lines();
    let mut printed = String::new();
    let last = simulated().last().expect("a vendor");
    let last_key = *last
        .outbound
        .expect("callable")
        .credentials()
        .last()
        .expect("a credential");
    let mut in_last = false;
    while !(in_last
        && printed
            .trim_end()
            .lines()
            .last()
            .expect("a line")
            .starts_with(last_key))
    {
        let line = lines.next().expect("more").expect("text");
        in_last |= line == format!("[upstreams.sim-{}]", last.id);
        printed += &line;
        printed.push('\n');
    }
    // The shell puts the secret where its name stands.
    let variables: Vec<(&str, String)> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| {
            (
                name,
                value
                    .trim_matches('"')
                    .replace("$SIM_TEST_SECRET", "sim-secret"),
            )
        })
        .collect();
    assert!(
        !printed.contains("sim-secret\""),
        "the secret itself is printed: {printed}"
    );
    let (_, sections) = printed.split_once("\n[").expect("sections");
    let config = folder.path().join("livegate.toml");
    fs::write(&config, format!("[{sections}")).expect("written");
    let check = Command::new(env!("CARGO_BIN_EXE_livegate"))
        .arg("check")
        .arg(&config)
        .envs(variables)
        .current_dir(folder.path())
        .output()
        .expect("runs");
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );

    for vendor in simulated() {
        let row = printed
            .lines()
            .find(|line| line.starts_with(vendor.id))
            .expect("a row");
        let address = row.rsplit("http://").next().expect("an address");
        let address: SocketAddr = address.parse().expect("an address");
        let op = callable(vendor)[0];
        let call = lab.call_about(vendor, op, super::lab::picture(0));
        let reply = http::send(address, &lab.request_to(vendor, address, &call), &[]);
        let expected = lab.status(vendor, op, livegate::canonical::ProblemKind::NoFace);
        assert_eq!(reply.status, expected, "{}", vendor.id);
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &child.0.id().to_string()])
        .status();
    assert!(interrupted.expect("kill runs").success());
    assert!(child.0.wait().expect("it ends").success());
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let cases: [(&[&str], &str); 5] = [
        (&["nobody"], "nobody"),
        (&["local"], "no dialect"),
        (&["--setting", "nobody.key=value"], "nobody"),
        (
            &["--script", "/nowhere/script.toml"],
            "/nowhere/script.toml",
        ),
        (&["--fault", "thunder"], "slow=MILLISECONDS"),
    ];
    for (arguments, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_livegate"))
            .arg("simulate")
            .args(arguments)
            .output()
            .expect("runs");
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
