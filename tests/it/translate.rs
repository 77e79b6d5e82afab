//! `livegate translate`, for every request among the fixtures and every vendor that can be called.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use livegate::canonical::Op;
use livegate::vendors::{Outbound, VENDORS, Vendor};
use serde_json::Value;

fn translate(from: &str, to: &str, request: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_livegate"))
        .args(["translate", "--from", from, "--to", to, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(request).expect("written");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn callable() -> impl Iterator<Item = (&'static Vendor, &'static dyn Outbound)> {
    let vendors = VENDORS.iter().copied();
    vendors.filter_map(|vendor| Some((vendor, vendor.outbound?)))
}

/// The requests of a vendor's fixtures that need no settings, without the lines that name their source, and what they
/// mean.
fn requests(vendor: &Vendor) -> Vec<(PathBuf, Vec<u8>, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(vendor.id)).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let Some(name) = name.strip_suffix(".request.http") else {
            continue;
        };
        let canon = fs::read(path.with_file_name(format!("{name}.canon.json"))).expect("readable");
        let canon: Value = serde_json::from_slice(&canon).expect("JSON");
        let mut raw = fs::read(&path).expect("readable");
        while raw.starts_with(b"#") {
            let line = raw.iter().position(|byte| *byte == b'\n').expect("a line");
            raw.drain(..=line);
        }
        if canon.get("settings").is_none() {
            found.push((path, raw, canon));
        }
    }
    found
}

#[test]
fn a_request_is_shown_without_secrets_and_pictures_or_refused() {
    for from in VENDORS.iter().filter(|vendor| vendor.inbound.is_some()) {
        for (path, raw, canon) in requests(from) {
            for (to, outbound) in callable() {
                let case = format!("{} to {}", path.display(), to.id);
                let output = translate(from.id, to.id, &raw);
                let shown = String::from_utf8(output.stdout).expect("text");
                let said = String::from_utf8(output.stderr).expect("text");
                let op = Op::from_name(canon["op"].as_str().expect("an op")).expect("an op");
                let translated = output.status.success();
                if canon.get("problem").is_some() || outbound.capabilities().support(op).is_none() {
                    assert!(!translated, "{case}: {shown}");
                }
                if !translated {
                    assert_eq!(
                        (output.status.code(), shown.as_str()),
                        (Some(1), ""),
                        "{case}"
                    );
                    assert!(said.starts_with("livegate: "), "{case}: {said}");
                    continue;
                }
                let (request, lost) = shown.split_once("\n\nlost: ").expect(&case);
                assert!(!lost.trim().is_empty(), "{case}");
                assert!(!shown.contains("CANARY-secret"), "{case}: {shown}");
                assert!(!shown.contains("CANARY-token"), "{case}: {shown}");
                assert!(!request.contains("CANARYPIXELS"), "{case}: {shown}");
                // A key that media are encrypted with is not sent.
                let own = |name: &&str| to.settings.iter().any(|own| own.name == *name);
                let secret = !outbound.credentials().iter().all(own);
                assert_eq!(shown.contains("***"), secret, "{case}: {shown}");
                if let Some(picture) = canon["call"]["image"].as_str() {
                    let size = picture.len() / 4 * 3 - picture.matches('=').count();
                    let shown_once = request.matches(&format!("<{size} bytes>")).count() == 1;
                    assert!(shown_once && !request.contains(picture), "{case}: {shown}");
                }
            }
        }
    }
}

#[test]
fn what_the_vendor_has_no_word_for_is_listed() {
    let request = |details| {
        format!(
            "POST /v1/liveness HTTP/1.1\nContent-Type: application/json\n\n{{\"image_base64\":\"AAEC\",\"details\":{details}}}"
        )
    };
    for (details, expected) in [("true", "lost: details\n"), ("false", "lost: nothing\n")] {
        let output = translate("native", "local", request(details).as_bytes());
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("\n<3 bytes>\n\n"), "{shown}");
        assert!(shown.ends_with(expected), "{shown}");
    }
}

#[test]
fn what_is_no_request_is_explained() {
    for (request, expected) in [
        ("", "no blank line"),
        ("POST\n\n", "first line"),
        ("POST /v1/liveness HTTP/1.1\nno header\n\n", "no colon"),
        (
            "POST /v1/liveness HTTP/1.1\nTransfer-Encoding: chunked\n\n",
            "chunked",
        ),
        (
            "POST /v1/liveness HTTP/1.1\nContent-Length: 7\n\nabc",
            "has 3 bytes",
        ),
        ("POST /elsewhere HTTP/1.1\n\n", "no POST /elsewhere"),
        ("POST /v1/liveness HTTP/1.1\n\n", "media-missing"),
    ] {
        let output = translate("native", "local", request.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{request}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected), "{request:?}: {said}");
    }
    let output = translate("local", "native", b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("write one of native, "));
}
