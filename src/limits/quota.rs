//! The stock of quota units that a node holds ahead of use. No I/O: `account` fetches, this keeps count.
//!
//! A stock belongs to one bucket under one limit. When the period turns or the limit changes, a new one takes its place
//! and what the old one held becomes a leftover, to be given back at the next visit to the store. A unit that is
//! released later than that is a leftover too, never stock of another period or limit.

use std::mem;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::store::{Bucket, StoreError};
use crate::tenancy::Quota;

use super::period::{Period, Span};

/// Most units taken from the store at once, and so what a node that dies may leave unspent.
const LARGEST_CHUNK: u64 = 64;

/// A chunk is one part in so many of what is left, so that the last units are not stranded on one node.
const CHUNK_SHARE: u64 = 20;

/// How long the store's "used up" is believed. Short enough that what other nodes give back is soon found, long enough
/// that a tenant who goes on calling does not keep the store from the others.
const REFUSAL_LASTS: SignedDuration = SignedDuration::from_millis(100);

/// What of a tenant decides its buckets.
#[derive(Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) quota: Quota,
    pub(super) time_zone: TimeZone,
}

/// The buckets from which a call took its units, one each.
pub(super) type Taken = Vec<Arc<Bucket>>;

/// One tenant's stock on this node.
#[derive(Debug)]
pub(super) struct Stock {
    subject: String,
    terms: Terms,
    /// One per limited period, longest first.
    shelves: Vec<Shelf>,
    leftovers: Vec<(Arc<Bucket>, u64)>,
}

/// The stock of one bucket. Identified by the allocation of its bucket, because the same bucket under another limit is
/// another shelf.
#[derive(Debug)]
struct Shelf {
    bucket: Arc<Bucket>,
    period: Period,
    span: Span,
    limit: u64,
    units: u64,
    /// Units in the store after our last visit.
    left: u64,
    /// When the store last said that there are none.
    refused: Option<Timestamp>,
}

/// An empty shelf.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) bucket: Arc<Bucket>,
    pub(super) limit: u64,
    period: Period,
    until: Option<Timestamp>,
}

/// Why there is no unit to be had.
#[derive(Debug)]
pub(super) enum Shortage {
    /// The quota is spent, or in other nodes' stock.
    UsedUp {
        period: Period,
        /// When the next one begins.
        until: Option<Timestamp>,
    },
    /// Nobody knows.
    Store(StoreError),
}

// === impl Stock ===

impl Stock {
    pub(super) fn new(subject: String) -> Self {
        Self {
            subject,
            terms: Terms {
                quota: Quota::default(),
                time_zone: TimeZone::UTC,
            },
            shelves: Vec::new(),
            leftovers: Vec::new(),
        }
    }

    /// One unit of every limited quota, or `None` if one of them is out of stock and the store has to be asked.
    ///
    /// # Errors
    /// If the store was asked a moment ago.
    pub(super) fn take(
        &mut self,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<Taken>, Shortage> {
        self.arrange(terms, now);
        // A leftover may be what the store lacked.
        if self.leftovers.is_empty()
            && let Some(shelf) = self.shelves.iter().find(|shelf| shelf.is_refused(now))
        {
            return Err(shelf.need().used_up());
        }
        if self.shelves.iter().any(|shelf| shelf.units == 0) {
            return Ok(None);
        }
        let take = |shelf: &mut Shelf| {
            shelf.units -= 1;
            Arc::clone(&shelf.bucket)
        };
        Ok(Some(self.shelves.iter_mut().map(take).collect()))
    }

    /// Undoes a [`Stock::take`].
    pub(super) fn put_back(&mut self, taken: Taken) {
        for bucket in taken {
            self.stow(&bucket, 1);
        }
    }

    /// What to ask the store for, longest period first.
    pub(super) fn needs(&self) -> Vec<Need> {
        let empty = self.shelves.iter().filter(|shelf| shelf.units == 0);
        empty.map(Shelf::need).collect()
    }

    /// Takes in what the store has granted. `left` is what it has left.
    pub(super) fn receive(&mut self, bucket: &Arc<Bucket>, units: u64, left: u64) {
        if let Some(shelf) = self.shelf(bucket) {
            shelf.left = left;
        }
        self.stow(bucket, units);
    }

    /// Notes that the store had nothing to grant at `now`.
    pub(super) fn refuse(&mut self, bucket: &Arc<Bucket>, now: Timestamp) {
        if let Some(shelf) = self.shelf(bucket) {
            shelf.refused = Some(now);
        }
    }

    /// What belongs to buckets that are no longer in use.
    pub(super) fn take_leftovers(&mut self) -> Vec<(Arc<Bucket>, u64)> {
        mem::take(&mut self.leftovers)
    }

    /// Leftovers and stock.
    pub(super) fn take_everything(&mut self) -> Vec<(Arc<Bucket>, u64)> {
        for shelf in mem::take(&mut self.shelves) {
            self.leave(shelf.bucket, shelf.units);
        }
        self.take_leftovers()
    }

    /// What is left of each limited quota, as far as this node knows.
    pub(super) fn remaining(&self) -> impl Iterator<Item = (Period, u64)> {
        self.shelves
            .iter()
            .map(|shelf| (shelf.period, shelf.left.saturating_add(shelf.units)))
    }

    /// Makes the shelves those of `terms` and `now`.
    fn arrange(&mut self, terms: &Terms, now: Timestamp) {
        let fits = self.shelves.len() == terms.limited().count()
            && self.terms == *terms
            && self.shelves.iter().all(|shelf| shelf.span.contains(now));
        if fits {
            return;
        }
        let mut old = mem::take(&mut self.shelves);
        for (period, limit) in terms.limited() {
            let span = period.span(now, &terms.time_zone);
            let same = |shelf: &Shelf| shelf.bucket.period == span.label && shelf.limit == limit;
            let shelf = match old.iter().position(same) {
                Some(index) => Shelf {
                    span,
                    ..old.swap_remove(index)
                },
                None => Shelf {
                    bucket: Arc::new(Bucket {
                        subject: self.subject.clone(),
                        period: span.label.clone(),
                    }),
                    period,
                    span,
                    limit,
                    units: 0,
                    left: 0,
                    refused: None,
                },
            };
            self.shelves.push(shelf);
        }
        for shelf in old {
            self.leave(shelf.bucket, shelf.units);
        }
        self.terms = Terms {
            quota: terms.quota,
            time_zone: terms.time_zone.clone(),
        };
    }

    fn shelf(&mut self, bucket: &Arc<Bucket>) -> Option<&mut Shelf> {
        self.shelves
            .iter_mut()
            .find(|shelf| Arc::ptr_eq(&shelf.bucket, bucket))
    }

    fn stow(&mut self, bucket: &Arc<Bucket>, units: u64) {
        match self.shelf(bucket) {
            Some(shelf) => shelf.units += units,
            None => self.leave(Arc::clone(bucket), units),
        }
    }

    fn leave(&mut self, bucket: Arc<Bucket>, units: u64) {
        match self.leftovers.iter_mut().find(|(old, _)| *old == bucket) {
            Some((_, sum)) => *sum += units,
            None if units > 0 => self.leftovers.push((bucket, units)),
            None => {}
        }
    }
}

// === impl Shelf ===

impl Shelf {
    fn is_refused(&self, now: Timestamp) -> bool {
        let recent = SignedDuration::ZERO..REFUSAL_LASTS;
        self.units == 0
            && self
                .refused
                .is_some_and(|at| recent.contains(&now.duration_since(at)))
    }

    fn need(&self) -> Need {
        Need {
            bucket: Arc::clone(&self.bucket),
            limit: self.limit,
            period: self.period,
            until: self.span.end,
        }
    }
}

// === impl Terms ===

impl Terms {
    fn limited(&self) -> impl Iterator<Item = (Period, u64)> {
        Period::ALL
            .into_iter()
            .filter_map(|period| Some((period, period.limit(&self.quota)?)))
    }
}

// === impl Need ===

impl Need {
    /// How much to ask for when `left` units are left.
    pub(super) fn chunk(&self, left: u64) -> u64 {
        (left / CHUNK_SHARE).clamp(1, LARGEST_CHUNK)
    }

    pub(super) fn used_up(&self) -> Shortage {
        Shortage::UsedUp {
            period: self.period,
            until: self.until,
        }
    }
}

// === impl Shortage ===

impl From<StoreError> for Shortage {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
