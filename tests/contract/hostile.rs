//! Laws about input that nobody should send.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{Call, Op, Outcome, Problem, ProblemKind, Verdict};
use livegate::clock::Clock;
use livegate::vendors::Vendor;
use serde_json::{Value, json};

use super::fixtures::{self, RequestFixture};
use super::world::{CANARY, Decision, Dialect, Upstream, callable, decides, ensure};

/// What stands where another type was expected.
fn wrong_values() -> [Value; 9] {
    [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("nonsense"),
        json!("\u{0}\u{7f}é"),
        json!([]),
        json!({}),
    ]
}

/// Every value that differs from `value` in one place: replaced, or removed.
fn mutations(value: &Value, path: &str) -> Vec<(String, Value)> {
    let mut mutated: Vec<_> = wrong_values()
        .into_iter()
        .map(|wrong| (path.to_owned(), wrong))
        .collect();
    if let Value::Object(members) = value {
        for (key, member) in members {
            let path = format!("{path}/{key}");
            for (path, wrong) in mutations(member, &path) {
                let mut copy = members.clone();
                copy.insert(key.clone(), wrong);
                mutated.push((path, Value::Object(copy)));
            }
            let mut copy = members.clone();
            copy.remove(key);
            mutated.push((path, Value::Object(copy)));
        }
    }
    mutated
}

/// The paths of everything in `value` that has no members, as JSON pointers.
fn leaves(value: &Value, path: &str) -> Vec<String> {
    let Value::Object(members) = value else {
        return vec![path.to_owned()];
    };
    let below = |(key, member)| leaves(member, &format!("{path}/{key}"));
    members.iter().flat_map(below).collect()
}

/// The value with another at that path, or with nothing.
fn with(value: &Value, path: &str, other: Option<Value>) -> Value {
    let mut copy = value.clone();
    if let Some((parent, key)) = path.rsplit_once('/')
        && let Some(Value::Object(members)) = copy.pointer_mut(parent)
    {
        match other {
            Some(other) => members.insert(key.to_owned(), other),
            None => members.remove(key),
        };
    }
    copy
}

fn with_body(fixture: &RequestFixture, body: impl Into<Bytes>) -> Request<Bytes> {
    let (head, _) = fixture.request.clone().into_parts();
    Request::from_parts(head, body.into())
}

fn is_multipart_or_json(fixture: &RequestFixture) -> bool {
    let media_type = fixture
        .request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    media_type.is_some_and(|value| {
        value.starts_with("multipart/") || value.starts_with("application/json")
    })
}

/// A call, or a problem of the caller's; never anything else.
fn callers_fault(name: &str, parsed: &Result<Call, Problem>) -> Result<(), Failed> {
    match parsed {
        Ok(_) => Ok(()),
        Err(problem) => ensure(problem.kind.is_callers(), || format!("{name}: {problem}")),
    }
}

/// V7, requests: truncated at every byte, or with a value of another type, they are the caller's fault. Where the body
/// tells its own end, no true prefix is a call.
pub fn requests(vendor: &'static Vendor) -> Result<(), Failed> {
    for fixture in fixtures::requests(vendor)? {
        let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
        let name = &fixture.name;
        let (head, body) = fixture.request.clone().into_parts();
        let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
        let whole = body.strip_suffix(b"\r\n").unwrap_or(&body).len();
        for end in 0..whole {
            let parsed = dialect.parse(op, with_body(&fixture, body.slice(..end)));
            callers_fault(name, &parsed)?;
            ensure(parsed.is_err() || !is_multipart_or_json(&fixture), || {
                format!("{name}: {end} of {whole} bytes are a call")
            })?;
        }
        if let Ok(value) = serde_json::from_slice(&body) {
            for (path, mutated) in mutations(&value, "") {
                let parsed = dialect.parse(op, with_body(&fixture, mutated.to_string()));
                callers_fault(&format!("{name}{path}"), &parsed)?;
            }
        }
    }
    Ok(())
}

/// V7, answers: a true prefix of one is a problem, and so is any page that is not the vendor's.
pub fn answers(vendor: &'static Vendor) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    for fixture in fixtures::responses(vendor)? {
        let call = fixture.call;
        let (head, body) = fixture.response.into_parts();
        for end in 0..body.trim_ascii_end().len() {
            let cut = Response::from_parts(head.clone(), body.slice(..end));
            let read = upstream.read(&call, cut);
            ensure(read.is_err(), || {
                format!("{}: {end} bytes are {read:?}", fixture.name)
            })?;
        }
        for page in [
            "",
            "<html></html>",
            "[]",
            "null",
            "\"live\"",
            "0.1",
            "\u{feff}{}",
        ] {
            let read = upstream.read(&call, Response::from_parts(head.clone(), page.into()));
            ensure(read.is_err(), || format!("{page}: {read:?}"))?;
        }
    }
    Ok(())
}

/// V7, time: large bodies full of what a parser stops at take no longer than large bodies.
pub fn bounded_time(vendor: &'static Vendor) -> Result<(), Failed> {
    let clock = Clock::system();
    for fixture in fixtures::requests(vendor)? {
        let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
        let (head, body) = fixture.request.clone().into_parts();
        let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
        let begun: Vec<u8> = body.iter().copied().take(body.len() / 2).collect();
        for filler in [
            "\r\n--", "\r\n", "-", "%", "&", "=", "[", "{\"a\":", "\"", "\\", " ",
        ] {
            let mut hostile = begun.clone();
            hostile.extend(filler.bytes().cycle().take(1 << 18));
            let start = clock.instant();
            callers_fault(
                &fixture.name,
                &dialect.parse(op, with_body(&fixture, hostile)),
            )?;
            let took = clock.instant() - start;
            ensure(took < Duration::from_secs(1), || {
                format!("{filler:?} took {took:?}")
            })?;
        }
    }
    Ok(())
}

/// V8: no secret and no byte of a picture is in any `Debug` text, in a problem, or in an answer; and what goes wrong
/// behind us is not told to the caller in the upstream's words.
pub fn scrub(vendor: &'static Vendor) -> Result<(), Failed> {
    let clean = |what: &str, text: &str| {
        ensure(!text.contains(CANARY), || {
            format!("{what} holds the canary: {text}")
        })
    };
    if vendor.inbound.is_some() {
        for fixture in fixtures::requests(vendor)? {
            let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
            let (head, body) = fixture.request.clone().into_parts();
            let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
            clean(
                "the credential",
                &format!("{:?}", dialect.credential(&fixture.request)),
            )?;
            let junk = [&b""[..], b"\x00", b"\xff\xfe", CANARY.as_bytes()];
            for (cut, junk) in (0..=body.len()).flat_map(|cut| junk.map(|junk| (cut, junk))) {
                let (before, after) = body.split_at(cut);
                let request = with_body(&fixture, [before, junk, after].concat());
                match dialect.parse(op, request) {
                    Ok(call) => clean("the call", &format!("{call:?}"))?,
                    Err(problem) => {
                        let response = dialect.problem(op, &problem);
                        clean(
                            "the problem",
                            &format!("{problem:?} {problem} {response:?}"),
                        )?;
                        let source = problem.source.map(|source| source.to_string());
                        clean("the cause", &source.unwrap_or_default())?;
                    }
                }
            }
        }
    }
    if let Some(upstream) = Upstream::of(vendor) {
        for op in callable(vendor) {
            let call = upstream.everything(op);
            let (head, _) = upstream.request(&call)?.into_parts();
            clean("the head", &format!("{head:?}"))?;
            clean("the turn", &format!("{:?}", upstream.render(&call)?))?;
        }
        clean("the context", &format!("{:?}", upstream.cx()))?;
        for fixture in fixtures::responses(vendor)? {
            let Ok(whole) = serde_json::from_slice::<Value>(fixture.response.body()) else {
                continue;
            };
            for path in leaves(&whole, "") {
                let told = with(&whole, &path, Some(json!(format!("{CANARY} <id>"))));
                let (head, _) = fixture.response.clone().into_parts();
                let answer = Response::from_parts(head, told.to_string().into());
                if let Err(problem) = upstream.read(&fixture.call, answer) {
                    clean("the upstream's words", &problem.detail)?;
                }
            }
        }
    }
    Ok(())
}

/// V10: an answer that lets a person pass no longer does when what decides is removed or mistyped, and no change of
/// another field makes such an answer of one that was not. Which fields decide is found out: those without which
/// nothing is decided. What else may refuse an answer, its fixture declares (`refused_by`).
pub fn fail_closed(vendor: &'static Vendor) -> Result<(), Failed> {
    for op in callable(vendor).into_iter().filter(|op| decides(*op)) {
        fails_closed(vendor, op).map_err(|error| {
            let why = error.message().unwrap_or_default();
            Failed::from(format!("{op}: {why}"))
        })?;
    }
    Ok(())
}

fn fails_closed(vendor: &'static Vendor, op: Op) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    let grants = |read: &Result<Outcome, Problem>| {
        let read = read.as_ref();
        read.is_ok_and(|outcome| Decision::of(outcome).grants(op))
    };
    let mut deciding = BTreeSet::new();
    let mut others = Vec::new();
    for fixture in fixtures::responses(vendor)? {
        if fixture.call.op() != op {
            continue;
        }
        let call = fixture.call;
        let (head, body) = fixture.response.into_parts();
        let Ok(whole) = serde_json::from_slice::<Value>(&body) else {
            continue;
        };
        let read = |value: &Value| {
            let body = Bytes::from(value.to_string());
            upstream.read(&call, Response::from_parts(head.clone(), body))
        };
        if !grants(&read(&whole)) {
            others.push((fixture.name, fixture.canon.refused_by, call, head, whole));
            continue;
        }
        for path in leaves(&whole, "") {
            if !leaves_open(op, &read(&with(&whole, &path, None))) {
                continue;
            }
            for wrong in wrong_values() {
                let mistyped = with(&whole, &path, Some(wrong));
                let found = read(&mistyped);
                ensure(mistyped == whole || is_closed(&found), || {
                    format!("{}: {path} in {mistyped} is {found:?}", fixture.name)
                })?;
            }
            deciding.insert(path);
        }
    }
    ensure(!deciding.is_empty(), || "no field decides".to_owned())?;
    for (name, refused_by, call, head, whole) in others {
        let deciding: Vec<_> = deciding.iter().chain(&refused_by).collect();
        for (path, mutated) in mutations(&whole, "") {
            let body = Bytes::from(mutated.to_string());
            let found = upstream.read(&call, Response::from_parts(head.clone(), body));
            let touched = deciding.iter().any(|decides| {
                path.starts_with(*decides) || !path.is_empty() && decides.starts_with(&path)
            });
            ensure(touched || !grants(&found), || {
                format!("{name}{path} lets a person pass")
            })?;
        }
    }
    Ok(())
}

/// Nothing was decided. A comparison has no word for that, so it is refused.
fn leaves_open(op: Op, read: &Result<Outcome, Problem>) -> bool {
    match read {
        Ok(outcome) => Decision::of(outcome).verdict == Some(Verdict::Undecided),
        Err(_) => op == Op::FaceMatch && is_closed(read),
    }
}

/// Nothing was decided, and nobody is blamed for it but the upstream.
fn is_closed(read: &Result<Outcome, Problem>) -> bool {
    match read {
        Ok(outcome) => Decision::of(outcome).verdict == Some(Verdict::Undecided),
        Err(problem) => matches!(
            problem.kind,
            ProblemKind::UpstreamFailed | ProblemKind::Undecided
        ),
    }
}
