//! Calls and answers of every op: empty, full, and generated. The canonical model is small enough to cover.

use std::time::Duration;

use bytes::Bytes;
use livegate::canonical::{
    AttackScore, BundleLiveness, Call, FaceDetails, FaceMatch, FaceQuality, ImageLiveness,
    Liveness, Match, Media, MediaForm, Op, Orientation, Outcome, Quality, Retry, Selection, Upload,
    Uploaded, Verdict, VideoLiveness, VideoMatch,
};
use proptest::prelude::*;

/// What a call may ask beside its subject.
pub const FLAGS: [&str; 7] = [
    "details",
    "return_image",
    "return_frame",
    "return_face",
    "return_status",
    "auto_rotate",
    "check_quality",
];

/// A call that asks nothing beside its subject. The second piece of media and `for_op` are for the ops that have them.
pub fn plain(op: Op, first: Media, second: Media, for_op: Op) -> Call {
    let video = |video| VideoLiveness {
        video,
        return_frame: false,
        return_face: false,
        return_status: false,
    };
    match op {
        Op::ImageLiveness => Call::ImageLiveness(ImageLiveness {
            image: first,
            details: false,
        }),
        Op::BundleLiveness => Call::BundleLiveness(BundleLiveness {
            bundle: first,
            return_image: false,
            details: false,
        }),
        Op::VideoLiveness => Call::VideoLiveness(video(first)),
        Op::VideoMatch => Call::VideoMatch(VideoMatch {
            live: video(first),
            reference: second,
            auto_rotate: false,
            check_quality: false,
        }),
        Op::FaceMatch => Call::FaceMatch(FaceMatch {
            first,
            second,
            auto_rotate: false,
            check_quality: false,
        }),
        Op::FaceQuality => Call::FaceQuality(FaceQuality { image: first }),
        Op::Upload => Call::Upload(Upload {
            media: first,
            for_op,
        }),
    }
}

/// That flag of the call, if its op has it.
pub fn flag<'a>(call: &'a mut Call, name: &str) -> Option<&'a mut bool> {
    let mut flags = call.wishes_mut().into_iter();
    flags
        .find(|(known, _)| *known == name)
        .map(|(_, flag)| flag)
}

/// That piece of media of the call, by the name that the fixtures use, if its op has it.
pub fn media_slot<'a>(call: &'a mut Call, name: &str) -> Option<&'a mut Media> {
    match (call, name) {
        (Call::ImageLiveness(call), "image") => Some(&mut call.image),
        (Call::BundleLiveness(call), "bundle") => Some(&mut call.bundle),
        (Call::VideoLiveness(live) | Call::VideoMatch(VideoMatch { live, .. }), "video") => {
            Some(&mut live.video)
        }
        (Call::VideoMatch(call), "reference") => Some(&mut call.reference),
        (Call::FaceMatch(call), "first") => Some(&mut call.first),
        (Call::FaceMatch(call), "second") => Some(&mut call.second),
        (Call::FaceQuality(call), "image") => Some(&mut call.image),
        (Call::Upload(call), "media") => Some(&mut call.media),
        _ => None,
    }
}

/// A call of that op, its media in these forms.
pub fn call(op: Op, forms: Vec<MediaForm>) -> impl Strategy<Value = Call> {
    let flags = any::<[bool; FLAGS.len()]>();
    let for_op = prop::sample::select(Op::ALL.to_vec());
    (media(forms.clone()), media(forms), flags, for_op).prop_map(
        move |(first, second, flags, for_op)| {
            let mut call = plain(op, first, second, for_op);
            for (name, on) in FLAGS.into_iter().zip(flags) {
                if let Some(flag) = flag(&mut call, name) {
                    *flag = on;
                }
            }
            call
        },
    )
}

/// Files are short, often with the bytes that delimit multipart bodies in them; addresses often need escapes.
fn media(forms: Vec<MediaForm>) -> impl Strategy<Value = Media> {
    let noise = prop::collection::vec(any::<u8>(), 1..64);
    let delimiter = prop::sample::select(vec!["", "\r\n", "\r\n--", "--\r\n\r\n", "&a=%+"]);
    let rest = prop::sample::select(vec!["", "/a b.jpg", "?a=b&c=d+e", "/%E4%BD%A0?q=%25#é"]);
    let form = prop::sample::select(forms);
    (form, noise, delimiter, rest, "[A-Za-z0-9_-]{1,40}").prop_map(
        |(form, mut noise, delimiter, rest, word)| match form {
            MediaForm::Bytes => {
                noise.extend_from_slice(delimiter.as_bytes());
                Media::Bytes(Bytes::from(noise))
            }
            MediaForm::Url => Media::Url(format!("https://{word}.example{rest}")),
            MediaForm::Stored => Media::Stored(word),
        },
    )
}

/// What can be found out, of any op: a liveness answer has room for all of it. Both have every field, each with another
/// value.
pub fn full() -> [Liveness; 2] {
    let facts = |number: f64, flag: bool, orientation, file: &'static str| Liveness {
        score: AttackScore::new(number),
        details: FaceDetails {
            face_count: Some(1 + u32::from(flag)),
            orientation: Some(orientation),
            quality: Some(1.0 - number),
            face_quality: Some(1.0 - number),
            blur_or_dark: Some(flag),
            face_too_small: Some(flag),
            image_too_small: Some(flag),
            mask: Some(number),
            eyes_open: Some(1.0 - number),
            live_probability: Some(1.0 - number),
        },
        selection: Some(Selection {
            at_seconds: number,
            frame: Some(Bytes::from_static(file.as_bytes())),
            face: Some(Bytes::from_static(file.as_bytes())),
        }),
        matched: Some(Match {
            similarity: 1.0 - number,
            native: None,
        }),
        stored: Some(Uploaded {
            id: file.to_owned(),
        }),
        ..Liveness::new(Verdict::Live)
    };
    [
        facts(0.125, false, Orientation::Left, "one"),
        facts(0.25, true, Orientation::Right, "two"),
    ]
}

/// Copies one field from the second to the first, if it is there.
pub type Field = (&'static str, fn(&mut Liveness, &Liveness));

/// Every field of an answer beside its verdict.
pub const FIELDS: [Field; 16] = [
    ("score", |to, from| to.score = from.score.or(to.score)),
    ("face_count", |to, from| {
        to.details.face_count = from.details.face_count.or(to.details.face_count);
    }),
    ("orientation", |to, from| {
        to.details.orientation = from.details.orientation.or(to.details.orientation);
    }),
    ("quality", |to, from| {
        to.details.quality = from.details.quality.or(to.details.quality);
    }),
    ("face_quality", |to, from| {
        to.details.face_quality = from.details.face_quality.or(to.details.face_quality);
    }),
    ("blur_or_dark", |to, from| {
        to.details.blur_or_dark = from.details.blur_or_dark.or(to.details.blur_or_dark);
    }),
    ("face_too_small", |to, from| {
        to.details.face_too_small = from.details.face_too_small.or(to.details.face_too_small);
    }),
    ("image_too_small", |to, from| {
        to.details.image_too_small = from.details.image_too_small.or(to.details.image_too_small);
    }),
    ("mask", |to, from| {
        to.details.mask = from.details.mask.or(to.details.mask);
    }),
    ("eyes_open", |to, from| {
        to.details.eyes_open = from.details.eyes_open.or(to.details.eyes_open);
    }),
    ("live_probability", |to, from| {
        to.details.live_probability = from
            .details
            .live_probability
            .or(to.details.live_probability);
    }),
    ("frame_time", |to, from| {
        if let Some(from) = from.selection.as_ref().filter(|s| s.at_seconds > 0.0) {
            selection(to).at_seconds = from.at_seconds;
        }
    }),
    ("frame", |to, from| {
        if let Some(frame) = from.selection.as_ref().and_then(|s| s.frame.clone()) {
            selection(to).frame = Some(frame);
        }
    }),
    ("face", |to, from| {
        if let Some(face) = from.selection.as_ref().and_then(|s| s.face.clone()) {
            selection(to).face = Some(face);
        }
    }),
    ("similarity", |to, from| {
        to.matched = from.matched.clone().or(to.matched.take());
    }),
    ("id", |to, from| {
        to.stored = from.stored.clone().or(to.stored.take());
    }),
];

fn selection(liveness: &mut Liveness) -> &mut Selection {
    liveness.selection.get_or_insert(Selection {
        at_seconds: 0.0,
        frame: None,
        face: None,
    })
}

/// The part of the facts that an answer of that op holds. Only who is live has a frame and a comparison.
pub fn outcome(op: Op, facts: Liveness) -> Outcome {
    let live = facts.verdict == Verdict::Live;
    let selection = facts.selection.clone().filter(|_| live);
    let matched = facts.matched.clone();
    match op {
        Op::ImageLiveness => Outcome::Liveness(Liveness {
            selection: None,
            matched: None,
            ..facts
        }),
        Op::BundleLiveness => Outcome::Liveness(Liveness {
            selection,
            matched: None,
            ..facts
        }),
        Op::VideoLiveness => Outcome::Liveness(Liveness {
            selection,
            matched: None,
            stored: None,
            ..facts
        }),
        Op::VideoMatch => Outcome::Liveness(Liveness {
            selection,
            matched: matched.filter(|_| live),
            stored: None,
            ..facts
        }),
        Op::FaceMatch => Outcome::Match(matched.unwrap_or(Match {
            similarity: 0.0,
            native: None,
        })),
        Op::FaceQuality => Outcome::Quality(Quality {
            faces: vec![facts.details],
            extras: facts.extras,
        }),
        Op::Upload => Outcome::Uploaded(facts.stored.unwrap_or(Uploaded { id: "id".into() })),
    }
}

/// The facts in an answer; of several faces the first.
pub fn facts_of(outcome: Outcome) -> Liveness {
    let nothing = Liveness::new(Verdict::Undecided);
    match outcome {
        Outcome::Liveness(liveness) => liveness,
        Outcome::Match(matched) => Liveness {
            matched: Some(matched),
            ..nothing
        },
        Outcome::Quality(quality) => Liveness {
            details: quality.faces.into_iter().next().unwrap_or_default(),
            ..nothing
        },
        Outcome::Uploaded(stored) => Liveness {
            stored: Some(stored),
            ..nothing
        },
    }
}

/// An answer of that op, as an upstream without a number of its own would give it. Its details do not contradict the
/// verdict.
pub fn decided(op: Op) -> impl Strategy<Value = Outcome> {
    let verdict = prop::sample::select(vec![Verdict::Live, Verdict::Spoof]);
    let file = || prop::option::of("[a-z]{1,9}".prop_map(Bytes::from));
    let selection = (0.001..9.0_f64, file(), file());
    let stored = prop::option::of("[A-Za-z0-9_-]{1,40}".prop_map(|id| Uploaded { id }));
    let score = prop::option::of(fraction());
    (verdict, score, details(), selection, fraction(), stored).prop_map(
        move |(verdict, score, mut details, (at_seconds, frame, face), similarity, stored)| {
            details.live_probability = details.live_probability.map(|live| match verdict {
                Verdict::Live => 0.51 + 0.49 * live,
                Verdict::Spoof | Verdict::Undecided => 0.49 * live,
            });
            let facts = Liveness {
                score: score.and_then(|score| AttackScore::on_side(verdict, score)),
                details,
                selection: Some(Selection {
                    at_seconds,
                    frame,
                    face,
                }),
                matched: Some(Match {
                    similarity,
                    native: None,
                }),
                stored,
                ..Liveness::new(verdict)
            };
            outcome(op, facts)
        },
    )
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
