//! The JSON of our own API.

use serde::Serialize;

use crate::canonical::{FaceDetails, Orientation};

/// The answer of `POST /v1/liveness`.
#[derive(Serialize)]
pub(super) struct LivenessAnswer {
    pub id: String,
    pub verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// The answer of `POST /v1/match`.
#[derive(Serialize)]
pub(super) struct MatchAnswer {
    pub id: String,
    pub same_person: bool,
    pub similarity: f64,
}

/// The answer of `POST /v1/quality`.
#[derive(Serialize)]
pub(super) struct QualityAnswer {
    pub id: String,
    pub faces: Vec<Details>,
}

/// The answer of `POST /v1/media`.
#[derive(Serialize)]
pub(super) struct MediaAnswer<'a> {
    pub id: String,
    pub media_id: &'a str,
}

/// What is known of the picture. Absent means not computed.
#[derive(Default, PartialEq, Serialize)]
pub(super) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_quality: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blur_or_dark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_too_small: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_too_small: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eyes_open: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_probability: Option<f64>,
}

/// A problem detail, RFC 9457.
#[derive(Serialize)]
pub(super) struct ProblemDetail<'a> {
    pub r#type: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: &'a str,
    pub id: String,
}

// === impl Details ===

impl From<&FaceDetails> for Details {
    fn from(details: &FaceDetails) -> Self {
        Self {
            face_count: details.face_count,
            orientation: details.orientation.map(|orientation| match orientation {
                Orientation::Up => "up",
                Orientation::Left => "left",
                Orientation::Down => "down",
                Orientation::Right => "right",
            }),
            quality: details.quality,
            face_quality: details.face_quality,
            blur_or_dark: details.blur_or_dark,
            face_too_small: details.face_too_small,
            image_too_small: details.image_too_small,
            mask: details.mask,
            eyes_open: details.eyes_open,
            live_probability: details.live_probability,
        }
    }
}
