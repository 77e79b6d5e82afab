//! What callers who have not proven who they are may hold in memory, by source address.
//!
//! Nearly every body is read after authentication. Where only the body can tell who calls, one address must not be able
//! to fill the memory of all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Bytes that each source address may have in unproven bodies.
#[derive(Debug)]
pub struct Strangers {
    limit: usize,
    held: Mutex<HashMap<Option<IpAddr>, usize>>,
}

/// Bytes held by one address; given back when dropped.
#[derive(Debug)]
pub struct Held<'a> {
    strangers: &'a Strangers,
    address: Option<IpAddr>,
    bytes: usize,
}

// === impl Strangers ===

impl Strangers {
    /// Nobody holds anything.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
        }
    }

    /// Lets `address` hold `bytes` more, or `None` if that were too many. An unknown address is one of its own.
    #[must_use]
    pub fn take(&self, address: Option<IpAddr>, bytes: usize) -> Option<Held<'_>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = held.get(&address).copied().unwrap_or(0);
        let then = now.checked_add(bytes).filter(|then| *then <= self.limit)?;
        held.insert(address, then);
        Some(Held {
            strangers: self,
            address,
            bytes,
        })
    }
}

// === impl Held ===

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self
            .strangers
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = held.entry(self.address) {
            *entry.get_mut() -= self.bytes;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_anothers_share_and_nothing_is_kept() {
        let strangers = Strangers::new(10);
        let (one, other) = (
            Some(IpAddr::from([10, 0, 0, 1])),
            Some(IpAddr::from([10, 0, 0, 2])),
        );
        let first = strangers.take(one, 6).expect("free");
        assert!(strangers.take(one, 5).is_none());
        let second = strangers.take(one, 4).expect("free");
        let third = strangers.take(other, 10).expect("free");
        drop((first, second, third));
        assert!(strangers.held.lock().expect("held").is_empty());
        assert!(strangers.take(one, usize::MAX).is_none());
    }
}
