//! The document says what the code does, and numbers stay on their side.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::inbound::{rounded, similarity};
use super::problems::status;
use super::wire::{
    Details, LivenessAnswer, MatchAnswer, MediaAnswer, ProblemDetail, QualityAnswer,
};
use super::{CAPABILITIES, KEPT_FOR, OPENAPI, OPENAPI_PATH, RAW_TYPES};
use crate::canonical::{AttackScore, FaceDetails, Match, Op, Orientation, ProblemKind, Verdict};

fn document() -> Value {
    serde_json::from_str(OPENAPI).expect("the document is JSON")
}

fn keys(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

fn names(values: impl IntoIterator<Item = impl ToString>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

#[test]
fn the_document_has_the_paths_and_bodies_that_the_code_has() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut paths = names(CAPABILITIES.ops.iter().map(|support| support.path));
    paths.insert(OPENAPI_PATH.to_owned());
    assert_eq!(keys(&document["paths"]), paths);
    for support in CAPABILITIES.ops {
        let mut bodies = names(["application/json", "multipart/form-data"]);
        if support.op != Op::FaceMatch {
            bodies.extend(names(RAW_TYPES));
        }
        let post = &document["paths"][support.path]["post"];
        let content = keys(&post["requestBody"]["content"]);
        assert_eq!(content, bodies, "{}", support.path);
    }
}

#[test]
fn the_document_has_what_an_id_can_be_kept_for() {
    let document = document();
    let post = &document["paths"]["/v1/media"]["post"];
    let listed = |schema: &Value| {
        let kept_for = schema["enum"].as_array().expect("a list").clone();
        names(kept_for.iter().filter_map(Value::as_str))
    };
    let ops = names(KEPT_FOR);
    assert_eq!(listed(&post["parameters"][0]["schema"]), ops);
    for body in ["application/json", "multipart/form-data"] {
        let schema = &post["requestBody"]["content"][body]["schema"];
        assert_eq!(listed(&schema["properties"]["for"]), ops, "{body}");
    }
}

fn written(answer: impl Serialize) -> BTreeSet<String> {
    keys(&serde_json::to_value(answer).expect("JSON"))
}

#[test]
fn the_document_has_the_fields_that_the_code_writes() {
    let document = document();
    let schema = |name: &str| keys(&document["components"]["schemas"][name]["properties"]);
    let details = || {
        Details::from(&FaceDetails {
            face_count: Some(1),
            orientation: Some(Orientation::Up),
            quality: Some(0.5),
            face_quality: Some(0.5),
            blur_or_dark: Some(false),
            face_too_small: Some(false),
            image_too_small: Some(false),
            mask: Some(0.5),
            eyes_open: Some(0.5),
            live_probability: Some(0.5),
        })
    };
    let id = String::new;
    assert_eq!(schema("Details"), written(details()));
    let liveness = LivenessAnswer {
        id: id(),
        verdict: "live",
        attack_score: Some(0.0),
        details: Some(details()),
    };
    assert_eq!(schema("Answer"), written(liveness));
    let matched = MatchAnswer {
        id: id(),
        same_person: true,
        similarity: 1.0,
    };
    assert_eq!(schema("Comparison"), written(matched));
    let quality = QualityAnswer {
        id: id(),
        faces: Vec::new(),
    };
    assert_eq!(schema("Quality"), written(quality));
    let media = MediaAnswer {
        id: id(),
        media_id: "",
    };
    assert_eq!(schema("Kept"), written(media));
    let problem = ProblemDetail {
        r#type: String::new(),
        title: "",
        status: 0,
        detail: "",
        id: id(),
    };
    assert_eq!(schema("Problem"), written(problem));
}

#[test]
fn the_document_has_every_problem_and_status() {
    let document = document();
    let kinds = ProblemKind::ALL.map(|kind| format!("urn:livegate:problem:{kind}"));
    let listed = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect::<BTreeSet<_>>();
    assert_eq!(listed, names(kinds));
    let mut statuses = names(ProblemKind::ALL.map(|kind| status(kind).0.as_u16()));
    statuses.insert("200".to_owned());
    for support in CAPABILITIES.ops {
        let responses = &document["paths"][support.path]["post"]["responses"];
        assert_eq!(keys(responses), statuses, "{}", support.path);
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn follow(document: &Value, value: &Value) -> usize {
        let found = value.get("$ref").and_then(Value::as_str).map(|reference| {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        });
        let within: usize = match value {
            Value::Array(items) => items.iter().map(|item| follow(document, item)).sum(),
            Value::Object(members) => members.values().map(|item| follow(document, item)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        within + usize::from(found.is_some())
    }
    let document = document();
    assert!(follow(&document, &document) > 0);
}

#[test]
fn rounding_stays_on_the_verdicts_side() {
    for (verdict, value, written) in [
        (Verdict::Live, 0.499_999, 0.499_999),
        (Verdict::Live, 0.012_345_678, 0.012_346),
        (Verdict::Spoof, 0.500_000_1, 0.5),
    ] {
        let score = AttackScore::new(value).expect("in range");
        assert_eq!(rounded(verdict, score), Some(written));
    }
    for (value, written) in [
        (0.700_000_1, 0.700_001),
        (0.7, 0.7),
        (0.699_999_9, 0.7),
        (0.123_456_78, 0.123_457),
    ] {
        let found = Match {
            similarity: value,
            native: None,
        };
        assert_eq!(similarity(&found), written);
    }
}
