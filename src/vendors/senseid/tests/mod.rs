//! What only this vendor has. Here is what its tests share.

mod media;
mod quirks;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::inbound::SenseIdDialect;
use super::outbound::SenseIdUpstream;
use super::{CODED_ERRORS, ID, IV, KEY, VENDOR};
use crate::canonical::{
    AttackScore, Call, CallId, FaceDetails, FaceMatch, FaceQuality, Liveness, Match, Media,
    NativeScore, Op, Outcome, Problem, ProblemKind, Quality, Secret, Selection, Verdict,
    VideoLiveness, VideoMatch,
};
use crate::vendors::{
    DialectCx, DialectSettings, Inbound, Memo, Outbound, OwnSettings, Presented, SettingKind, Turn,
    UpstreamCx,
};

const CALL_ID: CallId = CallId::from_bytes([0; 16]);
const FORM: &str = "application/x-www-form-urlencoded";
const MATCH: &str = "/identity/silent_image_verification/stateless";
const LIVENESS: &str = "/liveness/silent_detection/stateless";
/// "hello" under the published pair.
const HELLO: &str = "7EWZ/NONkYfOjH/m+K3KKsDO4CZ/";

fn published(name: &str) -> Secret {
    let setting = VENDOR.settings.iter().find(|setting| setting.name == name);
    match setting.map(|setting| setting.kind) {
        Some(SettingKind::Secret {
            published: Some(text),
            ..
        }) => Secret::new(text.to_owned()),
        other => panic!("{other:?}"),
    }
}

fn settings(coded_errors: i64) -> DialectSettings {
    let mut own = OwnSettings::default();
    for name in [KEY, IV] {
        own.secrets.insert(name, published(name));
    }
    own.numbers.insert(CODED_ERRORS, coded_errors);
    let mut settings = DialectSettings::default();
    settings.own.insert(ID, own);
    settings
}

fn head(path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn parse(op: Op, content_type: &str, body: &str) -> Result<Call, Problem> {
    let request = Request::post("/")
        .header("content-type", content_type)
        .header("content-length", body.len())
        .body(Bytes::from(body.to_owned()))
        .expect("a request");
    let settings = settings(400);
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    SenseIdDialect.parse_request(&cx, op, request)
}

fn hello() -> Media {
    Media::Bytes(Bytes::from_static(b"hello"))
}

fn video(wants: bool) -> VideoLiveness {
    VideoLiveness {
        video: hello(),
        return_frame: wants,
        return_face: wants,
        return_status: wants,
    }
}

fn video_match(wants: bool) -> Call {
    Call::VideoMatch(VideoMatch {
        live: video(wants),
        reference: hello(),
        auto_rotate: false,
        check_quality: false,
    })
}

fn answer(call: &Call, outcome: Outcome) -> (StatusCode, Value) {
    let settings = settings(400);
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let response = SenseIdDialect.render_response(&cx, call, &outcome);
    let body = serde_json::from_slice(response.body()).expect("JSON");
    (response.status(), body)
}

fn told(coded_errors: i64, op: Op, kind: ProblemKind) -> (u16, u64, String) {
    let settings = settings(coded_errors);
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let response = SenseIdDialect.render_problem(&cx, Some(op), &Problem::new(kind, "a detail"));
    let body: Value = serde_json::from_slice(response.body()).expect("JSON");
    (
        response.status().as_u16(),
        body["code"].as_u64().expect("a number"),
        body["message"].as_str().expect("text").to_owned(),
    )
}

fn asked(call: &Call) -> Request<Bytes> {
    let secrets = [(KEY, published(KEY)), (IV, published(IV))];
    let cx = UpstreamCx::new(CALL_ID, "http://h:3000", None, 0, &secrets);
    match SenseIdUpstream.render_request(call, &cx).expect("rendered") {
        Turn::Send { request, .. } => request,
        Turn::Done(_) => panic!("finished without asking"),
    }
}

fn read(call: &Call, status: u16, body: &str) -> Result<Outcome, Problem> {
    let secrets = [];
    let cx = UpstreamCx::new(CALL_ID, "http://h:3000", None, 0, &secrets);
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    match SenseIdUpstream.parse_response(call, Memo::default(), response, &cx)? {
        Turn::Done(outcome) => Ok(outcome),
        Turn::Send { .. } => panic!("asked again"),
    }
}

fn read_liveness(call: &Call, body: Value) -> Liveness {
    match read(call, 200, &body.to_string()).expect("an answer") {
        Outcome::Liveness(liveness) => liveness,
        other @ (Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_)) => {
            panic!("{other:?}")
        }
    }
}

fn live() -> Liveness {
    Liveness {
        matched: Some(Match {
            similarity: 0.875,
            native: None,
        }),
        selection: Some(Selection {
            at_seconds: 1.5,
            frame: Some(Bytes::from_static(b"frame")),
            face: Some(Bytes::from_static(b"face")),
        }),
        ..Liveness::new(Verdict::Live)
    }
}
