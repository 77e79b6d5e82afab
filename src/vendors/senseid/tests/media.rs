//! Requests and their encrypted fields, and answers that no quirk is about.

use super::*;

#[test]
fn the_bytes_that_came_in_go_out_and_all_are_escaped() {
    let body = format!(
        "encrypted_video={}",
        HELLO.replace('/', "%2F").replace('+', "%2B")
    );
    let call = parse(Op::VideoLiveness, FORM, &body).expect("a call");
    assert_eq!(call, Call::VideoLiveness(video(false)));
    let sent = asked(&call).into_body();
    assert_eq!(sent, body);
    let sent = Vec::from(sent);
    assert_eq!(sent.capacity(), sent.len());
}

#[test]
fn another_key_encrypts_anew() {
    let secrets = [
        (KEY, Secret::new("k".repeat(32))),
        (IV, Secret::new("i".repeat(12))),
    ];
    let cx = UpstreamCx::new(CALL_ID, "http://h:3000", None, 0, &secrets);
    let call = Call::VideoLiveness(video(false));
    let Ok(Turn::Send { request, .. }) = SenseIdUpstream.render_request(&call, &cx) else {
        panic!("not sent");
    };
    let body = std::str::from_utf8(request.body()).expect("text");
    let problem = parse(Op::VideoLiveness, FORM, body).expect_err("a foreign key");
    assert_eq!(problem.kind, ProblemKind::DecryptFailed);
}

#[test]
fn forms_as_careless_clients_write_them() {
    let json = json!({"encrypted_video": HELLO, "return_image": true, "return_status": "1",
                      "return_face_image": null, "else": [1]});
    let escaped = json.to_string().replace('/', "\\/");
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"encrypted_video\"\r\n\r\n{HELLO}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"return_image\"\r\n\r\nTrue\r\n\
         --b\r\nContent-Disposition: form-data; name=\"return_status\"\r\n\r\n1\r\n--b--"
    );
    let wanted = Call::VideoLiveness(VideoLiveness {
        return_face: false,
        ..video(true)
    });
    for (content_type, body) in [
        // Plain `curl -d`: the plus is not escaped, so it arrives as a space.
        (
            FORM,
            format!("encrypted_video={HELLO}&return_image=1&return_status=TRUE"),
        ),
        (
            FORM,
            format!(
                "return_image=true&return_status=1&return_face_image=False&encrypted_video={}",
                HELLO.replace('+', " ")
            ),
        ),
        ("application/json", json.to_string()),
        ("application/json", escaped),
        ("multipart/form-data; boundary=b", multipart),
    ] {
        let call = parse(Op::VideoLiveness, content_type, &body).expect(&body);
        assert_eq!(call, wanted, "{content_type} {body}");
    }
}

#[test]
fn what_is_wrong_with_a_request() {
    let twice = format!("encrypted_image={HELLO}&encrypted_image={HELLO}");
    for (content_type, body, kind) in [
        (FORM, "", ProblemKind::MediaMissing),
        (FORM, "encrypted_image=", ProblemKind::MediaMissing),
        (
            FORM,
            "encrypted_image=I6k0mmG2T5I1t2nCWicdtg==",
            ProblemKind::MediaMissing,
        ),
        ("text/plain", "encrypted_image=", ProblemKind::MediaMissing),
        (FORM, "encrypted_image=%%%", ProblemKind::InvalidParameter),
        (FORM, "encrypted_image=abc~", ProblemKind::InvalidBase64),
        (FORM, "encrypted_image=aGVsbG8=", ProblemKind::DecryptFailed),
        (FORM, &twice, ProblemKind::InvalidParameter),
        (
            "application/json",
            r#"{"encrypted_image":{}}"#,
            ProblemKind::InvalidBase64,
        ),
        (
            "application/json",
            r#"{"encrypted_image":"","encrypted_image":""}"#,
            ProblemKind::InvalidParameter,
        ),
    ] {
        let problem = parse(Op::FaceQuality, content_type, body).expect_err(body);
        assert_eq!(problem.kind, kind, "{body}");
        assert!(matches!(told(400, Op::FaceQuality, kind), (400, 1200, _)));
    }
    let body = format!("encrypted_video={HELLO}&return_image=yes");
    let problem = parse(Op::VideoLiveness, FORM, &body).expect_err("neither");
    assert_eq!(problem.kind, ProblemKind::InvalidParameter);
}

#[test]
fn a_body_without_a_length_is_411_and_a_tenant_without_a_key_is_not_entitled() {
    let request = || {
        let body = Bytes::from(format!("encrypted_image={HELLO}"));
        Request::post("/")
            .header("content-type", FORM)
            .body(body)
            .expect("a request")
    };
    let parse = |settings: &DialectSettings, request| {
        let cx = DialectCx {
            id: CALL_ID,
            settings,
            accept: None,
        };
        SenseIdDialect.parse_request(&cx, Op::FaceQuality, request)
    };
    let chunked = parse(&settings(400), request()).expect_err("no length");
    assert_eq!(chunked.kind, ProblemKind::LengthRequired);
    assert_eq!(
        told(400, Op::FaceQuality, chunked.kind),
        (411, 411, "LENGTH_REQUIRED".to_owned())
    );
    let mut request = request();
    request.headers_mut().insert("content-length", 1.into());
    let keyless = parse(&DialectSettings::default(), request).expect_err("no key");
    assert_eq!(keyless.kind, ProblemKind::NotEntitled);
}

#[test]
fn no_face_is_4000_on_a_photo_and_4007_in_a_video() {
    for (op, code) in [
        (Op::VideoMatch, 4000),
        (Op::FaceMatch, 4000),
        (Op::FaceQuality, 4000),
        (Op::VideoLiveness, 4007),
    ] {
        assert_eq!(told(400, op, ProblemKind::NoFace).1, code, "{op}");
    }
}

#[test]
fn the_faces_of_the_vendor_are_told_word_for_word_and_those_of_others_are_counted() {
    let call = Call::FaceQuality(FaceQuality { image: hello() });
    let faces =
        json!([{"rect": {"left": 1, "top": 2, "right": 3, "bottom": 4}, "sharpness": 0.125}, {}]);
    let body = json!({"code": 1000, "faces": faces, "request_id": ""});
    let outcome = read(&call, 200, &body.to_string()).expect("an answer");
    assert!(matches!(&outcome, Outcome::Quality(quality) if quality.faces.len() == 2));
    assert_eq!(answer(&call, outcome).1["faces"], faces);
    let of_another = Outcome::Quality(Quality {
        faces: vec![FaceDetails::default()],
        extras: crate::canonical::Extras::default(),
    });
    assert_eq!(answer(&call, of_another).1["faces"], json!([{}]));
    for faces in [json!(null), json!({}), json!([1])] {
        let body = json!({"code": 1000, "faces": faces}).to_string();
        let problem = read(&call, 200, &body).expect_err("no faces");
        assert_eq!(problem.kind, ProblemKind::UpstreamFailed);
    }
}

#[test]
fn paths_are_the_manuals() {
    for (call, path) in [
        (video_match(false), MATCH),
        (Call::VideoLiveness(video(false)), LIVENESS),
    ] {
        assert_eq!(
            asked(&call).uri().to_string(),
            format!("http://h:3000{path}")
        );
    }
}
