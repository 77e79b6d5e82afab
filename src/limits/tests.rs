//! The laws of admission, against the in-memory store and against shared SQLite files.

mod exact;
mod model;

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Waker};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::store::Bucket;
use crate::store::testing::MemoryStore;
use crate::tenancy::{Plan, Quota, Rate};
use crate::vendors::DialectSettings;

const START: &str = "2026-11-20T12:00:00Z";

/// A tenant without limits, to be given some.
fn plan() -> Plan {
    Plan {
        name: "test".into(),
        rate: None,
        concurrency: None,
        quota: Quota::default(),
    }
}

fn tenant(plan: Plan) -> Arc<Tenant> {
    tenant_in(plan, TimeZone::UTC)
}

fn tenant_in(plan: Plan, time_zone: TimeZone) -> Arc<Tenant> {
    Arc::new(Tenant {
        id: "acme".into(),
        plan: Arc::new(plan),
        dialects: None,
        time_zone,
        allow: Vec::new(),
        settings: DialectSettings::default(),
    })
}

fn per_day(day: u64) -> Plan {
    let quota = Quota {
        day: Some(day),
        ..Quota::default()
    };
    Plan { quota, ..plan() }
}

fn bucket(period: &str) -> Bucket {
    Bucket {
        subject: "tenant/acme".to_owned(),
        period: period.to_owned(),
    }
}

fn clock_at(now: &str) -> Clock {
    Clock::manual(now.parse::<Timestamp>().unwrap())
}

/// A node with a store and a clock that the test holds too.
fn node(now: &str) -> (Limits, Arc<MemoryStore>, Clock) {
    let store = Arc::new(MemoryStore::default());
    let clock = clock_at(now);
    (
        Limits::new(Arc::clone(&store) as _, clock.clone()),
        store,
        clock,
    )
}

async fn admit(limits: &Limits, tenant: &Arc<Tenant>) -> Result<Permit, Problem> {
    limits.admit(tenant, "acme-1", Op::ImageLiveness).await
}

async fn refusal(limits: &Limits, tenant: &Arc<Tenant>) -> (ProblemKind, Retry) {
    let problem = admit(limits, tenant).await.unwrap_err();
    (problem.kind, problem.retry)
}

fn snapshot_of(tenants: &[&Arc<Tenant>]) -> Snapshot {
    Snapshot {
        tenants: tenants
            .iter()
            .map(|tenant| (tenant.id.to_string(), Arc::clone(tenant)))
            .collect(),
        ..Snapshot::default()
    }
}

#[tokio::test]
async fn a_plan_without_limits_admits_without_the_store() {
    let (limits, store, _) = node(START);
    store.failures.store(u32::MAX, Relaxed);
    let tenant = tenant(plan());
    for _ in 0..1000 {
        admit(&limits, &tenant).await.unwrap().commit();
    }
}

#[tokio::test]
async fn a_slot_is_freed_however_the_permit_ends() {
    let (limits, _, _) = node(START);
    let tenant = tenant(Plan {
        concurrency: NonZeroU32::new(2),
        ..plan()
    });
    let ends: [fn(Permit); 3] = [Permit::commit, Permit::release, drop];
    for end in ends {
        let first = admit(&limits, &tenant).await.unwrap();
        let second = admit(&limits, &tenant).await.unwrap();
        assert_eq!(
            refusal(&limits, &tenant).await,
            (ProblemKind::RateLimited, SOON)
        );
        end(first);
        let third = admit(&limits, &tenant).await.unwrap();
        assert_eq!(
            refusal(&limits, &tenant).await,
            (ProblemKind::RateLimited, SOON)
        );
        end(second);
        end(third);
    }
}

#[tokio::test]
async fn the_wait_for_the_rate_is_exact() {
    let (limits, _, clock) = node(START);
    let tenant = tenant(Plan {
        rate: Some(Rate {
            interval: Duration::from_millis(200),
            burst: NonZeroU32::new(3).unwrap(),
        }),
        ..plan()
    });
    for _ in 0..3 {
        admit(&limits, &tenant).await.unwrap().commit();
    }
    clock.advance(Duration::from_millis(50));
    let wait = Duration::from_millis(150);
    assert_eq!(
        refusal(&limits, &tenant).await,
        (ProblemKind::RateLimited, Retry::After(wait))
    );
    clock.advance(wait - Duration::from_nanos(1));
    refusal(&limits, &tenant).await;
    clock.advance(Duration::from_nanos(1));
    admit(&limits, &tenant).await.unwrap().commit();
    refusal(&limits, &tenant).await;
}

#[tokio::test]
async fn a_reload_keeps_the_rate_that_stays_and_renews_the_one_that_changes() {
    let (limits, _, _) = node(START);
    let with_burst = |burst| {
        tenant(Plan {
            rate: Some(Rate {
                interval: Duration::from_secs(1),
                burst: NonZeroU32::new(burst).unwrap(),
            }),
            ..plan()
        })
    };
    admit(&limits, &with_burst(1)).await.unwrap().commit();
    refusal(&limits, &with_burst(1)).await;
    admit(&limits, &with_burst(2)).await.unwrap().commit();
}

#[tokio::test]
async fn what_is_refused_costs_no_quota() {
    let (limits, _, _) = node(START);
    let tenant = tenant(Plan {
        concurrency: NonZeroU32::new(1),
        ..per_day(2)
    });
    let held = admit(&limits, &tenant).await.unwrap();
    for _ in 0..10 {
        refusal(&limits, &tenant).await;
    }
    held.commit();
    admit(&limits, &tenant).await.unwrap().commit();
    assert_eq!(
        refusal(&limits, &tenant).await.0,
        ProblemKind::QuotaExhausted
    );
}

#[tokio::test]
async fn a_released_unit_serves_another_call() {
    let (limits, store, _) = node(START);
    let tenant = tenant(per_day(1));
    for _ in 0..5 {
        admit(&limits, &tenant).await.unwrap().release();
    }
    admit(&limits, &tenant).await.unwrap().commit();
    assert_eq!(
        refusal(&limits, &tenant).await.0,
        ProblemKind::QuotaExhausted
    );
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 1);
}

#[tokio::test]
async fn the_longest_period_that_is_used_up_decides() {
    let quota = |day, month, total| {
        tenant(Plan {
            quota: Quota {
                day: Some(day),
                month: Some(month),
                total: Some(total),
            },
            ..plan()
        })
    };
    let hours = |hours: u64| Retry::After(Duration::from_secs(hours * 3600));
    let cases = [
        (quota(1, 5, 5), hours(12)),
        (quota(1, 1, 5), hours(12 + 10 * 24)),
        (quota(5, 1, 5), hours(12 + 10 * 24)),
        (quota(1, 1, 1), Retry::Never),
        (quota(5, 5, 1), Retry::Never),
    ];
    for (tenant, retry) in cases {
        let (limits, _, _) = node(START);
        admit(&limits, &tenant).await.unwrap().commit();
        assert_eq!(
            refusal(&limits, &tenant).await,
            (ProblemKind::QuotaExhausted, retry)
        );
    }
}

#[tokio::test]
async fn periods_are_taken_together_or_not_at_all() {
    let (limits, _, clock) = node(START);
    let tenant = tenant(Plan {
        quota: Quota {
            day: Some(1),
            month: Some(1000),
            total: None,
        },
        ..plan()
    });
    admit(&limits, &tenant).await.unwrap().commit();
    let month = |limits: &Limits| limits.remaining().first().unwrap().clone();
    let before = month(&limits);
    assert_eq!((before.period, before.units), ("month", 999));
    for _ in 0..100 {
        clock.advance(Duration::from_secs(1));
        refusal(&limits, &tenant).await;
    }
    assert_eq!(month(&limits), before);
}

#[tokio::test]
async fn a_day_turns_at_the_tenants_midnight_and_returns_its_rest() {
    let (limits, store, clock) = node("2026-11-20T15:59:59Z");
    let tenant = tenant_in(per_day(3), TimeZone::posix("CST-8").unwrap());
    for _ in 0..3 {
        admit(&limits, &tenant).await.unwrap().commit();
    }
    assert_eq!(
        refusal(&limits, &tenant).await.1,
        Retry::After(Duration::from_secs(1))
    );
    clock.advance(Duration::from_secs(1));

    let tenant = tenant_in(per_day(100), TimeZone::posix("CST-8").unwrap());
    let late = admit(&limits, &tenant).await.unwrap();
    assert_eq!(store.used(&bucket("day/2026-11-21")).unwrap(), 5);
    clock.advance(Duration::from_secs(24 * 3600));
    admit(&limits, &tenant).await.unwrap().commit();
    assert_eq!(store.used(&bucket("day/2026-11-21")).unwrap(), 1);

    // A unit of yesterday is not one of today's.
    late.release();
    limits.settle().await;
    assert_eq!(store.used(&bucket("day/2026-11-21")).unwrap(), 0);
    assert_eq!(store.used(&bucket("day/2026-11-22")).unwrap(), 1);
}

#[tokio::test]
async fn a_day_is_as_long_as_the_clock_on_the_wall_says() {
    for (midnight, hours) in [
        ("2026-03-08T05:00:00Z", 23),
        ("2026-11-01T04:00:00Z", 25),
        ("2026-06-01T04:00:00Z", 24),
    ] {
        let (limits, _, clock) = node(midnight);
        let tenant = tenant_in(
            per_day(1),
            TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
        );
        admit(&limits, &tenant).await.unwrap().commit();
        let wait = Duration::from_secs(hours * 3600);
        assert_eq!(refusal(&limits, &tenant).await.1, Retry::After(wait));
        clock.advance(wait - Duration::from_nanos(1));
        refusal(&limits, &tenant).await;
        clock.advance(Duration::from_nanos(1));
        admit(&limits, &tenant).await.unwrap().commit();
    }
}

#[tokio::test]
async fn a_lower_limit_holds_at_once_and_a_higher_one_too() {
    let (limits, store, _) = node(START);
    let in_flight = admit(&limits, &tenant(per_day(1000))).await.unwrap();
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 50);
    refusal(&limits, &tenant(per_day(1))).await;
    in_flight.release();
    admit(&limits, &tenant(per_day(1))).await.unwrap().commit();
    refusal(&limits, &tenant(per_day(1))).await;
    admit(&limits, &tenant(per_day(2))).await.unwrap().commit();
    refusal(&limits, &tenant(per_day(2))).await;
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 2);
}

#[tokio::test]
async fn without_the_store_there_is_no_quota_and_no_slot_is_lost() {
    let (limits, store, _) = node(START);
    let tenant = tenant(Plan {
        concurrency: NonZeroU32::new(1),
        ..per_day(40)
    });
    store.failures.store(3, Relaxed);
    for _ in 0..3 {
        assert_eq!(
            refusal(&limits, &tenant).await,
            (ProblemKind::Overloaded, SOON)
        );
    }
    for _ in 0..40 {
        admit(&limits, &tenant).await.unwrap().commit();
    }
    assert_eq!(
        refusal(&limits, &tenant).await.0,
        ProblemKind::QuotaExhausted
    );
}

#[tokio::test]
async fn a_refusal_spares_the_store_for_a_moment() {
    let (limits, store, clock) = node(START);
    let tenant = tenant(per_day(1));
    let held = admit(&limits, &tenant).await.unwrap();
    refusal(&limits, &tenant).await;
    store.failures.store(u32::MAX, Relaxed);
    clock.advance(Duration::from_millis(99));
    assert_eq!(
        refusal(&limits, &tenant).await.0,
        ProblemKind::QuotaExhausted
    );
    clock.advance(Duration::from_millis(1));
    assert_eq!(refusal(&limits, &tenant).await.0, ProblemKind::Overloaded);

    store.failures.store(0, Relaxed);
    refusal(&limits, &tenant).await;
    held.release();
    admit(&limits, &tenant).await.unwrap().commit();
}

#[tokio::test]
async fn what_another_node_gives_back_is_found() {
    let (limits, store, clock) = node(START);
    let other = Limits::new(Arc::clone(&store) as _, clock.clone());
    let tenant = tenant(per_day(1));
    let held = admit(&other, &tenant).await.unwrap();
    refusal(&limits, &tenant).await;
    held.release();
    other.settle().await;
    clock.advance(Duration::from_millis(100));
    admit(&limits, &tenant).await.unwrap().commit();
}

#[tokio::test]
async fn a_stock_outlives_an_outage_of_the_store() {
    let (limits, store, _) = node(START);
    let tenant = tenant(per_day(10_000));
    admit(&limits, &tenant).await.unwrap().commit();
    store.failures.store(u32::MAX, Relaxed);
    for _ in 0..63 {
        admit(&limits, &tenant).await.unwrap().commit();
    }
    assert_eq!(refusal(&limits, &tenant).await.0, ProblemKind::Overloaded);
}

#[tokio::test]
async fn a_caller_who_leaves_during_a_refill_loses_nothing() {
    let (limits, store, _) = node(START);
    let tenant = tenant(Plan {
        concurrency: NonZeroU32::new(1),
        ..per_day(200)
    });
    let stalled = store.stall();
    {
        let mut admission = pin!(admit(&limits, &tenant));
        let polled = admission
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    drop(stalled);
    admit(&limits, &tenant).await.unwrap().commit();
    // One chunk was fetched, and the second caller had it.
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 10);
    limits.settle().await;
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 1);
}

#[tokio::test]
async fn a_tenant_that_vanishes_is_forgotten_once_it_is_idle() {
    let (limits, store, _) = node(START);
    let tenant = tenant(per_day(200));
    let held = admit(&limits, &tenant).await.unwrap();

    limits.retain(&snapshot_of(&[])).await;
    assert_eq!(limits.remaining().len(), 1, "it has a call in flight");
    held.commit();
    limits.retain(&snapshot_of(&[&tenant])).await;
    assert_eq!(limits.remaining().len(), 1, "it is configured");
    limits.retain(&snapshot_of(&[])).await;
    assert_eq!(limits.remaining(), []);
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 1);
}

#[tokio::test]
async fn a_permit_that_is_dropped_is_released_and_told() {
    let (limits, store, _) = node(START);
    let tenant = tenant(per_day(1));
    let permit = admit(&limits, &tenant).await.unwrap();

    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Tee(Arc::clone(&sink)))
        .finish();
    tracing::subscriber::with_default(subscriber, || drop(permit));
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("permit dropped without commit or release") && log.contains("ERROR"),
        "{log}"
    );

    limits.settle().await;
    assert_eq!(store.used(&bucket("day/2026-11-20")).unwrap(), 0);
}

struct Tee(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
