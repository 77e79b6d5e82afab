//! Tencent Cloud's JSON, spelt as Tencent Cloud spells it.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope of success and failure alike.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub response: Option<Reply<'a>>,
}

/// A reply as we read it: nothing in it is trusted to have its type.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// `Error` of a reply.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplyError<'a> {
    #[serde(borrow)]
    pub code: Option<&'a RawValue>,
}
