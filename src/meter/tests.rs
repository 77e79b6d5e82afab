//! What goes into the books, and what never may.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::canonical::{
    CallId, Extras, Liveness, NativeScore, Op, Outcome, Problem, ProblemKind, Selection, Uploaded,
    Verdict,
};
use crate::store::testing::MemoryStore;
use crate::store::{SqliteStore, UsageQuery, UsageRow};
use crate::tenancy::{Plan, Quota, Tenant};
use crate::vendors::DialectSettings;

const PATIENCE: Duration = Duration::from_secs(30);

/// A place to write to that the test can read.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

// === impl Page ===

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn meter(store: Arc<dyn Store>) -> (Meter, Page) {
    let page = Page::default();
    let metrics = Metrics::new().unwrap();
    let access = AccessSink::to(page.clone(), metrics.clone()).unwrap();
    (Meter::new(store, access, metrics).unwrap(), page)
}

fn tenant(id: &str) -> Arc<Tenant> {
    Arc::new(Tenant {
        id: id.into(),
        plan: Arc::new(Plan {
            name: "test".into(),
            rate: None,
            concurrency: None,
            quota: Quota::default(),
        }),
        dialects: None,
        time_zone: TimeZone::posix("CST-8").unwrap(),
        allow: Vec::new(),
        settings: DialectSettings::default(),
    })
}

fn id(number: u32) -> CallId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    CallId::from_bytes(bytes)
}

/// An admitted call that was answered "live".
fn live(number: u32) -> CallRecord {
    CallRecord {
        id: id(number),
        at: "2026-11-20T16:00:00.25Z".parse::<Timestamp>().unwrap(),
        caller: Some(Caller {
            tenant: tenant("acme"),
            key_id: "acme-1".into(),
        }),
        asked: Asked {
            dialect: "native",
            op: Some(Op::ImageLiveness),
            method: Method::POST,
            path: Some("/v1/image-liveness"),
            request_bytes: 40_000,
        },
        answered: Answered {
            status: 200,
            ended: Ended::Verdict(Verdict::Live),
            response_bytes: 120,
        },
        upstream: Some(Reached {
            name: "local".into(),
            vendor_code: None,
            native: Some(NativeScore {
                vendor: "local",
                text: "0.03".to_owned(),
            }),
        }),
        timing: Timing {
            total: Duration::from_micros(52_500),
            reading: Duration::from_millis(10),
            upstream: Duration::from_millis(42),
        },
        units: Some(1),
    }
}

/// A call that nobody knows anything about.
fn stranger(number: u32) -> CallRecord {
    CallRecord {
        caller: None,
        asked: Asked {
            dialect: "native",
            op: None,
            method: Method::from_bytes(b"canary").unwrap(),
            path: None,
            request_bytes: 0,
        },
        answered: Answered {
            status: 404,
            ended: Ended::Problem(ProblemKind::NotFound),
            response_bytes: 90,
        },
        upstream: None,
        timing: Timing::default(),
        units: None,
        ..live(number)
    }
}

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::default())
}

#[test]
fn an_access_line_says_what_it_should_and_nothing_else() {
    let (meter, page) = meter(memory());
    meter.record(live(1));
    meter.record(stranger(2));
    assert!(meter.flush(PATIENCE));
    insta::assert_snapshot!(page.text(), @r#"
    {"ts":"2026-11-20T16:00:00.25Z","id":"00000001000000000000000000000000","tenant":"acme","key":"acme-1","dialect":"native","op":"image-liveness","method":"POST","path":"/v1/image-liveness","status":200,"outcome":"live","problem":null,"vendor_code":null,"upstream":"local","native_vendor":"local","native_score":"0.03","request_bytes":40000,"response_bytes":120,"ms":52.5,"upstream_ms":42.0,"units":1}
    {"ts":"2026-11-20T16:00:00.25Z","id":"00000002000000000000000000000000","tenant":"-","key":"-","dialect":"native","op":"-","method":"other","path":"unmatched","status":404,"outcome":"not-found","problem":"not-found","vendor_code":null,"upstream":"-","native_vendor":null,"native_score":null,"request_bytes":0,"response_bytes":90,"ms":0.0,"upstream_ms":null,"units":null}
    "#);
}

#[test]
fn metrics_have_their_names_and_labels() {
    let (meter, _page) = meter(memory());
    meter.record(live(1));
    meter.record(live(2));
    meter.record(stranger(3));
    meter.metrics().set_quota_remaining("acme", "day", 9_998);
    meter.metrics().inflight_body_bytes.set(4096);
    let text = meter.metrics().render();

    let interesting = |line: &&str| {
        line.starts_with("livegate_")
            && (!line.contains("_bucket")
                || line.contains(r#"le="0.05""#)
                || line.contains(r#"le="0.0005""#))
    };
    let shown: Vec<_> = text.lines().filter(interesting).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    livegate_access_dropped_total 0
    livegate_engine_waiting 0
    livegate_inflight_body_bytes 4096
    livegate_overhead_seconds_bucket{dialect="native",op="-",le="0.0005"} 1
    livegate_overhead_seconds_sum{dialect="native",op="-"} 0
    livegate_overhead_seconds_count{dialect="native",op="-"} 1
    livegate_overhead_seconds_bucket{dialect="native",op="image-liveness",le="0.0005"} 2
    livegate_overhead_seconds_sum{dialect="native",op="image-liveness"} 0.001
    livegate_overhead_seconds_count{dialect="native",op="image-liveness"} 2
    livegate_quota_remaining{period="day",tenant="acme"} 9998
    livegate_request_seconds_bucket{dialect="native",op="-",le="0.05"} 1
    livegate_request_seconds_sum{dialect="native",op="-"} 0
    livegate_request_seconds_count{dialect="native",op="-"} 1
    livegate_request_seconds_bucket{dialect="native",op="image-liveness",le="0.05"} 0
    livegate_request_seconds_sum{dialect="native",op="image-liveness"} 0.105
    livegate_request_seconds_count{dialect="native",op="image-liveness"} 2
    livegate_requests_total{dialect="native",op="-",outcome="not-found",tenant="-",upstream="-"} 1
    livegate_requests_total{dialect="native",op="image-liveness",outcome="live",tenant="acme",upstream="local"} 2
    livegate_upstream_seconds_bucket{op="image-liveness",upstream="local",le="0.05"} 2
    livegate_upstream_seconds_sum{op="image-liveness",upstream="local"} 0.084
    livegate_upstream_seconds_count{op="image-liveness",upstream="local"} 2
    livegate_usage_dropped_total 0
    "#);

    if cfg!(target_os = "linux") {
        assert!(text.contains("process_resident_memory_bytes"));
    }
}

#[test]
fn overhead_is_what_neither_the_caller_nor_the_upstream_took() {
    assert_eq!(live(1).timing.overhead(), Duration::from_micros(500));
    let contradictory = Timing {
        upstream: Duration::from_secs(9),
        ..live(1).timing
    };
    assert_eq!(contradictory.overhead(), Duration::ZERO);
}

#[test]
fn usage_is_of_admitted_calls_in_the_tenants_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("usage.db")).unwrap());
    let (meter, _page) = meter(Arc::clone(&store) as _);
    meter.record(live(1));
    meter.record(live(2));
    meter.record(CallRecord {
        units: Some(0),
        ..live(3)
    });
    meter.record(CallRecord {
        units: None,
        ..live(4)
    });
    meter.record(stranger(5));
    assert!(meter.flush(PATIENCE));
    assert_eq!(
        store.usage(&UsageQuery::default()).unwrap(),
        [UsageRow {
            day: jiff::civil::date(2026, 11, 21),
            tenant: "acme".to_owned(),
            dialect: "native".to_owned(),
            op: "image-liveness".to_owned(),
            upstream: "local".to_owned(),
            outcome: "live".to_owned(),
            calls: 3,
            units: 2,
        }]
    );
}

fn counted(store: &dyn Store) -> (u64, u64) {
    let rows = store.usage(&UsageQuery::default()).unwrap();
    rows.iter().fold((0, 0), |(calls, units), row| {
        (calls + row.calls, units + row.units)
    })
}

#[test]
fn every_event_arrives_once_though_the_store_fails_and_callers_race() {
    let store = memory();
    store.failures.store(5, Relaxed);
    let (meter, page) = meter(Arc::clone(&store) as _);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let meter = meter.clone();
            scope.spawn(move || {
                for number in 0..500 {
                    meter.record(live(thread * 500 + number));
                }
            });
        }
    });
    assert!(meter.flush(PATIENCE));
    assert_eq!(counted(&*store), (2000, 2000));
    assert_eq!(page.lines().len(), 2000);
}

#[test]
fn dropping_the_last_meter_writes_what_waits() {
    let store = memory();
    store.failures.store(3, Relaxed);
    let (meter, page) = meter(Arc::clone(&store) as _);
    let other = meter.clone();
    for number in 0..700 {
        other.record(live(number));
    }
    drop(meter);
    drop(other);
    assert_eq!(counted(&*store), (700, 700));
    assert_eq!(page.lines().len(), 700);
}

#[test]
fn a_store_that_fails_to_the_end_is_given_up_and_counted() {
    let store = memory();
    store.failures.store(u32::MAX, Relaxed);
    let (meter, _page) = meter(Arc::clone(&store) as _);
    let metrics = meter.metrics().clone();
    for number in 0..3 {
        meter.record(live(number));
    }
    assert!(!meter.flush(Duration::ZERO));
    drop(meter);
    assert_eq!(metrics.usage_dropped.get(), 3);
}

#[test]
fn no_call_starts_that_could_not_be_billed() {
    let store = memory();
    let (meter, _page) = meter(Arc::clone(&store) as _);
    let stalled = store.stall();
    for number in 0..USAGE_ROOM {
        assert!(meter.has_room());
        meter.record(live(u32::try_from(number).unwrap()));
    }
    assert!(!meter.has_room());
    meter.record(live(u32::MAX));
    drop(stalled);
    assert!(meter.flush(PATIENCE));
    assert!(meter.has_room());
    let all = USAGE_ROOM as u64 + 1;
    assert_eq!(counted(&*store), (all, all));
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted() {
    let page = Page::default();
    let metrics = Metrics::new().unwrap();
    let access = AccessSink::to(page.clone(), metrics.clone()).unwrap();
    let meter = Meter::new(memory(), access, metrics.clone()).unwrap();
    let unread = page.0.lock().unwrap();
    for number in 0..10_000 {
        meter.record(live(number));
    }
    let dropped = metrics.access_dropped.get();
    assert!(dropped > 0);
    drop(unread);
    assert!(meter.flush(PATIENCE));
    assert_eq!(page.lines().len() as u64 + dropped, 10_000);
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = Metrics::new().unwrap();
    let access = AccessSink::to(Broken, metrics.clone()).unwrap();
    let meter = Meter::new(memory(), access, metrics.clone()).unwrap();
    meter.record(live(1));
    meter.record(live(2));
    assert!(meter.flush(PATIENCE));
    assert_eq!(metrics.access_dropped.get(), 2);
}

/// Everything that the gateway holds and must not tell, put wherever a record could pick it up.
#[test]
fn a_canary_never_sings() {
    const CANARY: &str = "canary";
    let mut extras = Extras::default();
    extras.insert("local", serde_json::json!({"name": CANARY}));
    let outcomes = [
        Outcome::Liveness(Liveness {
            selection: Some(Selection {
                at_seconds: 1.0,
                frame: Some(Bytes::from_static(CANARY.as_bytes())),
                face: Some(Bytes::from_static(CANARY.as_bytes())),
            }),
            extras,
            ..Liveness::new(Verdict::Spoof)
        }),
        Outcome::Uploaded(Uploaded {
            id: CANARY.to_owned(),
        }),
    ];
    let problem = Problem::new(ProblemKind::InvalidParameter, format!("no such {CANARY}"))
        .source(format!("https://{CANARY}.example/?secret={CANARY}"));
    let ends = outcomes
        .iter()
        .map(Ended::from)
        .chain([Ended::from(&problem)]);

    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("usage.db")).unwrap());
    let (meter, page) = meter(Arc::clone(&store) as _);
    let mut outcomes = BTreeSet::new();
    for (number, ended) in (0..).zip(ends) {
        let mut record = live(number);
        record.answered.ended = ended;
        record.asked.method = Method::from_bytes(CANARY.as_bytes()).unwrap();
        meter.record(record);
        outcomes.insert(ended.as_str().to_owned());
    }
    meter.record(stranger(9));
    assert!(meter.flush(PATIENCE));

    let usage = store.usage(&UsageQuery::default()).unwrap();
    let recorded: BTreeSet<_> = usage.iter().map(|row| row.outcome.clone()).collect();
    assert_eq!(recorded, outcomes, "the canary was in the house");
    assert!(!page.text().contains(CANARY));
    assert!(!meter.metrics().render().contains(CANARY));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(memchr::memmem::find(&bytes, CANARY.as_bytes()).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// 1,000 strings in every field that holds a string.
    #[test]
    fn hostile_text_stays_in_its_field(strings in proptest::collection::vec(hostile(), 100)) {
        let (meter, page) = meter(memory());
        for (number, text) in (0..).zip(&strings) {
            let mut record = live(number);
            record.caller = Some(Caller { tenant: tenant(text), key_id: text.as_str().into() });
            record.upstream = Some(Reached {
                name: text.as_str().into(),
                vendor_code: Some(text.clone()),
                native: Some(NativeScore { vendor: "local", text: text.clone() }),
            });
            meter.record(record);
        }
        prop_assert!(meter.flush(PATIENCE));

        let text = page.text();
        prop_assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
        let lines = page.lines();
        prop_assert_eq!(lines.len(), strings.len());
        for (line, text) in lines.iter().zip(&strings) {
            for field in ["tenant", "key", "upstream"] {
                prop_assert_eq!(line[field].as_str(), Some(text.as_str()));
            }
            for field in ["vendor_code", "native_score"] {
                let kept = line[field].as_str().unwrap();
                prop_assert!(text.starts_with(kept) && kept.len() <= 64);
                prop_assert!(kept.len() == text.len() || kept.len() > 60);
            }
        }
    }
}

/// Text with what breaks lines, terminals and parsers.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\"",
        "\\",
        "\u{1b}[31m",
        "\u{9b}2J",
        "\0",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "{\"tenant\":\"other\"}",
        "',",
        "😀",
        "%0a",
        "</script>",
    ]);
    let piece = prop_oneof![nasty.prop_map(str::to_owned), any::<String>()];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}
