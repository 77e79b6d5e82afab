//! From a presented credential to a tenant and a key.
//!
//! Runs before any body byte is read. Missing, unknown and wrong credentials get one answer after the same work, so
//! that nobody learns which ids exist; what a key may not do is said only to whoever holds its secret. Deliberately
//! absent: `==` on a secret or a digest.

mod master;

use std::sync::Arc;

use jiff::Timestamp;
use subtle::{Choice, ConstantTimeEq};

use crate::canonical::{Op, Problem, ProblemKind};
use crate::tenancy::{DigestedSecret, Key, Snapshot, Tenant};
use crate::vendors::Presented;

pub use master::MasterKey;

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// On whose account.
    pub tenant: Arc<Tenant>,
    /// With which credential.
    pub key: Arc<Key>,
}

/// Secrets that a key may have at once: one, or two during a rotation.
const LIVE_SECRETS: usize = 2;

/// Finds out who calls, and whether they may ask `op` in `dialect` at the moment `now`.
///
/// Problems: `Unauthorized` (no credential, or not a right one), then `KeyExpired`, then `NotEntitled`.
pub fn authenticate(
    snapshot: &Snapshot,
    master: &MasterKey,
    presented: Option<&Presented>,
    dialect: &'static str,
    op: Op,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let (id, secret) = match presented {
        Some(Presented::Pair { id, secret }) => (id.as_str(), secret.expose()),
        Some(Presented::Bearer(token)) => token.expose().split_once('.').unwrap_or_default(),
        None => return Err(unauthorized()),
    };
    let key = snapshot.keys.get(id);
    let live = key.map_or(&[][..], |key| &key.secrets);
    let proven = matches_any(master.digest(secret), live);
    let Some(key) = key.filter(|_| proven) else {
        return Err(unauthorized());
    };

    if key.expires_at.is_some_and(|end| now >= end) {
        return Err(Problem::new(
            ProblemKind::KeyExpired,
            "this key has expired",
        ));
    }
    let speaks = |dialects: &Option<Vec<&'static str>>| {
        dialects.as_ref().is_none_or(|list| list.contains(&dialect))
    };
    let asks = key.ops.as_ref().is_none_or(|list| list.contains(&op));
    if !(speaks(&key.tenant.dialects) && speaks(&key.dialects) && asks) {
        return Err(Problem::new(
            ProblemKind::NotEntitled,
            "this key may not be used for this kind of request",
        ));
    }
    Ok(Caller {
        tenant: Arc::clone(&key.tenant),
        key: Arc::clone(key),
    })
}

/// Compares with every live secret and fills up with comparisons that cannot succeed, so that an unknown id, a key and a
/// key in rotation cost the same.
fn matches_any(presented: DigestedSecret, live: &[DigestedSecret]) -> bool {
    let nobody = DigestedSecret([0; 32]);
    let padding = LIVE_SECRETS.saturating_sub(live.len());
    let mut matched = Choice::from(0);
    for secret in live {
        matched |= presented.0.ct_eq(&secret.0);
    }
    for _ in 0..padding {
        matched |= presented.0.ct_eq(&nobody.0) & Choice::from(0);
    }
    matched.into()
}

fn unauthorized() -> Problem {
    Problem::new(
        ProblemKind::Unauthorized,
        "the credential is missing or wrong",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_matches_nothing() {
        let zeros = DigestedSecret([0; 32]);
        let ones = DigestedSecret([1; 32]);
        assert!(!matches_any(zeros, &[]));
        assert!(!matches_any(zeros, &[ones]));
        assert!(matches_any(ones, &[ones]));
        assert!(matches_any(ones, &[zeros, zeros, ones]));
    }
}
