//! Several nodes on one ledger, racing and dying: never one unit oversold, and the bound on what dies with a node.

use std::path::Path;
use std::sync::Condvar;

use super::*;
use crate::store::{SqliteStore, StoreError, UsageEvent, UsageQuery, UsageRow};

const TASKS: usize = 64;

fn sqlite_node(path: &Path) -> Limits {
    Limits::new(Arc::new(SqliteStore::open(path).unwrap()), clock_at(START))
}

/// Calls from [`TASKS`] tasks over all nodes until each task is refused. Returns how many calls were admitted.
async fn spend_all(nodes: Vec<Limits>, tenant: &Arc<Tenant>) -> u64 {
    let nodes: Vec<_> = nodes.into_iter().map(Arc::new).collect();
    let tasks: Vec<_> = nodes
        .iter()
        .cycle()
        .take(TASKS)
        .map(|limits| {
            let (limits, tenant) = (Arc::clone(limits), Arc::clone(tenant));
            tokio::spawn(async move {
                let mut admitted = 0;
                loop {
                    match admit(&limits, &tenant).await {
                        Ok(permit) => permit.commit(),
                        Err(problem) => {
                            assert_eq!(problem.kind, ProblemKind::QuotaExhausted);
                            return admitted;
                        }
                    }
                    admitted += 1;
                }
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.unwrap();
    }
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_nodes_sell_exactly_the_quota() {
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let nodes = vec![sqlite_node(&path), sqlite_node(&path)];
        let sold = spend_all(nodes, &tenant(per_day(100))).await;
        assert_eq!(sold, 100, "round {round}");
    }
}

/// The harness above must be able to fail: it catches a ledger that reads, compares and writes without a lock.
#[tokio::test(flavor = "multi_thread")]
async fn racing_nodes_expose_a_naive_counter() {
    let store = Arc::new(NaiveStore::default());
    let nodes = (0..2)
        .map(|_| Limits::new(Arc::clone(&store) as _, clock_at(START)))
        .collect();
    let sold = spend_all(nodes, &tenant(per_day(100))).await;
    assert!(sold > 100, "{sold} sold: the race was not provoked");
}

#[tokio::test]
async fn nodes_that_die_undersell_by_no_more_than_a_chunk_each() {
    const LIMIT: u64 = 2000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteStore::open(&path).unwrap();
    let tenant = tenant(per_day(LIMIT));
    let mut committed = 0;
    let mut lost = 0;
    for life in 0..12 {
        let limits = sqlite_node(&path);
        for _ in 0..=life * 7 {
            admit(&limits, &tenant).await.unwrap().commit();
            committed += 1;
        }
        drop(limits);
        let used = ledger.used(&bucket("day/2026-11-20")).unwrap();
        let lost_now = used - committed - lost;
        assert!(lost_now < 64, "life {life} lost {lost_now}");
        lost += lost_now;
    }
    committed += spend_all(vec![sqlite_node(&path)], &tenant).await;
    assert_eq!(committed + lost, LIMIT);
    assert!(lost > 0, "the test let no node die with a stock");
}

#[tokio::test]
async fn a_graceful_stop_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let tenant = tenant(per_day(500));
    let mut committed = 0;
    for _ in 0..5 {
        let limits = sqlite_node(&path);
        admit(&limits, &tenant).await.unwrap().commit();
        committed += 1;
        limits.settle().await;
    }
    committed += spend_all(vec![sqlite_node(&path)], &tenant).await;
    assert_eq!(committed, 500);
}

/// Reads, lets the other node read too, then writes what it computed.
#[derive(Debug, Default)]
struct NaiveStore {
    used: Mutex<u64>,
    readers: Mutex<u64>,
    met: Condvar,
}

// === impl NaiveStore ===

impl NaiveStore {
    fn meet_another_reader(&self) {
        let mut readers = self.readers.lock().unwrap();
        *readers += 1;
        let both = readers.next_multiple_of(2);
        self.met.notify_all();
        let patience = Duration::from_millis(50);
        drop(
            self.met
                .wait_timeout_while(readers, patience, |readers| *readers < both),
        );
    }
}

impl Store for NaiveStore {
    fn grant(&self, bucket: &Bucket, want: u64, limit: u64) -> Result<u64, StoreError> {
        let used = self.used(bucket)?;
        self.meet_another_reader();
        let granted = want.min(limit.saturating_sub(used));
        *self.used.lock().unwrap() = used + granted;
        Ok(granted)
    }

    fn used(&self, _: &Bucket) -> Result<u64, StoreError> {
        Ok(*self.used.lock().unwrap())
    }

    fn give_back(&self, _: &Bucket, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn append_usage(&self, _: &[UsageEvent]) -> Result<(), StoreError> {
        Ok(())
    }

    fn usage(&self, _: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        Ok(Vec::new())
    }

    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
