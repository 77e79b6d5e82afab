//! What was found out.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::media::Extras;
use super::score::AttackScore;

/// The answer to a [`Call`](super::Call).
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every outcome is the large one"
)]
pub enum Outcome {
    /// Of every liveness op, and of `video-match` (then with [`Liveness::matched`]).
    Liveness(Liveness),
    /// Of `face-match`.
    Match(Match),
    /// Of `face-quality`.
    Quality(Quality),
    /// Of `upload`.
    Uploaded(Uploaded),
}

/// Live, spoof, or nobody knows. What is missing, unknown or mistyped in an upstream's answer is `Undecided`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A living person in front of the camera.
    Live,
    /// A print, a screen, a mask or another presentation attack.
    Spoof,
    /// No decision. Every dialect says so with its "could not decide" error, never with a score.
    Undecided,
}

// === impl Verdict ===

impl Verdict {
    /// The name used in logs, metrics and the native API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Spoof => "spoof",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A liveness answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Liveness {
    /// What counts. The numbers only illustrate it.
    pub verdict: Verdict,
    /// Comparable across upstreams; absent if the upstream gave no number.
    pub score: Option<AttackScore>,
    /// The upstream's number as it was written, for a caller of the same vendor.
    pub native: Option<NativeScore>,
    /// Why there is no verdict, in one sentence that a caller may read. Only with [`Verdict::Undecided`].
    pub reason: Option<Cow<'static, str>>,
    /// The video was refused because it is too short to judge. Only with [`Verdict::Spoof`].
    pub too_short: bool,
    /// What else is known of the picture; empty unless it was really computed.
    pub details: FaceDetails,
    /// The frame that a video or a bundle was judged by.
    pub selection: Option<Selection>,
    /// The comparison with the reference photo of `video-match`.
    pub matched: Option<Match>,
    /// The id under which the subject is kept for a later call, if it was.
    pub stored: Option<Uploaded>,
    /// What only the answering vendor understands.
    pub extras: Extras,
}

// === impl Liveness ===

impl Liveness {
    /// An answer with nothing but its verdict.
    #[must_use]
    pub fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            score: None,
            native: None,
            reason: None,
            too_short: false,
            details: FaceDetails::default(),
            selection: None,
            matched: None,
            stored: None,
            extras: Extras::default(),
        }
    }
}

/// An upstream's number exactly as it stood in its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeScore {
    /// Id of the vendor that gave it.
    pub vendor: &'static str,
    /// The JSON number, digit for digit.
    pub text: String,
}

/// What is known of the picture beside its verdict. `None` means "not computed", never "no".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaceDetails {
    /// Faces found.
    pub face_count: Option<u32>,
    /// How the head stands in the picture.
    pub orientation: Option<Orientation>,
    /// Quality of the picture, 0..1, usable from 0.5 up.
    pub quality: Option<f64>,
    /// Quality of the face region, 0..1, usable from 0.5 up.
    pub face_quality: Option<f64>,
    /// Blurred or too dark to judge well.
    pub blur_or_dark: Option<bool>,
    /// The face covers too few pixels to judge well.
    pub face_too_small: Option<bool>,
    /// The picture has too few pixels to judge well.
    pub image_too_small: Option<bool>,
    /// Probability that a mask covers the face, 0..1.
    pub mask: Option<f64>,
    /// Probability that the eyes are open, 0..1.
    pub eyes_open: Option<f64>,
    /// Probability that the face is live as the network gave it, 0..1, before any operating point.
    pub live_probability: Option<f64>,
}

/// Where the top of the head points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orientation {
    /// Up: upright.
    Up,
    /// Left: the picture was turned 90 degrees counter-clockwise.
    Left,
    /// Down: upside down.
    Down,
    /// Right: turned 270 degrees counter-clockwise.
    Right,
}

/// The frame of a video that stands for it.
#[derive(Clone, PartialEq)]
pub struct Selection {
    /// Seconds from the start; 0 if the upstream does not tell.
    pub at_seconds: f64,
    /// The whole frame, as JPEG.
    pub frame: Option<Bytes>,
    /// The face cut from it, as JPEG.
    pub face: Option<Bytes>,
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection")
            .field("at_seconds", &self.at_seconds)
            .finish_non_exhaustive()
    }
}

/// A comparison of two faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// 0..1, up = same person, on the scale of the dialect that publishes one.
    pub similarity: f64,
    /// The upstream's number as it was written.
    pub native: Option<NativeScore>,
}

// === impl Match ===

impl Match {
    /// One person above this similarity.
    pub const SAME_PERSON: f64 = 0.7;

    /// What the number decides.
    #[must_use]
    pub fn is_same_person(&self) -> bool {
        self.similarity > Self::SAME_PERSON
    }
}

/// Grades of the faces on a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// One entry per face, largest first.
    pub faces: Vec<FaceDetails>,
    /// What only the answering vendor understands.
    pub extras: Extras,
}

/// An id for media that was kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The id as the caller will send it back.
    pub id: String,
}

impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uploaded(..)")
    }
}
