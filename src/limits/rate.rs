//! The sustained rate and its burst: GCRA, one limiter per tenant.

use std::time::{Duration, Instant};

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::tenancy::Rate;

type Limiter = RateLimiter<NotKeyed, InMemoryState, LimiterClock, NoOpMiddleware<Instant>>;

/// A tenant's limiter, kept over reloads as long as the rate stays the same.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    rate: Option<Rate>,
    limiter: Option<Limiter>,
}

// === impl Throttle ===

impl Throttle {
    /// Counts a call, or says how long to wait for the next.
    pub(super) fn check(&mut self, rate: Option<Rate>, clock: &Clock) -> Result<(), Duration> {
        if self.rate != rate {
            self.rate = rate;
            self.limiter = rate.and_then(|rate| limiter(rate, clock));
        }
        match &self.limiter {
            Some(limiter) => limiter
                .check()
                .map_err(|refused| refused.wait_time_from(clock.instant())),
            None => Ok(()),
        }
    }
}

/// `None` for an interval of zero, which limits nothing.
fn limiter(rate: Rate, clock: &Clock) -> Option<Limiter> {
    let quota = Quota::with_period(rate.interval)?.allow_burst(rate.burst);
    Some(RateLimiter::direct_with_clock(
        quota,
        LimiterClock(clock.clone()),
    ))
}

/// Our clock in the limiter's words.
#[derive(Debug, Clone)]
struct LimiterClock(Clock);

// === impl LimiterClock ===

impl governor::clock::Clock for LimiterClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.instant()
    }
}
