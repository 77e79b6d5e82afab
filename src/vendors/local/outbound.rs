//! Calls the engine.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};

use super::wire::{Details, HeadTop, Judgement, Reason, Refusal, Report};
use super::{ADDRESS, CAPABILITIES};
use crate::canonical::{
    AttackScore, Call, FaceDetails, ImageLiveness, Liveness, Media, Orientation, Outcome, Problem,
    ProblemKind, Retry, Verdict,
};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx};

#[derive(Debug)]
pub(super) struct LocalEngine;

/// How soon a full queue may have room again.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

// === impl LocalEngine ===

impl Outbound for LocalEngine {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn credentials(&self) -> &'static [&'static str] {
        &[]
    }

    fn authorise(&self, _: &mut Parts, _: &UpstreamCx<'_>) -> Result<(), Problem> {
        Ok(())
    }

    fn render_request(&self, call: &Call, _: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let Call::ImageLiveness(ImageLiveness {
            image: Media::Bytes(image),
            ..
        }) = call
        else {
            return Err(Problem::unsupported());
        };
        let mut request = Request::new(image.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(ADDRESS);
        Ok(Turn::Send {
            request,
            memo: Memo::default(),
        })
    }

    fn parse_response(
        &self,
        _: &Call,
        _: Memo,
        response: Response<Bytes>,
        _: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem> {
        if response.status() != StatusCode::OK {
            return Err(match serde_json::from_slice::<Refusal>(response.body()) {
                Ok(refusal) => problem(&refusal.problem),
                Err(_) => failed(),
            });
        }
        let report: Report = serde_json::from_slice(response.body()).map_err(|_| failed())?;
        Ok(Turn::Done(Outcome::Liveness(liveness(report))))
    }
}

/// An undecided report keeps its reason; the others have none.
fn liveness(report: Report) -> Liveness {
    let verdict = match report.verdict {
        Judgement::Live => Verdict::Live,
        Judgement::Spoof => Verdict::Spoof,
        Judgement::Undecided => Verdict::Undecided,
    };
    Liveness {
        score: report
            .live_probability
            .and_then(|live| attack_score(verdict, live, report.live_at, report.spoof_below)),
        reason: report
            .reason
            .map(Cow::Owned)
            .filter(|_| verdict == Verdict::Undecided),
        details: details(&report.details, report.live_probability),
        ..Liveness::new(verdict)
    }
}

/// Piecewise linear around the operating point, which has two ends: what lies between them is undecided.
fn attack_score(
    verdict: Verdict,
    live: f64,
    live_at: f64,
    spoof_below: f64,
) -> Option<AttackScore> {
    let attack = match verdict {
        Verdict::Live => 0.5 * (1.0 - live) / (1.0 - live_at),
        Verdict::Spoof => 0.5 + 0.5 * (spoof_below - live) / spoof_below,
        Verdict::Undecided => return None,
    };
    AttackScore::on_side(verdict, attack)
}

fn details(details: &Details, live_probability: Option<f64>) -> FaceDetails {
    FaceDetails {
        face_count: Some(details.face_count),
        orientation: Some(match details.orientation {
            HeadTop::Up => Orientation::Up,
            HeadTop::Left => Orientation::Left,
            HeadTop::Down => Orientation::Down,
            HeadTop::Right => Orientation::Right,
        }),
        quality: Some(details.quality),
        face_quality: Some(details.face_quality),
        blur_or_dark: Some(details.blur_or_dark),
        face_too_small: Some(details.face_too_small),
        image_too_small: Some(details.image_too_small),
        mask: None,
        eyes_open: None,
        live_probability,
    }
}

fn problem(reason: &Reason) -> Problem {
    match reason {
        Reason::NoFace => Problem::new(ProblemKind::NoFace, "no face was found in the picture"),
        Reason::MediaUnreadable => Problem::new(
            ProblemKind::MediaUnreadable,
            "the picture is damaged or not of a format that is accepted",
        ),
        Reason::Overloaded => Problem::new(
            ProblemKind::Overloaded,
            "too many checks are waiting; try again shortly",
        )
        .retry(Retry::After(QUEUE_WAIT)),
        Reason::Unavailable | Reason::Failed | Reason::Other => failed(),
    }
}

fn failed() -> Problem {
    Problem::new(
        ProblemKind::UpstreamFailed,
        "the check could not be carried out",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_around_the_operating_point() {
        let score = |verdict, live| attack_score(verdict, live, 0.8, 0.4).map(AttackScore::value);
        assert_eq!(score(Verdict::Live, 1.0), Some(0.0));
        assert_eq!(score(Verdict::Live, 0.8), Some(0.499_999));
        assert!((score(Verdict::Live, 0.9).expect("decided") - 0.25).abs() < 1e-9);
        assert_eq!(score(Verdict::Spoof, 0.0), Some(1.0));
        assert_eq!(score(Verdict::Spoof, 0.4), Some(0.5));
        assert_eq!(score(Verdict::Spoof, 0.2), Some(0.75));
        assert_eq!(score(Verdict::Undecided, 0.5), None);
    }

    #[test]
    fn an_operating_point_at_the_edge_cannot_move_a_verdict() {
        for (verdict, expected) in [(Verdict::Live, 0.499_999), (Verdict::Spoof, 1.0)] {
            let score = attack_score(verdict, 0.0, 1.0, 0.0).expect("decided");
            assert_eq!(score.value(), expected);
        }
    }
}
