//! One picture from bytes to report: decode, find faces, look whether they can be judged, judge the largest.

use std::error::Error;

use serde::{Serialize, Serializer};

use super::config::Config;
use super::detect::{self, Found};
use super::network::{Network, NetworkError};
use super::quality::{self, Quality};
use super::{InspectError, decode, liveness};
use crate::canonical::{Orientation, Verdict};

/// The two networks of the pipeline.
pub struct Networks {
    /// Finds faces.
    pub detector: Box<dyn Network>,
    /// Judges them.
    pub liveness: Box<dyn Network>,
}

/// Where the probability of a live face is cut, see [`Config`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    live_at: f64,
    spoof_below: f64,
}

/// What the engine found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `live`, `spoof` or `undecided`.
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// Why it is undecided, in one sentence that a caller may read.
    pub reason: Option<&'static str>,
    /// 0..1; absent if the face was not judged.
    pub live_probability: Option<f64>,
    /// Live at or above.
    pub live_at: f64,
    /// Spoof below; undecided between.
    pub spoof_below: f64,
    /// What else is known of the picture.
    pub details: Details,
}

/// What is known of the picture beside the verdict. All but the count is of the largest face.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Details {
    /// Faces found, at least 1.
    pub face_count: u32,
    /// Where the top of the head points in the picture, after its EXIF orientation was applied: `up`, `left`, `down` or
    /// `right`.
    #[serde(serialize_with = "orientation")]
    pub orientation: Orientation,
    /// Grade of the picture, 0..1, usable from 0.5 up.
    pub quality: f64,
    /// Grade of the face region, 0..1, usable from 0.5 up.
    pub face_quality: f64,
    /// Blurred or too dark to judge well.
    pub blur_or_dark: bool,
    /// Too few pixels on the face to judge well.
    pub face_too_small: bool,
    /// Too few pixels in the picture to judge well.
    pub image_too_small: bool,
}

/// Judges the largest face of a picture.
///
/// # Errors
///
/// `Unreadable`, `NoFace`, or `Failed` if a network does.
pub fn inspect(
    networks: &Networks,
    point: OperatingPoint,
    bytes: &[u8],
) -> Result<Report, InspectError> {
    let picture = decode::decode(bytes)?;
    let found = detect::find_faces(networks.detector.as_ref(), &picture).map_err(failed)?;
    let largest = found.faces.first().ok_or(InspectError::NoFace)?;
    let picture = detect::turn_upright(picture, found.orientation);
    let quality = quality::measure(&picture, largest);
    let details = Details::new(&found, &quality);
    if let Some(reason) = quality.refusal() {
        return Ok(point.unjudged(reason, details));
    }
    let probability = liveness::live_probability(networks.liveness.as_ref(), &picture, largest)
        .map_err(failed)?;
    Ok(point.judged(probability, details))
}

fn failed(error: NetworkError) -> InspectError {
    let source = error.source().map(ToString::to_string);
    tracing::error!(%error, source, "the local engine failed");
    InspectError::Failed
}

// === impl OperatingPoint ===

impl OperatingPoint {
    /// The operating point of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            live_at: config.live_at,
            spoof_below: config.spoof_below,
        }
    }

    fn judged(self, probability: f64, details: Details) -> Report {
        let (verdict, reason) = if probability >= self.live_at {
            (Verdict::Live, None)
        } else if probability < self.spoof_below {
            (Verdict::Spoof, None)
        } else {
            let reason = "the picture is neither clearly live nor clearly a copy";
            (Verdict::Undecided, Some(reason))
        };
        self.report(verdict, reason, Some(probability), details)
    }

    fn unjudged(self, reason: &'static str, details: Details) -> Report {
        self.report(Verdict::Undecided, Some(reason), None, details)
    }

    fn report(
        self,
        verdict: Verdict,
        reason: Option<&'static str>,
        live_probability: Option<f64>,
        details: Details,
    ) -> Report {
        Report {
            verdict,
            reason,
            live_probability,
            live_at: self.live_at,
            spoof_below: self.spoof_below,
            details,
        }
    }
}

// === impl Details ===

impl Details {
    fn new(found: &Found, quality: &Quality) -> Self {
        Self {
            face_count: u32::try_from(found.faces.len()).unwrap_or(u32::MAX),
            orientation: found.orientation,
            quality: quality.grade(),
            face_quality: quality.face_grade(),
            blur_or_dark: quality.blur_or_dark(),
            face_too_small: quality.face_too_small(),
            image_too_small: quality.image_too_small(),
        }
    }
}

fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.as_str())
}

fn orientation<S: Serializer>(orientation: &Orientation, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match orientation {
        Orientation::Up => "up",
        Orientation::Left => "left",
        Orientation::Down => "down",
        Orientation::Right => "right",
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    /// Sees one face of 64 x 64 in the middle of a picture of 160 x 160.
    struct OneFace;

    impl Network for OneFace {
        fn run(&self, _: [usize; 4], _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            let mut outputs: Vec<Vec<f32>> = [1, 1, 4, 10]
                .into_iter()
                .flat_map(|each| [400, 100, 25].map(|cells| vec![0.0; cells * each]))
                .collect();
            // Cell 12 of 5 x 5 cells of 32 pixels.
            outputs[2][12] = 1.0;
            outputs[5][12] = 1.0;
            let size = 2.0_f32.ln();
            outputs[8][48..52].copy_from_slice(&[0.5, 0.5, size, size]);
            Ok(outputs)
        }
    }

    /// Answers every crop with the same logits.
    struct Always(Vec<f32>);

    impl Network for Always {
        fn run(&self, _: [usize; 4], _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            Ok(vec![self.0.clone()])
        }
    }

    /// Answers nothing that can be used.
    struct Broken;

    impl Network for Broken {
        fn run(&self, _: [usize; 4], _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            Err(NetworkError::NotANumber)
        }
    }

    fn judged_by(
        detector: impl Network + 'static,
        liveness: impl Network + 'static,
    ) -> Result<Report, InspectError> {
        let picture = RgbImage::from_fn(160, 160, |x, y| {
            Rgb(if (x + y) % 2 == 0 {
                [200, 100, 50]
            } else {
                [150, 80, 20]
            })
        });
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("encodes");
        let networks = Networks {
            detector: Box::new(detector),
            liveness: Box::new(liveness),
        };
        let point = OperatingPoint::of(&Config::default());
        inspect(&networks, point, bytes.get_ref())
    }

    #[test]
    fn the_probability_is_cut_at_the_operating_point() {
        for (live, verdict) in [
            (2.0_f32, Verdict::Live),
            (1.0, Verdict::Undecided),
            (0.0, Verdict::Spoof),
        ] {
            // Against two logits of which one never wins: 0.88, 0.73 and 0.50 less a little.
            let report = judged_by(OneFace, Always(vec![live, 0.0, -9.0])).expect("a report");
            assert_eq!(report.verdict, verdict, "{report:?}");
            assert_eq!(report.reason.is_some(), verdict == Verdict::Undecided);
            assert!(report.live_probability.is_some());
        }
    }

    #[test]
    fn a_network_that_fails_or_changes_shape_is_a_failure() {
        let failure = Err(InspectError::Failed);
        assert_eq!(judged_by(Broken, Always(vec![9.0, 0.0, 0.0])), failure);
        assert_eq!(judged_by(OneFace, Broken), failure);
        assert_eq!(judged_by(OneFace, Always(vec![9.0, 0.0])), failure);
        assert_eq!(
            judged_by(Always(vec![9.0]), Always(vec![9.0, 0.0, 0.0])),
            failure
        );
    }
}
