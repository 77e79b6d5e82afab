//! Where credentials and parameters stand, and which of them count.

use super::*;

#[test]
fn a_credential_in_the_query() {
    let found = Some(("i".to_owned(), "s+ %".to_owned()));
    let target = format!("{LIVENESS}?api_id=i&api_secret=s%2B+%25");
    assert_eq!(pair(LinkfaceDialect.credential(&head(&target))), found);
    for query in [
        "",
        "?api_id=i",
        "?api_id=&api_secret=s",
        "?api_id=i&api_secret=s&api_secret=t",
        "?api_id=i&api_secret=%ff",
    ] {
        let target = format!("{LIVENESS}{query}");
        assert_eq!(
            pair(LinkfaceDialect.credential(&head(&target))),
            None,
            "{query}"
        );
    }
}

#[test]
fn a_credential_in_the_body_wins() {
    let in_body = |target: &str, content_type: &str, body: &str| {
        pair(LinkfaceDialect.credential_in_body(&request(target, content_type, body)))
    };
    let found = Some(("i".to_owned(), "s".to_owned()));
    let bare = LIVENESS;
    assert_eq!(in_body(bare, FORM, "api_secret=s&api_id=i"), found);
    assert_eq!(
        in_body(
            bare,
            "application/json",
            r#"{"api_id":"i","api_secret":"s"}"#
        ),
        found
    );
    let query = format!("{LIVENESS}?api_id=other&api_secret=other");
    assert_eq!(in_body(&query, FORM, "api_secret=s&api_id=i"), found);
    // Half in the one, half in the other.
    let query = format!("{LIVENESS}?api_id=i");
    assert_eq!(in_body(&query, FORM, "api_secret=s"), found);
    assert_eq!(in_body(bare, FORM, "api_id=i&api_id=i&api_secret=s"), None);
    assert_eq!(in_body(bare, "text/plain", "api_id=i&api_secret=s"), None);
}

#[test]
fn parameters_of_the_body_win_over_the_query() {
    let target = format!("{SELFIE}?url=http%3A%2F%2Fquery&image_id=query");
    let call = parse(request(&target, FORM, "url=http%3A%2F%2Fbody"));
    assert_eq!(subject(call), Some(Media::Url("http://body".to_owned())));
    let call = parse(request(&target, FORM, "url="));
    assert_eq!(subject(call), Some(Media::Url("http://query".to_owned())));
}

#[test]
fn ours_go_out_in_the_body_and_replace_theirs_in_a_relay() {
    let request = sent(&bundle(Media::Stored("kept".into()))).unwrap();
    assert_eq!(request.uri().query(), None);
    let target = format!("{LIVENESS}?api_id=x&liveness_data_id=a%26b&api%5Fsecret=x&&api_secret=x");
    let mut head = head(&target);
    with_upstream(|cx| LinkfaceUpstream.authorise(&mut head, cx)).unwrap();
    assert_eq!(
        head.uri.query(),
        Some("liveness_data_id=a%26b&api_id=ours&api_secret=a%2Bb%26c")
    );
    let ours = Some(("ours".to_owned(), "a+b&c".to_owned()));
    assert_eq!(pair(LinkfaceDialect.credential(&head)), ours);
}

#[test]
fn the_sample_is_a_call() {
    let credentials = Credentials {
        id: "i",
        secret: "s",
    };
    let sample = LinkfaceDialect
        .sample(Op::ImageLiveness, &credentials)
        .expect("a sample");
    let request = sample.request(b"picture", "").expect("a request");
    let found = Some(("i".to_owned(), "s".to_owned()));
    assert_eq!(pair(LinkfaceDialect.credential_in_body(&request)), found);
    assert_eq!(subject(parse(request)), file("picture"));
    assert!(
        LinkfaceDialect
            .sample(Op::BundleLiveness, &credentials)
            .is_none()
    );
}

#[test]
fn an_unknown_path_of_its_folders_or_with_its_credential_is_its_own() {
    for target in [
        "/hackness/unknown",
        "/resources/unknown",
        "/liveness/check_liveness?api_id=i&api_secret=s",
    ] {
        let head = head(target);
        assert_eq!(LinkfaceDialect.recognise(&head), None, "{target}");
        assert!(LinkfaceDialect.claims(&head), "{target}");
    }
    assert!(!LinkfaceDialect.claims(&head("/liveness/check_liveness")));
}
