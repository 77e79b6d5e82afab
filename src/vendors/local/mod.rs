//! Stand-in until the adapter is written.
use super::{Fixtures, Vendor};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: "local",
    name: "local",
    scale: None,
    fixtures: Fixtures::Vendor,
    inbound: None,
    outbound: None,
};
