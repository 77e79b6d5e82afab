//! Generated calls and answers. The canonical model is small enough to cover.

use std::time::Duration;

use bytes::Bytes;
use livegate::canonical::{
    AttackScore, BundleLiveness, Call, FaceDetails, FaceMatch, FaceQuality, ImageLiveness,
    Liveness, Media, Op, Orientation, Retry, Upload, Verdict, VideoLiveness, VideoMatch,
};
use proptest::prelude::*;

/// A file. Short, often with the bytes that delimit multipart bodies in it.
pub fn media() -> impl Strategy<Value = Media> {
    let noise = prop::collection::vec(any::<u8>(), 1..64);
    let delimiters = prop::sample::select(vec!["", "\r\n", "\r\n--", "--\r\n\r\n", "&a=%+"]);
    (noise, delimiters).prop_map(|(mut bytes, delimiter)| {
        bytes.extend_from_slice(delimiter.as_bytes());
        Media::Bytes(Bytes::from(bytes))
    })
}

/// A call of that op, its media as bytes.
pub fn call(op: Op) -> BoxedStrategy<Call> {
    let flags = any::<[bool; 4]>();
    match op {
        Op::ImageLiveness => (media(), any::<bool>())
            .prop_map(|(image, details)| Call::ImageLiveness(ImageLiveness { image, details }))
            .boxed(),
        Op::BundleLiveness => (media(), flags)
            .prop_map(|(bundle, [return_image, details, ..])| {
                Call::BundleLiveness(BundleLiveness {
                    bundle,
                    return_image,
                    details,
                })
            })
            .boxed(),
        Op::VideoLiveness => video().prop_map(Call::VideoLiveness).boxed(),
        Op::VideoMatch => (video(), media(), flags)
            .prop_map(|(live, reference, [auto_rotate, check_quality, ..])| {
                Call::VideoMatch(VideoMatch {
                    live,
                    reference,
                    auto_rotate,
                    check_quality,
                })
            })
            .boxed(),
        Op::FaceMatch => (media(), media(), flags)
            .prop_map(|(first, second, [auto_rotate, check_quality, ..])| {
                Call::FaceMatch(FaceMatch {
                    first,
                    second,
                    auto_rotate,
                    check_quality,
                })
            })
            .boxed(),
        Op::FaceQuality => media()
            .prop_map(|image| Call::FaceQuality(FaceQuality { image }))
            .boxed(),
        Op::Upload => (media(), prop::sample::select(Op::ALL.to_vec()))
            .prop_map(|(media, for_op)| Call::Upload(Upload { media, for_op }))
            .boxed(),
    }
}

fn video() -> impl Strategy<Value = VideoLiveness> {
    (media(), any::<[bool; 3]>()).prop_map(|(video, [return_frame, return_face, return_status])| {
        VideoLiveness {
            video,
            return_frame,
            return_face,
            return_status,
        }
    })
}

/// An answer with a verdict, as an upstream without a number of its own would give it. Its details do not contradict
/// the verdict.
pub fn decided() -> impl Strategy<Value = Liveness> {
    let verdict = prop::sample::select(vec![Verdict::Live, Verdict::Spoof]);
    (verdict, prop::option::of(fraction()), details()).prop_map(|(verdict, score, mut details)| {
        details.live_probability = details.live_probability.map(|live| match verdict {
            Verdict::Live => 0.51 + 0.49 * live,
            Verdict::Spoof | Verdict::Undecided => 0.49 * live,
        });
        Liveness {
            score: score.and_then(|score| AttackScore::on_side(verdict, score)),
            details,
            ..Liveness::new(verdict)
        }
    })
}

fn details() -> impl Strategy<Value = FaceDetails> {
    let fractions = prop::array::uniform5(prop::option::of(fraction()));
    let flags = any::<[Option<bool>; 3]>();
    let orientation = prop::option::of(prop::sample::select(vec![
        Orientation::Up,
        Orientation::Left,
        Orientation::Down,
        Orientation::Right,
    ]));
    (fractions, flags, orientation, prop::option::of(1..9_u32)).prop_map(
        |(fractions, flags, orientation, face_count)| {
            let [quality, face_quality, mask, eyes_open, live_probability] = fractions;
            let [blur_or_dark, face_too_small, image_too_small] = flags;
            FaceDetails {
                face_count,
                orientation,
                quality,
                face_quality,
                blur_or_dark,
                face_too_small,
                image_too_small,
                mask,
                eyes_open,
                live_probability,
            }
        },
    )
}

fn fraction() -> impl Strategy<Value = f64> {
    0.0..=1.0_f64
}

/// Every kind of advice.
pub const RETRIES: [Retry; 3] = [
    Retry::Never,
    Retry::Now,
    Retry::After(Duration::from_secs(7)),
];

/// One field of [`FaceDetails`]: its name, how to fill it, and whether it is filled.
pub type DetailField = (&'static str, fn(&mut FaceDetails), fn(&FaceDetails) -> bool);

/// Every field of [`FaceDetails`].
pub const DETAIL_FIELDS: [DetailField; 10] = [
    (
        "face_count",
        |d| d.face_count = Some(1),
        |d| d.face_count.is_some(),
    ),
    (
        "orientation",
        |d| d.orientation = Some(Orientation::Left),
        |d| d.orientation.is_some(),
    ),
    (
        "quality",
        |d| d.quality = Some(0.9),
        |d| d.quality.is_some(),
    ),
    (
        "face_quality",
        |d| d.face_quality = Some(0.9),
        |d| d.face_quality.is_some(),
    ),
    (
        "blur_or_dark",
        |d| d.blur_or_dark = Some(true),
        |d| d.blur_or_dark.is_some(),
    ),
    (
        "face_too_small",
        |d| d.face_too_small = Some(true),
        |d| d.face_too_small.is_some(),
    ),
    (
        "image_too_small",
        |d| d.image_too_small = Some(true),
        |d| d.image_too_small.is_some(),
    ),
    ("mask", |d| d.mask = Some(0.1), |d| d.mask.is_some()),
    (
        "eyes_open",
        |d| d.eyes_open = Some(0.9),
        |d| d.eyes_open.is_some(),
    ),
    (
        "live_probability",
        |d| d.live_probability = Some(0.9),
        |d| d.live_probability.is_some(),
    ),
];
