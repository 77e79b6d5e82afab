//! AceData Cloud: the URL of one still picture in, a live score of 0 to 100 out.
//!
//! Reference: the vendor's integration page of `POST /face/detect-live`, its API reference and its general page on
//! responses. What they leave open or contradict, by the numbers of the tests, and what is done here:
//!
//! - C1: `token_mismatched` is 400 on one page and 401 on another: written as 400, and codes are read, not statuses.
//! - C2: errors have `success: false` on one page and no such field on the other: written, not looked at.
//! - C3: a missing token is `invalid_token` on one page and `no_token` on the other: the former is written, both read.
//! - C4: no code is documented for a bad `image_url`: `bad_request`, which the general page has; any 400 is read so.
//! - C5: `face_model_version` is a string here and a number there: both are read, and only 3.0 exists.
//! - C6: the page promises a processed picture; there is none, only a score.
//! - C7: `accept: application/x-ndjson` is allowed and not explained: one JSON object on one line.
//! - C8: scores are whole numbers in every example and floats by type: whole ones are written, any are read.
//! - C9: `used_up` is only on the general page: written when the quota is used up.
//!
//! The threshold is 40; whether 40 itself passes is undefined, so it is read as attack, and no synthesised score comes
//! near it. No answer carries an id, only an error does. `fetch failed` under `api_error` may be the caller's picture or
//! the vendor's own trouble: it is written for the former and read as the latter, which blames nobody wrongly.

mod inbound;
mod outbound;
#[cfg(test)]
mod tests;
mod wire;

use super::{Capabilities, Fixtures, Support, Vendor};
use crate::canonical::{Boundary, Direction, ImageFormat, ImageRules, MediaForm, Op, Scale};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: ID,
    name: "AceData",
    scale: Some(SCALE),
    fixtures: Fixtures::Vendor,
    settings: &[],
    inbound: Some(&inbound::AceDataDialect),
    outbound: Some(&outbound::AceDataUpstream),
};

const ID: &str = "acedata";
const PATH: &str = "/face/detect-live";
/// The one version of the model that there is.
const MODEL: &str = "3.0";

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
        path: PATH,
        forms: &[MediaForm::Url],
        // The vendor states no limits; these are of the service that its field names and thresholds come from.
        image: Some(ImageRules {
            formats: &[ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp],
            min_side: 100,
            max_side: 4000,
            max_bytes: (5 << 20) / 4 * 3,
        }),
        // An address and a version.
        max_body: 64 << 10,
    }],
};
