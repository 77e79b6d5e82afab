//! Which media can get from whom to whom, beyond what both sides can do: the rules of the matrix.

use serde::Deserialize;

use super::Vendor;
use crate::canonical::{MediaForm, Op};

/// Whether media can get from one vendor's caller to another vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// It can.
    Carried,
    /// It can, if the tenant agrees.
    OptIn(OptIn),
    /// It cannot, or it would be meaningless there.
    Impossible,
}

/// What a tenant has to agree to, because something is lost, exposed or unproven. `allow` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptIn {
    /// Secrets that a vendor publishes as its default may protect this tenant's media.
    PublishedKey,
    /// A capture of one vendor's SDK may be sent to another vendor, though no page promises that it can read it.
    ForeignBundle,
}

// === impl OptIn ===

impl OptIn {
    /// As it is written in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishedKey => "published-key",
            Self::ForeignBundle => "foreign-bundle",
        }
    }
}

/// Whether media of `op` in that form, sent in the dialect of `from`, can be carried to `to`.
#[must_use]
pub fn carriage(from: &Vendor, to: &Vendor, op: Op, form: MediaForm) -> Carriage {
    let support = to
        .outbound
        .and_then(|outbound| outbound.capabilities().support(op));
    let own = from.id == to.id;
    if !support.is_some_and(|support| support.carries(form)) {
        return Carriage::Impossible;
    }
    match (op, form) {
        // One vendor's ids mean nothing to another.
        (_, MediaForm::Stored) | (Op::Upload, _) if !own => Carriage::Impossible,
        (Op::BundleLiveness, _) if !own => Carriage::OptIn(OptIn::ForeignBundle),
        (_, _) => Carriage::Carried,
    }
}
