//! Laws about input that nobody should send.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{Call, Problem, ProblemKind, Verdict};
use livegate::clock::Clock;
use livegate::vendors::{DialectSettings, Vendor};
use serde_json::{Value, json};

use super::fixtures::{self, RequestFixture};
use super::vendor_laws::is_live;
use super::world::{CANARY, Dialect, Upstream, ensure, picture_call};

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
    let dialect = Dialect::of(vendor, &DialectSettings::default()).ok_or("no dialect")?;
    for fixture in fixtures::requests(vendor.id)? {
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
    let call = picture_call(true);
    for fixture in fixtures::responses(vendor.id)? {
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
    let dialect = Dialect::of(vendor, &DialectSettings::default()).ok_or("no dialect")?;
    let clock = Clock::system();
    for fixture in fixtures::requests(vendor.id)? {
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
    if let Some(dialect) = Dialect::of(vendor, &DialectSettings::default()) {
        for fixture in fixtures::requests(vendor.id)? {
            let (head, body) = fixture.request.clone().into_parts();
            let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
            clean(
                "the credential",
                &format!("{:?}", dialect.adapter.credential(&head)),
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
        let call = picture_call(true);
        let request = upstream.request(&call)?;
        let (head, _) = request.into_parts();
        clean("the head", &format!("{head:?}"))?;
        clean("the turn", &format!("{:?}", upstream.render(&call)?))?;
        clean("the context", &format!("{:?}", upstream.cx()))?;
        for fixture in fixtures::responses(vendor.id)? {
            if let Ok(Value::Object(members)) = serde_json::from_slice(fixture.response.body()) {
                for key in members.keys() {
                    let mut told = members.clone();
                    told.insert(key.clone(), json!(format!("{CANARY} <id>")));
                    let (head, _) = fixture.response.clone().into_parts();
                    let body = Value::Object(told).to_string();
                    if let Err(problem) =
                        upstream.read(&call, Response::from_parts(head, body.into()))
                    {
                        clean("the upstream's words", &problem.detail)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// V10: a live answer stops being live when its verdict is removed or mistyped, and no change of another field makes a
/// live answer of one that was not. Which fields hold the verdict is found out: those without which a live answer is
/// undecided. What else may refuse an answer, its fixture declares (`refused_by`).
pub fn fail_closed(vendor: &'static Vendor) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    let call = picture_call(true);
    let mut verdict_paths = Vec::new();
    let mut others = Vec::new();
    for fixture in fixtures::responses(vendor.id)? {
        let (head, body) = fixture.response.into_parts();
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(&body) else {
            continue;
        };
        let read = |members: &Value| {
            let body = Bytes::from(members.to_string());
            upstream.read(&call, Response::from_parts(head.clone(), body))
        };
        let whole = Value::Object(members.clone());
        if !is_live(&read(&whole)) {
            others.push((fixture.name, fixture.canon.refused_by, head, whole));
            continue;
        }
        for key in members.keys() {
            let mut without = members.clone();
            without.remove(key);
            let missing = read(&Value::Object(without));
            if !missing.is_ok_and(|liveness| liveness.verdict == Verdict::Undecided) {
                continue;
            }
            verdict_paths.push(format!("/{key}"));
            for wrong in wrong_values() {
                let mut mistyped = members.clone();
                mistyped.insert(key.clone(), wrong.clone());
                let found = read(&Value::Object(mistyped));
                let closed = found.as_ref().map_or_else(
                    |problem| problem.kind == ProblemKind::UpstreamFailed,
                    |liveness| liveness.verdict == Verdict::Undecided,
                );
                ensure(closed, || {
                    format!("{}: {key} = {wrong} is {found:?}", fixture.name)
                })?;
            }
        }
    }
    ensure(!verdict_paths.is_empty(), || "no field decides".to_owned())?;
    for (name, refused_by, head, whole) in others {
        let deciding: Vec<_> = verdict_paths.iter().chain(&refused_by).collect();
        for (path, mutated) in mutations(&whole, "") {
            let body = Bytes::from(mutated.to_string());
            let found = upstream.read(&call, Response::from_parts(head.clone(), body));
            let touched = deciding.iter().any(|decides| {
                path.starts_with(*decides) || !path.is_empty() && decides.starts_with(&path)
            });
            ensure(touched || !is_live(&found), || {
                format!("{name}{path} made it live")
            })?;
        }
    }
    Ok(())
}
