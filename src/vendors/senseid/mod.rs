//! SenseID private cloud: encrypted videos and photos in, a yes or no out.
//!
//! Reference: the vendor's manual for 1.8.0 (1v1), API sections 1.1, 1.4, 2.1 and 3.1, operation manual section 2. What it
//! leaves open or contradicts, and what is done here (numbered as our notes on the vendor number them):
//!
//! - S1: a spoof and a video under 2 s are answers (1000 with `passed` false); 4007 says that there is no verdict, and is
//!   read as that: not live, no reason to ask again, no outage.
//! - S2: no page says which HTTP status carries a code: 400, or 200 if the tenant's `coded_errors` says so. What is read
//!   is decided by `code`; by the HTTP status only if the body is not the vendor's.
//! - S3: 413 is for a body that is too large, 2004 for a file; both are read as "too large".
//! - S4: the dialect has no authentication. Ours stands in `Authorization: Bearer id.secret`, or before the path as
//!   `/k/id.secret` for clients that cannot add a header; with both, the path counts. Its refusals borrow the codes of the
//!   vendor's public cloud: 1100, 1101, 1103, 1002.
//! - S5: two faces match above 0.7, not at it. The score is told as it is; the client decides.
//! - S6: the table of error rates is about comparing faces, and is not applied to liveness.
//! - S7: `liveness_status` is written as one of `ok`, `hack` and `short_time` only; any other word is read by `passed`.
//! - S8: 1.4 compares and judges liveness in one call: an answer that passed without a comparison is broken.
//! - S9: a success has no `message`, and what is absent is left out, never null.
//! - S10: typing errors of the pages (`ofliveness_status`) are not taken over.
//!
//! `liveness_score` is always there, as the table says. Its direction is not documented: another upstream's becomes 1
//! minus the attack score, and nothing is ever decided by it. Frames are returned as plain base64, not encrypted: nothing
//! says otherwise. Statuses without a code have the HTTP status as their code.
//!
//! Media are decrypted when they come in and encrypted when they go out. Key and vector are fixed, so where both sides
//! have the same ones the upstream gets the very bytes that the caller sent. A vector that never changes makes the cipher
//! an obfuscation: nothing of ours relies on it. A tenant without a key is refused as not entitled; the pair that the
//! vendor publishes as its default opens nothing unless the tenant allows it (`allow = ["published-key"]`).
//!
//! There is no [`Sample`](super::Sample): no plain form can be sent.

mod cipher;
mod inbound;
mod outbound;
#[cfg(test)]
mod tests;
mod wire;

use super::{Capabilities, Fixtures, Setting, SettingKind, Support, Vendor};
use crate::canonical::{ImageFormat, ImageRules, MediaForm, Op};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: ID,
    name: "SenseID",
    // Its verdict is a boolean; the number beside it is for reference only.
    scale: None,
    fixtures: Fixtures::Vendor,
    settings: &[
        Setting {
            name: KEY,
            kind: SettingKind::Secret {
                bytes: 32,
                published: Some("dcbbad6765e14139a07d34b92292a672"),
            },
        },
        Setting {
            name: IV,
            kind: SettingKind::Secret {
                bytes: 12,
                published: Some("df25d188a061"),
            },
        },
        Setting {
            name: CODED_ERRORS,
            kind: SettingKind::Number(&[400, 200]),
        },
    ],
    inbound: Some(&inbound::SenseIdDialect),
    outbound: Some(&outbound::SenseIdUpstream),
};

const ID: &str = "senseid";

/// The encryption key, of a tenant and of an upstream.
const KEY: &str = "key";
/// The initialisation vector, likewise.
const IV: &str = "iv";
/// The HTTP status of the codes from 1200 to 4007.
const CODED_ERRORS: &str = "coded_errors";

/// Operation manual, section 3, has the formats. Sizes are not published; these are those of the vendor's public cloud.
const PHOTO: ImageRules = ImageRules {
    formats: &[
        ImageFormat::Jpeg,
        ImageFormat::Bmp,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Tiff,
    ],
    min_side: 9,
    max_side: 4000,
    max_bytes: 5 << 20,
};

static CAPABILITIES: Capabilities = Capabilities {
    credential_in_body: false,
    // Bodies: photos of 5 MiB and a video of 15 MiB, as base64 in an escaped form.
    ops: &[
        Support {
            op: Op::VideoMatch,
            path: "/identity/silent_image_verification/stateless",
            forms: &[MediaForm::Bytes],
            image: Some(PHOTO),
            max_body: 30 << 20,
        },
        Support {
            op: Op::VideoLiveness,
            path: "/liveness/silent_detection/stateless",
            forms: &[MediaForm::Bytes],
            image: None,
            max_body: 22 << 20,
        },
        Support {
            op: Op::FaceMatch,
            path: "/identity/image_verification/stateless",
            forms: &[MediaForm::Bytes],
            image: Some(PHOTO),
            max_body: 15 << 20,
        },
        Support {
            op: Op::FaceQuality,
            path: "/quality/face/stateless",
            forms: &[MediaForm::Bytes],
            image: Some(PHOTO),
            max_body: 8 << 20,
        },
    ],
};

/// A path without the credential that may stand before it, and that credential, still escaped.
fn split_credential(path: &str) -> (Option<&str>, &str) {
    let prefixed = path
        .strip_prefix("/k/")
        .and_then(|rest| rest.find('/').map(|end| rest.split_at(end)));
    match prefixed {
        Some((credential, path)) => (Some(credential), path),
        None => (None, path),
    }
}
