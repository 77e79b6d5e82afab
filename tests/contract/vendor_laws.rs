//! Laws that each vendor keeps by itself.

use std::collections::BTreeSet;

use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Extras, Liveness, Op, Outcome, Problem, ProblemKind, Quality, Retry, Scale,
    Verdict,
};
use livegate::vendors::{self, Presented, VENDORS, Vendor};

use super::fixtures::{self, CredentialCanon};
use super::world::{
    Decision, Dialect, ID, Upstream, Words, callable, ensure, everything, for_all, json, same,
    served, settings, told,
};
use crate::generate;

/// V1: every fixture means exactly what its `canon.json` says.
pub fn fixtures_parse(vendor: &'static Vendor) -> Result<(), Failed> {
    if vendor.inbound.is_some() {
        for fixture in fixtures::requests(vendor)? {
            request_parses(vendor, fixture)?;
        }
    }
    if let Some(upstream) = Upstream::of(vendor) {
        for fixture in fixtures::responses(vendor)? {
            let name = fixture.name;
            let expected = fixture.canon.outcome(fixture.call.op(), vendor.id)?;
            let found = upstream.read(&fixture.call, fixture.response);
            match (found, expected, &fixture.canon.read_as) {
                (Ok(found), Some(expected), None) => same(&name, &plain(found), &expected)?,
                (Err(problem), None, Some(expected)) => expected
                    .check(&problem)
                    .map_err(|error| format!("{name}: {error:?}"))?,
                (found, ..) => return Err(format!("{name}: read as {found:?}").into()),
            }
        }
    }
    Ok(())
}

/// An answer without what only its vendor reads.
fn plain(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Liveness(liveness) => Outcome::Liveness(Liveness {
            extras: Extras::default(),
            ..liveness
        }),
        Outcome::Quality(quality) => Outcome::Quality(Quality {
            extras: Extras::default(),
            ..quality
        }),
        Outcome::Match(_) | Outcome::Uploaded(_) => outcome,
    }
}

fn request_parses(
    vendor: &'static Vendor,
    fixture: fixtures::RequestFixture,
) -> Result<(), Failed> {
    let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
    let name = &fixture.name;
    let credential = dialect.credential(&fixture.request);
    let (head, body) = fixture.request.into_parts();
    let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
    same(name, &op.as_str(), &fixture.canon.op.as_str())?;
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
    for fixture in fixtures::responses(vendor)? {
        let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
        let call = &fixture.call;
        let rendered = if let Some(written_from) = &fixture.canon.written_from {
            dialect.problem(call.op(), &written_from.problem()?)
        } else {
            // As the upstream's half reads it, so that nothing the vendor said may be lost on the way.
            let read = match Upstream::of(vendor) {
                Some(upstream) => upstream.read(call, fixture.response.clone()).ok(),
                None => fixture.canon.outcome(call.op(), vendor.id)?,
            };
            let undecided = Some(Verdict::Undecided);
            match read.filter(|read| Decision::of(read).verdict != undecided) {
                Some(outcome) => dialect.answer(call, &outcome),
                None => continue,
            }
        };
        same(
            &fixture.name,
            &rendered.status(),
            &fixture.response.status(),
        )?;
        let expected = match fixture.canon.written {
            Some(written) => written,
            None => json(&fixture.response)?,
        };
        same(&fixture.name, &json(&rendered)?, &expected)?;
    }
    Ok(())
}

/// V3: the inbound half reads what the outbound half writes, credential included; and it is written the same twice. A
/// relayed head carries our credential, and none of the caller's.
pub fn own_words(vendor: &'static Vendor) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    for fixture in fixtures::requests(vendor)? {
        let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
        let (mut head, _) = fixture.request.into_parts();
        upstream.adapter.authorise(&mut head, &upstream.cx())?;
        is_ours(&upstream, dialect.adapter.credential(&head))?;
        let mut values = head.headers.values().map(|value| value.as_bytes());
        let query = head.uri.query().unwrap_or_default();
        let theirs = |text: &[u8]| memchr::memmem::find(text, b"CANARY-secret").is_some();
        ensure(!theirs(query.as_bytes()) && !values.any(theirs), || {
            format!("{}: the caller's credential travels on", fixture.name)
        })?;
    }
    for settings in settings(vendor) {
        let dialect = Dialect::of(vendor, &settings).ok_or("no dialect")?;
        for op in callable(vendor) {
            let words = Words::of(vendor, op)?;
            for_all(&generate::call(op, upstream.forms(op).to_vec()), |call| {
                arrives(&dialect, &upstream, &words.say(call))
            })?;
        }
    }
    Ok(())
}

fn arrives(
    dialect: &Dialect,
    upstream: &Upstream,
    call: &livegate::canonical::Call,
) -> Result<(), Failed> {
    let request = upstream.request(call)?;
    same(
        "second rendering",
        upstream.request(call)?.body(),
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
    is_ours(upstream, dialect.credential(&request))?;
    let (head, body) = request.into_parts();
    let op = call.op();
    same("op", &dialect.adapter.recognise(&head), &Some(op))?;
    let arrived = dialect.parse(op, Request::from_parts(head, body))?;
    same("call", &arrived, call)
}

/// Fails unless what was presented is the upstream's credential.
fn is_ours(upstream: &Upstream, presented: Option<Presented>) -> Result<(), Failed> {
    let names = upstream.adapter.credentials();
    let sent: Vec<_> = names.iter().map(|name| upstream.secret(name)).collect();
    match presented {
        Some(Presented::Pair { id, secret }) => {
            same(
                "pair",
                &sent,
                &vec![Some(id.as_str()), Some(secret.expose())],
            )?;
        }
        Some(Presented::Bearer(token)) => same("token", &sent, &vec![Some(token.expose())])?,
        // Then it needs none, or only those that the body is encrypted with.
        None => {
            let own = upstream.vendor.settings;
            let mut strange = names
                .iter()
                .filter(|name| !own.iter().any(|own| own.name == **name));
            ensure(strange.next().is_none(), || "no credential".to_owned())?;
        }
    }
    Ok(())
}

/// V4: the outbound half reads what the inbound half writes: what decides and every field that the dialect has words for
/// exactly, numbers within the rounding that is declared; and from the second pass on nothing changes any more.
pub fn answers(vendor: &'static Vendor) -> Result<(), Failed> {
    let upstream = Upstream::of(vendor).ok_or("no upstream")?;
    for settings in settings(vendor) {
        let dialect = Dialect::of(vendor, &settings).ok_or("no dialect")?;
        for op in served(vendor).intersection(&callable(vendor)) {
            let call = everything(*op);
            let told = told(&dialect, *op);
            for_all(&generate::decided(*op), |outcome| {
                let first = dialect.answer(&call, &outcome);
                let read = upstream.read(&call, first.clone())?;
                same("decision", &Decision::of(&read), &Decision::of(&outcome))?;
                near(vendor.scale, &told, outcome, read.clone())?;
                let second = dialect.answer(&call, &read);
                same("second rendering", second.body(), first.body())?;
                same("second reading", &upstream.read(&call, second)?, &read)
            })?;
        }
    }
    Ok(())
}

/// How far a similarity may move.
const SIMILARITY_ROUNDING: f64 = 2e-5;

/// Fails unless `read` is what is told of `written`.
fn near(
    scale: Option<Scale>,
    told: &BTreeSet<&str>,
    written: Outcome,
    read: Outcome,
) -> Result<(), Failed> {
    let written = generate::facts_of(written);
    let read = generate::facts_of(read);
    let mut expected = Liveness::new(written.verdict);
    for (_, copy) in generate::FIELDS
        .iter()
        .filter(|(name, _)| told.contains(name))
    {
        copy(&mut expected, &written);
    }
    if let (Some(scale), Some(score)) = (scale, expected.score) {
        let near = read.score.is_some_and(|read| {
            (read.value() - score.value()).abs() <= rounding(&scale, written.verdict)
        });
        ensure(near, || format!("score {score:?} read as {:?}", read.score))?;
    }
    if let (Some(expected), Some(read)) = (&expected.matched, &read.matched) {
        let near = (read.similarity - expected.similarity).abs() <= SIMILARITY_ROUNDING;
        ensure(near, || format!("{expected:?} read as {read:?}"))?;
    }
    same(
        "compared",
        &read.matched.is_some(),
        &expected.matched.is_some(),
    )?;
    same("details", &read.details, &expected.details)?;
    same("selection", &read.selection, &expected.selection)?;
    same("id", &read.stored, &expected.stored)
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

/// V5: every kind, with every advice, has a shape: a client error exactly if the caller is to blame (what could not be
/// fetched or decided is a server error in dialects that have no word for it), the call's id in it, `Retry-After`
/// exactly where waiting helps, and the vendor's other half reads it as a problem. A tenant may choose that what its
/// clients did wrong is told by the body alone, under 200; no other choice changes a status.
pub fn problems_total(vendor: &'static Vendor) -> Result<(), Failed> {
    for settings in settings(vendor) {
        let dialect = Dialect::of(vendor, &settings).ok_or("no dialect")?;
        let default = Dialect::of(vendor, &Default::default()).ok_or("no dialect")?;
        for op in served(vendor) {
            for kind in ProblemKind::ALL {
                for retry in generate::RETRIES {
                    let problem = Problem::new(kind, "a detail").retry(retry);
                    let status = default.problem(op, &problem).status();
                    let nobodys = matches!(
                        kind,
                        ProblemKind::Undecided
                            | ProblemKind::DownloadTimeout
                            | ProblemKind::DownloadFailed
                    );
                    let as_told = status.is_client_error() && kind.is_callers()
                        || status.is_server_error() && (nobodys || !kind.is_callers());
                    ensure(as_told, || format!("{kind} is a {status}"))?;
                    let chosen = dialect.problem(op, &problem).status();
                    let in_body = chosen == StatusCode::OK && kind.is_callers();
                    ensure(chosen == status || in_body, || {
                        format!("{kind} is a {chosen} by choice")
                    })?;
                    has_a_shape(&dialect, op, &problem)?;
                }
            }
        }
    }
    Ok(())
}

fn has_a_shape(dialect: &Dialect, op: Op, problem: &Problem) -> Result<(), Failed> {
    let kind = problem.kind;
    let response = dialect.problem(op, problem);
    let waits = matches!(problem.retry, Retry::After(_));
    let advised = response.headers().contains_key(RETRY_AFTER);
    same(&format!("{kind} advises to wait"), &advised, &waits)?;
    let body = json(&response)?.to_string();
    let has_id = body.contains(&ID.hex()) || body.contains(&ID.uuid());
    ensure(has_id, || format!("{kind} has no id: {body}"))?;
    if let Some(upstream) = Upstream::of(dialect.vendor) {
        let read = upstream.read(&everything(op), response);
        ensure(read.is_err(), || format!("{kind} is read as {read:?}"))?;
    }
    Ok(())
}

/// V6: every claimed op has a fixture of success and one of failure, no other op has any, and what is not claimed is
/// refused as unsupported.
pub fn honesty(vendor: &'static Vendor) -> Result<(), Failed> {
    let requests = fixtures::requests(vendor)?;
    let responses = fixtures::responses(vendor)?;
    let claimed = &served(vendor) | &callable(vendor);
    for op in Op::ALL {
        let of_op = requests.iter().filter(|f| f.canon.op == op.as_str());
        let (succeed, fail): (Vec<_>, Vec<_>) = of_op.partition(|f| f.canon.call.is_some());
        if let Some(inbound) = vendor.inbound {
            let serves = inbound.capabilities().support(op).is_some();
            let has = |what: &str, some: bool| same(&format!("{op}: {what}"), &some, &serves);
            has("requests that succeed", !succeed.is_empty())?;
            has("requests that fail", !fail.is_empty())?;
            let dialect = Dialect::of(vendor, &Default::default()).ok_or("no dialect")?;
            if !serves {
                let refusal = dialect.parse(op, Request::default()).err();
                let kind = refusal.map(|problem| problem.kind);
                same(op.as_str(), &kind, &Some(ProblemKind::Unsupported))?;
            }
        }
        if let Some(upstream) = Upstream::of(vendor)
            && !callable(vendor).contains(&op)
        {
            let refusal = upstream.render(&everything(op)).err();
            let kind = refusal.map(|problem| problem.kind);
            same(op.as_str(), &kind, &Some(ProblemKind::Unsupported))?;
        }
        let of_op = || responses.iter().filter(|f| f.call.op() == op);
        let answered = of_op().any(|f| f.canon.is_answer());
        same(
            &format!("{op} has answers"),
            &answered,
            &claimed.contains(&op),
        )?;
        ensure(answered || of_op().next().is_none(), || {
            format!("{op} has errors, but is not claimed")
        })?;
    }
    let fails = responses.iter().any(|f| !f.canon.is_answer());
    ensure(fails, || "no errors".to_owned())
}

/// V9: the op comes from the head alone, and exactly one dialect recognises a head. With another method it is still
/// this dialect that says "not found". A credential stands in the head unless the dialect says that the body may hold
/// it; then it is found there, and the call too, in whatever order the parts come.
pub fn head_only(vendor: &'static Vendor) -> Result<(), Failed> {
    let mut found_in_body = false;
    for fixture in fixtures::requests(vendor)? {
        let dialect = Dialect::of(vendor, &fixture.settings).ok_or("no dialect")?;
        let name = &fixture.name;
        let (mut head, body) = fixture.request.into_parts();
        let op = dialect.adapter.recognise(&head).ok_or("not recognised")?;
        let request = |body| Request::from_parts(head.clone(), body);
        let parsed = dialect.parse(op, request(body.clone()));
        for shuffled in orders(&body) {
            let shuffled = request(shuffled);
            let credentials = [&shuffled, &request(body.clone())].map(|request| {
                let presented = dialect.adapter.credential_in_body(request);
                match presented {
                    Some(Presented::Pair { id, secret }) => Some((id, secret.expose().to_owned())),
                    Some(Presented::Bearer(token)) => {
                        Some((String::new(), token.expose().to_owned()))
                    }
                    None => None,
                }
            });
            let [in_shuffled, in_body] = credentials;
            same(name, &in_shuffled, &in_body)?;
            found_in_body |= in_body.is_some();
            let again = dialect.parse(op, shuffled);
            same(name, &again.ok(), &parsed.as_ref().ok().cloned())?;
        }
        let speakers = VENDORS.iter().filter_map(|vendor| vendor.inbound);
        let recognise = speakers
            .filter(|dialect| dialect.recognise(&head).is_some())
            .count();
        same(name, &recognise, &1)?;
        same(name, &vendors::recognise(&head).vendor.id, &vendor.id)?;
        head.method = Method::GET;
        let other = vendors::recognise(&head);
        same(name, &(other.vendor.id, other.op), &(vendor.id, None))?;
    }
    let inbound = vendor.inbound.ok_or("no dialect")?;
    let says_so = inbound.capabilities().credential_in_body;
    same("credentials in bodies", &found_in_body, &says_so)
}

/// The body as it is, and a multipart's also with its parts in other orders.
fn orders(body: &bytes::Bytes) -> Vec<bytes::Bytes> {
    let mut orders = vec![body.clone()];
    let first_line = memchr::memmem::find(body, b"\r\n").unwrap_or(0);
    let boundary = [b"\r\n", &body[..first_line]].concat();
    if !boundary.starts_with(b"\r\n--") {
        return orders;
    }
    let ends: Vec<usize> = memchr::memmem::find_iter(body, &boundary).collect();
    let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 2));
    let mut parts: Vec<&[u8]> = starts
        .zip(&ends)
        .map(|(from, to)| &body[from..*to])
        .collect();
    let tail = &body[ends.last().copied().unwrap_or(0)..];
    for _ in 1..parts.len() {
        parts.rotate_left(1);
        orders.push([&parts.join(&b"\r\n"[..]), tail].concat().into());
    }
    parts.reverse();
    orders.push([&parts.join(&b"\r\n"[..]), tail].concat().into());
    orders
}
