//! The inference engine on this machine, called like any other upstream.
//!
//! Scheme `local` in the address tells the transport to hand the body to the engine instead of to a socket; the answer
//! is the JSON of `wire`. There is no inbound half: nobody speaks a dialect of the engine.

mod outbound;
mod wire;

use super::{Capabilities, Fixtures, Support, Vendor};
use crate::canonical::{ImageFormat, ImageRules, MediaForm, Op};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: "local",
    name: "local engine",
    // Its probability is judged against the operating point that stands beside it in every answer.
    scale: None,
    fixtures: Fixtures::Own,
    settings: &[],
    inbound: None,
    outbound: Some(&outbound::LocalEngine),
};

/// An address needs a host to be one; only its scheme is looked at.
const ADDRESS: &str = "local://engine/liveness";

static CAPABILITIES: Capabilities = Capabilities {
    credential_in_body: false,
    ops: &[Support {
        op: Op::ImageLiveness,
        path: ADDRESS,
        forms: &[MediaForm::Bytes],
        image: Some(ImageRules {
            formats: &[ImageFormat::Jpeg, ImageFormat::Png],
            min_side: 64,
            max_side: 8000,
            max_bytes: 10 << 20,
        }),
        max_body: 10 << 20,
    }],
};
