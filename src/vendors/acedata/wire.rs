//! AceData's JSON, spelt as AceData spells it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::vendors::body::json::Text;

/// A request as we read it.
#[derive(Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub image_url: Option<Text<'a>>,
    /// A string or a number.
    #[serde(borrow)]
    pub face_model_version: Option<&'a RawValue>,
}

/// A request as we write it.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub image_url: &'a str,
    pub face_model_version: &'static str,
}

/// An answer as we write it.
#[derive(Serialize)]
pub(super) struct Answer {
    pub score: Box<RawValue>,
    pub face_model_version: &'static str,
}

/// A failure as we write it.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    pub success: bool,
    pub error: Complaint<'a>,
    pub trace_id: String,
}

/// What went wrong.
#[derive(Serialize)]
pub(super) struct Complaint<'a> {
    pub code: Code,
    pub message: &'a str,
}

/// A reply as we read it: nothing in it is trusted to have its type.
#[derive(Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// `error` of a reply.
#[derive(Deserialize)]
pub(super) struct ReplyError<'a> {
    #[serde(borrow)]
    pub code: Option<&'a RawValue>,
}

/// `error.code`: those of the endpoint's page, and those of the general page on responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    TokenMismatched,
    ApiNotImplemented,
    InvalidToken,
    TooManyRequests,
    ApiError,
    /// General page.
    BadRequest,
    /// General page.
    NoToken,
    /// General page.
    TokenExpired,
    /// General page.
    Disabled,
    /// General page.
    UsedUp,
    /// General page.
    Forbidden,
    /// General page.
    NoApi,
    /// General page.
    Timeout,
}
