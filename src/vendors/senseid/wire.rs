//! SenseID's JSON and form fields, spelt as SenseID spells them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::canonical::NativeScore;

/// Form fields.
pub(super) const VIDEO: &str = "encrypted_video";
pub(super) const IMAGE: &str = "encrypted_image";
pub(super) const FIRST_IMAGE: &str = "first_encrypted_image";
pub(super) const SECOND_IMAGE: &str = "second_encrypted_image";
pub(super) const AUTO_ROTATE: &str = "auto_rotate";
pub(super) const CHECK_QUALITY: &str = "check_quality";
pub(super) const RETURN_IMAGE: &str = "return_image";
pub(super) const RETURN_FACE_IMAGE: &str = "return_face_image";
pub(super) const RETURN_STATUS: &str = "return_status";

/// `code` of every success.
pub(super) const SUCCESS: u16 = 1000;

/// Values of `liveness_status`.
pub(super) const STATUS_OK: &str = "ok";
pub(super) const STATUS_HACK: &str = "hack";
pub(super) const STATUS_SHORT_TIME: &str = "short_time";

/// `code` of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Code {
    /// Public cloud only: too many requests.
    Throttled = 1002,
    /// Public cloud only: key and secret do not fit.
    KeyMismatch = 1100,
    /// Public cloud only.
    KeyExpired = 1101,
    /// Public cloud only.
    NoPermission = 1103,
    InvalidArgument = 1200,
    InvalidImageSize = 2003,
    InvalidContentLength = 2004,
    InvalidImageType = 2005,
    /// Of section 1.3, which is not served.
    CorruptedLivenessData = 2007,
    /// Public cloud only: not a video.
    InvalidVideo = 2008,
    DetectionFailed = 4000,
    FaceOcclusion = 4004,
    SilentCheckFailed = 4007,
}

/// An answer of 1.4 and 3.1.
#[derive(Serialize)]
pub(super) struct LivenessAnswer {
    pub code: u16,
    pub passed: bool,
    pub liveness_score: Figure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_score: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_timestamp: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64_image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64_face_image: Option<String>,
    pub request_id: String,
}

/// An answer of 1.1.
#[derive(Serialize)]
pub(super) struct MatchAnswer {
    pub code: u16,
    pub verification_score: Figure,
    pub request_id: String,
}

/// An answer of 2.1.
#[derive(Serialize)]
pub(super) struct QualityAnswer {
    pub code: u16,
    pub faces: serde_json::Value,
    pub request_id: String,
}

/// A failure as we write it.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    pub code: u16,
    pub message: &'a str,
    pub request_id: String,
}

/// A number of ours, or the vendor's own digit for digit.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Figure {
    Number(f64),
    Verbatim(Box<RawValue>),
}

/// A reply as we read it: nothing in it is trusted to have its type.
#[derive(Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub code: Option<&'a RawValue>,
    #[serde(borrow)]
    pub passed: Option<&'a RawValue>,
    #[serde(borrow)]
    pub liveness_score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub liveness_status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub verification_score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub image_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub base64_image: Option<&'a RawValue>,
    #[serde(borrow)]
    pub base64_face_image: Option<&'a RawValue>,
    #[serde(borrow)]
    pub faces: Option<&'a RawValue>,
}

// === impl Code ===

impl Code {
    const ALL: [Self; 13] = [
        Self::Throttled,
        Self::KeyMismatch,
        Self::KeyExpired,
        Self::NoPermission,
        Self::InvalidArgument,
        Self::InvalidImageSize,
        Self::InvalidContentLength,
        Self::InvalidImageType,
        Self::CorruptedLivenessData,
        Self::InvalidVideo,
        Self::DetectionFailed,
        Self::FaceOcclusion,
        Self::SilentCheckFailed,
    ];

    pub(super) fn number(self) -> u16 {
        self as u16
    }

    pub(super) fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The manual's text; `None` where no page has one.
    pub(super) fn message(self) -> Option<&'static str> {
        match self {
            Self::Throttled
            | Self::KeyMismatch
            | Self::KeyExpired
            | Self::NoPermission
            | Self::InvalidVideo => None,
            Self::InvalidArgument => Some("invalid argument"),
            Self::InvalidImageSize => Some("invalid image size"),
            Self::InvalidContentLength => Some("invalid content length"),
            Self::InvalidImageType => Some("invalid image type or corrupted"),
            Self::CorruptedLivenessData => Some("corrupted liveness data error"),
            Self::DetectionFailed => Some("detection failed"),
            Self::FaceOcclusion => Some("face occlusion"),
            Self::SilentCheckFailed => Some("liveness silent check failed"),
        }
    }
}

// === impl Figure ===

impl Figure {
    /// The digits of `native` if that vendor wrote them, else `number`.
    pub(super) fn new(vendor: &str, native: Option<&NativeScore>, number: f64) -> Self {
        native
            .filter(|native| native.vendor == vendor)
            .and_then(|native| RawValue::from_string(native.text.clone()).ok())
            .map_or(Self::Number(number), Self::Verbatim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_parse_back_and_others_are_unknown() {
        for code in Code::ALL {
            assert_eq!(Code::of(code.number()), Some(code));
        }
        for number in [0, SUCCESS, 2006, 4001, u16::MAX] {
            assert_eq!(Code::of(number), None);
        }
    }
}
