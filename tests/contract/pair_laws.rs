//! Laws that a dialect and an upstream keep together.

use http::header::RETRY_AFTER;
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Call, Liveness, Match, Media, MediaForm, NativeScore, Op, Outcome, Problem,
    ProblemKind, Retry, Verdict,
};
use livegate::vendors::Vendor;
use serde_json::Value;

use super::fixtures;
use super::world::{
    Decision, Dialect, Upstream, Words, callable, decides, ensure, everything, for_all, json, same,
    served, settings,
};
use crate::generate;

/// Steps of every grid of numbers.
const GRID: u32 = 10_000;

/// P1: the caller reads what the upstream decided, in every op that decides, for every attack score and similarity and,
/// if the upstream has numbers of its own, for every number.
pub fn verdict_survives(dialect: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    for settings in settings(dialect) {
        let spoken = Dialect::of(dialect, &settings).ok_or("no dialect")?;
        for op in served(dialect).into_iter().filter(|op| decides(*op)) {
            let call = everything(op);
            let survives = |outcome: &Outcome| {
                let read = spoken.decision_read(&call, spoken.answer(&call, outcome))?;
                same(&format!("{outcome:?}"), &read, &Decision::of(outcome))
            };
            for step in 0..=GRID {
                let fraction = f64::from(step) / f64::from(GRID);
                for outcome in decisions(op, fraction, upstream)? {
                    survives(&outcome)?;
                }
            }
            if op != Op::FaceMatch {
                let undecided = Outcome::Liveness(Liveness::new(Verdict::Undecided));
                let detail = "no decision could be reached";
                let told = spoken.problem(op, &Problem::new(ProblemKind::Undecided, detail));
                let written = spoken.answer(&call, &undecided);
                same("undecided", written.body(), told.body())?;
            }
        }
    }
    Ok(())
}

/// What an upstream may decide at one point of the grid.
fn decisions(op: Op, fraction: f64, upstream: &'static Vendor) -> Result<Vec<Outcome>, Failed> {
    let native = |text: String| NativeScore {
        vendor: upstream.id,
        text,
    };
    let matched = |similarity, native| Match { similarity, native };
    if op == Op::FaceMatch {
        // An upstream may mean either by its own number.
        let told = native(fraction.to_string());
        return Ok([
            (fraction, None),
            (0.9, Some(told.clone())),
            (0.1, Some(told)),
        ]
        .map(|(similarity, native)| Outcome::Match(matched(similarity, native)))
        .into());
    }
    let mut decided = Vec::new();
    for verdict in [Verdict::Live, Verdict::Spoof] {
        decided.push(Liveness {
            score: AttackScore::on_side(verdict, fraction),
            ..Liveness::new(verdict)
        });
    }
    if let Some(scale) = upstream.scale {
        let text = (scale.min + (scale.max - scale.min) * fraction).to_string();
        let (verdict, score) = scale.read(text.parse()?).ok_or("off the scale")?;
        // An upstream with a threshold of its own may mean the opposite by the same number.
        let opposite = match verdict {
            Verdict::Live => Verdict::Spoof,
            Verdict::Spoof | Verdict::Undecided => Verdict::Live,
        };
        for (verdict, score) in [(verdict, Some(score)), (opposite, None)] {
            decided.push(Liveness {
                score,
                native: Some(native(text.clone())),
                ..Liveness::new(verdict)
            });
        }
    }
    let outcome = |liveness| {
        let matched = Some(matched(fraction, None));
        generate::outcome(
            op,
            Liveness {
                matched,
                ..liveness
            },
        )
    };
    Ok(decided.into_iter().map(outcome).collect())
}

/// P2: what the upstream is asked is what the caller asked. Fields that an upstream has no words for are in the loss
/// matrix; a vendor's own inbound half tells whether the others arrived.
pub fn call_survives(dialect: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let inbound = dialect.inbound.ok_or("no dialect")?;
    for op in served(dialect).intersection(&callable(upstream)) {
        let taken = asked.forms(*op);
        let given = inbound.capabilities().support(*op);
        let forms = given.map_or(&[][..], |support| support.forms).iter();
        let forms: Vec<_> = forms.filter(|form| taken.contains(form)).copied().collect();
        if forms.is_empty() {
            continue;
        }
        let callers = Words::of(dialect, *op)?;
        let own = settings(upstream).into_iter().next();
        let own = own.and_then(|own| Dialect::of(upstream, &own));
        let words = Words::of(upstream, *op)?;
        for_all(&generate::call(*op, forms), |call| {
            let call = callers.say(call);
            match &own {
                Some(own) => {
                    let call = words.say(call);
                    same("call", &own.parse(*op, asked.request(&call)?)?, &call)
                }
                None => {
                    let request = asked.request(&call)?;
                    let carried = call
                        .media()
                        .into_iter()
                        .all(|media| carries(request.body(), media));
                    ensure(carried, || "the media is not in the body".to_owned())
                }
            }
        })?;
    }
    Ok(())
}

/// Whether a body holds that media in one of the ways that vendors read.
fn carries(body: &[u8], media: &Media) -> bool {
    let written = match media {
        Media::Bytes(bytes) if body == bytes => return true,
        Media::Bytes(bytes) => base64_turbo::encode(bytes),
        Media::Url(text) | Media::Stored(text) => Value::from(text.as_str()).to_string(),
    };
    memchr::memmem::find(body, written.as_bytes()).is_some()
}

/// P3: what the upstream cannot be asked is refused before a byte is rendered: another op, or media that is not there.
pub fn refusal_is_early(_: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let elsewhere = [
        Media::Bytes("a".into()),
        Media::Url("https://h/a.jpg".to_owned()),
        Media::Stored("a".to_owned()),
    ];
    let mut calls: Vec<Call> = Vec::new();
    for op in Op::ALL {
        let forms = asked.forms(op);
        let taken = |form: MediaForm| forms.contains(&form);
        for media in elsewhere.iter().filter(|media| !taken(media.form())) {
            calls.push(generate::plain(
                op,
                media.clone(),
                media.clone(),
                Op::ImageLiveness,
            ));
        }
    }
    for call in calls {
        let kind = asked.render(&call).err().map(|problem| problem.kind);
        same(&format!("{call:?}"), &kind, &Some(ProblemKind::Unsupported))?;
    }
    Ok(())
}

/// P4: each problem that the upstream reports reaches the caller with its own dialect's status for it, with the advice
/// to wait, without the upstream's word, and never as a complaint about the caller's own key.
pub fn problems_survive(dialect: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let settings = settings(dialect).into_iter().next();
    let spoken = settings.and_then(|settings| Dialect::of(dialect, &settings));
    let spoken = spoken.ok_or("no dialect")?;
    for fixture in fixtures::responses(upstream)? {
        let Err(problem) = asked.read(&fixture.call, fixture.response) else {
            continue;
        };
        for op in served(dialect) {
            survives(&spoken, op, upstream, &problem)
                .map_err(|error| format!("{} in {op}: {error:?}", fixture.name))?;
        }
    }
    Ok(())
}

fn survives(
    spoken: &Dialect,
    op: Op,
    upstream: &'static Vendor,
    problem: &Problem,
) -> Result<(), Failed> {
    let unauthorised = Problem::new(ProblemKind::Unauthorized, "");
    let unauthorised = spoken.problem(op, &unauthorised).status();
    let response = spoken.problem(op, problem);
    ensure(!response.status().is_success(), || "a success".to_owned())?;
    ensure(response.status() != unauthorised, || {
        "blames the caller's key".to_owned()
    })?;
    let waits = matches!(problem.retry, Retry::After(_));
    let advised = response.headers().contains_key(RETRY_AFTER);
    same("advises to wait", &advised, &waits)?;
    let body = json(&response)?.to_string();
    if problem.kind == ProblemKind::UpstreamAccount {
        let code = problem.vendor_code.as_deref().unwrap_or("no code");
        ensure(!body.contains(code), || {
            format!("tells the upstream's word: {body}")
        })?;
    }
    ensure(!body.contains(upstream.name), || {
        format!("names the upstream: {body}")
    })
}
