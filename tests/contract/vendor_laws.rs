//! Laws that each vendor keeps by itself.

use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{Method, Request};
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Extras, Liveness, Op, Problem, ProblemKind, Retry, Scale, Verdict,
};
use livegate::vendors::{self, DialectSettings, Presented, VENDORS, Vendor};

use super::fixtures::{self, CredentialCanon};
use super::world::{
    Dialect, ID, SPELLINGS, Upstream, callable, ensure, for_all, json, picture_call, same,
    sample_call, served,
};
use crate::generate;

/// V1: every fixture means exactly what its `canon.json` says.
pub fn fixtures_parse(vendor: &'static Vendor) -> Result<(), Failed> {
    if let Some(dialect) = Dialect::of(vendor, &DialectSettings::default()) {
        for fixture in fixtures::requests(vendor.id)? {
            request_parses(&dialect, fixture)?;
        }
    }
    if let Some(upstream) = Upstream::of(vendor) {
        for fixture in fixtures::responses(vendor.id)? {
            let name = fixture.name;
            let found = upstream.read(&picture_call(true), fixture.response);
            match (
                found,
                fixture.canon.liveness(vendor.id)?,
                &fixture.canon.read_as,
            ) {
                (Ok(mut found), Some(expected), None) => {
                    found.extras = Extras::default();
                    same(&name, &found, &expected)?;
                }
                (Err(problem), None, Some(expected)) => expected.check(&problem)?,
                (found, ..) => return Err(format!("{name}: read as {found:?}").into()),
            }
        }
    }
    Ok(())
}

fn request_parses(dialect: &Dialect, fixture: fixtures::RequestFixture) -> Result<(), Failed> {
    let name = &fixture.name;
    let (head, body) = fixture.request.into_parts();
    let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
    same(name, &op.as_str(), &fixture.canon.op.as_str())?;
    let credential = dialect.adapter.credential(&head);
    let as_written = match (&credential, &fixture.canon.credential) {
        (
            Some(Presented::Pair { id, secret }),
            Some(CredentialCanon::Pair { id: i, secret: s }),
        ) => id == i && secret.expose() == s,
        (Some(Presented::Bearer(token)), Some(CredentialCanon::Bearer { bearer })) => {
            token.expose() == bearer
        }
        (found, expected) => found.is_none() && expected.is_none(),
    };
    ensure(as_written, || {
        format!("{name}: credential read as {credential:?}")
    })?;
    let found = dialect.parse(op, Request::from_parts(head, body));
    match (&fixture.canon.call, &fixture.canon.problem) {
        (Some(call), None) => same(name, &found?, &call.call(op.as_str())?),
        (None, Some(problem)) => {
            let kind = found.err().map(|problem| problem.kind);
            same(name, &kind, &Some(fixtures::kind(problem)?))
        }
        _ => Err(format!("{name}: a call or a problem, not both").into()),
    }
}

/// V2: what a fixture means renders back to the fixture, as a value and with its status.
pub fn lossless(vendor: &'static Vendor) -> Result<(), Failed> {
    for fixture in fixtures::responses(vendor.id)? {
        let settings = DialectSettings {
            score_as: fixture.canon.score_as(),
            ..DialectSettings::default()
        };
        let dialect = Dialect::of(vendor, &settings).ok_or("no dialect")?;
        let call = picture_call(fixture.canon.details_asked);
        let rendered = if let Some(written_from) = &fixture.canon.written_from {
            dialect.problem(call.op(), &written_from.problem()?)
        } else {
            // As the upstream's half reads it, so that nothing the vendor said may be lost on the way.
            let read = match Upstream::of(vendor) {
                Some(upstream) => upstream.read(&call, fixture.response.clone()).ok(),
                None => fixture.canon.liveness(vendor.id)?,
            };
            match read.filter(|read| read.verdict != Verdict::Undecided) {
                Some(liveness) => dialect.answer(&call, liveness),
                None => continue,
            }
        };
        same(
            &fixture.name,
            &rendered.status(),
            &fixture.response.status(),
        )?;
        same(&fixture.name, &json(&rendered)?, &json(&fixture.response)?)?;
    }
    Ok(())
}

/// V3: the inbound half reads what the outbound half writes, credential included; and it is written the same twice.
pub fn own_words(vendor: &'static Vendor) -> Result<(), Failed> {
    let dialect = Dialect::of(vendor, &DialectSettings::default()).ok_or("no dialect")?;
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    for op in callable(vendor) {
        for_all(&generate::call(op), |call| {
            let request = upstream.request(&call)?;
            same(
                "second rendering",
                upstream.request(&call)?.body(),
                request.body(),
            )?;
            let length = request
                .headers()
                .get(CONTENT_LENGTH)
                .ok_or("no content-length")?;
            same(
                "content-length",
                &length.to_str()?,
                &request.body().len().to_string().as_str(),
            )?;
            let (head, body) = request.into_parts();
            same("op", &dialect.adapter.recognise(&head), &Some(op))?;
            if let Some(Presented::Pair { id, secret }) = dialect.adapter.credential(&head) {
                same("id", &upstream.secret("api_id"), &Some(id.as_str()))?;
                same(
                    "secret",
                    &upstream.secret("api_secret"),
                    &Some(secret.expose()),
                )?;
            } else {
                ensure(upstream.adapter.credentials().is_empty(), || {
                    "no credential".to_owned()
                })?;
            }
            same(
                "call",
                &dialect.parse(op, Request::from_parts(head, body))?,
                &call,
            )
        })?;
    }
    Ok(())
}

/// V4: the outbound half reads what the inbound half writes: the verdict and the details exactly, the score within the
/// rounding that the scale declares; and from the second pass on nothing changes any more.
pub fn answers(vendor: &'static Vendor) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    let call = picture_call(true);
    for settings in &SPELLINGS {
        let dialect = Dialect::of(vendor, settings).ok_or("no dialect")?;
        for_all(&generate::decided(), |liveness| {
            let first = dialect.answer(&call, liveness.clone());
            let read = upstream.read(&call, first.clone())?;
            same("verdict", &read.verdict, &liveness.verdict)?;
            same("details", &read.details, &liveness.details)?;
            if let (Some(scale), Some(score)) = (vendor.scale, liveness.score) {
                let near = read.score.is_some_and(|read| {
                    (read.value() - score.value()).abs() <= rounding(&scale, liveness.verdict)
                });
                ensure(near, || format!("score {score:?} read as {:?}", read.score))?;
            }
            let second = dialect.answer(&call, read.clone());
            same("second rendering", second.body(), first.body())?;
            same("second reading", &upstream.read(&call, second)?, &read)
        })?;
    }
    Ok(())
}

/// How far a score may move when it is written on that scale, in canonical units.
fn rounding(scale: &Scale, verdict: Verdict) -> f64 {
    let unit = 10f64.powi(-scale.decimals.cast_signed());
    let written = [scale.min, scale.max];
    let side = written
        .into_iter()
        .find(|end| scale.read(*end).is_some_and(|(v, _)| v == verdict));
    let width = side.map_or(f64::NAN, |end| (end - scale.threshold).abs());
    AttackScore::THRESHOLD * (scale.margin + 2.0 * unit) / width
}

/// V5: every kind, with every advice, has a shape: a client error exactly if the caller is to blame, the call's id in
/// it, `Retry-After` exactly where waiting helps, and the vendor's other half reads it as a problem.
pub fn problems_total(vendor: &'static Vendor) -> Result<(), Failed> {
    let dialect = Dialect::of(vendor, &DialectSettings::default()).ok_or("no dialect")?;
    for op in served(vendor) {
        for kind in ProblemKind::ALL {
            for retry in generate::RETRIES {
                let problem = Problem::new(kind, "a detail").retry(retry);
                let response = dialect.problem(op, &problem);
                let status = response.status();
                let as_told = status.is_client_error() == kind.is_callers()
                    && status.is_server_error() != kind.is_callers();
                ensure(as_told, || format!("{kind} is a {status}"))?;
                let waits = matches!(retry, Retry::After(_));
                let advised = response.headers().contains_key(RETRY_AFTER);
                same(&format!("{kind} advises to wait"), &advised, &waits)?;
                let body = json(&response)?.to_string();
                ensure(body.contains(&ID.hex()), || {
                    format!("{kind} has no id: {body}")
                })?;
                if let Some(upstream) = Upstream::of(vendor) {
                    let read = upstream.read(&picture_call(true), response);
                    ensure(read.is_err(), || format!("{kind} is read as {read:?}"))?;
                }
            }
        }
    }
    Ok(())
}

/// V6: every claimed op has a fixture of success and one of failure, no other op has any, and what is not claimed is
/// refused as unsupported.
pub fn honesty(vendor: &'static Vendor) -> Result<(), Failed> {
    let requests = fixtures::requests(vendor.id)?;
    for op in Op::ALL {
        let of_op = |request: &&fixtures::RequestFixture| request.canon.op == op.as_str();
        let succeed = requests
            .iter()
            .filter(of_op)
            .filter(|f| f.canon.call.is_some())
            .count();
        let fail = requests
            .iter()
            .filter(of_op)
            .filter(|f| f.canon.problem.is_some())
            .count();
        if let Some(dialect) = Dialect::of(vendor, &DialectSettings::default()) {
            let claimed = served(vendor).contains(&op);
            same(
                &format!("{op} has requests that succeed"),
                &(succeed > 0),
                &claimed,
            )?;
            same(
                &format!("{op} has requests that fail"),
                &(fail > 0),
                &claimed,
            )?;
            if !claimed {
                let refusal = dialect.parse(op, Request::default()).err();
                let kind = refusal.map(|problem| problem.kind);
                same(op.as_str(), &kind, &Some(ProblemKind::Unsupported))?;
            }
        }
        if let Some(upstream) = Upstream::of(vendor)
            && !callable(vendor).contains(&op)
        {
            let refusal = upstream.render(&sample_call(op)?).err();
            let kind = refusal.map(|problem| problem.kind);
            same(op.as_str(), &kind, &Some(ProblemKind::Unsupported))?;
        }
    }
    let mut succeed = 0;
    let mut fail = 0;
    for response in fixtures::responses(vendor.id)? {
        match response.canon.liveness(vendor.id)? {
            Some(_) => succeed += 1,
            None => fail += 1,
        }
    }
    ensure(succeed > 0 && fail > 0, || {
        format!("{succeed} answers and {fail} errors")
    })
}

/// V9: op and credential come from the head alone, and exactly one dialect recognises a head. With another method it is
/// still this dialect that says "not found".
pub fn head_only(vendor: &'static Vendor) -> Result<(), Failed> {
    for fixture in fixtures::requests(vendor.id)? {
        let (mut head, _) = fixture.request.into_parts();
        let speakers = VENDORS.iter().filter_map(|vendor| vendor.inbound);
        let recognise = speakers
            .filter(|dialect| dialect.recognise(&head).is_some())
            .count();
        same(&fixture.name, &recognise, &1)?;
        same(
            &fixture.name,
            &vendors::recognise(&head).vendor.id,
            &vendor.id,
        )?;
        head.method = Method::GET;
        let other = vendors::recognise(&head);
        same(
            &fixture.name,
            &(other.vendor.id, other.op),
            &(vendor.id, None),
        )?;
    }
    Ok(())
}

/// The outcome of a fixture that is live, for laws that start from one.
pub fn is_live(liveness: &Result<Liveness, Problem>) -> bool {
    liveness
        .as_ref()
        .is_ok_and(|liveness| liveness.verdict == Verdict::Live)
}
