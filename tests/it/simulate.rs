//! Vendors that are not there: every simulator against the outbound half of its own vendor, and every dialect against
//! every simulated upstream through the real gateway (law P5).

mod lab;
mod pairs;
mod process;

use std::num::NonZeroU64;
use std::time::Duration;

use livegate::canonical::{MediaForm, Op, ProblemKind, Retry};
use livegate::simulate::{Fault, Recurring, Script, Scripted};

use lab::{Lab, callable, decision, read_back, rule, simulated, support};

use crate::support::{files, http, pictures};

/// Live, spoof and every problem kind come back as the golden table says that this vendor's other half reads them.
#[test]
fn every_outcome_comes_back_as_the_table_says() {
    let lab = Lab::new();
    let table = include_str!("../snapshots/problems.md");
    let problems = ProblemKind::ALL.map(Scripted::Problem);
    let outcomes: Vec<Scripted> = [Scripted::Live, Scripted::Spoof]
        .into_iter()
        .chain(problems)
        .collect();
    for vendor in simulated() {
        let script = Script {
            default: None,
            rules: (0..)
                .zip(&outcomes)
                .map(|(n, wish)| rule(n, *wish))
                .collect(),
        };
        let simulator = lab.simulate(vendor, script, None);
        let upstream = lab.upstream(vendor, &simulator);
        let ops = callable(vendor);
        for (op, (number, wish)) in ops
            .iter()
            .flat_map(|op| (0..).zip(&outcomes).map(move |numbered| (*op, numbered)))
        {
            let answer = lab.ask(&upstream, &lab.call(vendor, op, number));
            let place = format!("{} {op} {}", vendor.id, wish.as_str());
            match (wish, answer) {
                (Scripted::Problem(kind), Err(problem)) => {
                    let expected = read_back(table, vendor.id, *kind, op);
                    assert_eq!(problem.kind.as_str(), expected, "{place}");
                }
                (Scripted::Live | Scripted::Spoof, Ok(outcome)) => {
                    let read = decision(&outcome);
                    assert!(
                        read.is_none_or(|live| live == (*wish == Scripted::Live)),
                        "{place}"
                    );
                }
                (_, answer) => panic!("{place} became {answer:?}"),
            }
        }
        let counts = simulator.counts();
        let each = u64::try_from(ops.len()).expect("few");
        for outcome in &outcomes {
            assert_eq!(
                counts.outcomes.get(outcome.as_str()),
                Some(&each),
                "{counts:?}"
            );
        }
        assert_eq!(
            counts.requests,
            each * u64::try_from(outcomes.len()).expect("few")
        );
        assert!(counts.faults.is_empty(), "{counts:?}");
    }
}

/// Without a script the digest decides: always the same for the same file, and both verdicts occur.
#[test]
fn without_a_script_the_media_decides() {
    let lab = Lab::new();
    for vendor in simulated() {
        let simulator = lab.simulate(vendor, Script::default(), None);
        let upstream = lab.upstream(vendor, &simulator);
        for op in callable(vendor) {
            let judge = || -> Vec<Option<bool>> {
                (0..16)
                    .map(|number| lab.ask(&upstream, &lab.call(vendor, op, number)))
                    .map(|answer| decision(&answer.expect("an answer")))
                    .collect()
            };
            let judged = judge();
            assert_eq!(judged, judge(), "{} {op}", vendor.id);
            let decides = !matches!(op, Op::FaceQuality | Op::Upload);
            for verdict in [true, false] {
                assert_eq!(
                    judged.contains(&Some(verdict)),
                    decides,
                    "{} {op}",
                    vendor.id
                );
            }
        }
    }
}

/// What goes wrong on the way is a problem, and not the caller's; what only looks odd keeps its verdict.
#[test]
fn a_fault_never_becomes_a_verdict() {
    let lab = Lab::new();
    let table = include_str!("../snapshots/problems.md");
    let always = |fault| Recurring {
        fault,
        every: NonZeroU64::MIN,
    };
    let late = Fault::Slow(Duration::from_secs(20));
    let broken = [
        late,
        Fault::Drop,
        Fault::Cut,
        Fault::Truncate,
        Fault::Html,
        Fault::Garbage,
        Fault::Throttle,
    ];
    let odd = [
        Fault::UnknownFields,
        Fault::WrongType,
        Fault::Slow(Duration::from_millis(1)),
    ];
    for vendor in simulated() {
        for (fault, wish) in broken
            .into_iter()
            .chain(odd)
            .flat_map(|fault| [(fault, Scripted::Live), (fault, Scripted::Spoof)])
        {
            let script = Script {
                default: Some(wish),
                rules: vec![],
            };
            let simulator = lab.simulate(vendor, script, Some(always(fault)));
            let mut upstream = lab.upstream(vendor, &simulator);
            if fault == late {
                upstream.timeout = Duration::from_millis(50);
            }
            for op in callable(vendor) {
                let answer = lab.ask(&upstream, &lab.call(vendor, op, 0));
                let place = format!("{} {op} {fault:?}", vendor.id);
                match answer {
                    Ok(outcome) => {
                        assert!(odd.contains(&fault), "{place} became {outcome:?}");
                        let read = decision(&outcome);
                        assert!(
                            read.is_none_or(|live| live == (wish == Scripted::Live)),
                            "{place}"
                        );
                    }
                    Err(problem) => {
                        assert!(broken.contains(&fault), "{place} became {problem:?}");
                        let expected = match fault {
                            Fault::Slow(_) => ProblemKind::UpstreamTimeout.as_str(),
                            Fault::Throttle => {
                                assert!(matches!(problem.retry, Retry::After(_)), "{place}");
                                read_back(table, vendor.id, ProblemKind::RateLimited, op)
                            }
                            Fault::Drop
                            | Fault::Cut
                            | Fault::Truncate
                            | Fault::Html
                            | Fault::Garbage
                            | Fault::UnknownFields
                            | Fault::WrongType => ProblemKind::UpstreamFailed.as_str(),
                        };
                        assert_eq!(problem.kind.as_str(), expected, "{place}");
                    }
                }
            }
            let counts = simulator.counts();
            assert_eq!(
                counts.faults.get(fault.as_str()),
                Some(&counts.requests),
                "{counts:?}"
            );
        }
    }
}

/// An id that a simulator gave out stands for the file: the outcome is the file's. Another account's id does not.
#[test]
fn an_upload_is_judged_by_its_id() {
    let lab = Lab::new();
    let mut tried = 0;
    for vendor in simulated().filter(|vendor| callable(vendor).contains(&Op::Upload)) {
        let simulator = lab.simulate(vendor, Script::default(), None);
        let upstream = lab.upstream(vendor, &simulator);
        let by_id = |op: &Op| support(vendor, *op).forms.contains(&MediaForm::Stored);
        for (op, number) in callable(vendor)
            .into_iter()
            .filter(by_id)
            .flat_map(|op| (0..8).map(move |number| (op, number)))
        {
            let file = lab.ask(&upstream, &lab.call(vendor, op, number));
            let id = lab.upload(&upstream, op, number);
            let kept = lab.ask(&upstream, &lab.call_by_id(op, id.clone()));
            let read = [file, kept].map(|answer| decision(&answer.expect("an answer")));
            assert_eq!(read[0], read[1], "{} {op}", vendor.id);
            let strange = id.chars().rev().collect();
            let refused = lab.ask(&upstream, &lab.call_by_id(op, strange));
            assert!(refused.is_err(), "{} {op}", vendor.id);
            tried += 1;
        }
    }
    assert!(tried > 0, "no vendor keeps files");
}

#[test]
fn every_nth_request_goes_wrong() {
    let lab = Lab::new();
    let vendor = simulated().next().expect("a vendor");
    let op = callable(vendor)[0];
    let recurring = Recurring {
        fault: Fault::Drop,
        every: NonZeroU64::new(3).expect("not zero"),
    };
    let simulator = lab.simulate(vendor, Script::default(), Some(recurring));
    let upstream = lab.upstream(vendor, &simulator);
    let fine: Vec<bool> = (0..6)
        .map(|number| lab.ask(&upstream, &lab.call(vendor, op, number)).is_ok())
        .collect();
    assert_eq!(fine, [true, true, false, true, true, false]);
    let counts = simulator.counts();
    assert_eq!((counts.requests, counts.faults["drop"]), (6, 2));
}

/// As the vendor: path, credential, size, request and pictures are refused in its own shape, and headers ask for more.
#[test]
fn a_simulator_is_as_strict_as_its_vendor() {
    let lab = Lab::new();
    for vendor in simulated() {
        let simulator = lab.simulate(vendor, Script::default(), None);
        let op = callable(vendor)[0];
        let native = |kind| lab.status(vendor, op, kind);
        let right = lab.request(vendor, &simulator, &lab.call(vendor, op, 0));
        let send = |request: &_, more: &[(&str, &str)]| lab.send(&simulator, request, more);

        assert_eq!(send(&right, &[]).status, 200, "{}", vendor.id);
        let asked = |outcome| send(&right, &[("x-simulate", outcome)]).status;
        assert_eq!(
            asked("no-face"),
            native(ProblemKind::NoFace),
            "{}",
            vendor.id
        );
        assert_eq!(
            asked("out-of-luck"),
            native(ProblemKind::InvalidParameter),
            "{}",
            vendor.id
        );
        let page = send(&right, &[("x-simulate-fault", "html")]);
        assert_eq!(
            (page.status, page.header("content-type")),
            (502, Some("text/html"))
        );

        let mut lost = right.clone();
        *lost.uri_mut() = format!("http://{}/nowhere", simulator.address)
            .parse()
            .expect("a uri");
        assert_eq!(
            send(&lost, &[]).status,
            native(ProblemKind::NotFound),
            "{}",
            vendor.id
        );

        if lab.asks_for_credential(vendor) {
            let nobody = http::request("POST", right.uri().path(), &[], b"");
            let refused = http::exchange(simulator.address, &nobody);
            let expected = native(ProblemKind::Unauthorized);
            assert_eq!(refused.status, expected, "{}", vendor.id);
            let stranger = lab.request_of_a_stranger(vendor, &simulator, &lab.call(vendor, op, 0));
            let refused = send(&stranger, &[]);
            assert_eq!(
                refused.status,
                native(ProblemKind::Unauthorized),
                "{}",
                vendor.id
            );
        }

        let support = support(vendor, op);
        let head = http::request(
            "POST",
            right.uri().path(),
            &lab.headers(&right),
            &vec![b'x'; support.max_body + 1],
        );
        let refused = http::exchange(simulator.address, &head);
        assert_eq!(
            refused.status,
            native(ProblemKind::BodyTooLarge),
            "{}",
            vendor.id
        );

        if support.forms.contains(&MediaForm::Url) {
            // Its own address is private, and not one of those that are allowed.
            let private = lab.call_by_url(op, files::url(simulator.address, b"file"));
            let refused = send(&lab.request(vendor, &simulator, &private), &[]);
            let expected = native(ProblemKind::DownloadFailed);
            assert_eq!(refused.status, expected, "{}", vendor.id);
        }

        if support.image.is_some() {
            let tiny = lab.call_about(vendor, op, pictures::png_header(2, 2));
            let refused = send(&lab.request(vendor, &simulator, &tiny), &[]);
            assert_eq!(
                refused.status,
                native(ProblemKind::PixelsOutOfRange),
                "{}",
                vendor.id
            );
        }
    }
}
