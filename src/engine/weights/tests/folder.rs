//! The models folder before, between and after fetches.

use std::fs;
use std::sync::Barrier;

use super::world::*;
use crate::engine::weights::{Fetched, Flaw, Mode, folder};

#[test]
fn offline_starts_nothing_and_lists_what_is_missing_or_wrong() {
    let world = World::new();
    let other = bundle(&[], &[wanted("b.onnx", b"1234567")]);
    let fetcher = world.fetcher(vec![honest(&world), other]);
    let offline = || fetcher.fetch(&world.models(), Mode::Offline, &world.progress);

    let said = offline().unwrap_err().to_string();
    assert!(
        said.contains(
            "is incomplete: a.onnx is missing; b.onnx is missing; run `livegate models fetch`"
        ),
        "{said}"
    );
    assert!(!world.models().exists(), "not even the folder was made");

    fs::create_dir(world.models()).unwrap();
    fs::write(world.models().join("a.onnx"), b"weights").unwrap();
    fs::write(world.models().join("b.onnx"), b"123456").unwrap();
    let said = offline().unwrap_err().to_string();
    assert!(
        said.contains("is incomplete: b.onnx has 6 bytes instead of 7; run"),
        "{said}"
    );

    fs::write(world.models().join("b.onnx"), b"1234567").unwrap();
    assert_eq!(offline().unwrap(), Fetched::default());
    assert_eq!(
        world.listing(),
        ["a.onnx", "b.onnx"],
        "nothing was written, not even a lock"
    );
    assert!(world.calls().is_empty());
}

#[test]
fn verify_reads_what_missing_only_measures_and_only_bad_files_are_fetched_again() {
    let world = World::new();
    let archive = tgz(&[("package/b.onnx", b"bb"), ("package/c.onnx", b"cc")]);
    let package = npm("two", &archive);
    world.serve(&package, &archive);
    let files = [wanted("b.onnx", b"bb"), wanted("c.onnx", b"cc")];
    let fetcher = world.fetcher(vec![honest(&world), bundle(&[package], &files)]);
    let fetch = || {
        fetcher
            .fetch(&world.models(), Mode::Online, &world.progress)
            .unwrap()
    };
    assert_eq!(fetch().files.len(), 3);

    fs::write(world.models().join("b.onnx"), b"b?").unwrap();
    assert!(
        fetcher.missing(&world.models()).is_empty(),
        "the size is right"
    );
    let states = fetcher.verify(&world.models());
    let found: Vec<_> = states.iter().map(|s| (s.file, s.result.is_ok())).collect();
    assert_eq!(
        found,
        [("a.onnx", true), ("b.onnx", false), ("c.onnx", true)]
    );
    assert!(matches!(states[1].result, Err(Flaw::Hash { .. })));

    fs::write(world.models().join("c.onnx"), b"").unwrap();
    fs::remove_file(world.models().join("a.onnx")).unwrap();
    assert_eq!(fetcher.missing(&world.models()), ["a.onnx", "c.onnx"]);
    fs::write(world.models().join("a.onnx"), b"weights").unwrap();

    let again: Vec<String> = fetch().files.into_iter().map(|f| f.file).collect();
    assert_eq!(again, ["b.onnx", "c.onnx"]);
    assert_eq!(world.calls(), ["one@1.2.3", "two@1.2.3", "two@1.2.3"]);
    assert!(
        fetcher
            .verify(&world.models())
            .iter()
            .all(|s| s.result.is_ok())
    );
}

#[test]
fn a_run_that_failed_keeps_what_is_whole_and_the_next_one_clears_what_is_not() {
    let world = World::new();
    let gone = bundle(&[npm("gone", b"")], &[wanted("b.onnx", b"bb")]);
    let bundles = vec![honest(&world), gone];
    world.fetch(bundles.clone()).unwrap_err();
    let whole = [".lock", "a.onnx", "manifest.json"];
    assert_eq!(world.listing(), whole);

    // What a killed run leaves: a folder of downloads and half a file.
    fs::create_dir_all(world.models().join(".partial-1/archives")).unwrap();
    fs::write(world.models().join(".partial-1/archives/x.tgz"), b"x").unwrap();
    fs::write(world.models().join(".partial-2"), b"x").unwrap();
    world.fetch(bundles).unwrap_err();
    assert_eq!(world.listing(), whole);
}

#[test]
fn runs_at_once_fetch_once() {
    let world = World::new();
    let fetcher = world.fetcher(vec![honest(&world)]);
    let (models, progress, start) = (world.models(), &world.progress, Barrier::new(4));
    let run = || {
        start.wait();
        fetcher.fetch(&models, Mode::Online, progress).unwrap()
    };
    let runs: Vec<Fetched> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(runs.iter().filter(|run| !run.files.is_empty()).count(), 1);
    assert_eq!(world.calls(), ["one@1.2.3"]);
}

#[test]
fn whoever_waits_for_the_lock_uses_what_the_other_brought() {
    let world = World::new();
    let fetcher = world.fetcher(vec![honest(&world)]);
    let (models, progress) = (world.models(), &world.progress);
    let lock = folder::lock(&models, progress).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fetcher.fetch(&models, Mode::Online, progress));
        let heard = world.heard.recv().unwrap();
        assert!(heard.starts_with("waiting for another process"), "{heard}");
        folder::write(&models, "a.onnx", b"weights").unwrap();
        drop(lock);
        assert_eq!(waiting.join().unwrap().unwrap(), Fetched::default());
    });
    assert!(world.calls().is_empty());
}
