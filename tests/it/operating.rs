//! Starting, reloading, stopping: what an operator does.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::spine::{ACCUAUTH, LOCAL};
use crate::support::gateway::{Gateway, SECRET};
use crate::support::http::{self, Connection};
use crate::support::{models, pictures};

fn livegate(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_livegate"))
        .args(arguments)
        .output()
        .expect("it runs")
}

#[test]
fn a_wrong_configuration_is_explained_and_not_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.toml");
    fs::write(
        &file,
        "[server]\nlisten = \"127.0.0.1:0\"\nmax_bodi = \"16MiB\"\n",
    )
    .expect("written");
    let path = file.to_str().expect("text");
    for arguments in [&["check", path][..], &["serve", "--config", path]] {
        let output = livegate(arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("wrong.toml:3:1")
                && said.contains("max_bodi")
                && said.contains("max_body"),
            "{said}"
        );
    }
    assert_eq!(livegate(&["check", "nowhere.toml"]).status.code(), Some(2));
}

#[test]
fn the_tables_of_vendors_are_printed_for_people_and_scripts() {
    let text = String::from_utf8(livegate(&["vendors"]).stdout).expect("text");
    assert!(
        text.contains("/face/anti_hack") && text.contains("image-liveness"),
        "{text}"
    );
    let document: Value =
        serde_json::from_slice(&livegate(&["vendors", "--output", "json"]).stdout).expect("JSON");
    assert!(
        document["dialects"]
            .as_array()
            .is_some_and(|dialects| dialects.len() >= 2),
        "{document}"
    );
}

/// The file is watched and SIGHUP is heard; a wrong file changes nothing.
#[test]
fn a_reload_is_whole_or_not_at_all() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let file = gateway.folder().join("livegate.toml");
    let good = fs::read_to_string(&file).expect("readable");
    let status = || gateway.post("/face/anti_hack", &ACCUAUTH, b"").status;
    assert_eq!(status(), 400);
    fs::write(&file, good.replace("acme-1", "acme-2")).expect("written");
    gateway.signal("HUP");
    gateway.until("the configuration was reloaded");
    assert_eq!(status(), 401);
    fs::write(&file, good.replace("[[routes]]", "[[rowtes]]")).expect("written");
    gateway.until("the configuration is wrong");
    assert_eq!(status(), 401);
    fs::write(&file, good).expect("written");
    gateway.until("the configuration was reloaded");
    assert_eq!(status(), 400);
}

/// A call in flight ends as if nothing had happened, new connections are refused, and the stop does not wait longer
/// than it must.
#[test]
fn a_stop_lets_calls_end() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let (content_type, form) = http::form("file", &portrait, &[]);
    let mut connection = Connection::open(gateway.public);
    let head = format!(
        "POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: acme-1\r\nx-df-api-secret: {SECRET}\r\n\
         expect: 100-continue\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    connection.send(head.as_bytes());
    assert!(connection.is_told_to_continue(), "the call is in flight");
    gateway.signal("TERM");
    gateway.until("stopping");
    connection.send(&form);
    assert_eq!(connection.receive().expect("an answer").status, 200);
    let started = Instant::now();
    let (status, access, diagnostics) = gateway.stop();
    assert!(status.success(), "{diagnostics}");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "it waited for the whole grace period"
    );
    assert_eq!(access.len(), 1);
}

/// A node that dies keeps what it had not spent to itself, and never sells a unit twice.
#[test]
fn quota_survives_a_kill() {
    let config = LOCAL.replace("quota = \"unlimited\"", "quota = { total = 3 }");
    let folder = tempfile::tempdir().expect("a folder");
    let config = config.replace(
        "{dir}/livegate.db",
        &folder.path().join("shared.db").display().to_string(),
    );
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let mut sold = 0;
    for _ in 0..4 {
        let gateway = Gateway::start(&config, &models::models());
        let reply = gateway.post_form("/face/anti_hack", &ACCUAUTH, "file", &portrait);
        sold += u32::from(reply.status == 200);
        // Dropping it kills it, with no chance to give anything back.
        drop(gateway);
    }
    assert_eq!(sold, 3);
}
