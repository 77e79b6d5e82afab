//! Whether a call may start: concurrency, rate, quota. The answer is a [`Permit`] or a problem.
//!
//! Checks run in that order, cheapest and least lasting first, so that a call which is refused costs no quota. May use
//! `store` for the quota ledger, `tenancy` for plans, `clock`. Deliberately absent: what a call is worth and whether
//! it is charged. The gateway knows the outcome, and commits or releases the permit.
//!
//! # Design
//!
//! Quota is exact: a unit is spent only after the store has granted it durably, and the store never grants beyond the
//! limit. So that nearly no call waits for the store, a node takes a small stock ahead of use (see `quota`). A node that
//! dies with a stock under-sells it; it cannot oversell. That is one chunk of at most 64 units, the calls in flight, and
//! what was released since the stock last ran out. Rate and concurrency are this node's own and die with it.

#![warn(missing_docs)]

mod account;
mod period;
mod permit;
mod quota;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::canonical::{Op, Problem, ProblemKind, Retry};
use crate::clock::Clock;
use crate::store::Store;
use crate::tenancy::{Snapshot, Tenant};

use account::Account;
use permit::Slot;
use quota::{Shortage, Taken, Terms};
use rate::Throttle;

pub use permit::Permit;

/// Advice when waiting helps but nobody knows for how long.
const SOON: Retry = Retry::After(Duration::from_secs(1));

/// The limits of every tenant, on this node.
#[derive(Debug)]
pub struct Limits {
    store: Arc<dyn Store>,
    clock: Clock,
    accounts: RwLock<HashMap<Arc<str>, Arc<Account>>>,
}

/// What is left of one tenant's quota, for a gauge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// Whose.
    pub tenant: Arc<str>,
    /// `day`, `month` or `total`.
    pub period: &'static str,
    /// Units, as this node last saw them in the store, and its own stock.
    pub units: u64,
}

// === impl Limits ===

impl Limits {
    /// Limits whose quota is kept in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            accounts: RwLock::default(),
        }
    }

    /// Admits one call, which takes one unit of every quota that the tenant's plan limits, or of none of them.
    ///
    /// Dropping the future half-way takes nothing.
    ///
    /// # Errors
    /// - [`ProblemKind::RateLimited`]: too many calls in flight (retry after a second) or too fast (after the exact wait);
    /// - [`ProblemKind::QuotaExhausted`]: retry when the longest period that is used up turns, never for `total`;
    /// - [`ProblemKind::Overloaded`]: the store cannot say whether there is quota, so there is none.
    pub async fn admit(
        &self,
        tenant: &Arc<Tenant>,
        key_id: &str,
        op: Op,
    ) -> Result<Permit, Problem> {
        let slot = Slot::take(self.account(&tenant.id), tenant.plan.concurrency)
            .ok_or_else(too_many_at_once)?;
        slot.account()
            .throttle()
            .check(tenant.plan.rate, &self.clock)
            .map_err(too_fast)?;
        let taken = self.take(slot.account(), tenant).await?;
        Ok(Permit::new(slot, taken, key_id, op))
    }

    /// Gives all stock back to the store, for a graceful stop. Calls in flight keep their units.
    pub async fn settle(&self) {
        let accounts = self.read().values().map(Arc::clone).collect();
        self.empty(accounts).await;
    }

    /// Forgets the tenants that the new configuration does not have and that have no call in flight; their stock goes
    /// back to the store. To be called after a reload.
    pub async fn retain(&self, snapshot: &Snapshot) {
        let mut gone = Vec::new();
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|id, account| {
                let keep = snapshot.tenants.contains_key(&**id) || account.is_busy();
                if !keep {
                    gone.push(Arc::clone(account));
                }
                keep
            });
        self.empty(gone).await;
    }

    /// What is left of the quota of every tenant that has called since the start, without asking the store.
    #[must_use]
    pub fn remaining(&self) -> Vec<Remaining> {
        let mut all = Vec::new();
        for account in self.read().values() {
            let stock = account.stock();
            all.extend(stock.remaining().map(|(period, units)| Remaining {
                tenant: Arc::clone(account.tenant()),
                period: period.as_str(),
                units,
            }));
        }
        all
    }

    fn account(&self, tenant: &Arc<str>) -> Arc<Account> {
        if let Some(account) = self.read().get(tenant) {
            return Arc::clone(account);
        }
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let account = accounts
            .entry(Arc::clone(tenant))
            .or_insert_with(|| Arc::new(Account::new(Arc::clone(tenant))));
        Arc::clone(account)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Arc<str>, Arc<Account>>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// One unit of every limited quota: from the stock, or after refilling it.
    async fn take(&self, account: &Arc<Account>, tenant: &Tenant) -> Result<Taken, Problem> {
        let terms = Terms {
            quota: tenant.plan.quota,
            time_zone: tenant.time_zone.clone(),
        };
        let take = || account.stock().take(&terms, self.clock.now());
        let refuse = |shortage| self.refusal(shortage);
        if let Some(taken) = take().map_err(refuse)? {
            return Ok(taken);
        }
        // Whoever waited here finds what the one before has fetched. The turn travels into the blocking task and back, so
        // that a caller who goes away neither lets a second refill in nor loses what the first one is granted.
        let mut turn = account.refill_turn().await;
        loop {
            if let Some(taken) = take().map_err(refuse)? {
                return Ok(taken);
            }
            let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
            let account = Arc::clone(account);
            let refill = move || account.refill(&*store, &clock).map(|()| turn);
            turn = tokio::task::spawn_blocking(refill)
                .await
                .map_err(unavailable)?
                .map_err(refuse)?;
        }
    }

    async fn empty(&self, accounts: Vec<Arc<Account>>) {
        for account in accounts {
            let turn = account.refill_turn().await;
            let store = Arc::clone(&self.store);
            let emptied = tokio::task::spawn_blocking(move || {
                account.empty(&*store);
                drop(turn);
            });
            if let Err(error) = emptied.await {
                tracing::error!(%error, "giving quota back broke off");
            }
        }
    }

    fn refusal(&self, shortage: Shortage) -> Problem {
        match shortage {
            Shortage::UsedUp { period, until } => {
                let retry = match until {
                    Some(until) => {
                        let wait = until.duration_since(self.clock.now());
                        Retry::After(Duration::try_from(wait).unwrap_or_default())
                    }
                    None => Retry::Never,
                };
                Problem::new(ProblemKind::QuotaExhausted, period.used_up()).retry(retry)
            }
            Shortage::Store(error) => unavailable(error),
        }
    }
}

fn too_many_at_once() -> Problem {
    Problem::new(ProblemKind::RateLimited, "too many calls at once").retry(SOON)
}

fn too_fast(wait: Duration) -> Problem {
    Problem::new(ProblemKind::RateLimited, "too many calls for now").retry(Retry::After(wait))
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(
        ProblemKind::Overloaded,
        "the quota cannot be checked for now",
    )
    .retry(SOON)
    .source(error)
}
