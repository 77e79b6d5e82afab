//! Stand-in until the adapter is written.
use super::{Fixtures, Vendor};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: "accuauth",
    name: "accuauth",
    scale: None,
    fixtures: Fixtures::Vendor,
    inbound: None,
    outbound: None,
};
