//! AccuAuth (DeepFinch): one still picture or an SDK's bundle in, a hack score out; and a comparison of two photos.
//!
//! References: the vendor's pages of `POST /face/anti_hack`, `/face/liveness_anti_hack` and `/face/v2/verify`. What they
//! leave open or contradict, and what is done here:
//!
//! - `score` is a float in the table and a string in the sample: both are read, the tenant chooses which is written.
//! - The threshold 0.98 itself is undefined, and the vendor's two mobile samples disagree on it: it is read as attack,
//!   and no synthesised score comes near it.
//! - `DETETION_FAILED` is misspelt, and the vendor's samples compare with the misspelling: written so, read in both.
//! - `face_quality_score` and `live_proba` are declared bool but are floats in the sample: floats.
//! - `has_no_face` is described the other way round: true means no face, as its name and the sample say.
//! - No face is an error (`DETETION_FAILED`); an answer with `has_no_face` true is read as the same.
//! - `score` and `is_live` may disagree: the score decides, and what is written agrees with it.
//! - With both `file` and `image_base64`, the file wins. Of `return_extra`, only 1 means yes; nothing is refused.
//! - A bundle has no error table: the words are those that the vendor's SDK knows. `liveness_data_url` is in the page's
//!   notes and in no table: it is read, never sent.
//! - `identical` decides a comparison; the threshold of its score is not told, so the number is brought to that side of
//!   ours. `compare_mode` has no canonical word: 2, the vendor decides, is sent.
//! - Throttling is a 403; `Retry-After` is added to it.
//! - The vendor's samples spell the credential headers with underscores where the page has dashes: both are read.

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
    name: "AccuAuth",
    scale: Some(SCALE),
    fixtures: Fixtures::Vendor,
    settings: &[],
    inbound: Some(&inbound::AccuAuthDialect),
    outbound: Some(&outbound::AccuAuthUpstream),
};

const ID: &str = "accuauth";
const PATH: &str = "/face/anti_hack";
const BUNDLE_PATH: &str = "/face/liveness_anti_hack";
const MATCH_PATH: &str = "/face/v2/verify";

/// The credential headers, each in the page's spelling and in that of the vendor's samples.
const ID_HEADERS: [&str; 2] = ["x-df-api-id", "x_df_api_id"];
const SECRET_HEADERS: [&str; 2] = ["x-df-api-secret", "x_df_api_secret"];

const SCALE: Scale = Scale {
    min: 0.0,
    max: 1.0,
    direction: Direction::AttackUp,
    threshold: 0.98,
    boundary: Boundary::Attack,
    margin: 0.0005,
    decimals: 5,
};

const IMAGES: ImageRules = ImageRules {
    formats: &[ImageFormat::Jpeg, ImageFormat::Png],
    min_side: 128,
    max_side: 6000,
    max_bytes: 5 << 20,
};

/// A picture of 5 MiB as base64 with line breaks, all of it percent-escaped where a form must.
const IMAGE_BODY: usize = 12 << 20;
/// The page has no limit for bundles.
const BUNDLE_BODY: usize = 16 << 20;

const IMAGE: Support = Support {
    op: Op::ImageLiveness,
    path: PATH,
    forms: &[MediaForm::Bytes],
    image: Some(IMAGES),
    max_body: IMAGE_BODY,
};

const MATCH: Support = Support {
    op: Op::FaceMatch,
    path: MATCH_PATH,
    forms: &[MediaForm::Bytes],
    image: Some(IMAGES),
    max_body: 2 * IMAGE_BODY,
};

static SERVED: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[
        IMAGE,
        Support {
            op: Op::BundleLiveness,
            path: BUNDLE_PATH,
            forms: &[MediaForm::Bytes, MediaForm::Url, MediaForm::Stored],
            image: None,
            max_body: BUNDLE_BODY,
        },
        MATCH,
    ],
};

static CALLED: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[
        IMAGE,
        Support {
            op: Op::BundleLiveness,
            path: BUNDLE_PATH,
            forms: &[MediaForm::Bytes, MediaForm::Stored],
            image: None,
            max_body: BUNDLE_BODY,
        },
        MATCH,
    ],
};
