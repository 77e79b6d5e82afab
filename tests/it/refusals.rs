//! Bad input, over real sockets: a clear error in the caller's dialect, nothing lost, the process alive.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::spine::{ACCUAUTH, LOCAL, bearer};
use crate::support::gateway::{Gateway, SECRET};
use crate::support::http::{self, Connection, Reply};
use crate::support::{models, pictures};

fn problem(reply: &Reply) -> (u16, Value) {
    let document = reply.json();
    assert!(document["reason"].is_string(), "{document}");
    assert!(
        document["request_id"]
            .as_str()
            .is_some_and(|id| id.len() == 35 && id.starts_with("TID")),
        "{document}"
    );
    (reply.status, document["status"].clone())
}

#[test]
fn whoever_does_not_prove_who_they_are_is_told_so_alike() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let cases: [&[(&str, &str)]; 5] = [
        &[],
        &[("x-df-api-id", "acme-1")],
        &[("x-df-api-id", "acme-1"), ("x-df-api-secret", "wrong")],
        &[("x-df-api-id", "nobody"), ("x-df-api-secret", SECRET)],
        &[("x-df-api-id", ""), ("x-df-api-secret", "")],
    ];
    let mut reasons = Vec::new();
    for headers in cases {
        let reply = gateway.post_form("/face/anti_hack", headers, "file", b"x");
        assert_eq!(problem(&reply), (401, json!("UNAUTHORIZED")));
        reasons.push(reply.json()["reason"].clone());
    }
    assert!(
        reasons.iter().all(|reason| *reason == reasons[0]),
        "{reasons:?}"
    );
    let native = gateway.post_form(
        "/v1/liveness",
        &[("authorization", "Bearer acme-1.wrong")],
        "image",
        b"x",
    );
    assert_eq!(native.status, 401);
    assert_eq!(
        native.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(native.header("www-authenticate"), Some("Bearer"));
    // Authentication comes before the body: a large one is not waited for.
    let mut connection = Connection::open(gateway.public);
    connection.send(b"POST /face/anti_hack HTTP/1.1\r\nhost: g\r\ncontent-length: 5000000\r\n\r\n");
    assert_eq!(
        connection
            .receive()
            .expect("an answer before the body")
            .status,
        401
    );
}

#[test]
fn what_is_not_there_is_not_found_in_the_dialects_shape() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let send = |method: &str, target: &str, headers: &[(&str, &str)]| {
        http::exchange(gateway.public, &http::request(method, target, headers, b""))
    };
    assert_eq!(
        problem(&send("GET", "/face/anti_hack", &ACCUAUTH)),
        (404, json!("NOT_FOUND"))
    );
    assert_eq!(
        problem(&send("POST", "/face/anti_hacks", &ACCUAUTH)),
        (404, json!("NOT_FOUND"))
    );
    for (method, target) in [
        ("GET", "/v1/liveness"),
        ("POST", "/v1/nothing"),
        ("GET", "/"),
        ("POST", "/elsewhere"),
    ] {
        let reply = send(method, target, &[]);
        assert_eq!(
            (reply.status, &reply.json()["status"]),
            (404, &json!(404)),
            "{method} {target}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
    }
    let openapi = send("GET", "/v1/openapi.json", &[]);
    assert_eq!(
        (
            openapi.status,
            openapi.json()["openapi"]
                .as_str()
                .map(|v| v.starts_with("3."))
        ),
        (200, Some(true))
    );
}

#[test]
fn pictures_that_are_none_are_refused_before_they_are_decoded() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let post =
        |file: &[u8]| problem(&gateway.post_form("/face/anti_hack", &ACCUAUTH, "file", file));
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let invalid = (400, json!("INVALID_ARGUMENT"));
    assert_eq!(post(b""), invalid);
    assert_eq!(post(b"not a picture"), invalid);
    assert_eq!(post(&portrait[..portrait.len() / 2]), invalid);
    assert_eq!(post(&vec![0xff; 5 * 1024 * 1024 + 1]), invalid);
    let started = Instant::now();
    assert_eq!(post(&pictures::png_header(50_000, 50_000)), invalid);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "a header was enough"
    );
    assert_eq!(post(&pictures::png_header(127, 127)), invalid);
    let faceless = pictures::without_a_face();
    assert_eq!(post(&faceless), (400, json!("DETETION_FAILED")));
}

#[test]
fn parameters_that_contradict_are_refused() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let post = |content_type: &str, body: &[u8]| {
        let headers = [ACCUAUTH[0], ACCUAUTH[1], ("content-type", content_type)];
        let reply = gateway.post("/face/anti_hack", &headers, body);
        (
            problem(&reply),
            reply.json()["reason"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let invalid = (400, json!("INVALID_ARGUMENT"));
    let missing = "must specify 'file' or 'image_base64' argument";
    assert_eq!(
        post("application/json", b"{}"),
        (invalid.clone(), missing.to_owned())
    );
    assert_eq!(
        post("application/x-www-form-urlencoded", b"a=b"),
        (invalid.clone(), missing.to_owned())
    );
    let bodies: [(&str, &[u8]); 6] = [
        ("application/json", b"{\"image_base64\":\"!!!!\"}"),
        (
            "application/json",
            b"{\"image_base64\":\"AA==\",\"image_base64\":\"AA==\"}",
        ),
        ("application/json", b"{\"image_base64\":\"AA=="),
        ("application/json", b"{\"image_base64\":\"\xff\"}"),
        (
            "application/x-www-form-urlencoded",
            b"image_base64=AA%3D%3D&image_base64=AA%3D%3D",
        ),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nbroken",
        ),
    ];
    for (content_type, body) in bodies {
        let (problem, reason) = post(content_type, body);
        assert_eq!(problem, invalid, "{reason}");
    }
}

/// Bodies that are longer or shorter than their head says, and clients that go away.
#[test]
fn broken_bodies_cost_nothing_but_themselves() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let head = |framing: &str| {
        format!(
            "POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: acme-1\r\nx-df-api-secret: {SECRET}\r\n{framing}\r\n\r\n"
        )
    };
    let broken: [(&str, &[u8]); 3] = [
        ("content-length: 100", b"less"),
        ("transfer-encoding: chunked", b"zz\r\nnonsense"),
        ("transfer-encoding: chunked", b"ffffffffffffffffff\r\n"),
    ];
    for (framing, body) in broken {
        let mut connection = Connection::open(gateway.public);
        connection.send(head(framing).as_bytes());
        connection.send(body);
        connection.end_sending();
        let reply = connection.receive().expect("an answer");
        assert_eq!(
            problem(&reply),
            (400, json!("INVALID_ARGUMENT")),
            "{framing}"
        );
    }
    let mut connection = Connection::open(gateway.public);
    connection.send(head("content-length: 1000000").as_bytes());
    connection.send(&[0; 1000]);
    drop(connection);
    let mut connection = Connection::open(gateway.public);
    connection.send(head("content-type: application/json\r\ncontent-length: 2").as_bytes());
    connection.send(b"{}POST / nonsense");
    assert_eq!(connection.receive().expect("an answer").status, 400);
    let too_large = gateway.post("/face/anti_hack", &ACCUAUTH, &vec![0; 16 * 1024 * 1024 + 1]);
    assert_eq!(problem(&too_large), (413, json!("INVALID_ARGUMENT")));
    assert_eq!(gateway.admin_get("/healthz").status, 200);
    gateway.metrics_with("livegate_inflight_body_bytes 0");
}

#[test]
fn ambiguous_requests_are_refused_first() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let requests: [&[u8]; 4] = [
        b"POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /face/anti_hack HTTP/1.1\r\nx-df-api-id: a\r\ncontent-length: 0\r\n\r\n",
        b"POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: a\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n",
        b"POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: a\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n",
    ];
    for request in requests {
        assert_eq!(
            http::exchange(gateway.public, request).status,
            400,
            "{}",
            String::from_utf8_lossy(request)
        );
    }
}

/// One byte at a time, a head or a body gets no more time than the configuration gives the whole.
#[test]
fn slow_senders_are_cut_off_at_the_total_deadline() {
    let config = LOCAL.replace(
        "[admin]",
        "header_timeout = \"300ms\"\nbody_timeout = \"300ms\"\n[admin]",
    );
    let gateway = Gateway::start(&config, &models::models());
    let mut head = Connection::open(gateway.public);
    head.send(b"POST /face/anti_hack HTTP/1.1\r\nhost: g\r\n");
    assert!(head.receive().is_none(), "the head never ended");
    let mut body = Connection::open(gateway.public);
    body.send(
        format!(
            "POST /face/anti_hack HTTP/1.1\r\nhost: g\r\nx-df-api-id: acme-1\r\nx-df-api-secret: {SECRET}\r\n\
             content-length: 100\r\n\r\nx"
        )
        .as_bytes(),
    );
    assert_eq!(
        problem(&body.receive().expect("an answer")),
        (408, json!("INVALID_ARGUMENT"))
    );
}

#[test]
fn quota_rate_and_entitlement_refuse_natively() {
    let config = LOCAL
        .replace("[plans.free]\nquota = \"unlimited\"", "[plans.free]\nquota = { day = 2 }\n[plans.slow]\nquota = \"unlimited\"\nrate = \"1/h\"")
        .replace(
            "[[routes]]",
            r#"[tenants.slow]
plan = "slow"
keys = [{ id = "slow-1", secret = { file = "{dir}/secret" } },
        { id = "old", secret = { file = "{dir}/secret" }, expires_at = "2020-01-01T00:00:00Z" },
        { id = "other", secret = { file = "{dir}/secret" }, dialects = ["native"] }]
[[routes]]"#,
        );
    let gateway = Gateway::start(&config, &models::models());
    let portrait = fs::read(pictures::portrait_file()).expect("the portrait");
    let post = |id: &str, file: &[u8]| {
        gateway.post_form(
            "/face/anti_hack",
            &[("x-df-api-id", id), ("x-df-api-secret", SECRET)],
            "file",
            file,
        )
    };
    // A refused picture is not charged, so two verdicts fit.
    assert_eq!(post("acme-1", b"no picture").status, 400);
    assert_eq!(post("acme-1", &portrait).status, 200);
    assert_eq!(post("acme-1", &portrait).status, 200);
    let used_up = post("acme-1", &portrait);
    assert_eq!(problem(&used_up), (403, json!("OUT_OF_QUOTA")));
    assert!(used_up.header("retry-after").is_some());
    let native = gateway.post_form(
        "/v1/liveness",
        &[("authorization", &bearer())],
        "image",
        &portrait,
    );
    assert_eq!(
        (native.status, &native.json()["type"]),
        (429, &json!("urn:livegate:problem:quota-exhausted"))
    );

    assert_eq!(post("slow-1", &portrait).status, 200);
    let limited = post("slow-1", &portrait);
    assert_eq!(problem(&limited), (403, json!("RATE_LIMIT_EXCEEDED")));
    let wait: u64 = limited
        .header("retry-after")
        .and_then(|value| value.parse().ok())
        .expect("seconds");
    assert!((3000..=3600).contains(&wait), "{wait}");
    assert_eq!(
        problem(&post("old", &portrait)),
        (401, json!("KEY_EXPIRED"))
    );
    assert_eq!(
        problem(&post("other", &portrait)),
        (403, json!("NO_PERMISSION"))
    );
}

/// A canary through every door and every refusal: it appears nowhere.
#[test]
fn secrets_and_queries_reach_no_log() {
    let gateway = Gateway::start(LOCAL, &models::models());
    let canary = "canary-7f3a";
    let authorization = format!("Bearer {canary}.{canary}");
    let doors: [&[(&str, &str)]; 3] = [
        &[("x-df-api-id", canary), ("x-df-api-secret", canary)],
        &[("authorization", &authorization)],
        &[],
    ];
    for headers in doors {
        for target in [
            "/face/anti_hack",
            "/v1/liveness",
            "/nowhere",
            "/face/nowhere",
        ] {
            let target = format!("{target}?api_id={canary}&api_secret={canary}");
            gateway.post_form(&target, headers, canary, canary.as_bytes());
        }
    }
    // What pingora itself refuses, it may want to log.
    let mut connection = Connection::open(gateway.public);
    connection.send(format!("POST /{canary} HTTP/1.1\r\nbad header {canary}\r\n\r\n").as_bytes());
    connection.receive();
    let metrics = gateway.admin_get("/metrics").body;
    assert!(!String::from_utf8_lossy(&metrics).contains(canary));
    let (_, access, diagnostics) = gateway.stop();
    assert_eq!(access.len(), 12);
    for line in access {
        assert!(!line.to_string().contains(canary), "{line}");
    }
    assert!(!diagnostics.contains(canary), "{diagnostics}");
}
