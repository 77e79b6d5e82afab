//! What only this vendor has: its quirks, one by one.

mod parameters;

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use serde_json::{Value, json};

use super::inbound::LinkfaceDialect;
use super::outbound::LinkfaceUpstream;
use super::{ENDPOINTS, ID, SCALE};
use crate::canonical::{
    AttackScore, BundleLiveness, Call, CallId, ImageLiveness, Liveness, Media, NativeScore, Op,
    Outcome, Problem, ProblemKind, Retry, Secret, Upload, Uploaded, Verdict,
};
use crate::vendors::{
    Credentials, DialectCx, DialectSettings, Inbound, Memo, Outbound, Presented, ScoreAs, Turn,
    UpstreamCx,
};

const CALL_ID: CallId = CallId::from_bytes([0; 16]);
const LIVENESS: &str = ENDPOINTS[0].path;
const SELFIE: &str = ENDPOINTS[1].path;
const FORM: &str = "application/x-www-form-urlencoded";

fn request(target: &str, content_type: &str, body: &str) -> Request<Bytes> {
    Request::post(target)
        .header("content-type", content_type)
        .body(Bytes::from(body.to_owned()))
        .expect("a request")
}

fn multipart(parts: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in parts {
        body += "--b\r\nContent-Disposition: form-data; name=\"";
        body +=
            &format!("{name}\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n{value}\r\n");
    }
    body + "--b--"
}

fn parse(request: Request<Bytes>) -> Result<Call, Problem> {
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let (head, body) = request.into_parts();
    let op = LinkfaceDialect.recognise(&head).expect("recognised");
    LinkfaceDialect.parse_request(&cx, op, Request::from_parts(head, body))
}

fn subject(parsed: Result<Call, Problem>) -> Option<Media> {
    let call = parsed.ok()?;
    call.media().first().map(|media| (*media).clone())
}

fn file(text: &'static str) -> Option<Media> {
    Some(Media::Bytes(Bytes::from_static(text.as_bytes())))
}

fn parts(path: &str, parts: &[(&str, &str)]) -> Result<Call, Problem> {
    let body = multipart(parts);
    parse(request(path, "multipart/form-data; boundary=b", &body))
}

fn bundle(bundle: Media) -> Call {
    Call::BundleLiveness(BundleLiveness {
        bundle,
        return_image: false,
        details: false,
    })
}

fn upload(for_op: Op) -> Call {
    Call::Upload(Upload {
        media: Media::Bytes(Bytes::from_static(b"a")),
        for_op,
    })
}

fn written(score_as: ScoreAs, call: &Call, outcome: Outcome) -> Response<Bytes> {
    let settings = DialectSettings {
        score_as,
        ..DialectSettings::default()
    };
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    LinkfaceDialect.render_response(&cx, call, &outcome)
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

fn with_upstream<T>(ask: impl FnOnce(&UpstreamCx<'_>) -> T) -> T {
    let secrets = [
        ("api_id", Secret::new("ours".to_owned())),
        ("api_secret", Secret::new("a+b&c".to_owned())),
    ];
    ask(&UpstreamCx::new(
        CALL_ID,
        "http://h",
        Some(SCALE),
        0,
        &secrets,
    ))
}

fn sent(call: &Call) -> Result<Request<Bytes>, Problem> {
    match with_upstream(|cx| LinkfaceUpstream.render_request(call, cx))? {
        Turn::Send { request, .. } => Ok(request),
        Turn::Done(_) => panic!("nothing was asked"),
    }
}

fn read(call: &Call, status: u16, body: &Value) -> Result<Outcome, Problem> {
    let response = Response::builder()
        .status(status)
        .body(Bytes::from(body.to_string()))
        .expect("a response");
    let turn =
        with_upstream(|cx| LinkfaceUpstream.parse_response(call, Memo::default(), response, cx));
    match turn? {
        Turn::Done(outcome) => Ok(outcome),
        Turn::Send { .. } => panic!("asked again"),
    }
}

fn read_liveness(body: &Value) -> Liveness {
    match read(&bundle(Media::Stored("a".into())), 200, body).expect("an answer") {
        Outcome::Liveness(liveness) => liveness,
        Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_) => panic!("no liveness"),
    }
}

fn pair(presented: Option<Presented>) -> Option<(String, String)> {
    match presented {
        Some(Presented::Pair { id, secret }) => Some((id, secret.expose().to_owned())),
        Some(Presented::Bearer(_)) | None => None,
    }
}

fn head(target: &str) -> Parts {
    request(target, FORM, "").into_parts().0
}

#[test]
fn l1_a_bundle_by_both_names() {
    let both = [("file", "alias"), ("liveness_data_file", "bundle")];
    assert_eq!(subject(parts(LIVENESS, &both)), file("bundle"));
    assert_eq!(
        subject(parts(LIVENESS, &[("file", "alias")])),
        file("alias")
    );
    let empty = [("liveness_data_file", ""), ("file", "alias")];
    assert_eq!(subject(parts(LIVENESS, &empty)), file("alias"));
    // A picture has one name only.
    let wrong = parts(SELFIE, &[("liveness_data_file", "a")]).expect_err("no picture");
    assert_eq!(wrong.kind, ProblemKind::MediaMissing);
    let problem = parts(LIVENESS, &[("api_id", "i")]).expect_err("no bundle");
    assert_eq!(
        problem.detail,
        "must specify 'liveness_data_file', 'liveness_data_url' or 'liveness_data_id' argument"
    );
}

#[test]
fn l1_l2_a_bundle_goes_out_as_the_table_says() {
    let request = sent(&bundle(Media::Bytes(Bytes::from_static(b"\x89PNG")))).unwrap();
    let body = String::from_utf8_lossy(request.body()).into_owned();
    assert!(body.contains("name=\"liveness_data_file\""), "{body}");
    assert!(
        body.contains("Content-Type: application/octet-stream"),
        "{body}"
    );
    assert!(!body.contains("image/"), "{body}");
}

#[test]
fn l3_a_score_in_both_forms() {
    for score in [json!(0.5), json!("0.5"), json!(" 0.5 ")] {
        let liveness = read_liveness(&json!({"status": "OK", "score": score}));
        assert_eq!(liveness.verdict, Verdict::Live, "{score}");
    }
    for score in [
        json!("xxxxxx"),
        json!("NaN"),
        json!(true),
        json!(1.5),
        json!(null),
    ] {
        let liveness = read_liveness(&json!({"status": "OK", "score": score}));
        assert_eq!(liveness.verdict, Verdict::Undecided, "{score}");
    }
    let live = || Outcome::Liveness(Liveness::new(Verdict::Live));
    let call = bundle(Media::Stored("a".into()));
    assert_eq!(
        body(&written(ScoreAs::Number, &call, live()))["score"],
        0.49
    );
    assert_eq!(
        body(&written(ScoreAs::String, &call, live()))["score"],
        "0.49000"
    );
}

#[test]
fn l4_hack_score_only_where_there_is_no_score() {
    let verdict = |body: Value| read_liveness(&body).verdict;
    assert_eq!(
        verdict(json!({"status": "OK", "hack_score": 0.1})),
        Verdict::Live
    );
    let both = json!({"status": "OK", "score": 0.99, "hack_score": 0.1});
    assert_eq!(verdict(both), Verdict::Spoof);
    let unread = json!({"status": "OK", "score": "xxxxxx", "hack_score": 0.1});
    assert_eq!(verdict(unread), Verdict::Undecided);
}

/// Two real clients reject from 0.98 up, one of them after rounding to two decimals of a percentage.
#[test]
fn l5_every_client_reaches_the_verdict() {
    assert_eq!(SCALE.read(0.98).map(|read| read.0), Some(Verdict::Live));
    let call = bundle(Media::Stored("a".into()));
    for step in 0..=10_000 {
        for verdict in [Verdict::Live, Verdict::Spoof] {
            let liveness = Liveness {
                score: AttackScore::on_side(verdict, f64::from(step) / 10_000.0),
                ..Liveness::new(verdict)
            };
            let answer = written(ScoreAs::Number, &call, Outcome::Liveness(liveness));
            let score = body(&answer)["score"].as_f64().expect("a number");
            let live = verdict == Verdict::Live;
            assert_eq!(score <= 0.98, live, "the page, {score}");
            assert_eq!(score < 0.98, live, "the one, {score}");
            assert_eq!(
                (score * 1e4).round() / 1e2 < 98.0,
                live,
                "the other, {score}"
            );
        }
    }
}

#[test]
fn l5_its_own_number_is_told_digit_for_digit() {
    let native = |vendor| Liveness {
        native: Some(NativeScore {
            vendor,
            text: "0.980".to_owned(),
        }),
        ..Liveness::new(Verdict::Live)
    };
    let call = bundle(Media::Stored("a".into()));
    let text = |liveness| {
        let answer = written(ScoreAs::Number, &call, Outcome::Liveness(liveness));
        String::from_utf8_lossy(answer.body()).into_owned()
    };
    assert!(text(native(ID)).contains(r#""score":0.980}"#));
    assert!(text(native("another")).contains(r#""score":0.49}"#));
}

#[test]
fn l6_file_before_url_before_id() {
    let all = [
        ("liveness_data_id", "id"),
        ("liveness_data_url", "http://h"),
        ("liveness_data_file", "bundle"),
    ];
    assert_eq!(subject(parts(LIVENESS, &all)), file("bundle"));
    let url = Some(Media::Url("http://h".to_owned()));
    assert_eq!(subject(parts(LIVENESS, &all[..2])), url);
    let id = Some(Media::Stored("id".to_owned()));
    assert_eq!(subject(parts(LIVENESS, &all[..1])), id);
}

#[test]
fn l7_a_bundle_is_never_looked_into() {
    for opaque in ["protobuf", "protobuff", "\u{0}", "GIF89a", "{}"] {
        assert_eq!(subject(parts(LIVENESS, &[("file", opaque)])), file(opaque));
        let call = bundle(Media::Bytes(Bytes::from_static(opaque.as_bytes())));
        assert!(sent(&call).is_ok());
    }
    assert!(
        LinkfaceDialect
            .capabilities()
            .support(Op::BundleLiveness)
            .is_some_and(|s| s.image.is_none())
    );
}

#[test]
fn l8_the_id_of_an_upload_by_both_names() {
    for name in ["liveness_data_id", "image_id"] {
        let read = read(
            &upload(Op::BundleLiveness),
            200,
            &json!({"status": "OK", name: "kept"}),
        );
        let kept = Outcome::Uploaded(Uploaded { id: "kept".into() });
        assert_eq!(read.unwrap(), kept, "{name}");
    }
    let answer = |for_op| {
        let kept = Outcome::Uploaded(Uploaded { id: "kept".into() });
        body(&written(ScoreAs::Number, &upload(for_op), kept))
    };
    let of_bundle = answer(Op::BundleLiveness);
    assert_eq!(of_bundle["liveness_data_id"], "kept");
    assert_eq!(of_bundle["image_id"], "kept");
    let of_image = answer(Op::ImageLiveness);
    assert_eq!(of_image.get("liveness_data_id"), None);
    assert_eq!(of_image["image_id"], "kept");
}

#[test]
fn l8_an_upload_without_an_id_has_failed() {
    for body in [
        json!({"status": "OK"}),
        json!({"status": "OK", "image_id": ""}),
        json!({"status": "OK", "image_id": 5}),
        json!({"status": "NEW_WORD", "image_id": "kept"}),
    ] {
        let problem = read(&upload(Op::ImageLiveness), 200, &body).expect_err("no id");
        assert_eq!(problem.kind, ProblemKind::UpstreamFailed, "{body}");
    }
}

#[test]
fn l9_an_id_comes_back_for_a_file_or_url_only() {
    let found = || {
        Outcome::Liveness(Liveness {
            stored: Some(Uploaded { id: "kept".into() }),
            ..Liveness::new(Verdict::Live)
        })
    };
    let media = [
        (Media::Bytes(Bytes::from_static(b"a")), true),
        (Media::Url("http://h".into()), true),
        (Media::Stored("kept".into()), false),
    ];
    for (media, told) in media {
        let of_bundle = body(&written(ScoreAs::Number, &bundle(media.clone()), found()));
        assert_eq!(
            of_bundle.get("liveness_data_id").is_some(),
            told,
            "{media:?}"
        );
        let selfie = Call::ImageLiveness(ImageLiveness {
            image: media,
            details: false,
        });
        let of_image = body(&written(ScoreAs::Number, &selfie, found()));
        assert_eq!(of_image.get("image_id").is_some(), told);
        assert_eq!(of_image.get("liveness_data_id"), None);
    }
    let unkept = Outcome::Liveness(Liveness::new(Verdict::Live));
    let call = bundle(Media::Url("http://h".into()));
    let answer = body(&written(ScoreAs::Number, &call, unkept));
    assert_eq!(answer.get("liveness_data_id"), None);
}

#[test]
fn l10_a_throttle_is_a_403_with_advice() {
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let problem =
        Problem::new(ProblemKind::RateLimited, "wait").retry(Retry::After(Duration::from_secs(3)));
    let response = LinkfaceDialect.render_problem(&cx, None, &problem);
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["retry-after"], "3");
    assert_eq!(body(&response)["status"], "RATE_LIMIT_EXCEEDED");
    for (word, retry) in [
        ("RATE_LIMIT_EXCEEDED", Retry::After(Duration::from_secs(1))),
        ("OUT_OF_QUOTA", Retry::Never),
    ] {
        let answer = json!({"status": word});
        let problem = read(&upload(Op::ImageLiveness), 403, &answer).expect_err(word);
        assert_eq!(
            (problem.kind, problem.retry),
            (ProblemKind::UpstreamAccount, retry)
        );
    }
}

#[test]
fn no_face_names_the_files_field() {
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let problem = Problem::new(ProblemKind::NoFace, "nobody");
    for (op, field) in [
        (Op::BundleLiveness, "liveness_data_file"),
        (Op::ImageLiveness, "file"),
    ] {
        let response = LinkfaceDialect.render_problem(&cx, Some(op), &problem);
        assert_eq!(body(&response)["image"], field);
    }
    let other = Problem::new(ProblemKind::MediaUnreadable, "damaged");
    let response = LinkfaceDialect.render_problem(&cx, Some(Op::ImageLiveness), &other);
    assert_eq!(body(&response).get("image"), None);
}

#[test]
fn media_that_is_only_kept_for_what_it_can_be_used_for() {
    for op in Op::ALL {
        let known = matches!(op, Op::BundleLiveness | Op::ImageLiveness);
        assert_eq!(sent(&upload(op)).is_ok(), known, "{op}");
    }
}
