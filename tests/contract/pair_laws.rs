//! Laws that a dialect and an upstream keep together.

use http::header::RETRY_AFTER;
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Call, ImageLiveness, Liveness, Media, NativeScore, Op, ProblemKind, Retry, Verdict,
};
use livegate::vendors::{DialectSettings, Vendor};

use super::fixtures;
use super::world::{
    Dialect, SPELLINGS, Upstream, callable, ensure, for_all, json, picture_call, same, sample_call,
    served,
};
use crate::generate;

/// Steps of every score grid.
const GRID: u32 = 10_000;

/// P1: the caller reads the verdict that the upstream gave, for every attack score and, if the upstream has numbers of
/// its own, for every number.
pub fn verdict_survives(dialect: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let call = picture_call(true);
    for settings in &SPELLINGS {
        let spoken = Dialect::of(dialect, settings).ok_or("no dialect")?;
        let survives = |liveness: Liveness| {
            let read = spoken.verdict_read(&call, spoken.answer(&call, liveness.clone()))?;
            same(
                &format!("{:?} {:?}", liveness.score, liveness.native),
                &read,
                &liveness.verdict,
            )
        };
        for step in 0..=GRID {
            let fraction = f64::from(step) / f64::from(GRID);
            for verdict in [Verdict::Live, Verdict::Spoof] {
                let score = AttackScore::on_side(verdict, fraction);
                survives(Liveness {
                    score,
                    ..Liveness::new(verdict)
                })?;
            }
            let Some(scale) = upstream.scale else {
                continue;
            };
            let native = scale.min + (scale.max - scale.min) * fraction;
            let text = native.to_string();
            let (verdict, score) = scale.read(text.parse()?).ok_or("off the scale")?;
            survives(Liveness {
                score: Some(score),
                native: Some(NativeScore {
                    vendor: upstream.id,
                    text: text.clone(),
                }),
                ..Liveness::new(verdict)
            })?;
            // An upstream with a threshold of its own may mean the opposite by the same number.
            let opposite = match verdict {
                Verdict::Live => Verdict::Spoof,
                Verdict::Spoof | Verdict::Undecided => Verdict::Live,
            };
            survives(Liveness {
                native: Some(NativeScore {
                    vendor: upstream.id,
                    text,
                }),
                ..Liveness::new(opposite)
            })?;
        }
        let undecided = spoken.answer(&call, Liveness::new(Verdict::Undecided));
        let told = spoken.problem(
            call.op(),
            &livegate::canonical::Problem::new(
                ProblemKind::Undecided,
                "no decision could be reached",
            ),
        );
        same("undecided", undecided.body(), told.body())?;
    }
    Ok(())
}

/// P2: what the upstream is asked is what the caller asked. Fields that an upstream has no words for are in the loss
/// matrix; a vendor's own inbound half tells whether the others arrived.
pub fn call_survives(dialect: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    for op in served(dialect)
        .into_iter()
        .filter(|op| callable(upstream).contains(op))
    {
        for_all(&generate::call(op), |call| {
            let request = asked.request(&call)?;
            match Dialect::of(upstream, &DialectSettings::default()) {
                Some(own) => same("call", &own.parse(op, request)?, &call),
                None => {
                    let media = call.media();
                    let subject = media.first().and_then(|media| media.bytes());
                    same("body", &Some(request.body()), &subject)
                }
            }
        })?;
    }
    Ok(())
}

/// P3: what the upstream cannot be asked is refused before a byte is rendered: another op, or media that is not there.
pub fn refusal_is_early(_: &'static Vendor, upstream: &'static Vendor) -> Result<(), Failed> {
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let elsewhere = [
        Media::Url("https://h/a.jpg".to_owned()),
        Media::Stored("a".to_owned()),
    ];
    let mut calls = Vec::new();
    for media in elsewhere {
        let support = asked.adapter.capabilities().support(Op::ImageLiveness);
        if support.is_none_or(|support| !support.forms.contains(&media.form())) {
            calls.push(Call::ImageLiveness(ImageLiveness {
                image: media,
                details: false,
            }));
        }
    }
    for op in Op::ALL {
        if !callable(upstream).contains(&op) {
            calls.push(sample_call(op)?);
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
    let spoken = Dialect::of(dialect, &DialectSettings::default()).ok_or("no dialect")?;
    let asked = Upstream::of(upstream).ok_or("no upstream")?;
    let call = picture_call(true);
    let unauthorised = livegate::canonical::Problem::new(ProblemKind::Unauthorized, "");
    let unauthorised = spoken.problem(call.op(), &unauthorised).status();
    for fixture in fixtures::responses(upstream.id)? {
        let Err(problem) = asked.read(&call, fixture.response) else {
            continue;
        };
        let name = &fixture.name;
        let response = spoken.problem(call.op(), &problem);
        ensure(!response.status().is_success(), || {
            format!("{name} is a success")
        })?;
        ensure(response.status() != unauthorised, || {
            format!("{name} blames the caller's key")
        })?;
        let waits = matches!(problem.retry, Retry::After(_));
        same(name, &response.headers().contains_key(RETRY_AFTER), &waits)?;
        let body = json(&response)?.to_string();
        if problem.kind == ProblemKind::UpstreamAccount {
            let code = problem.vendor_code.as_deref().unwrap_or("no code");
            ensure(!body.contains(code), || {
                format!("{name} tells the upstream's word: {body}")
            })?;
        }
        ensure(!body.contains(upstream.name), || {
            format!("{name} names the upstream: {body}")
        })?;
    }
    Ok(())
}
