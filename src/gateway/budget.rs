//! How much memory all request bodies together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A counter of bytes with a ceiling. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: usize,
}

// === impl Budget ===

impl Budget {
    /// A budget of `limit` bytes, all free.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
        }))
    }

    /// Takes `bytes`, or `None` if they are not free.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let fits = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= self.0.limit);
        self.0
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .ok()?;
        Some(Share {
            budget: self.clone(),
            bytes,
        })
    }

    /// Bytes taken now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Acquire)
    }
}

// === impl Share ===

impl Share {
    /// Takes more, up to `bytes` in all. False, and nothing changed, if that is not free.
    #[must_use]
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes) else {
            return true;
        };
        let Some(mut extra) = self.budget.take(more) else {
            return false;
        };
        self.bytes += std::mem::take(&mut extra.bytes);
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_limit_and_all_of_it_comes_back() {
        let budget = Budget::new(10);
        let mut first = budget.take(4).expect("free");
        assert!(budget.take(7).is_none());
        assert!(first.grow_to(6));
        assert!(!first.grow_to(11));
        assert_eq!(budget.used(), 6);
        let second = budget.take(4).expect("free");
        assert!(budget.take(1).is_none());
        drop((first, second));
        assert_eq!(budget.used(), 0);
        assert!(budget.take(usize::MAX).is_none());
    }
}
