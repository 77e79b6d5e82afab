//! The configuration from the outside: the sample, every mistake with its line, and no secret in any message.

mod document;
mod mistakes;
mod own;
mod sample;
mod secrets;

use std::env::VarError;
use std::path::Path;

use livegate::config::{self, ConfigErrors, Environment, Loaded};
use livegate::vendors::{VENDORS, Vendor};

const SAMPLE: &str = include_str!("../../config/livegate.toml");

const EMPTY: Environment = |_| Err(VarError::NotPresent);
/// Some secrets have an exact length: those of the sample say by their names which.
const FULL: Environment = |name| {
    Ok(match name {
        "ACME_KEY" => format!("{name:-<32}"),
        "ACME_IV" => format!("{name:-<12}"),
        _ => format!("{name}-value"),
    })
};

/// A vendor that needs an account, and has a score.
fn account() -> &'static Vendor {
    let has_credentials = |vendor: &&Vendor| {
        vendor
            .outbound
            .is_some_and(|outbound| !outbound.credentials().is_empty())
    };
    let found = VENDORS
        .iter()
        .copied()
        .find(|vendor| has_credentials(vendor) && vendor.scale.is_some());
    found.expect("a vendor with credentials and a scale")
}

/// A vendor that needs none: the engine on this machine.
fn engine() -> &'static Vendor {
    let needs_nothing = |vendor: &&Vendor| {
        vendor
            .outbound
            .is_some_and(|outbound| outbound.credentials().is_empty())
    };
    VENDORS
        .iter()
        .copied()
        .find(needs_nothing)
        .expect("a vendor without credentials")
}

/// `ENGINE`, `ACCOUNT` and `CREDENTIALS` stand for vendors in the texts of these tests.
fn fill(text: &str) -> String {
    let names = account().outbound.expect("callable").credentials();
    let credentials: String = names
        .iter()
        .map(|name| format!("{name} = {{ env = \"X\" }}\n"))
        .collect();
    text.replace("CREDENTIALS", credentials.trim_end())
        .replace("ENGINE", engine().id)
        .replace("ACCOUNT", account().id)
}

/// One valid text; each case changes a line of it.
const SMALL: &str = r#"[upstreams.a]
vendor = "ACCOUNT"
base_url = "https://a.example"
CREDENTIALS
[upstreams.e]
vendor = "ENGINE"
[plans.p]
rate = "50/s"
quota = "unlimited"
[tenants.t]
plan = "p"
keys = [{ id = "k", secret = { env = "X" } }]
[tenants.u]
plan = "p"
keys = [{ id = "l", secret = { env = "X" } }]
[[routes]]
tenant = "*"
to = [{ upstream = "a" }, { upstream = "e", weight = 0 }]
"#;

fn read(text: &str) -> Result<Loaded, ConfigErrors> {
    Loaded::from_text("t.toml".to_owned(), text.to_owned(), FULL)
}

fn refused(text: &str) -> ConfigErrors {
    read(text).expect_err(text)
}

/// The sample with every example in use.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(example) if example.starts_with(|c: char| c.is_ascii_alphabetic() || c == '[') => {
            format!("{example}\n")
        }
        Some(_) | None => format!("{line}\n"),
    };
    SAMPLE.lines().map(line).collect()
}

#[test]
fn what_is_compiled_is_what_was_written() {
    let folder = tempfile::tempdir().expect("folder");
    let master = folder.path().join("master.key");
    let text = fill(SMALL)
        .replace(
            "[upstreams.a]",
            &format!("[store]\nmaster_key = {{ file = {master:?} }}\n[upstreams.a]"),
        )
        .replacen(
            "quota = \"unlimited\"",
            "concurrency = 3\nquota = { day = 5, total = \"unlimited\" }",
            1,
        )
        .replacen(
            "tenant = \"*\"",
            "tenant = \"t\"\nop = \"image-liveness\"",
            1,
        );
    let loaded = read(&text).expect("valid");
    config::prepare_files(&loaded.config).expect("made");
    let compiled = loaded.compile().expect("valid");
    let snapshot = &compiled.snapshot;

    let tenant = &snapshot.tenants["t"];
    let rate = tenant.plan.rate.expect("rate");
    assert_eq!((rate.interval.as_millis(), rate.burst.get()), (20, 50));
    assert_eq!(
        tenant.plan.concurrency.map(std::num::NonZeroU32::get),
        Some(3)
    );
    let quota = tenant.plan.quota;
    assert_eq!((quota.day, quota.month, quota.total), (Some(5), None, None));

    let upstream = &snapshot.upstreams["a"];
    assert_eq!(upstream.base_url, "https://a.example");
    assert_eq!(
        (
            upstream.timeout.as_secs(),
            upstream.connect_timeout.as_secs()
        ),
        (10, 1)
    );
    assert_eq!(upstream.scale, account().scale);
    assert!(
        upstream
            .secrets
            .iter()
            .all(|(_, secret)| secret.expose() == "X-value")
    );
    assert_eq!(snapshot.upstreams["e"].base_url, "");

    let [route] = &snapshot.routes[..] else {
        panic!("{:?}", snapshot.routes)
    };
    assert_eq!(route.tenant.as_deref(), Some("t"));
    assert_eq!(
        (route.dialect, route.op.map(|op| op.as_str())),
        (None, Some("image-liveness"))
    );
    let to: Vec<_> = route
        .to
        .iter()
        .map(|target| (&*target.upstream.name, target.weight))
        .collect();
    assert_eq!(to, [("a", 1), ("e", 0)]);
    let digest = compiled.master_key.digest("X-value");
    assert_eq!(snapshot.keys["k"].secrets[0].0, digest.0);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let errors = config::load_with(Path::new("/no/such/file.toml"), EMPTY).expect_err("absent");
    assert_eq!(
        errors.to_string(),
        "/no/such/file.toml: cannot be read: entity not found; give the path of a readable TOML file"
    );
}

/// An upstream has a key for each secret of each vendor.
#[test]
fn every_credential_of_every_vendor_can_be_written() {
    let known = livegate::tenancy::config::Upstream::default()
        .credentials()
        .map(|(key, _)| key);
    for vendor in VENDORS {
        for name in vendor
            .outbound
            .map_or(&[][..], |outbound| outbound.credentials())
        {
            assert!(known.contains(name), "{}: {name}", vendor.id);
        }
    }
}
