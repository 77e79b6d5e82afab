//! Walks a TOML document, so that tests can change every part of it.

use std::collections::BTreeSet;

use toml::{Table, Value};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

pub(super) fn write(value: &Value) -> String {
    toml::to_string(value).expect("TOML")
}

fn children(value: &Value) -> Vec<(Step, &Value)> {
    match value {
        Value::Table(table) => table
            .iter()
            .map(|(key, value)| (Step::Key(key.clone()), value))
            .collect(),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .map(|(index, value)| (Step::Index(index), value))
            .collect(),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => Vec::new(),
    }
}

fn walk<'v>(value: &'v Value, path: &mut Vec<Step>, visit: &mut dyn FnMut(&[Step], &'v Value)) {
    visit(path, value);
    for (step, child) in children(value) {
        path.push(step);
        walk(child, path, visit);
        path.pop();
    }
}

fn paths(value: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &mut |path, value| {
        found.extend(wanted(value).then(|| path.to_vec()))
    });
    found
}

pub(super) fn tables(value: &Value) -> Vec<Vec<Step>> {
    paths(value, Value::is_table)
}

pub(super) fn leaves(value: &Value) -> Vec<Vec<Step>> {
    paths(value, |value| !value.is_table())
}

pub(super) fn at<'v>(value: &'v Value, path: &[Step]) -> &'v Value {
    path.iter().fold(value, |value, step| match step {
        Step::Key(key) => &value[key.as_str()],
        Step::Index(index) => &value[*index],
    })
}

pub(super) fn entries<'v>(value: &'v mut Value, path: &[Step]) -> &'v mut Table {
    let found = path.iter().fold(value, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Index(index) => &mut value[*index],
    });
    found.as_table_mut().expect("a table")
}

/// The keys that some table of the same shape has: names under upstreams, plans and tenants, and indices, are alike.
pub(super) fn keys_of_shape(sample: &Table, table: &[Step]) -> BTreeSet<String> {
    let shape = |path: &[Step]| {
        let named = matches!(path.first(), Some(Step::Key(key)) if ["upstreams", "plans", "tenants"].contains(&key.as_str()));
        let alike = path
            .iter()
            .enumerate()
            .map(move |(depth, step)| match step {
                Step::Key(key) if !(named && depth == 1) => key.clone(),
                Step::Key(_) | Step::Index(_) => "*".to_owned(),
            });
        alike.collect::<Vec<_>>()
    };
    let mut keys = BTreeSet::new();
    walk(
        &Value::Table(sample.clone()),
        &mut Vec::new(),
        &mut |path, value| {
            if shape(path) == shape(table) {
                keys.extend(
                    children(value)
                        .into_iter()
                        .filter_map(|(step, _)| match step {
                            Step::Key(key) => Some(key),
                            Step::Index(_) => None,
                        }),
                );
            }
        },
    );
    keys
}
