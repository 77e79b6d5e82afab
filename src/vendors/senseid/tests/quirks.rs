//! The quirks, numbered as in the module's documentation.

use super::*;

#[test]
fn s1_a_spoof_and_a_short_video_are_answers_and_4007_is_no_verdict() {
    for (too_short, word) in [(false, "hack"), (true, "short_time")] {
        let spoof = Liveness {
            too_short,
            ..Liveness::new(Verdict::Spoof)
        };
        let (status, body) = answer(&video_match(true), Outcome::Liveness(spoof));
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&body["code"], &body["passed"], &body["liveness_status"]),
            (&json!(1000), &json!(false), &json!(word))
        );
        let read = read_liveness(&video_match(true), body);
        assert_eq!((read.verdict, read.too_short), (Verdict::Spoof, too_short));
    }
    let undecided = Outcome::Liveness(Liveness::new(Verdict::Undecided));
    let (status, body) = answer(&video_match(true), undecided);
    assert_eq!((status.as_u16(), &body["code"]), (400, &json!(4007)));
    let problem = read(&video_match(true), 400, &body.to_string()).expect_err("no verdict");
    assert_eq!(problem.kind, ProblemKind::Undecided);
    assert_eq!(problem.retry, crate::canonical::Retry::Never);
}

#[test]
fn s2_codes_have_the_status_that_the_tenant_chose_and_are_read_under_any() {
    let coded = |kind| told(200, Op::FaceMatch, kind);
    assert_eq!(
        coded(ProblemKind::NoFace),
        (200, 4000, "detection failed".to_owned())
    );
    assert_eq!(
        told(400, Op::FaceMatch, ProblemKind::NoFace).0,
        400,
        "the other choice"
    );
    for (kind, status) in [
        (ProblemKind::Unauthorized, 401),
        (ProblemKind::RateLimited, 429),
        (ProblemKind::BodyTooLarge, 413),
        (ProblemKind::Internal, 500),
    ] {
        assert_eq!(coded(kind).0, status, "{kind}");
    }
    for status in [200, 400, 500] {
        let body = r#"{"code":2003,"message":"?","request_id":"?"}"#;
        let problem = read(&video_match(false), status, body).expect_err("a complaint");
        assert_eq!(problem.kind, ProblemKind::PixelsOutOfRange);
        assert_eq!(problem.vendor_code.as_deref(), Some("2003"));
    }
    // A success under an error's status is neither.
    let passed = r#"{"code":1000,"passed":true,"verification_score":0.9}"#;
    let problem = read(&video_match(false), 500, passed).expect_err("no answer");
    assert_eq!(problem.kind, ProblemKind::UpstreamFailed);
}

#[test]
fn s3_a_large_file_is_2004_a_large_body_413_and_both_are_read_as_too_large() {
    let (status, code, message) = told(400, Op::FaceMatch, ProblemKind::MediaTooLarge);
    assert_eq!(
        (status, code, &*message),
        (400, 2004, "invalid content length")
    );
    let (status, code, message) = told(400, Op::FaceMatch, ProblemKind::BodyTooLarge);
    assert_eq!((status, code, &*message), (413, 413, "PAYLOAD_TOO_LARGE"));
    for (status, body) in [
        (413, "<html>"),
        (413, r#"{"code":413}"#),
        (400, r#"{"code":2004}"#),
    ] {
        let problem = read(&video_match(false), status, body).expect_err("too large");
        assert_eq!(problem.kind, ProblemKind::MediaTooLarge, "{status} {body}");
    }
}

#[test]
fn s4_the_credential_stands_in_the_header_or_before_the_path() {
    let token = |path: &str, headers: &[(&str, &str)]| match SenseIdDialect
        .credential(&head(path, headers))
    {
        Some(Presented::Bearer(token)) => Some(token.expose().to_owned()),
        Some(Presented::Pair { .. }) | None => None,
    };
    let found = Some("id.secret".to_owned());
    let prefixed = format!("/k/id.secret{MATCH}");
    assert_eq!(
        token(MATCH, &[("Authorization", "bearer  id.secret ")]),
        found
    );
    assert_eq!(token(&prefixed, &[]), found);
    assert_eq!(token(&format!("/k/id%2Esecret{MATCH}"), &[]), found);
    assert_eq!(
        token(&prefixed, &[("Authorization", "key=1,signature=2")]),
        found
    );
    assert_eq!(
        token(&prefixed, &[("Authorization", "Bearer other")]),
        found
    );
    for (path, headers) in [
        (MATCH, &[][..]),
        (MATCH, &[("Authorization", "Bearer ")]),
        (MATCH, &[("Authorization", "Basic id.secret")]),
        (
            MATCH,
            &[("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        ),
        ("/k//quality/face/stateless", &[]),
        ("/k/%ff/quality/face/stateless", &[]),
        ("/k/id.secret", &[]),
    ] {
        assert_eq!(token(path, headers), None, "{path} {headers:?}");
    }
    assert_eq!(
        SenseIdDialect.recognise(&head(&prefixed, &[])),
        Some(Op::VideoMatch)
    );
    for (path, claimed) in [
        ("/k/id.secret/unknown", true),
        ("/identity/liveness_image_verification/stateless", true),
        ("/x/quality/face/stateless", true),
        ("/identity/unknown", false),
        ("/k/id.secret", false),
    ] {
        assert_eq!(SenseIdDialect.recognise(&head(path, &[])), None, "{path}");
        assert_eq!(SenseIdDialect.claims(&head(path, &[])), claimed, "{path}");
    }
    assert_eq!(
        told(400, Op::FaceMatch, ProblemKind::Unauthorized),
        (401, 1100, "a detail".to_owned())
    );
}

#[test]
fn s4_nothing_that_a_caller_presented_travels_on() {
    let mut head = head(
        &format!("/k/id.secret{MATCH}?a=b"),
        &[("Authorization", "Bearer id.secret")],
    );
    let cx = UpstreamCx::new(CALL_ID, "http://h:3000", None, 0, &[]);
    SenseIdUpstream.authorise(&mut head, &cx).expect("possible");
    assert_eq!(head.uri.to_string(), format!("{MATCH}?a=b"));
    assert!(head.headers.is_empty());
    assert!(
        !asked(&video_match(true))
            .headers()
            .contains_key("authorization")
    );
}

#[test]
fn s5_the_comparison_is_told_and_read_as_it_is() {
    let call = Call::FaceMatch(FaceMatch {
        first: hello(),
        second: hello(),
        auto_rotate: false,
        check_quality: false,
    });
    for digits in ["0.7", "0.70000000000000000001", "0.0", "1"] {
        let body = format!(r#"{{"code":1000,"verification_score":{digits},"request_id":""}}"#);
        let outcome = read(&call, 200, &body).expect("an answer");
        let (_, told) = answer(&call, outcome);
        assert_eq!(told["verification_score"].to_string(), {
            let value: Value = serde_json::from_str(digits).expect("a number");
            value.to_string()
        });
    }
    let native = Some(NativeScore {
        vendor: "another",
        text: "99".to_owned(),
    });
    let of_another = Outcome::Match(Match {
        similarity: 0.75,
        native,
    });
    assert_eq!(
        answer(&call, of_another).1["verification_score"],
        json!(0.75)
    );
    for score in ["-0.1", "1.1", r#""0.9""#, "null"] {
        let body = format!(r#"{{"code":1000,"verification_score":{score}}}"#);
        let problem = read(&call, 200, &body).expect_err("no score");
        assert_eq!(problem.kind, ProblemKind::UpstreamFailed, "{score}");
    }
}

#[test]
fn s6_the_number_beside_a_verdict_decides_nothing() {
    for score in ["0", "1", "0.5", "-7", r#""high""#, "null"] {
        for (passed, verdict) in [(true, Verdict::Live), (false, Verdict::Spoof)] {
            let score: Value = serde_json::from_str(score).expect("JSON");
            let body = json!({"code": 1000, "passed": passed, "liveness_score": score});
            let read = read_liveness(&Call::VideoLiveness(video(false)), body);
            assert_eq!(read.verdict, verdict, "{score}");
            let canonical = if passed { 0.25 } else { 0.75 };
            assert_eq!(read.score.map(AttackScore::value), Some(canonical));
        }
    }
    let attack = AttackScore::new(0.75);
    let spoof = Liveness {
        score: attack,
        ..Liveness::new(Verdict::Spoof)
    };
    let (_, body) = answer(&Call::VideoLiveness(video(false)), Outcome::Liveness(spoof));
    assert_eq!(body["liveness_score"], json!(0.25));
}

#[test]
fn s7_other_status_words_are_read_by_passed_and_written_as_one_of_three() {
    let call = Call::VideoLiveness(video(true));
    for (passed, status, verdict, written) in [
        (false, "multi_face", Verdict::Spoof, "hack"),
        (false, "ok", Verdict::Spoof, "hack"),
        (true, "fine", Verdict::Live, "ok"),
    ] {
        let body = json!({"code": 1000, "passed": passed, "liveness_status": status});
        let read = read_liveness(&call, body);
        assert_eq!(read.verdict, verdict, "{status}");
        let (_, body) = answer(&call, Outcome::Liveness(read));
        assert_eq!(body["liveness_status"], json!(written));
    }
    for status in ["hack", "short_time"] {
        let body = json!({"code": 1000, "passed": true, "liveness_status": status});
        assert_eq!(read_liveness(&call, body).verdict, Verdict::Undecided);
    }
}

#[test]
fn s8_a_pass_without_its_comparison_is_broken() {
    let call = video_match(false);
    for score in [json!(null), json!("0.9"), json!(1.5), json!(true)] {
        let body = json!({"code": 1000, "passed": true, "verification_score": score});
        let read = read_liveness(&call, body);
        assert_eq!(read.verdict, Verdict::Undecided, "{score}");
    }
    let uncompared = Outcome::Liveness(Liveness::new(Verdict::Live));
    let (status, body) = answer(&call, uncompared);
    assert_eq!((status.as_u16(), body.get("passed")), (500, None));
}

#[test]
fn s9_optional_fields_are_there_exactly_when_the_table_says() {
    let keys = |call: &Call, found: Liveness| -> Vec<String> {
        let (_, body) = answer(call, Outcome::Liveness(found));
        body.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let always = ["code", "liveness_score", "passed", "request_id"];
    let with = |more: &[&str]| {
        let mut keys: Vec<_> = always
            .iter()
            .chain(more)
            .map(|key| (*key).to_owned())
            .collect();
        keys.sort_unstable();
        keys
    };
    let frames = ["image_timestamp", "base64_image", "base64_face_image"];
    let spoof = || Liveness {
        verdict: Verdict::Spoof,
        ..live()
    };
    assert_eq!(
        keys(&video_match(false), live()),
        with(&["verification_score"])
    );
    assert_eq!(
        keys(&video_match(true), live()),
        with(&[&frames[..], &["verification_score", "liveness_status"]].concat())
    );
    assert_eq!(keys(&video_match(false), spoof()), with(&[]));
    assert_eq!(
        keys(&video_match(true), spoof()),
        with(&["liveness_status"])
    );
    assert_eq!(keys(&Call::VideoLiveness(video(false)), live()), with(&[]));
    assert_eq!(
        keys(&Call::VideoLiveness(video(true)), live()),
        with(&[&frames[..], &["liveness_status"]].concat())
    );
    let unseen = Liveness::new(Verdict::Live);
    assert_eq!(
        keys(&Call::VideoLiveness(video(true)), unseen),
        with(&["liveness_status"])
    );
}

#[test]
fn s10_fields_are_spelt_as_the_tables_spell_them() {
    let form = asked(&video_match(true)).into_body();
    let names: Vec<_> = std::str::from_utf8(&form)
        .expect("text")
        .split('&')
        .filter_map(|field| field.split('=').next())
        .collect();
    assert_eq!(
        names,
        [
            "encrypted_video",
            "encrypted_image",
            "return_image",
            "return_face_image",
            "return_status"
        ]
    );
}
