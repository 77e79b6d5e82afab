//! From text to values.
//!
//! # Design
//!
//! serde stops at the first mistake, and an operator wants all of them. So what is refused is noted, taken out of the
//! document, and the rest is tried again. Whatever must be written is optional to serde and asked for later, when the
//! whole is checked, so taking a value out never makes serde complain about its absence.

use serde::Deserialize;
use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::{Complaint, is_within};

/// Everything that can be read of `text`, and what cannot. `None` if it is not TOML.
pub(super) fn read<T: for<'de> Deserialize<'de>>(text: &str) -> (Option<T>, Vec<Complaint>) {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return (None, errors.iter().map(not_toml).collect());
    }
    let mut complaints: Vec<Complaint> = Vec::new();
    loop {
        let deserializer = toml::Deserializer::from(document.clone());
        let error = match serde_path_to_error::deserialize::<_, T>(deserializer) {
            Ok(value) => return (Some(value), complaints),
            Err(error) => error,
        };
        let segments: Vec<_> = error.path().iter().cloned().collect();
        let path = match segments.is_empty() {
            true => String::new(),
            false => error.path().to_string(),
        };
        // What lost a part of itself may be refused for that: one mistake, not two.
        if !complaints
            .iter()
            .any(|earlier| is_within(&earlier.path, &path))
        {
            complaints.push(Complaint {
                message: explain(error.inner().message(), segments.last()),
                offset: error.inner().span().map(|span| span.start),
                path,
            });
        }
        if remove(document.get_mut(), &segments).is_none() {
            return (None, complaints);
        }
    }
}

fn not_toml(error: &toml::de::Error) -> Complaint {
    Complaint {
        path: String::new(),
        message: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
        offset: Some(error.span().map_or(0, |span| span.start)),
    }
}

/// Takes out the entry that the path leads to; of a list, the whole list, so that no index moves.
fn remove(table: &mut DeTable<'_>, path: &[Segment]) -> Option<()> {
    let (Segment::Map { key }, rest) = path.split_first()? else {
        return None;
    };
    let inside = table
        .get_mut(key.as_str())
        .and_then(|value| remove_inside(value, rest));
    inside.or_else(|| table.remove(key.as_str()).map(drop))
}

fn remove_inside(value: &mut Spanned<DeValue<'_>>, path: &[Segment]) -> Option<()> {
    if let DeValue::Table(table) = value.get_mut() {
        return remove(table, path);
    }
    if let DeValue::Array(array) = value.get_mut()
        && let (Segment::Seq { index }, rest) = path.split_first()?
    {
        return remove_inside(array.get_mut(*index)?, rest);
    }
    None
}

/// Puts serde's words into ours. Its values are left out, for one may be a secret in the wrong place.
fn explain(message: &str, last: Option<&Segment>) -> String {
    if message.starts_with("unknown field") {
        let name = match last {
            Some(Segment::Map { key }) => key.as_str(),
            Some(Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown) | None => "",
        };
        return one_of("unknown key", name, message);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let name = rest.split('`').next().unwrap_or_default();
        return one_of("unknown word", name, message);
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a nonzero u32" => "a whole number, 1 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "path string" => "text in quotes",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    let kind = found.trim_start_matches("invalid type: ");
    let found = match kind.split(['`', '"']).next().unwrap_or_default().trim() {
        "string" => "text",
        "integer" => "a whole number",
        "floating point" => "a number with a fraction",
        "boolean" => "true or false",
        "map" => "a table",
        "sequence" => "a list",
        // The right type outside its range. No secret is a number to us.
        "invalid value: integer" => kind.split('`').nth(1).unwrap_or_default(),
        _ => "this",
    };
    format!("{found} does not fit; write {expected}")
}

/// serde lists what it knows in backquotes after "expected".
fn one_of(what: &str, name: &str, message: &str) -> String {
    let (_, list) = message.rsplit_once("`, expected ").unwrap_or_default();
    let known: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    let quoted: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 3)
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default();
    format!(
        "{what} `{}`; expected one of {}{nearest}",
        name.escape_debug(),
        quoted.join(", ")
    )
}
