//! What a caller asks: one enum, a struct per op.

use std::fmt;

use super::media::Media;

/// What is asked. One op per dialect endpoint; the names are those of configuration, logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// Is the face on one still picture a living person's?
    ImageLiveness,
    /// The same of an opaque capture that a vendor's SDK made.
    BundleLiveness,
    /// The same of a video.
    VideoLiveness,
    /// Liveness of a video, and whether its face is the one on a reference photo.
    VideoMatch,
    /// Are two photos of the same person?
    FaceMatch,
    /// How good is the face on one photo?
    FaceQuality,
    /// Keep media for a later call by id.
    Upload,
}

// === impl Op ===

impl Op {
    /// Every op, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::ImageLiveness,
        Self::BundleLiveness,
        Self::VideoLiveness,
        Self::VideoMatch,
        Self::FaceMatch,
        Self::FaceQuality,
        Self::Upload,
    ];

    /// The name used in configuration, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageLiveness => "image-liveness",
            Self::BundleLiveness => "bundle-liveness",
            Self::VideoLiveness => "video-liveness",
            Self::VideoMatch => "video-match",
            Self::FaceMatch => "face-match",
            Self::FaceQuality => "face-quality",
            Self::Upload => "upload",
        }
    }

    /// The op of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == name)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request, free of any dialect.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// See [`Op::ImageLiveness`].
    ImageLiveness(ImageLiveness),
    /// See [`Op::BundleLiveness`].
    BundleLiveness(BundleLiveness),
    /// See [`Op::VideoLiveness`].
    VideoLiveness(VideoLiveness),
    /// See [`Op::VideoMatch`].
    VideoMatch(VideoMatch),
    /// See [`Op::FaceMatch`].
    FaceMatch(FaceMatch),
    /// See [`Op::FaceQuality`].
    FaceQuality(FaceQuality),
    /// See [`Op::Upload`].
    Upload(Upload),
}

/// A still picture whose largest face is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageLiveness {
    /// The picture.
    pub image: Media,
    /// The caller wants [`FaceDetails`](super::FaceDetails) as far as the upstream computes them.
    pub details: bool,
}

/// An SDK's capture, opaque to everyone but its vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleLiveness {
    /// The capture, as the SDK wrote it.
    pub bundle: Media,
    /// The caller wants the face picture that the vendor cut from the capture.
    pub return_image: bool,
    /// The caller wants details.
    pub details: bool,
}

/// A video in the clear; the dialect's own encryption is undone before and redone after.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoLiveness {
    /// The video file.
    pub video: Media,
    /// The caller wants the chosen frame and its time.
    pub return_frame: bool,
    /// The caller wants the face cut from the chosen frame.
    pub return_face: bool,
    /// The caller wants the reason of a refusal.
    pub return_status: bool,
}

/// A video and the photo that its face is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoMatch {
    /// The liveness subject and everything asked about it.
    pub live: VideoLiveness,
    /// The comparison photo. Never a liveness subject: it may be a document.
    pub reference: Media,
    /// Turn the photo upright first.
    pub auto_rotate: bool,
    /// Refuse an occluded face on the photo.
    pub check_quality: bool,
}

/// Two photos to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceMatch {
    /// First photo.
    pub first: Media,
    /// Second photo.
    pub second: Media,
    /// Turn both upright first.
    pub auto_rotate: bool,
    /// Refuse occluded faces.
    pub check_quality: bool,
}

/// One photo whose faces are graded.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceQuality {
    /// The photo.
    pub image: Media,
}

/// Media to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The file.
    pub media: Media,
    /// Which op the id will be used with.
    pub for_op: Op,
}

// === impl Call ===

impl Call {
    /// What this call asks.
    #[must_use]
    pub fn op(&self) -> Op {
        match self {
            Self::ImageLiveness(_) => Op::ImageLiveness,
            Self::BundleLiveness(_) => Op::BundleLiveness,
            Self::VideoLiveness(_) => Op::VideoLiveness,
            Self::VideoMatch(_) => Op::VideoMatch,
            Self::FaceMatch(_) => Op::FaceMatch,
            Self::FaceQuality(_) => Op::FaceQuality,
            Self::Upload(_) => Op::Upload,
        }
    }

    /// The still pictures among its media: those that [`ImageRules`](super::ImageRules) are about.
    #[must_use]
    pub fn pictures(&self) -> Vec<&Media> {
        match self {
            Self::BundleLiveness(_) | Self::VideoLiveness(_) => Vec::new(),
            Self::VideoMatch(call) => vec![&call.reference],
            Self::Upload(call) if call.for_op != Op::ImageLiveness => Vec::new(),
            Self::ImageLiveness(_)
            | Self::FaceMatch(_)
            | Self::FaceQuality(_)
            | Self::Upload(_) => self.media(),
        }
    }

    /// Every piece of media in the call, subject first.
    #[must_use]
    pub fn media(&self) -> Vec<&Media> {
        match self {
            Self::ImageLiveness(call) => vec![&call.image],
            Self::BundleLiveness(call) => vec![&call.bundle],
            Self::VideoLiveness(call) => vec![&call.video],
            Self::VideoMatch(call) => vec![&call.live.video, &call.reference],
            Self::FaceMatch(call) => vec![&call.first, &call.second],
            Self::FaceQuality(call) => vec![&call.image],
            Self::Upload(call) => vec![&call.media],
        }
    }

    /// The same, to be replaced.
    pub fn media_mut(&mut self) -> Vec<&mut Media> {
        match self {
            Self::ImageLiveness(call) => vec![&mut call.image],
            Self::BundleLiveness(call) => vec![&mut call.bundle],
            Self::VideoLiveness(call) => vec![&mut call.video],
            Self::VideoMatch(call) => vec![&mut call.live.video, &mut call.reference],
            Self::FaceMatch(call) => vec![&mut call.first, &mut call.second],
            Self::FaceQuality(call) => vec![&mut call.image],
            Self::Upload(call) => vec![&mut call.media],
        }
    }

    /// What is asked beside the subject: every wish of the op by its name, and whether it is made.
    pub fn wishes_mut(&mut self) -> Vec<(&'static str, &mut bool)> {
        match self {
            Self::ImageLiveness(call) => vec![("details", &mut call.details)],
            Self::BundleLiveness(call) => vec![
                ("return_image", &mut call.return_image),
                ("details", &mut call.details),
            ],
            Self::VideoLiveness(call) => call.wishes_mut(),
            Self::VideoMatch(call) => {
                let mut wishes = call.live.wishes_mut();
                wishes.push(("auto_rotate", &mut call.auto_rotate));
                wishes.push(("check_quality", &mut call.check_quality));
                wishes
            }
            Self::FaceMatch(call) => vec![
                ("auto_rotate", &mut call.auto_rotate),
                ("check_quality", &mut call.check_quality),
            ],
            Self::FaceQuality(_) | Self::Upload(_) => vec![],
        }
    }
}

// === impl VideoLiveness ===

impl VideoLiveness {
    fn wishes_mut(&mut self) -> Vec<(&'static str, &mut bool)> {
        vec![
            ("return_frame", &mut self.return_frame),
            ("return_face", &mut self.return_face),
            ("return_status", &mut self.return_status),
        ]
    }
}

/// The one id of a call: 128 random bits. Each dialect renders it in its own shape, so that support can trace a
/// caller's id to ours.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId([u8; 16]);

// === impl CallId ===

impl CallId {
    /// Wraps 128 bits that the caller of this function drew at random.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.digits(false)
    }

    /// The same digits grouped 8-4-4-4-12, as a UUID is written (RFC 9562).
    #[must_use]
    pub fn uuid(&self) -> String {
        self.digits(true)
    }

    /// A number that is evenly distributed over calls, for choices by weight.
    #[must_use]
    pub fn point(&self) -> u64 {
        let [.., a, b, c, d, e, f, g] = self.0;
        u64::from_be_bytes([0, a, b, c, d, e, f, g])
    }

    fn digits(self, dashed: bool) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(36);
        for (index, byte) in self.0.iter().enumerate() {
            if dashed && matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_have_distinct_names_that_parse_back() {
        for op in Op::ALL {
            assert_eq!(Op::from_name(op.as_str()), Some(op));
        }
        assert_eq!(Op::from_name("image_liveness"), None);
    }

    #[test]
    fn one_id_in_two_shapes() {
        let id = CallId::from_bytes([
            0x8b, 0xf4, 0x7a, 0xb6, 0xed, 0xa6, 0x44, 0x76, 0x97, 0x3c, 0xc5, 0xf5, 0xb6, 0xeb,
            0xf5, 0x7e,
        ]);
        assert_eq!(id.hex(), "8bf47ab6eda64476973cc5f5b6ebf57e");
        assert_eq!(id.uuid(), "8bf47ab6-eda6-4476-973c-c5f5b6ebf57e");
    }
}
