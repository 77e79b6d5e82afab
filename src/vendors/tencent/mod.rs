//! Tencent Cloud `DetectLiveFaceAccurate`: one still picture in, a live score of 0 to 100 out. Called only; no dialect.
//!
//! Reference: the vendor's pages of the action, of signature v3 and of its response envelope, and the error list in its
//! own Go SDK. What they leave open, and what is done here:
//!
//! - Success and failure come in the same envelope with status 200: `Response.Error` tells them apart, not the status.
//! - The threshold is 40; whether 40 itself passes is undefined, so it is read as attack. Zero is an ordinary score.
//! - With both `Image` and `Url` only `Url` is used: one is sent.
//! - GIF is refused, and so is what is over 5 MB as base64, before anything is sent. The limits on pixels depend on the
//!   format (4000 for JPEG, 2000 otherwise); the vendor holds to them itself.
//! - The region is required on the Chinese page and not on the international one.
//!
//! # Design
//!
//! *Where does the region come from?* From the host: the vendor has an address for each
//! (`iai.ap-guangzhou.tencentcloudapi.com`), so the address says all there is to say and no key is needed that other
//! vendors do not have. An address without one stands for Guangzhou, except the international one, which wants none.
//!
//! *Why can no head be authorised by itself?* The signature covers the body.

mod codes;
mod outbound;
mod sign;
mod wire;

use super::{Capabilities, Fixtures, Support, Vendor};
use crate::canonical::{Boundary, Direction, ImageFormat, ImageRules, MediaForm, Op, Scale};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: ID,
    name: "Tencent Cloud",
    scale: Some(SCALE),
    fixtures: Fixtures::Vendor,
    settings: &[],
    inbound: None,
    outbound: Some(&outbound::TencentUpstream),
};

const ID: &str = "tencent";

/// The largest picture as base64, bytes.
const MAX_ENCODED: usize = 5 << 20;

const SCALE: Scale = Scale {
    min: 0.0,
    max: 100.0,
    direction: Direction::LiveUp,
    threshold: 40.0,
    boundary: Boundary::Attack,
    margin: 0.5,
    decimals: 0,
};

static CAPABILITIES: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[Support {
        op: Op::ImageLiveness,
        path: "/",
        forms: &[MediaForm::Bytes, MediaForm::Url],
        image: Some(ImageRules {
            formats: &[ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp],
            min_side: 100,
            max_side: 4000,
            max_bytes: MAX_ENCODED / 4 * 3,
        }),
        max_body: 6 << 20,
    }],
};
