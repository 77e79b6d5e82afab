//! Our own API: what the canonical model looks like over HTTP.
//!
//! `POST /v1/liveness` takes a picture as JSON, as a multipart or as the body itself, and answers with a verdict.
//! Failures are problem details (RFC 9457). [`OPENAPI`] describes it; the gateway serves that document to anyone.
//!
//! There is no outbound half: a livegate behind a livegate would be configured by what is behind it.

mod inbound;
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

static CAPABILITIES: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[Support {
        op: Op::ImageLiveness,
        path: LIVENESS_PATH,
        forms: &[MediaForm::Bytes],
        image: Some(ImageRules {
            formats: &[ImageFormat::Jpeg, ImageFormat::Png],
            min_side: 64,
            max_side: 8000,
            max_bytes: 10 << 20,
        }),
        // 10 MiB as base64 with line breaks.
        max_body: 15 << 20,
    }],
};
