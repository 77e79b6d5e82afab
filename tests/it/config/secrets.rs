//! Secrets are read, made and never repeated.

use livegate::config::{self, Loaded};
use toml::{Table, Value};

use super::document::{Step, entries, leaves, tables, write};
use super::{EMPTY, SMALL, fill, read, refused, uncommented};

#[test]
fn secrets_that_cannot_be_had_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("secret");
    let text = |source: &str| {
        format!(
            "[admin]\ntoken = {source}\n[store]\nmaster_key = {{ file = {:?} }}\n",
            folder.path().join("master")
        )
    };
    let from_env = |environment| {
        let result = Loaded::from_text(
            "t.toml".to_owned(),
            text("{ env = \"TOKEN\" }"),
            environment,
        );
        result.map(drop).map_err(|errors| errors.to_string())
    };
    assert_eq!(
        from_env(EMPTY),
        Err(
            "t.toml:2:9: admin.token: environment variable TOKEN is not set; set it to the secret"
                .to_owned()
        )
    );
    let empty = from_env(|_| Ok("\n".to_owned())).expect_err("empty");
    assert!(
        empty.ends_with("environment variable TOKEN is empty; make it hold the secret"),
        "{empty}"
    );
    from_env(|_| Ok("x".to_owned())).expect("valid");

    let from_file = text(&format!("{{ file = {file:?} }}"));
    assert!(
        refused(&from_file)
            .to_string()
            .contains("cannot be read: entity not found")
    );
    std::fs::write(&file, "\r\n").expect("written");
    assert!(refused(&from_file).to_string().contains("is empty"));
    std::fs::write(&file, "with space \n\n").expect("written");
    let loaded = read(&from_file).expect("valid");
    config::prepare_files(&loaded.config).expect("made");
    let token = loaded.compile().expect("valid").admin_token.expect("token");
    assert_eq!(
        token.expose(),
        "with space \n",
        "one line end is trimmed, nothing else"
    );
}

/// Whatever stands where a secret or an address is expected, no message repeats it.
#[test]
fn no_message_repeats_a_secret() {
    let sample: Value = Value::Table(uncommented().parse().expect("TOML"));
    let wrong = [
        "\"canary7\"",
        "77777777",
        "7777.7777",
        "[\"canary7\"]",
        "{ value = \"canary7\" }",
        "{ env = \"canary 7\" }",
        "{ env = [\"canary7\"] }",
        "\"https://u:canary7@h.example\"",
        "\"https://h.example/?s=canary7\"",
        "\"redis://:canary7@h.example\"",
        "[[\"canary7\"]]",
    ];
    let secret_places = [
        "token",
        "secret",
        "master_key",
        "api_id",
        "api_secret",
        "key",
        "iv",
        "base_url",
        "public_url",
        "url",
        "keys",
    ];
    let mut tried = 0;
    for path in leaves(&sample).into_iter().chain(tables(&sample)) {
        let Some(Step::Key(key)) = path.last() else {
            continue;
        };
        if !secret_places.contains(&key.as_str()) {
            continue;
        }
        for wrong in wrong {
            let mut changed = sample.clone();
            let value = format!("v = {wrong}").parse::<Table>().expect("TOML")["v"].clone();
            entries(&mut changed, &path[..path.len() - 1]).insert(key.clone(), value);
            if let Err(errors) = read(&write(&changed)) {
                let told = format!("{errors} {errors:?}");
                assert!(!told.contains("canary") && !told.contains("7777"), "{told}");
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "only {tried} refusals");
    let told = refused("[admin]\ntoken = \"canary7\n").to_string();
    assert!(
        told.starts_with("t.toml:2:") && !told.contains("canary"),
        "{told}"
    );
}

#[test]
fn files_are_made_once_for_the_owner_only_and_then_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("folder");
    let (master, secret) = (
        folder.path().join("a/master.key"),
        folder.path().join("b/c.secret"),
    );
    let text = fill(&format!(
        "[store]\nmaster_key = {{ file = {master:?} }}\n[plans.p]\nquota = \"unlimited\"\n[tenants.t]\nplan = \"p\"\n\
         keys = [{{ id = \"k\", secret = {{ file = {secret:?} }}, generate = true }}]\n"
    ));
    let loaded = read(&text).expect("absent files are no mistake yet");
    assert!(
        !master.exists() && !secret.exists(),
        "checking writes nothing"
    );
    assert_eq!(loaded.compile().expect_err("not made").errors.len(), 2);

    assert_eq!(
        config::prepare_files(&loaded.config).expect("made"),
        [master.clone(), secret.clone()]
    );
    let contents = [&master, &secret].map(|path| {
        let mode = std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::read_to_string(path).expect("text")
    });
    assert!(
        contents
            .iter()
            .all(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
    );
    assert_ne!(contents[0], contents[1]);
    assert!(
        config::prepare_files(&loaded.config)
            .expect("nothing to do")
            .is_empty()
    );
    assert_eq!(std::fs::read_to_string(&master).expect("text"), contents[0]);
    assert!(
        loaded
            .compile()
            .expect("valid")
            .snapshot
            .keys
            .contains_key("k")
    );

    std::fs::write(&master, "0b0b").expect("written");
    let damaged = read(&text).expect_err("damaged").to_string();
    assert!(
        damaged.contains(":2:14: store.master_key: the master key is damaged"),
        "{damaged}"
    );
}

#[test]
fn without_generate_an_absent_secret_file_is_a_mistake() {
    let text = fill(SMALL).replacen("{ env = \"X\" } }]", "{ file = \"no/such/file\" } }]", 1);
    assert_eq!(refused(&text).errors.len(), 1);
}
