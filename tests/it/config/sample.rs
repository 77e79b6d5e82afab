//! `config/livegate.toml` is valid, complete, and no slip of the hand in it goes unnoticed.

use std::path::Path;

use livegate::config;
use toml::{Table, Value};

use super::document::{Step, at, entries, keys_of_shape, leaves, tables, write};
use super::{EMPTY, SAMPLE, read, refused, uncommented};

#[test]
fn the_sample_is_valid_as_it_stands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/livegate.toml");
    let loaded = config::load_with(&path, EMPTY).expect("valid");
    assert_eq!(loaded.config.server, livegate::gateway::Config::default());
    assert_eq!(loaded.config.admin, livegate::admin::Config::default());
    assert_eq!(loaded.config.store, livegate::store::Config::default());
    assert_eq!(loaded.config.engine, livegate::engine::Config::default());
    assert_eq!(config::built_in().expect("valid").config, loaded.config);
}

#[test]
fn the_sample_is_valid_with_every_example_in_use() {
    let loaded = read(&uncommented()).expect("valid");
    assert!(
        loaded.config.tenancy.tenants["acme"].keys[0]
            .expires_at
            .is_some()
    );
    assert_eq!(loaded.config.tenancy.routes.len(), 2);
    let upstream = &loaded.config.tenancy.upstreams["accuauth-prod"];
    assert_eq!(upstream.threshold, Some(0.98));
}

/// The accepted keys come from the refusal of an unknown one, so a new key cannot be forgotten here.
#[test]
fn the_sample_documents_every_key() {
    let sample: Table = uncommented().parse().expect("TOML");
    let mut asked = 0;
    for table in tables(&Value::Table(sample.clone())) {
        let mut changed = Value::Table(sample.clone());
        entries(&mut changed, &table).insert("no_such_key".to_owned(), Value::from(1));
        let errors = refused(&write(&changed));
        let unknown = errors
            .errors
            .iter()
            .find(|error| error.message.starts_with("unknown key"));
        let Some(unknown) = unknown else {
            let free =
                ["upstreams", "plans", "tenants"].map(|name| vec![Step::Key(name.to_owned())]);
            assert!(free.contains(&table), "{table:?} takes any key: {errors}");
            continue;
        };
        asked += 1;
        let documented = keys_of_shape(&sample, &table);
        for key in unknown.message.split('`').skip(3).step_by(2) {
            // Alternatives of what the sample uses are told in words, the forms of a secret at its head.
            let by_word = [format!("{key} = ..."), format!("{{ {key} = \"")]
                .iter()
                .any(|words| SAMPLE.contains(words));
            assert!(
                documented.contains(key) || by_word,
                "{key} of {table:?} is not documented"
            );
        }
    }
    assert!(asked > 10, "only {asked} tables were asked");
}

/// Threat 20: no slip of the hand is ignored, and none is a panic.
#[test]
fn every_slip_in_the_sample_is_found_or_harmless() {
    let sample: Value = Value::Table(uncommented().parse().expect("TOML"));
    for leaf in leaves(&sample) {
        let (parent, Step::Key(key)) = (&leaf[..leaf.len() - 1], &leaf[leaf.len() - 1]) else {
            continue;
        };
        let value = at(&sample, &leaf).clone();
        let slip = |change: &dyn Fn(&mut Table)| {
            let mut changed = sample.clone();
            change(entries(&mut changed, parent));
            let result = read(&write(&changed));
            if let Err(errors) = &result {
                for error in &errors.errors {
                    assert!(error.line > 0 && error.column > 0, "{leaf:?}: {errors}");
                    assert!(
                        !error.key.is_empty() && !error.message.is_empty(),
                        "{leaf:?}: {errors}"
                    );
                }
            }
            result.err()
        };
        let replace =
            |new: Value| slip(&|table: &mut Table| drop(table.insert(key.clone(), new.clone())));

        slip(&|table| drop(table.remove(key)));
        let renamed = slip(&|table| {
            table.remove(key);
            table.insert(format!("{key}x"), value.clone());
        });
        let renamed = renamed.unwrap_or_else(|| panic!("{leaf:?} renamed is ignored"));
        let advice = format!("did you mean `{key}`?");
        assert!(
            key.len() < 2 || renamed.to_string().contains(&advice),
            "{renamed}"
        );

        let other_type = if value.is_str() {
            Value::from(true)
        } else {
            Value::from("seven")
        };
        let retyped = replace(other_type).unwrap_or_else(|| panic!("{leaf:?} retyped is ignored"));
        // Without `generate` the absent file of that key is a mistake of its own.
        let told_once = retyped.errors.len() == 1 || key == "generate";
        assert!(told_once, "one slip, one mistake: {retyped}");

        let of_engine = parent.first() == Some(&Step::Key("engine".to_owned()));
        if value.is_str() && !of_engine {
            assert!(
                replace(Value::from("")).is_some(),
                "{leaf:?} emptied is ignored"
            );
        }
        if let Some(number) = value.as_integer() {
            assert!(
                replace(Value::from(-number - 1)).is_some(),
                "{leaf:?} negated is ignored"
            );
        }
        if let Some(number) = value.as_float() {
            assert!(
                replace(Value::from(-number)).is_some(),
                "{leaf:?} negated is ignored"
            );
            assert!(
                replace(Value::from(f64::NAN)).is_some(),
                "{leaf:?} not a number is ignored"
            );
        }
        if let Some(list) = value.as_array() {
            let emptied = replace(Value::Array(Vec::new()));
            let harmless = ["allow", "allow_hosts", "keys", "routes"].contains(&key.as_str());
            assert_eq!(emptied.is_none(), harmless, "{leaf:?} emptied: {list:?}");
        }
    }
}
