//! What every store must do, as plain functions over an empty one.

use std::collections::BTreeSet;

use super::testing::{bucket, event};
use super::{Store, UsageQuery, UsageRow};

/// Gets a store of its own, with nothing in it, and panics if it breaks the law.
pub(crate) type Law = fn(&dyn Store);

/// Every law, with its name.
pub(crate) const LAWS: &[(&str, Law)] = &[
    ("a grant stops at the limit", a_grant_stops_at_the_limit),
    ("what is given back can be had again", give_back_restores),
    ("giving back never owes", giving_back_never_owes),
    (
        "a lower limit grants nothing more",
        a_lower_limit_grants_nothing,
    ),
    ("buckets are independent", buckets_are_independent),
    ("racing grants never oversell", racing_grants_never_oversell),
    ("an event counts once", an_event_counts_once),
    ("usage is summed and filtered", usage_is_summed_and_filtered),
    ("a sound store passes its check", a_sound_store_passes),
];

fn a_grant_stops_at_the_limit(store: &dyn Store) {
    let bucket = bucket("a");
    assert_eq!(store.used(&bucket).unwrap(), 0);
    assert_eq!(store.grant(&bucket, 0, 10).unwrap(), 0);
    assert_eq!(store.grant(&bucket, 4, 10).unwrap(), 4);
    assert_eq!(store.used(&bucket).unwrap(), 4);
    assert_eq!(store.grant(&bucket, 64, 10).unwrap(), 6);
    assert_eq!(store.grant(&bucket, 1, 10).unwrap(), 0);
    assert_eq!(store.used(&bucket).unwrap(), 10);
    assert_eq!(store.grant(&bucket, 1, u64::MAX).unwrap(), 1);
}

fn give_back_restores(store: &dyn Store) {
    let bucket = bucket("a");
    assert_eq!(store.grant(&bucket, 10, 10).unwrap(), 10);
    store.give_back(&bucket, 3).unwrap();
    assert_eq!(store.used(&bucket).unwrap(), 7);
    assert_eq!(store.grant(&bucket, 10, 10).unwrap(), 3);
}

fn giving_back_never_owes(store: &dyn Store) {
    let bucket = bucket("a");
    store.give_back(&bucket, 5).unwrap();
    assert_eq!(store.used(&bucket).unwrap(), 0);
    assert_eq!(store.grant(&bucket, 2, 10).unwrap(), 2);
    store.give_back(&bucket, u64::MAX).unwrap();
    assert_eq!(store.used(&bucket).unwrap(), 0);
    assert_eq!(store.grant(&bucket, 64, 10).unwrap(), 10);
}

fn a_lower_limit_grants_nothing(store: &dyn Store) {
    let bucket = bucket("a");
    assert_eq!(store.grant(&bucket, 10, 10).unwrap(), 10);
    assert_eq!(store.grant(&bucket, 1, 5).unwrap(), 0);
    assert_eq!(store.grant(&bucket, 64, 12).unwrap(), 2);
}

fn buckets_are_independent(store: &dyn Store) {
    let mut tomorrow = bucket("a");
    tomorrow.period = "day/2026-11-21".to_owned();
    for bucket in [bucket("a"), bucket("b"), tomorrow] {
        assert_eq!(store.grant(&bucket, 10, 10).unwrap(), 10, "{bucket:?}");
    }
}

fn racing_grants_never_oversell(store: &dyn Store) {
    let total: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..20)
                        .map(|_| store.grant(&bucket("a"), 1, 100).unwrap())
                        .sum::<u64>()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(total, 100);
    assert_eq!(store.used(&bucket("a")).unwrap(), 100);
}

fn an_event_counts_once(store: &dyn Store) {
    store.append_usage(&[]).unwrap();
    store.append_usage(&[event(1), event(2), event(1)]).unwrap();
    store.append_usage(&[event(2), event(3)]).unwrap();
    let rows = store.usage(&UsageQuery::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.calls).sum::<u64>(), 3);
}

fn usage_is_summed_and_filtered(store: &dyn Store) {
    let mut events = vec![event(1), event(2), event(3), event(4)];
    events[1].units = 0;
    events[2].day = events[2].day.tomorrow().unwrap();
    events[3].tenant = "globex".into();
    store.append_usage(&events).unwrap();

    let today = events[0].day;
    let tomorrow = events[2].day;
    let all = store.usage(&UsageQuery::default()).unwrap();
    assert_eq!(
        all.first(),
        Some(&UsageRow {
            day: today,
            tenant: "acme".to_owned(),
            dialect: "native".to_owned(),
            op: "image-liveness".to_owned(),
            upstream: "local".to_owned(),
            outcome: "live".to_owned(),
            calls: 2,
            units: 1,
        })
    );
    let order: Vec<_> = all
        .iter()
        .map(|row| (row.day, row.tenant.as_str(), row.calls))
        .collect();
    assert_eq!(
        order,
        [
            (today, "acme", 2),
            (today, "globex", 1),
            (tomorrow, "acme", 1)
        ]
    );

    let tenants = |query: UsageQuery| -> BTreeSet<(String, String)> {
        let rows = store.usage(&query).unwrap();
        rows.into_iter()
            .map(|row| (row.tenant, row.day.to_string()))
            .collect()
    };
    let expect = |pairs: &[(&str, jiff::civil::Date)]| -> BTreeSet<(String, String)> {
        pairs
            .iter()
            .map(|(tenant, day)| ((*tenant).to_owned(), day.to_string()))
            .collect()
    };
    assert_eq!(
        tenants(UsageQuery {
            tenant: Some("acme".to_owned()),
            ..UsageQuery::default()
        }),
        expect(&[("acme", today), ("acme", tomorrow)])
    );
    assert_eq!(
        tenants(UsageQuery {
            from: Some(tomorrow),
            ..UsageQuery::default()
        }),
        expect(&[("acme", tomorrow)])
    );
    assert_eq!(
        tenants(UsageQuery {
            to: Some(today),
            ..UsageQuery::default()
        }),
        expect(&[("acme", today), ("globex", today)])
    );
}

fn a_sound_store_passes(store: &dyn Store) {
    store.check().unwrap();
}
