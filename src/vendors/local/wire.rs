//! What the engine's transport writes.

use serde::Deserialize;

/// With status 200.
#[derive(Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    pub verdict: Judgement,
    pub reason: Option<String>,
    pub live_probability: Option<f64>,
    /// Live at or above.
    pub live_at: f64,
    /// Spoof below.
    pub spoof_below: f64,
    pub details: Details,
}

/// The engine's verdict.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Judgement {
    Live,
    Spoof,
    /// Also what is missing or unknown.
    #[default]
    #[serde(other)]
    Undecided,
}

/// All of it, always.
#[derive(Deserialize)]
pub(super) struct Details {
    pub face_count: u32,
    pub orientation: HeadTop,
    pub quality: f64,
    pub face_quality: f64,
    pub blur_or_dark: bool,
    pub face_too_small: bool,
    pub image_too_small: bool,
}

/// Where the top of the head points.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum HeadTop {
    Up,
    Left,
    Down,
    Right,
}

/// With any other status.
#[derive(Deserialize)]
pub(super) struct Refusal {
    pub problem: Reason,
}

/// Why there is no report.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reason {
    NoFace,
    MediaUnreadable,
    Overloaded,
    /// No weights.
    Unavailable,
    Failed,
    #[serde(other)]
    Other,
}
