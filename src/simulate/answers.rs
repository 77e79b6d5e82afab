//! Plausible answers. Everything in them comes from the media's digest, so that one file is always answered alike.

use std::sync::LazyLock;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::script::Digest;
use crate::canonical::{
    AttackScore, Call, Extras, FaceDetails, Liveness, Match, MediaForm, Orientation, Outcome,
    Quality, Selection, Uploaded, Verdict, VideoLiveness,
};

/// Two faces above it are of one person.
const SAME_PERSON: f64 = 0.7;
/// Distance that is kept from it.
const MARGIN: f64 = 0.05;
/// When the chosen frame was taken, seconds.
const AT_SECONDS: f64 = 1.24;

/// A picture that stands for a frame and for the face cut from it: a plain ramp, for nobody's face is at hand.
static FRAME: LazyLock<Bytes> = LazyLock::new(|| {
    let ramp = RgbImage::from_fn(96, 128, |x, y| Rgb([x as u8 * 2, y as u8, 128]));
    let mut jpeg = Vec::new();
    // Fails only if the writer does, and a vector does not.
    let _ = JpegEncoder::new(&mut jpeg).encode_image(&ramp);
    Bytes::from(jpeg)
});

/// The answer to `call`, whose subject has that digest and is kept under that id.
pub(super) fn outcome(call: &Call, live: bool, digest: &Digest, id: String) -> Outcome {
    let uploaded = Uploaded { id };
    // Who sent the id knows it.
    let by_id = call.media().first().map(|media| media.form()) == Some(MediaForm::Stored);
    let stored = (!by_id).then(|| uploaded.clone());
    match call {
        Call::ImageLiveness(asked) => {
            Outcome::Liveness(liveness(live, digest, asked.details, stored))
        }
        Call::BundleLiveness(asked) => Outcome::Liveness(Liveness {
            selection: asked.return_image.then(|| selection(true, true)),
            ..liveness(live, digest, asked.details, stored)
        }),
        Call::VideoLiveness(asked) => Outcome::Liveness(video(asked, live, digest, stored)),
        Call::VideoMatch(asked) => Outcome::Liveness(Liveness {
            matched: live.then(|| matched(true, digest)),
            ..video(&asked.live, live, digest, stored)
        }),
        Call::FaceMatch(_) => Outcome::Match(matched(live, digest)),
        Call::FaceQuality(_) => Outcome::Quality(Quality {
            faces: vec![graded(live)],
            extras: Extras::default(),
        }),
        Call::Upload(_) => Outcome::Uploaded(uploaded),
    }
}

fn liveness(live: bool, digest: &Digest, with_details: bool, stored: Option<Uploaded>) -> Liveness {
    let verdict = if live { Verdict::Live } else { Verdict::Spoof };
    let side = if live { 0.0 } else { AttackScore::THRESHOLD };
    let score = AttackScore::on_side(verdict, side + 0.5 * digest.fraction());
    let details = FaceDetails {
        live_probability: score.map(|score| 1.0 - score.value()),
        ..graded(true)
    };
    Liveness {
        score,
        details: if with_details {
            details
        } else {
            FaceDetails::default()
        },
        stored,
        ..Liveness::new(verdict)
    }
}

fn video(asked: &VideoLiveness, live: bool, digest: &Digest, stored: Option<Uploaded>) -> Liveness {
    let wanted = asked.return_frame || asked.return_face;
    Liveness {
        selection: (live && wanted).then(|| selection(asked.return_frame, asked.return_face)),
        ..liveness(live, digest, false, stored)
    }
}

fn selection(frame: bool, face: bool) -> Selection {
    let picture = |wanted: bool| wanted.then(|| FRAME.clone());
    Selection {
        at_seconds: AT_SECONDS,
        frame: picture(frame),
        face: picture(face),
    }
}

fn matched(same: bool, digest: &Digest) -> Match {
    let (low, high) = if same {
        (SAME_PERSON + MARGIN, 1.0)
    } else {
        (0.0, SAME_PERSON - MARGIN)
    };
    Match {
        similarity: low + (high - low) * digest.fraction(),
        native: None,
    }
}

/// A face on a good photo, or on a blurred one.
fn graded(good: bool) -> FaceDetails {
    let quality = if good { 0.93 } else { 0.21 };
    FaceDetails {
        face_count: Some(1),
        orientation: Some(Orientation::Up),
        quality: Some(quality),
        face_quality: Some(quality),
        blur_or_dark: Some(!good),
        face_too_small: Some(false),
        image_too_small: Some(false),
        mask: Some(0.02),
        eyes_open: Some(0.97),
        live_probability: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{
        BundleLiveness, FaceMatch, FaceQuality, ImageLiveness, Media, Op, Upload, VideoMatch,
    };

    fn call(op: Op) -> Call {
        let media = || Media::Bytes(Bytes::from_static(b"media"));
        let live = VideoLiveness {
            video: media(),
            return_frame: true,
            return_face: false,
            return_status: false,
        };
        match op {
            Op::ImageLiveness => Call::ImageLiveness(ImageLiveness {
                image: media(),
                details: true,
            }),
            Op::BundleLiveness => Call::BundleLiveness(BundleLiveness {
                bundle: media(),
                return_image: true,
                details: false,
            }),
            Op::VideoLiveness => Call::VideoLiveness(live),
            Op::VideoMatch => Call::VideoMatch(VideoMatch {
                live,
                reference: media(),
                auto_rotate: false,
                check_quality: false,
            }),
            Op::FaceMatch => Call::FaceMatch(FaceMatch {
                first: media(),
                second: media(),
                auto_rotate: false,
                check_quality: false,
            }),
            Op::FaceQuality => Call::FaceQuality(FaceQuality { image: media() }),
            Op::Upload => Call::Upload(Upload {
                media: media(),
                for_op: Op::ImageLiveness,
            }),
        }
    }

    /// Over many digests: every number is on its side, and what was not asked for is not there.
    #[test]
    fn every_op_has_an_answer_on_the_side_that_was_asked_for() {
        for seed in 0..200_u8 {
            let digest = Digest::of(&[seed]);
            for (op, live) in Op::ALL.into_iter().flat_map(|op| [(op, true), (op, false)]) {
                match outcome(&call(op), live, &digest, "id".to_owned()) {
                    Outcome::Liveness(found) => {
                        let verdict = if live { Verdict::Live } else { Verdict::Spoof };
                        assert_eq!(found.verdict, verdict);
                        let score = found.score.expect("a score").value();
                        assert_eq!(score < AttackScore::THRESHOLD, live);
                        let detailed = found.details != FaceDetails::default();
                        assert_eq!(detailed, op == Op::ImageLiveness);
                        assert_eq!(found.matched.is_some(), op == Op::VideoMatch && live);
                        if op != Op::ImageLiveness && live {
                            assert!(found.selection.expect("a frame").frame.is_some());
                        }
                    }
                    Outcome::Match(found) => assert_eq!(found.similarity > SAME_PERSON, live),
                    Outcome::Quality(found) => {
                        assert_eq!(found.faces[0].quality.expect("graded") >= 0.5, live);
                    }
                    Outcome::Uploaded(found) => assert_eq!(found.id, "id"),
                }
            }
        }
    }
}
