//! Linkface's JSON, spelt as Linkface spells it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::vendors::score::Score;

/// A verdict as we write it.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub request_id: String,
    pub status: Status,
    pub score: Score,
    #[serde(flatten)]
    pub kept: Kept<'a>,
}

/// What was kept, as we write it.
#[derive(Serialize)]
pub(super) struct Upload<'a> {
    pub request_id: String,
    pub status: Status,
    #[serde(flatten)]
    pub kept: Kept<'a>,
}

/// The id of what was kept.
#[derive(Default, Serialize)]
pub(super) struct Kept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_data_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<&'a str>,
}

/// A failure as we write it.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    pub status: Status,
    pub reason: &'a str,
    pub request_id: String,
    /// Of `NO_FACE_DETECTED` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<&'static str>,
}

/// A reply as we read it: nothing in it is trusted to have its type.
#[derive(Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub score: Option<&'a RawValue>,
    /// What the prose calls the score.
    #[serde(borrow)]
    pub hack_score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub liveness_data_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub image_id: Option<&'a RawValue>,
}

/// `status`: the codes of the four pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    #[serde(rename = "OK")]
    Success,
    EncodingError,
    DownloadTimeout,
    DownloadError,
    InvalidArgument,
    WrongLivenessData,
    NoFaceDetected,
    Unauthorized,
    KeyExpired,
    RateLimitExceeded,
    NoPermission,
    OutOfQuota,
    NotFound,
    InternalError,
    /// Pictures only.
    ImageIdNotExist,
    /// Pictures only.
    ImageFileSizeTooBig,
    /// Pictures only.
    CorruptImage,
    /// Pictures only.
    InvalidImageFormatOrSize,
    #[serde(untagged)]
    Other(String),
}
