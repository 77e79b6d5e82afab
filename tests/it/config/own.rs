//! A tenant's tables named after vendors: read, checked and compiled by what the vendor says that it has.

use std::env::VarError;

use livegate::config::{self, ConfigErrors, Loaded};
use livegate::vendors::{OwnSettings, Setting, SettingKind, VENDORS, Vendor};

use super::{SMALL, fill};

/// A vendor whose clients have secrets and a choice, all with defaults that are published.
fn vendor() -> &'static Vendor {
    let found = VENDORS
        .iter()
        .copied()
        .find(|vendor| vendor.settings.len() > 2);
    found.expect("a vendor with settings")
}

fn secrets() -> impl Iterator<Item = (&'static str, usize, &'static str)> {
    let secret = |setting: &'static Setting| match setting.kind {
        SettingKind::Secret { bytes, published } => Some((setting.name, bytes, published?)),
        SettingKind::Number(_) => None,
    };
    vendor().settings.iter().filter_map(secret)
}

fn number() -> (&'static str, i64) {
    let number = |setting: &Setting| match setting.kind {
        SettingKind::Number(choices) => Some((setting.name, *choices.last()?)),
        SettingKind::Secret { .. } => None,
    };
    let found = vendor().settings.iter().find_map(number);
    found.expect("a number among the settings")
}

/// Variables `OWN_name` and `PUBLISHED_name` for each secret, and one of a wrong length.
fn environment(variable: &str) -> Result<String, VarError> {
    for (name, bytes, published) in secrets() {
        if variable == format!("OWN_{name}") {
            return Ok("o".repeat(bytes));
        }
        if variable == format!("PUBLISHED_{name}") {
            return Ok(published.to_owned());
        }
    }
    Ok("canary7".to_owned())
}

/// The tenant with more lines, and what may stand before everything.
fn load(lines: &str, first: &str) -> Result<Loaded, ConfigErrors> {
    let lines = lines.replace("VENDOR", vendor().id);
    let text = SMALL.replacen("plan = \"p\"\n", &format!("plan = \"p\"\n{lines}\n"), 1);
    assert_ne!(text, SMALL);
    let text = format!("{first}{}", fill(&text));
    Loaded::from_text("t.toml".to_owned(), text, environment)
}

fn refused(lines: &str) -> ConfigErrors {
    load(lines, "").expect_err(lines)
}

fn compiled(lines: &str) -> OwnSettings {
    let folder = tempfile::tempdir().expect("folder");
    let master = folder.path().join("master.key");
    let store = format!("[store]\nmaster_key = {{ file = {master:?} }}\n");
    let loaded = load(lines, &store).unwrap_or_else(|errors| panic!("{errors}"));
    config::prepare_files(&loaded.config).expect("made");
    let snapshot = loaded.compile().expect("valid").snapshot;
    snapshot.tenants["t"].settings.own[vendor().id].clone()
}

fn table(prefix: &str) -> String {
    let secrets = secrets().map(|(name, ..)| format!("{name} = {{ env = \"{prefix}_{name}\" }}"));
    let secrets: Vec<_> = secrets.collect();
    secrets.join(", ")
}

#[test]
fn what_is_written_is_compiled() {
    let (number, choice) = number();
    let own = compiled(&format!(
        "VENDOR = {{ {}, {number} = {choice} }}",
        table("OWN")
    ));
    for (name, bytes, _) in secrets() {
        assert_eq!(own.secrets[name].expose(), "o".repeat(bytes));
    }
    assert_eq!(own.numbers[number], choice);

    let own = compiled(&format!("VENDOR = {{ {number} = {choice} }}"));
    assert!(own.secrets.is_empty());
    assert_eq!(own.numbers[number], choice);
    assert!(compiled("").secrets.is_empty());
}

#[test]
fn published_secrets_are_used_only_where_that_is_said() {
    let allowed = "allow = [\"published-key\"]";
    for lines in [
        allowed.to_owned(),
        format!("{allowed}\nVENDOR = {{ {} }}", table("PUBLISHED")),
    ] {
        let own = compiled(&lines);
        for (name, _, published) in secrets() {
            assert_eq!(own.secrets[name].expose(), published);
        }
    }
    let errors = refused(&format!("VENDOR = {{ {} }}", table("PUBLISHED")));
    let [error] = &errors.errors[..] else {
        panic!("{errors}")
    };
    assert_eq!(error.key, format!("tenants.t.{}", vendor().id));
    assert!(error.message.contains("published by the vendor"));
    // One of them alone, beside one that is not published, is the installation's business.
    let (last, ..) = secrets().last().expect("a secret");
    let mixed = table("OWN").replace(&format!("OWN_{last}"), &format!("PUBLISHED_{last}"));
    assert_eq!(
        compiled(&format!("VENDOR = {{ {mixed} }}")).secrets.len(),
        secrets().count()
    );
}

#[test]
fn mistakes_are_found_at_their_place() {
    let (first, bytes, _) = secrets().next().expect("a secret");
    let (second, ..) = secrets().nth(1).expect("another");
    let (number, choice) = number();
    let none = VENDORS.iter().find(|vendor| vendor.settings.is_empty());
    let none = none.expect("a vendor without settings").id;
    let at = |key: &str| format!("tenants.t.{}.{key}", vendor().id);
    #[rustfmt::skip]
    let cases = [
        (format!("VENDOR = {{ {}, {number}s = 1 }}", table("OWN")), at(&format!("{number}s")), format!("did you mean `{number}`?")),
        (format!("VENDOR = {{ {number} = {} }}", choice + 1), at(number), format!("{} does not fit; write one of: ", choice + 1)),
        (format!("VENDOR = {{ {number} = \"x\" }}"), at(number), "text does not fit".to_owned()),
        (format!("VENDOR = {{ {} }}", table("WRONG")), at(first), format!("this secret has 7 bytes; it must have exactly {bytes}")),
        (format!("VENDOR = {{ {first} = \"canary7\" }}"), at(first), "does not stand in the configuration".to_owned()),
        (format!("VENDOR = {{ {first} = {{ env = \"OWN_{first}\" }} }}"), at(second), "missing; the secrets of this table go together".to_owned()),
        ("VENDOR = 7".to_owned(), format!("tenants.t.{}", vendor().id), "a whole number does not fit; write a table of ".to_owned()),
        (format!("{none} = {{}}"), format!("tenants.t.{none}"), "unknown key".to_owned()),
        ("plam = 7".to_owned(), "tenants.t.plam".to_owned(), "did you mean `plan`?".to_owned()),
        ("allow = [\"everything\"]".to_owned(), "tenants.t.allow[0]".to_owned(), "expected one of `published-key`".to_owned()),
    ];
    let line = SMALL.lines().position(|line| line == "plan = \"p\"");
    let line = line.expect("the tenant's plan") + 2;
    for (lines, key, message) in cases {
        let errors = refused(&lines);
        let found = errors.errors.iter().find(|error| error.key == key);
        let found = found.unwrap_or_else(|| panic!("nothing at {key}: {errors}"));
        assert!(found.message.contains(&message), "{errors}");
        assert!(!errors.to_string().contains("canary"), "{errors}");
        let offset = fill(SMALL).lines().count() - SMALL.lines().count();
        assert_eq!(found.line, line + offset, "{errors}");
    }
}

#[test]
fn an_upstreams_secrets_of_the_same_names_have_the_same_lengths() {
    let (first, bytes, _) = secrets().next().expect("a secret");
    let upstream = |prefix| {
        let text = format!(
            "[upstreams.a]\nvendor = \"{}\"\nbase_url = \"http://h.example\"\n{}\n",
            vendor().id,
            table(prefix).replace(", ", "\n")
        );
        Loaded::from_text("t.toml".to_owned(), text, environment)
    };
    upstream("OWN").expect("valid");
    let errors = upstream("WRONG").expect_err("a wrong length");
    let found = errors
        .errors
        .iter()
        .find(|error| error.key == format!("upstreams.a.{first}"));
    let message = &found.expect("told").message;
    assert_eq!(
        message,
        &format!("this secret has 7 bytes; it must have exactly {bytes}")
    );
}
