//! What only this vendor has: its quirks, by the numbers of the module's list.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::inbound::AceDataDialect;
use super::outbound::AceDataUpstream;
use super::{ID, PATH};
use crate::canonical::{
    AttackScore, Call, CallId, ImageLiveness, Liveness, Media, NativeScore, Op, Outcome, Problem,
    ProblemKind, Secret, Verdict,
};
use crate::vendors::{
    DialectCx, DialectSettings, Inbound, Memo, Outbound, Presented, Turn, UpstreamCx,
};

const CALL_ID: CallId = CallId::from_bytes([7; 16]);

fn head(method: Method, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn with_cx<T>(accept: Option<&str>, work: impl FnOnce(&DialectCx<'_>) -> T) -> T {
    let settings = DialectSettings::default();
    let accept = accept.map(|accept| HeaderValue::from_str(accept).expect("a header"));
    work(&DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: accept.as_ref(),
    })
}

fn parse_as(content_type: &str, body: &str) -> Result<String, Problem> {
    let request = Request::post(PATH)
        .header("content-type", content_type)
        .body(Bytes::from(body.to_owned()))
        .expect("a request");
    let call = with_cx(None, |cx| {
        AceDataDialect.parse_request(cx, Op::ImageLiveness, request)
    })?;
    let Call::ImageLiveness(ImageLiveness {
        image: Media::Url(url),
        details: false,
    }) = call
    else {
        panic!("parsed as {call:?}");
    };
    Ok(url)
}

fn parse(body: &str) -> Result<String, Problem> {
    parse_as("application/json", body)
}

fn call() -> Call {
    Call::ImageLiveness(ImageLiveness {
        image: Media::Url("https://h/a.jpg".to_owned()),
        details: false,
    })
}

fn answer(liveness: Liveness) -> Response<Bytes> {
    with_cx(None, |cx| {
        AceDataDialect.render_response(cx, &call(), &Outcome::Liveness(liveness))
    })
}

fn refusal(kind: ProblemKind) -> (StatusCode, Value) {
    let response = with_cx(None, |cx| {
        AceDataDialect.render_problem(cx, None, &Problem::new(kind, "a detail"))
    });
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status(), body)
}

fn read(status: u16, body: &Value) -> Result<Liveness, Problem> {
    let response = Response::builder()
        .status(status)
        .body(Bytes::from(body.to_string()))
        .expect("a response");
    let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &[]);
    let turn = AceDataUpstream.parse_response(&call(), Memo::default(), response, &cx)?;
    let Turn::Done(Outcome::Liveness(liveness)) = turn else {
        panic!("{turn:?}");
    };
    Ok(liveness)
}

fn read_kind(status: u16, body: &Value) -> Option<ProblemKind> {
    read(status, body).err().map(|problem| problem.kind)
}

fn sent() -> Request<Bytes> {
    let secrets = [("token", Secret::new("ours".to_owned()))];
    let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &secrets);
    let turn = AceDataUpstream.render_request(&call(), &cx).unwrap();
    let Turn::Send { request, .. } = turn else {
        panic!("{turn:?}");
    };
    request
}

#[test]
fn c1_codes_are_read_and_not_statuses() {
    let (status, body) = refusal(ProblemKind::NotEntitled);
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "token_mismatched");
    for status in [400, 401, 500, 200] {
        let error = json!({"error": {"code": "token_mismatched"}});
        let kind = read_kind(status, &error);
        assert_eq!(kind, Some(ProblemKind::UpstreamAccount), "{status}");
    }
}

#[test]
fn c2_success_is_written_false_and_not_looked_at() {
    assert_eq!(refusal(ProblemKind::Internal).1["success"], false);
    for success in [json!(true), json!(false), json!(null)] {
        let live = read(200, &json!({"success": success, "score": 99})).unwrap();
        assert_eq!(live.verdict, Verdict::Live);
        let error = json!({"success": success, "score": 99, "error": {"code": "api_error"}});
        assert_eq!(read_kind(200, &error), Some(ProblemKind::UpstreamFailed));
    }
}

#[test]
fn c3_a_missing_token_is_an_invalid_one() {
    let (status, body) = refusal(ProblemKind::Unauthorized);
    assert_eq!(status, 401);
    assert_eq!(body["error"]["code"], "invalid_token");
    for (status, code) in [(401, "invalid_token"), (400, "no_token")] {
        let kind = read_kind(status, &json!({"error": {"code": code}}));
        assert_eq!(kind, Some(ProblemKind::UpstreamAccount), "{code}");
    }
}

#[test]
fn c4_a_bad_url_is_a_bad_request() {
    for body in [
        "",
        "{}",
        r#"{"image_url":null}"#,
        r#"{"image_url":""}"#,
        r#"{"image_url":7}"#,
        r#"{"image_url":["https://h/a.jpg"]}"#,
        r#"{"image_url":"a","image_url":"b"}"#,
        "[]",
        "image_url=a",
    ] {
        let problem = parse(body).expect_err(body);
        let (status, written) = refusal(problem.kind);
        assert_eq!(status, 400, "{body}");
        assert_eq!(written["error"]["code"], "bad_request", "{body}");
    }
    assert!(parse_as("application/x-www-form-urlencoded", "image_url=a").is_err());
    for code in ["bad_request", "anything"] {
        let kind = read_kind(400, &json!({"error": {"code": code}}));
        assert_eq!(kind, Some(ProblemKind::InvalidParameter), "{code}");
    }
}

#[test]
fn an_address_is_taken_as_it_stands() {
    for url in [
        "https://h/a.png?origin=https%3A%2F%2Fo)",
        "http://h",
        "no address",
    ] {
        let body = json!({ "image_url": url }).to_string();
        assert_eq!(parse(&body).unwrap(), url);
    }
    let escaped = r#"{"image_url":"https:\/\/h\/\u0061.jpg"}"#;
    assert_eq!(parse(escaped).unwrap(), "https://h/a.jpg");
}

#[test]
fn c5_the_version_is_a_string_or_a_number_and_is_three() {
    let parse_with = |version: &str| {
        parse(&format!(
            r#"{{"image_url":"u","face_model_version":{version}}}"#
        ))
    };
    for version in [r#""3.0""#, r#""3""#, "3", "3.0", "null"] {
        assert!(parse_with(version).is_ok(), "{version}");
    }
    for version in [
        r#""""#, r#""2.0""#, "2", "3.1", "123", "true", "[3]", "{}", r#"" 3""#,
    ] {
        let kind = parse_with(version).expect_err(version).kind;
        assert_eq!(kind, ProblemKind::InvalidParameter, "{version}");
    }
    let body: Value = serde_json::from_slice(sent().body()).unwrap();
    assert_eq!(body["face_model_version"], "3.0");
}

#[test]
fn c6_an_answer_is_a_score_and_nothing_else() {
    let response = answer(Liveness::new(Verdict::Live));
    assert_eq!(
        response.body(),
        r#"{"score":70,"face_model_version":"3.0"}"#
    );
}

#[test]
fn c7_lines_are_written_to_whoever_asks_for_them() {
    for (accept, media_type) in [
        (None, "application/json"),
        (Some("*/*"), "application/json"),
        (Some("application/json"), "application/json"),
        (Some("application/x-ndjson"), "application/x-ndjson"),
        (
            Some("text/plain, Application/X-NDJSON;q=0.9"),
            "application/x-ndjson",
        ),
    ] {
        with_cx(accept, |cx| {
            let outcome = Outcome::Liveness(Liveness::new(Verdict::Spoof));
            let problem = Problem::new(ProblemKind::Internal, "");
            for response in [
                AceDataDialect.render_response(cx, &call(), &outcome),
                AceDataDialect.render_problem(cx, None, &problem),
            ] {
                assert_eq!(response.headers()["content-type"], media_type);
                let lines = response.body().iter().filter(|byte| **byte == b'\n');
                let expected = usize::from(media_type.ends_with("ndjson"));
                assert_eq!(lines.count(), expected);
                assert_eq!(response.body().ends_with(b"\n"), expected == 1);
            }
        });
    }
    assert_eq!(sent().headers()["accept"], "application/json");
}

#[test]
fn c8_synthesised_scores_are_whole_and_keep_away_from_the_threshold() {
    for step in 0..=10_000 {
        for verdict in [Verdict::Live, Verdict::Spoof] {
            let liveness = Liveness {
                score: AttackScore::on_side(verdict, f64::from(step) / 10_000.0),
                ..Liveness::new(verdict)
            };
            let body: Value = serde_json::from_slice(answer(liveness).body()).unwrap();
            let score = body["score"].as_u64().expect("a whole number");
            match verdict {
                Verdict::Live => assert!((41..=100).contains(&score), "{score}"),
                Verdict::Spoof | Verdict::Undecided => assert!(score <= 39, "{score}"),
            }
        }
    }
}

#[test]
fn c8_any_number_is_read_and_its_own_is_told_digit_for_digit() {
    for (written, text) in [
        (json!(0), "0"),
        (json!(39.99), "39.99"),
        (json!("6"), "6"),
        (json!(40), "40"),
    ] {
        let read = read(200, &json!({"score": written})).unwrap();
        assert_eq!(read.verdict, Verdict::Spoof, "{written}");
        let body = answer(read).into_body();
        let told = format!(r#"{{"score":{text},"face_model_version":"3.0"}}"#);
        assert_eq!(body, told);
    }
    // The upstream's own threshold made another verdict of it.
    let strict = Liveness {
        native: Some(NativeScore {
            vendor: ID,
            text: "60".to_owned(),
        }),
        ..Liveness::new(Verdict::Spoof)
    };
    assert_eq!(
        answer(strict).body(),
        r#"{"score":20,"face_model_version":"3.0"}"#
    );
}

#[test]
fn c9_a_used_up_quota_is_a_403() {
    let (status, body) = refusal(ProblemKind::QuotaExhausted);
    assert_eq!(status, 403);
    assert_eq!(body["error"]["code"], "used_up");
    let kind = read_kind(403, &json!({"error": {"code": "used_up"}}));
    assert_eq!(kind, Some(ProblemKind::UpstreamAccount));
}

#[test]
fn only_errors_carry_an_id_and_it_is_a_uuid() {
    let (_, body) = refusal(ProblemKind::NoFace);
    assert_eq!(body["trace_id"], CALL_ID.uuid());
    let answer = answer(Liveness::new(Verdict::Live));
    assert!(!answer.body().windows(4).any(|window| window == b"0707"));
}

#[test]
fn a_token_is_presented_once() {
    let token = |headers: &[(&str, &str)]| match AceDataDialect.credential(&head(
        Method::POST,
        PATH,
        headers,
    ))? {
        Presented::Bearer(token) => Some(token.expose().to_owned()),
        Presented::Pair { .. } => None,
    };
    for value in ["Bearer a.b", "bearer a.b", "BEARER  a.b "] {
        let found = token(&[("authorization", value)]);
        assert_eq!(found.as_deref(), Some("a.b"), "{value}");
    }
    for headers in [
        &[][..],
        &[("authorization", "a.b")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic a.b")],
        &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
    ] {
        assert_eq!(token(headers), None, "{headers:?}");
    }
}

#[test]
fn the_vendors_other_endpoints_are_not_found_in_its_words() {
    let authorized = [("authorization", "Bearer a")];
    for (method, path, headers, claimed) in [
        (Method::GET, PATH, &[][..], true),
        (Method::POST, "/face/swap", &authorized, true),
        (Method::POST, "/face/swap", &[], false),
        (Method::POST, "/v1/liveness", &authorized, false),
    ] {
        let head = head(method, path, headers);
        assert_eq!(AceDataDialect.recognise(&head), None);
        assert_eq!(AceDataDialect.claims(&head), claimed, "{path}");
    }
}

#[test]
fn a_client_credential_does_not_travel_on() {
    let secrets = [("token", Secret::new("ours".to_owned()))];
    let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &secrets);
    let mut head = head(Method::POST, PATH, &[("authorization", "Bearer theirs")]);
    AceDataUpstream.authorise(&mut head, &cx).unwrap();
    let values: Vec<_> = head.headers.get_all("authorization").iter().collect();
    assert_eq!(values, ["Bearer ours"]);
    assert!(!format!("{head:?}").contains("ours"));
}

#[test]
fn a_credential_that_no_header_can_carry_is_our_fault() {
    let secrets = [("token", Secret::new("a\r\nx-evil: 1".to_owned()))];
    let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &secrets);
    let problem = AceDataUpstream
        .render_request(&call(), &cx)
        .expect_err("refused");
    assert_eq!(problem.kind, ProblemKind::Internal);
}
