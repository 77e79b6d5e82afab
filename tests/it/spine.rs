//! The main job: a picture in a vendor's dialect, judged by the networks on this machine, answered in the dialect.

use std::fs;

use base64_turbo::STANDARD;
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, SECRET};
use crate::support::{http, models, pictures};

/// One tenant, one key, everything to the local engine.
pub const LOCAL: &str = r#"
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite://{dir}/livegate.db"
master_key = { file = "{dir}/master.key" }
[engine]
models = "{models}"
[upstreams.local]
vendor = "local"
[plans.free]
quota = "unlimited"
[tenants.acme]
plan = "free"
keys = [{ id = "acme-1", secret = { file = "{dir}/secret" } }]
[[routes]]
to = [{ upstream = "local" }]
"#;

pub const ACCUAUTH: [(&str, &str); 2] = [("X-DF-API-ID", "acme-1"), ("X-DF-API-SECRET", SECRET)];

pub fn bearer() -> String {
    format!("Bearer acme-1.{SECRET}")
}

#[test]
fn a_portrait_is_live_and_its_recapture_is_not() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let recapture = pictures::recapture();
    let extra = [("return_extra", "1")];

    let live = gateway.post_form_with("/face/anti_hack", &ACCUAUTH, "file", &portrait, &extra);
    assert_eq!(live.status, 200, "{}", live.json());
    assert_eq!(live.json()["status"], "OK");
    assert!(
        live.json()["score"].as_f64().expect("a number") < 0.9795,
        "{}",
        live.json()
    );
    assert_eq!(live.json()["extra"]["is_live"], true);
    assert_eq!(live.json()["extra"]["has_no_face"], false);
    assert_eq!(live.json()["extra"]["face_count"], 1);
    let id = live.header("x-livegate-id").expect("an id").to_owned();
    assert_eq!(live.json()["request_id"], format!("TID{id}"));

    let spoof = gateway.post_form_with("/face/anti_hack", &ACCUAUTH, "file", &recapture, &extra);
    assert_eq!(spoof.status, 200, "{}", spoof.json());
    assert!(
        spoof.json()["score"].as_f64().expect("a number") > 0.9805,
        "{}",
        spoof.json()
    );
    assert_eq!(spoof.json()["extra"]["is_live"], false);

    let authorization = [("authorization", &*bearer())];
    let live = gateway.post_form("/v1/liveness", &authorization, "image", &portrait);
    assert_eq!(
        (live.status, &live.json()["verdict"]),
        (200, &json!("live"))
    );
    let spoof = gateway.post_form("/v1/liveness", &authorization, "image", &recapture);
    assert_eq!(
        (spoof.status, &spoof.json()["verdict"]),
        (200, &json!("spoof"))
    );

    let (status, access, _) = gateway.stop();
    assert!(status.success());
    let outcomes: Vec<&Value> = access.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["live", "spoof", "live", "spoof"]);
    for line in &access {
        assert_eq!(
            (&line["tenant"], &line["key"], &line["upstream"]),
            (&json!("acme"), &json!("acme-1"), &json!("local"))
        );
        assert_eq!(line["units"], 1);
    }
    assert_eq!(access[0]["id"], id);
}

/// The encodings that clients of this dialect send, and both spellings of its headers.
#[test]
fn every_encoding_and_both_header_spellings_reach_the_same_answer() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let mut text = String::new();
    STANDARD.encode_string(&portrait, &mut text);
    let escaped = text
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let underscored = [("X_DF_API_ID", "acme-1"), ("X_DF_API_SECRET", SECRET)];
    let post = |headers: &[(&str, &str)], content_type: &str, body: &[u8]| {
        let mut all = headers.to_vec();
        all.push(("content-type", content_type));
        gateway.post("/face/anti_hack", &all, body)
    };
    let (multipart, form) = http::form("image_base64", text.as_bytes(), &[]);
    let form_encoded = "application/x-www-form-urlencoded";
    let replies = [
        gateway.post_form("/face/anti_hack", &underscored, "file", &portrait),
        post(&ACCUAUTH, &multipart, &form),
        post(
            &ACCUAUTH,
            form_encoded,
            format!("image_base64={escaped}").as_bytes(),
        ),
        post(
            &ACCUAUTH,
            form_encoded,
            format!("image_base64={}", text.replace('+', " ")).as_bytes(),
        ),
        post(
            &underscored,
            "application/json",
            json!({ "image_base64": text }).to_string().as_bytes(),
        ),
    ];
    for reply in &replies {
        assert_eq!(
            (reply.status, &reply.json()["score"]),
            (200, &replies[0].json()["score"]),
            "{}",
            reply.json()
        );
        assert!(reply.json().get("extra").is_none());
    }
}

/// With a length, in chunks, and after being asked for: three requests on one connection.
#[test]
fn bodies_may_come_in_every_way_http_allows() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let (content_type, form) = http::form("file", &portrait, &[]);
    let mut connection = http::Connection::open(gateway.public);
    let head = |framing: &str| {
        format!(
            "POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: acme-1\r\nx-df-api-secret: {SECRET}\r\n\
             content-type: {content_type}\r\n{framing}\r\n\r\n"
        )
    };
    connection.send(head(&format!("content-length: {}", form.len())).as_bytes());
    connection.send(&form);
    assert_eq!(connection.receive().expect("an answer").status, 200);
    connection.send(head("transfer-encoding: chunked").as_bytes());
    for chunk in form.chunks(10_000) {
        connection.send(format!("{:x}\r\n", chunk.len()).as_bytes());
        connection.send(chunk);
        connection.send(b"\r\n");
    }
    connection.send(b"0\r\n\r\n");
    assert_eq!(connection.receive().expect("an answer").status, 200);
    let patient = format!("expect: 100-continue\r\ncontent-length: {}", form.len());
    connection.send(head(&patient).as_bytes());
    assert!(connection.is_told_to_continue());
    connection.send(&form);
    assert_eq!(connection.receive().expect("an answer").status, 200);
}

#[test]
fn the_operators_listener_tells_how_things_are() {
    let gateway = Gateway::start(LOCAL, &models::models());
    assert_eq!(gateway.admin_get("/healthz").status, 200);
    let ready = gateway.admin_get("/readyz");
    assert_eq!(
        (ready.status, ready.json()["ready"].as_bool()),
        (200, Some(true)),
        "{}",
        ready.json()
    );
    gateway.post("/face/anti_hack", &ACCUAUTH, b"");
    let counted = r#"livegate_requests_total{dialect="accuauth",op="image-liveness",outcome="media-missing",tenant="acme""#;
    let metrics = gateway.metrics_with(counted);
    for name in [
        "livegate_request_seconds",
        "livegate_inflight_body_bytes",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(name), "{name} is missing from\n{metrics}");
    }
}

#[test]
fn without_weights_it_serves_and_says_what_is_missing() {
    let empty = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(LOCAL, empty.path());
    let ready = gateway.admin_get("/readyz");
    assert_eq!(ready.status, 503);
    let reason = ready.json()["checks"]["engine"]
        .as_str()
        .expect("a reason")
        .to_owned();
    assert!(reason.contains("livegate models fetch"), "{reason}");
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let reply = gateway.post_form("/face/anti_hack", &ACCUAUTH, "file", &portrait);
    assert_eq!(
        (reply.status, &reply.json()["status"]),
        (500, &json!("INTERNAL_ERROR"))
    );
}
