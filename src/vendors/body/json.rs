//! JSON, as fields or as a typed struct that borrows from the body.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::fields::{Fields, MAX_FIELDS, as_utf8};
use super::invalid;
use crate::canonical::{Problem, ProblemKind};

/// A string that stays a slice of the body unless it holds escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Reads the whole body as one value. A derived struct refuses doubled fields.
///
/// # Errors
///
/// `NotUtf8`, or `InvalidParameter` with the place but without the words of the parser, which repeats what it read.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new(ProblemKind::NotUtf8, "the JSON body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| {
        let fault = match error.classify() {
            Category::Data => "the JSON body has a doubled field or a value of the wrong type",
            Category::Eof => "the JSON body breaks off",
            Category::Io | Category::Syntax => "the body is not valid JSON",
        };
        let (line, column) = (error.line(), error.column());
        Problem::new(
            ProblemKind::InvalidParameter,
            format!("{fault} (line {line}, column {column})"),
        )
    })
}

/// Reads the members of an object. Values stay slices of the body; a `null` counts as not sent.
///
/// # Errors
///
/// Those of [`read`], and `InvalidParameter` for too many members.
pub fn fields(body: &Bytes) -> Result<Fields, Problem> {
    let Members(members) = read(body)?;
    let mut fields = Fields::default();
    for (name, value) in members {
        fields.push_json(name, body.slice_ref(value.as_bytes()))?;
    }
    Ok(fields)
}

/// What a value says: a string without its quotes and escapes, anything else as it stands.
pub(super) fn text(value: &[u8]) -> Result<Cow<'_, str>, Problem> {
    match value {
        // Without a backslash, what stands between the quotes is the text.
        [b'"', text @ .., b'"'] if memchr::memchr(b'\\', text).is_none() => {
            as_utf8(Cow::Borrowed(text))
        }
        [b'"', ..] => serde_json::from_slice::<Text<'_>>(value)
            .map(|Text(text)| text)
            .map_err(|_| invalid("a string of the JSON body has a malformed escape")),
        _ => as_utf8(Cow::Borrowed(value)),
    }
}

/// An object's members in the order in which they were sent, doubled ones included; of too many, one too many.
struct Members<'a>(Vec<(String, &'a str)>);

// === impl Members ===

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

// === impl MembersVisitor ===

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if value.get() != "null" && members.len() <= MAX_FIELDS {
                members.push((name, value.get()));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
    }

    #[test]
    fn text_borrows_unless_it_is_escaped() {
        let plain = read::<Sample<'_>>(br#"{"text":"a/b"}"#).unwrap();
        assert!(matches!(plain.text, Some(Text(Cow::Borrowed("a/b")))));
        let escaped = read::<Sample<'_>>(br#"{"text":"a\/b"}"#).unwrap();
        assert_eq!(escaped.text.expect("there").0, "a/b");
        assert!(
            read::<Sample<'_>>(br#"{"text":null}"#)
                .unwrap()
                .text
                .is_none()
        );
    }

    #[test]
    fn members_are_fields() {
        let body = Bytes::from_static(
            br#"{"a":"b/c","d":"b\/c","e":1.50,"f":null,"g":"","h":["i"],"j":"k","j":"k"}"#,
        );
        let fields = fields(&body).unwrap();
        let text = |name| {
            let field = fields.one(name).unwrap()?;
            Some(field.text().unwrap())
        };
        for (name, value) in [("a", "b/c"), ("d", "b/c"), ("e", "1.50"), ("h", r#"["i"]"#)] {
            assert_eq!(text(name).as_deref(), Some(value), "{name}");
        }
        assert!(
            body.as_ptr_range()
                .contains(&text("a").expect("there").as_ptr())
        );
        assert!(text("f").is_none());
        assert!(fields.one("g").unwrap().expect("there").is_empty());
        assert!(fields.one("j").is_err());
        assert!(fields.one("a").unwrap().expect("there").file().is_none());
    }

    #[test]
    fn a_malformed_escape_is_the_callers() {
        let body = Bytes::from_static(br#"{"a":"\ud800"}"#);
        let problem = match fields(&body) {
            Ok(fields) => fields.one("a").unwrap().expect("there").text().err(),
            Err(problem) => Some(problem),
        };
        assert_eq!(
            problem.map(|problem| problem.kind),
            Some(ProblemKind::InvalidParameter)
        );
    }

    #[test]
    fn refusals_do_not_repeat_the_body() {
        for body in [
            r#"{"text":"canary","text":"canary"}"#,
            r#"{"text":{"canary":1}}"#,
            r#"{"text":"canary"#,
            r#"{"text":canary}"#,
            r#""canary""#,
        ] {
            let problem = read::<Sample<'_>>(body.as_bytes())
                .map(|_| ())
                .expect_err(body);
            assert_eq!(problem.kind, ProblemKind::InvalidParameter);
            assert!(!problem.detail.contains("canary"), "{}", problem.detail);
            assert!(problem.source.is_none());
        }
        let problem = read::<Sample<'_>>(b"{\"text\":\"\xff\"}")
            .map(|_| ())
            .expect_err("no text");
        assert_eq!(problem.kind, ProblemKind::NotUtf8);
    }
}
