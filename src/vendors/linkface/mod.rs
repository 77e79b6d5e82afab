//! Linkface: an SDK's bundle or a still picture in, a hack score out; and uploads for later calls by id.
//!
//! References: the vendor's pages of `/hackness/liveness_hack_detect`, `/hackness/selfie_hack_detect`,
//! `/resources/upload_liveness_data` and `/resources/upload_image`. What they leave open or contradict, and what is done
//! here (the numbers are those of the quirk tests):
//!
//! - L1: the table names the bundle `liveness_data_file`, most samples send `file`: both are read, the first wins;
//!   `liveness_data_file` is sent.
//! - L2: a sample labels the bundle `image/jpeg`: labels are not looked at; `application/octet-stream` is sent.
//! - L3: `score` is a float in the table and a string in the sample: both are read, the tenant chooses which is written.
//! - L4: the prose calls it `hack_score`: read where there is no `score`, never written.
//! - L5: 0.98 itself is live by the vendor's word, and clients disagree: no synthesised score comes near it.
//! - L6: of file, url and id, the first that is there wins; nothing is refused.
//! - L7: `protobuf` and `protobuff` are one thing, and opaque: a bundle is never looked into.
//! - L8: the upload of a bundle answers `liveness_data_id` in the table and `image_id` in the sample: both are written,
//!   either is read.
//! - L9: an answer has an id exactly if a file or url was sent; where nothing was kept there is none either way.
//! - L10: throttling is a 403; `Retry-After` is added to it.
//! - Parameters, credentials among them, stand in the query or in the body, which may be JSON as well. Where both have
//!   one, the body's wins; a credential that is whole in the query is presented before the body is read, though, and the
//!   body is asked only if it is not.
//! - `NO_FACE_DETECTED` has its details in `image`, of unknown shape: the name of the file's field is written.
//!
//! Ours go out in the body: what stands in a query ends in the logs on the way. Only a relay, which has nothing but the
//! head, puts them there.

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
    name: "Linkface",
    scale: Some(SCALE),
    fixtures: Fixtures::Vendor,
    settings: &[],
    inbound: Some(&inbound::LinkfaceDialect),
    outbound: Some(&outbound::LinkfaceUpstream),
};

const ID: &str = "linkface";

const API_ID: &str = "api_id";
const API_SECRET: &str = "api_secret";

const SCALE: Scale = Scale {
    min: 0.0,
    max: 1.0,
    direction: Direction::AttackUp,
    threshold: 0.98,
    boundary: Boundary::Live,
    margin: 0.0005,
    decimals: 5,
};

/// One endpoint: where it is, what it asks, and how it calls what it takes.
#[derive(Debug)]
struct Endpoint {
    path: &'static str,
    op: Op,
    /// Which op its subject is for; another than `op` where the subject is only kept.
    subject: Op,
    /// The name that is sent, then its alias.
    file: [&'static str; 2],
    url: &'static str,
    id: Option<&'static str>,
    /// The vendor's own words for a request without a subject.
    missing: &'static str,
}

static ENDPOINTS: [Endpoint; 4] = [
    Endpoint {
        path: "/hackness/liveness_hack_detect",
        op: Op::BundleLiveness,
        subject: Op::BundleLiveness,
        file: ["liveness_data_file", "file"],
        url: "liveness_data_url",
        id: Some("liveness_data_id"),
        missing: "must specify 'liveness_data_file', 'liveness_data_url' or 'liveness_data_id' argument",
    },
    Endpoint {
        path: "/hackness/selfie_hack_detect",
        op: Op::ImageLiveness,
        subject: Op::ImageLiveness,
        file: ["file", "file"],
        url: "url",
        id: Some("image_id"),
        missing: "must specify 'file', 'url' or 'image_id' argument",
    },
    Endpoint {
        path: "/resources/upload_liveness_data",
        op: Op::Upload,
        subject: Op::BundleLiveness,
        file: ["file", "liveness_data_file"],
        url: "url",
        id: None,
        missing: "must specify 'file' or 'url' argument",
    },
    Endpoint {
        path: "/resources/upload_image",
        op: Op::Upload,
        subject: Op::ImageLiveness,
        file: ["file", "file"],
        url: "url",
        id: None,
        missing: "must specify 'file' or 'url' argument",
    },
];

const IMAGES: ImageRules = ImageRules {
    formats: &[
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Gif,
        ImageFormat::Tiff,
    ],
    // More than 8 pixels, says the page.
    min_side: 9,
    max_side: 4000,
    max_bytes: 5 << 20,
};

const ANY_FORM: &[MediaForm] = &[MediaForm::Bytes, MediaForm::Url, MediaForm::Stored];

/// A picture with the fields around it.
const IMAGE_BODY: usize = 6 << 20;
/// The page has no limit for bundles; the vendor's web SDK stops at videos of 15 MB.
const BUNDLE_BODY: usize = 16 << 20;

const OPS: &[Support] = &[
    Support {
        op: Op::BundleLiveness,
        path: ENDPOINTS[0].path,
        forms: ANY_FORM,
        image: None,
        max_body: BUNDLE_BODY,
    },
    Support {
        op: Op::ImageLiveness,
        path: ENDPOINTS[1].path,
        forms: ANY_FORM,
        image: Some(IMAGES),
        max_body: IMAGE_BODY,
    },
    Support {
        op: Op::Upload,
        path: ENDPOINTS[2].path,
        forms: &[MediaForm::Bytes, MediaForm::Url],
        image: None,
        max_body: BUNDLE_BODY,
    },
    Support {
        op: Op::Upload,
        path: ENDPOINTS[3].path,
        forms: &[MediaForm::Bytes, MediaForm::Url],
        image: Some(IMAGES),
        max_body: BUNDLE_BODY,
    },
];

static SERVED: Capabilities = Capabilities {
    credential_in_body: true,
    ops: OPS,
};

static CALLED: Capabilities = Capabilities {
    credential_in_body: false,
    ops: OPS,
};
