//! Our own API: what the canonical model looks like over HTTP.
//!
//! `POST /v1/liveness` takes a picture as JSON, as a multipart or as the body itself, and answers with a verdict;
//! `/v1/quality` takes the same and grades its faces; `/v1/match` compares two photos; `/v1/media` keeps a file and gives
//! an id that stands for it. Failures are problem details (RFC 9457). [`OPENAPI`] describes it; the gateway serves that
//! document to anyone.
//!
//! *Strict where vendors are lenient.* A picture that is sent in two ways, or a flag that is neither true nor false, is
//! refused: our own callers read our own document.
//!
//! There is no outbound half: a livegate behind a livegate would be configured by what is behind it.

mod inbound;
mod problems;
#[cfg(test)]
mod tests;
mod wire;

use super::{Capabilities, Fixtures, Inbound, Support, Vendor};
use crate::canonical::{ImageFormat, ImageRules, MediaForm, Op};

/// The vendor that we are ourselves.
pub static VENDOR: Vendor = Vendor {
    id: "native",
    name: "livegate",
    scale: None,
    fixtures: Fixtures::Own,
    settings: &[],
    inbound: Some(INBOUND),
    outbound: None,
};

/// The inbound half. It also answers what no dialect recognises.
pub static INBOUND: &dyn Inbound = &inbound::NativeDialect;

/// The OpenAPI 3.1 document, served at [`OPENAPI_PATH`] without authentication.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Where [`OPENAPI`] is served.
pub const OPENAPI_PATH: &str = "/v1/openapi.json";

const PREFIX: &str = "/v1/";
const LIVENESS_PATH: &str = "/v1/liveness";

/// Media types of a body that is the picture itself.
const RAW_TYPES: [&str; 3] = ["image/jpeg", "image/png", "application/octet-stream"];

/// What an id of `/v1/media` can be used with.
const KEPT_FOR: [Op; 3] = [Op::ImageLiveness, Op::FaceMatch, Op::FaceQuality];

const IMAGES: Option<ImageRules> = Some(ImageRules {
    formats: &[ImageFormat::Jpeg, ImageFormat::Png],
    min_side: 64,
    max_side: 8000,
    max_bytes: 10 << 20,
});

/// 10 MiB as base64 with line breaks.
const ONE_FILE: usize = 15 << 20;

static CAPABILITIES: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[
        Support {
            op: Op::ImageLiveness,
            path: LIVENESS_PATH,
            forms: &[MediaForm::Bytes, MediaForm::Stored],
            image: IMAGES,
            max_body: ONE_FILE,
        },
        Support {
            op: Op::FaceMatch,
            path: "/v1/match",
            forms: &[MediaForm::Bytes, MediaForm::Stored],
            image: IMAGES,
            max_body: 2 * ONE_FILE,
        },
        Support {
            op: Op::FaceQuality,
            path: "/v1/quality",
            forms: &[MediaForm::Bytes, MediaForm::Stored],
            image: IMAGES,
            max_body: ONE_FILE,
        },
        Support {
            op: Op::Upload,
            path: "/v1/media",
            forms: &[MediaForm::Bytes],
            image: IMAGES,
            max_body: ONE_FILE,
        },
    ],
};
