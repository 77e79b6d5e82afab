//! What an admitted call holds until it is over.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::canonical::Op;

use super::account::Account;
use super::quota::Taken;

/// The admission of one call. Its slot is freed when it goes, in every case; its units are [committed](Self::commit) or
/// [released](Self::release), which consume it, so neither can happen twice.
///
/// Dropping it unresolved is a bug of the caller's. It is logged, and counts as a release: nobody is charged for what we
/// cannot account for.
#[derive(Debug)]
#[must_use = "a permit is committed or released"]
pub struct Permit {
    slot: Slot,
    /// `None` once resolved.
    taken: Option<Taken>,
    key_id: Box<str>,
    op: Op,
}

// === impl Permit ===

impl Permit {
    pub(super) fn new(slot: Slot, taken: Taken, key_id: &str, op: Op) -> Self {
        Self {
            slot,
            taken: Some(taken),
            key_id: key_id.into(),
            op,
        }
    }

    /// The call is charged: its units stay spent.
    pub fn commit(mut self) {
        self.taken = None;
    }

    /// The call is not charged: its units may serve another.
    pub fn release(mut self) {
        self.put_back();
    }

    fn put_back(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.slot.account.stock().put_back(taken);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.taken.is_some() {
            tracing::error!(
                tenant = &**self.slot.account.tenant(),
                key = &*self.key_id,
                op = self.op.as_str(),
                "permit dropped without commit or release"
            );
            self.put_back();
        }
    }
}

/// One of the calls that a tenant may have in flight. Freed on drop.
#[derive(Debug)]
pub(super) struct Slot {
    account: Arc<Account>,
}

// === impl Slot ===

impl Slot {
    /// A slot, unless `limit` of them are taken. Slots are counted without a limit too: a reload may bring one.
    pub(super) fn take(account: Arc<Account>, limit: Option<NonZeroU32>) -> Option<Self> {
        account.enter(limit).then(|| Self { account })
    }

    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.account.leave();
    }
}
