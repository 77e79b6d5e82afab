//! Calls that leave the machine, on the wire: another gateway stands in for the vendor, and what a vendor should never
//! answer is answered by hand.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use serde_json::json;

use crate::spine::{LOCAL, bearer};
use crate::support::gateway::{Gateway, SECRET};
use crate::support::http::Reply;
use crate::support::{models, pictures};

/// A gateway whose calls go to a vendor at `address`.
fn in_front_of(address: SocketAddr, more: &str) -> Gateway {
    let upstream = format!(
        "[upstreams.vendor]\nvendor = \"accuauth\"\nbase_url = \"http://{address}\"\n\
         api_id = {{ file = \"{{dir}}/id\" }}\napi_secret = {{ file = \"{{dir}}/secret\" }}\n{more}"
    );
    let config = LOCAL
        .replace("[upstreams.local]\nvendor = \"local\"", &upstream)
        .replace("upstream = \"local\"", "upstream = \"vendor\"");
    Gateway::start_with(&config, &models::models(), &[("id", "acme-1")])
}

fn ask(gateway: &Gateway, picture: &[u8]) -> Reply {
    gateway.post_form(
        "/v1/liveness",
        &[("authorization", &bearer())],
        "image",
        picture,
    )
}

#[test]
fn a_verdict_survives_two_translations() {
    let vendor = Gateway::start(LOCAL, &models::models());
    let gateway = in_front_of(vendor.public, "");
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let live = ask(&gateway, &portrait);
    assert_eq!(
        (live.status, &live.json()["verdict"]),
        (200, &json!("live"))
    );
    let spoof = ask(&gateway, &pictures::recapture());
    assert_eq!(
        (spoof.status, &spoof.json()["verdict"]),
        (200, &json!("spoof"))
    );
    let (_, seen, _) = vendor.stop();
    let (_, kept, _) = gateway.stop();
    assert_eq!(seen.len(), 2);
    assert_eq!(kept[0]["upstream"], "vendor");
    assert_eq!(kept[0]["native_vendor"], "accuauth");
    assert!(kept[0]["native_score"].is_string(), "{}", kept[0]);
}

/// A caller of the vendor, in front of the vendor: the number comes back digit for digit.
#[test]
fn a_score_of_the_same_vendor_is_passed_on_untouched() {
    let (address, vendor) = answer_once(
        "200 OK",
        r#"{"request_id":"TIDx","status":"OK","score":0.131190}"#,
    );
    let gateway = in_front_of(address, "");
    let headers = [("x-df-api-id", "acme-1"), ("x-df-api-secret", SECRET)];
    let reply = gateway.post_form(
        "/face/anti_hack",
        &headers,
        "file",
        &pictures::png_header(640, 480),
    );
    assert_eq!(reply.status, 200);
    assert!(
        String::from_utf8_lossy(&reply.body).contains("\"score\":0.131190"),
        "{}",
        reply.json()
    );
    let request = vendor.join().expect("served");
    assert!(
        request.starts_with("POST /face/anti_hack HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request
            .to_ascii_lowercase()
            .contains("x-df-api-id: acme-1\r\n"),
        "{request}"
    );
    assert!(
        request.to_ascii_lowercase().contains("content-length: "),
        "{request}"
    );
}

/// Whatever a vendor answers, it is a verdict that it gave or a problem; its complaint about our account is ours.
#[test]
fn what_a_vendor_should_not_answer_is_never_live() {
    let cases = [
        (
            "401 Unauthorized",
            r#"{"status":"UNAUTHORIZED","reason":"bad key","request_id":"TIDx"}"#,
            502,
        ),
        (
            "403 Forbidden",
            r#"{"status":"OUT_OF_QUOTA","reason":"no more","request_id":"TIDx"}"#,
            502,
        ),
        (
            "500 Internal Server Error",
            r#"{"status":"INTERNAL_ERROR","reason":"?","request_id":"TIDx"}"#,
            502,
        ),
        ("200 OK", "<html>welcome</html>", 502),
        (
            "200 OK",
            r#"{"request_id":"TIDx","status":"OK","score":0.1"#,
            502,
        ),
        ("200 OK", r#"{"request_id":"TIDx","status":"OK"}"#, 422),
        (
            "200 OK",
            r#"{"request_id":"TIDx","status":"OK","score":true}"#,
            422,
        ),
        (
            "200 OK",
            r#"{"request_id":"TIDx","status":"OK","score":-1}"#,
            422,
        ),
        (
            "400 Bad Request",
            r#"{"status":"DETETION_FAILED","reason":"no face","request_id":"TIDx"}"#,
            422,
        ),
    ];
    for (status, body, expected) in cases {
        let (address, vendor) = answer_once(status, body);
        let gateway = in_front_of(address, "");
        let reply = ask(&gateway, &pictures::png_header(640, 480));
        assert_eq!(
            reply.status,
            expected,
            "{status} {body} became {}",
            reply.json()
        );
        assert_ne!(reply.json()["verdict"], "live");
        let told = String::from_utf8_lossy(&reply.body).to_lowercase();
        assert!(
            !told.contains("accuauth") && !told.contains("bad key"),
            "{told}"
        );
        vendor.join().expect("served");
    }
}

#[test]
fn a_vendor_that_is_away_or_silent_is_given_up_in_time() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let gateway = in_front_of(closed, "");
    assert_eq!(ask(&gateway, &pictures::png_header(640, 480)).status, 502);
    // Accepts (the kernel does) and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gateway = in_front_of(
        silent.local_addr().expect("an address"),
        "timeout = \"300ms\"",
    );
    assert_eq!(ask(&gateway, &pictures::png_header(640, 480)).status, 504);
    let (_, access, _) = gateway.stop();
    assert_eq!(
        (&access[0]["outcome"], &access[0]["units"]),
        (&json!("upstream-timeout"), &json!(0))
    );
}

/// A vendor that answers one request with fixed bytes and closes; returns what it was sent.
fn answer_once(status: &str, body: &str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let vendor = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        // The form ends with its closing boundary.
        while !request.ends_with(b"--\r\n") {
            let count = stream.read(&mut buffer).expect("a request");
            assert!(count > 0, "the request breaks off");
            request.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(answer.as_bytes()).expect("sent");
        String::from_utf8_lossy(&request).into_owned()
    });
    (address, vendor)
}

/// A file that a caller names by URL takes memory like a body: without room for it, nothing is fetched.
#[test]
fn a_fetched_file_counts_against_the_memory_of_bodies() {
    let host = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = host.local_addr().expect("an address");
    host.set_nonblocking(true).expect("asked without waiting");
    let tight = LOCAL.replace(
        "[admin]",
        "max_body = \"64KiB\"\nbody_memory = \"64KiB\"\n[admin]",
    );
    let config = format!("{tight}[media]\nallow_hosts = [\"{address}\"]\n");
    let gateway = Gateway::start(&config, &models::models());
    let body = json!({ "image_url": format!("http://{address}/x.jpg") }).to_string();
    let headers = [
        ("authorization", &*bearer()),
        ("content-type", "application/json"),
    ];
    let reply = gateway.post("/face/detect-live", &headers, body.as_bytes());
    assert!(reply.header("retry-after").is_some(), "{}", reply.json());
    assert!(host.accept().is_err(), "it was fetched all the same");
    gateway.metrics_with("livegate_inflight_body_bytes 0");
    let (_, access, _) = gateway.stop();
    assert_eq!(access[0]["outcome"], "overloaded");
}
