//! What only this vendor has: its quirks, one by one.

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use serde_json::Value;

use super::inbound::AccuAuthDialect;
use super::{BUNDLE_PATH, ID, PATH};
use crate::canonical::{
    AttackScore, Call, CallId, ImageLiveness, Liveness, Media, NativeScore, Op, Outcome, Problem,
    ProblemKind, Verdict,
};
use crate::vendors::{DialectCx, DialectSettings, Inbound, Presented, ScoreAs};

const CALL_ID: CallId = CallId::from_bytes([0; 16]);

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post(PATH);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn parse(content_type: &str, body: &str) -> Result<ImageLiveness, Problem> {
    let request = Request::post(PATH)
        .header("content-type", content_type)
        .body(Bytes::from(body.to_owned()))
        .expect("a request");
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let call = AccuAuthDialect.parse_request(&cx, Op::ImageLiveness, request)?;
    let Call::ImageLiveness(call) = call else {
        panic!("parsed as {}", call.op());
    };
    Ok(call)
}

fn parts(parts: &[(&str, &str)]) -> Result<ImageLiveness, Problem> {
    let mut body = String::new();
    for (name, value) in parts {
        body += "--b\r\nContent-Disposition: form-data; name=\"";
        body += &format!("{name}\"\r\n\r\n{value}\r\n");
    }
    parse("multipart/form-data; boundary=b", &(body + "--b--"))
}

fn answer(score_as: ScoreAs, liveness: Liveness) -> Response<Bytes> {
    let settings = DialectSettings {
        score_as,
        ..DialectSettings::default()
    };
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let call = Call::ImageLiveness(ImageLiveness {
        image: Media::Bytes(Bytes::new()),
        details: true,
    });
    AccuAuthDialect.render_response(&cx, &call, &Outcome::Liveness(liveness))
}

#[test]
fn credentials_in_both_spellings_and_no_contradiction() {
    let pair = |headers: &[(&str, &str)]| match AccuAuthDialect.credential(&head(headers)) {
        Some(Presented::Pair { id, secret }) => Some((id, secret.expose().to_owned())),
        Some(Presented::Bearer(_)) | None => None,
    };
    let found = Some(("i".to_owned(), "s".to_owned()));
    assert_eq!(
        pair(&[("X-DF-API-ID", "i"), ("x-df-api-secret", "s")]),
        found
    );
    assert_eq!(
        pair(&[("X_DF_API_ID", "i"), ("X-DF-API-SECRET", "s")]),
        found
    );
    assert_eq!(
        pair(&[
            ("X_DF_API_ID", "i"),
            ("X-DF-API-ID", "i"),
            ("X-DF-API-SECRET", "s")
        ]),
        found
    );
    for headers in [
        &[("X-DF-API-ID", "i")][..],
        &[("X-DF-API-ID", ""), ("X-DF-API-SECRET", "s")],
        &[
            ("X-DF-API-ID", "i"),
            ("X_DF_API_ID", "j"),
            ("X-DF-API-SECRET", "s"),
        ],
        &[
            ("X-DF-API-ID", "i"),
            ("X-DF-API-SECRET", "s"),
            ("X-DF-API-SECRET", "t"),
        ],
        &[("X-DF-API-ID", "i"), ("X-DF-API-SECRET", "é")],
    ] {
        assert_eq!(pair(headers), None, "{headers:?}");
    }
}

#[test]
fn an_unknown_path_with_its_headers_is_its_own() {
    let mut head = head(&[("x_df_api_id", "i")]);
    head.uri = "/face/unknown".parse().expect("a path");
    assert_eq!(AccuAuthDialect.recognise(&head), None);
    assert!(AccuAuthDialect.claims(&head));
    head.headers.clear();
    assert!(!AccuAuthDialect.claims(&head));
}

#[test]
fn the_file_wins_unless_it_is_empty() {
    let image = |call: Result<ImageLiveness, Problem>| call.map(|call| call.image).ok();
    let text = Some(Media::Bytes(Bytes::from_static(b"text")));
    let file = Some(Media::Bytes(Bytes::from_static(b"file")));
    assert_eq!(
        image(parts(&[("image_base64", "dGV4dA=="), ("file", "file")])),
        file
    );
    assert_eq!(
        image(parts(&[("image_base64", "dGV4dA=="), ("file", "")])),
        text
    );
    // Only a multipart can carry a file.
    let form = "application/x-www-form-urlencoded";
    assert_eq!(image(parse(form, "file=file&image_base64=dGV4dA==")), text);
    assert_eq!(
        image(parse(
            form,
            "image_base64=data%3Aimage%2Fpng%3Bbase64%2CdGV4dA%3D%3D"
        )),
        text
    );
    assert_eq!(
        image(parse(
            "application/json",
            r#"{"image_base64":"dGV4\ndA=="}"#
        )),
        text
    );
}

#[test]
fn doubled_fields_are_refused() {
    let json = r#"{"image_base64":"dGV4dA==","image_base64":"dGV4dA=="}"#;
    for refused in [
        parts(&[("file", "a"), ("file", "a")]),
        parts(&[("file", "a"), ("return_extra", "1"), ("return_extra", "1")]),
        parse(
            "application/x-www-form-urlencoded",
            "image_base64=YQ==&image_base64=YQ==",
        ),
        parse("application/json", json),
    ] {
        assert_eq!(
            refused.expect_err("doubled").kind,
            ProblemKind::InvalidParameter
        );
    }
}

#[test]
fn only_one_means_yes_and_nothing_is_refused() {
    for (value, yes) in [
        ("1", true),
        ("0", false),
        ("2", false),
        ("true", false),
        ("", false),
    ] {
        let call = parts(&[("file", "a"), ("return_extra", value)]).expect(value);
        assert_eq!(call.details, yes, "{value}");
    }
    for (value, yes) in [
        ("1", true),
        (r#""1""#, true),
        ("1.5", false),
        ("null", false),
        ("[]", false),
    ] {
        let json = format!(r#"{{"return_extra":{value},"image_base64":"YQ=="}}"#);
        assert_eq!(
            parse("application/json", &json).expect(value).details,
            yes,
            "{value}"
        );
    }
}

fn bundle(parts: &[(&str, &str)]) -> Option<Media> {
    let mut body = String::new();
    for (name, value) in parts {
        body +=
            &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let request = Request::post(BUNDLE_PATH)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Bytes::from(body + "--b--"))
        .expect("a request");
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: CALL_ID,
        settings: &settings,
        accept: None,
    };
    let call = AccuAuthDialect.parse_request(&cx, Op::BundleLiveness, request);
    let call = call.ok()?;
    call.media().first().map(|media| (*media).clone())
}

#[test]
fn a_bundle_as_file_before_url_before_id() {
    let all = [
        ("image_id", "id"),
        ("liveness_data_url", "http://h"),
        ("liveness_data_file", "bundle"),
    ];
    let file = Some(Media::Bytes(Bytes::from_static(b"bundle")));
    assert_eq!(bundle(&all), file);
    assert_eq!(bundle(&all[..2]), Some(Media::Url("http://h".to_owned())));
    assert_eq!(bundle(&all[..1]), Some(Media::Stored("id".to_owned())));
    assert_eq!(bundle(&[("image_id", "")]), None);
}

#[test]
fn what_holds_no_image_is_told_in_the_vendors_words() {
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", r#"{"image_base64":null}"#),
        ("application/x-www-form-urlencoded", "image_base64="),
        ("multipart/form-data; boundary=b", "--b--"),
        ("image/jpeg", "\u{7f}"),
    ] {
        let problem = parse(content_type, body).expect_err(body);
        assert_eq!(
            problem.kind,
            ProblemKind::MediaMissing,
            "{content_type} {body}"
        );
        assert_eq!(
            problem.detail,
            "must specify 'file' or 'image_base64' argument"
        );
    }
}

/// The vendor's Android sample compares a float with 0.98f, its iOS sample a float with 0.98. Whatever we write, both
/// reach the verdict.
#[test]
fn both_sample_clients_reach_the_verdict() {
    for step in 0..=10_000 {
        for verdict in [Verdict::Live, Verdict::Spoof] {
            for form in [ScoreAs::Number, ScoreAs::String] {
                let liveness = Liveness {
                    score: AttackScore::on_side(verdict, f64::from(step) / 10_000.0),
                    ..Liveness::new(verdict)
                };
                let body: Value = serde_json::from_slice(answer(form, liveness).body()).unwrap();
                let written = &body["score"];
                let score = written
                    .as_f64()
                    .or_else(|| written.as_str()?.parse().ok())
                    .expect("a number");
                #[expect(clippy::cast_possible_truncation, reason = "as the samples do")]
                let float = score as f32;
                assert_eq!(
                    float < 0.98_f32,
                    verdict == Verdict::Live,
                    "Android, {score}"
                );
                assert_eq!(
                    f64::from(float) > 0.98,
                    verdict == Verdict::Spoof,
                    "iOS, {score}"
                );
            }
        }
    }
}

#[test]
fn its_own_number_is_told_digit_for_digit_while_it_says_the_verdict() {
    let body = |form, vendor, verdict| {
        let native = NativeScore {
            vendor,
            text: "0.97999999999999999990".to_owned(),
        };
        let response = answer(
            form,
            Liveness {
                native: Some(native),
                ..Liveness::new(verdict)
            },
        );
        String::from_utf8(response.into_body().to_vec()).expect("text")
    };
    assert!(
        body(ScoreAs::Number, ID, Verdict::Spoof).contains(r#""score":0.97999999999999999990"#)
    );
    assert!(
        body(ScoreAs::String, ID, Verdict::Spoof).contains(r#""score":"0.97999999999999999990""#)
    );
    assert!(body(ScoreAs::String, ID, Verdict::Live).contains(r#""score":"0.49000""#));
    assert!(body(ScoreAs::Number, "another", Verdict::Spoof).contains(r#""score":0.99}"#));
}

#[test]
fn extra_is_left_out_when_nothing_was_computed() {
    let response = answer(ScoreAs::Number, Liveness::new(Verdict::Live));
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body.get("extra"), None);
}
