//! JSON into typed structs that borrow from the body.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::Fields;
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

/// Reads a flat object as if it were a form: text is the field's text, anything else but null is the field's text as it
/// is written. Text stays a slice of the body unless it holds escapes.
///
/// # Errors
///
/// Those of [`read`], and `InvalidParameter` for more members than a form may have fields.
pub fn read_fields(body: &Bytes) -> Result<Fields, Problem> {
    let Members(members) = read(body)?;
    let mut fields = Fields::default();
    for (name, value) in members {
        let text = match value.get() {
            "null" => continue,
            quoted if quoted.starts_with('"') => read::<Text<'_>>(quoted.as_bytes())?.0,
            plain => Cow::Borrowed(plain),
        };
        let text = match text {
            Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        fields.push_plain(name.into_owned(), text)?;
    }
    Ok(fields)
}

/// The members of an object in their order, doubled ones too.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

// === impl Members ===

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            members.push((name, value));
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

    #[test]
    fn a_flat_object_is_a_form() {
        let body =
            Bytes::from_static(br#"{"a":"x\/y","b":"plain","c":1,"d":null,"e":true,"b2":{}}"#);
        let fields = read_fields(&body).unwrap();
        let text = |name| {
            let field = fields.one(name).unwrap()?;
            Some(field.text().unwrap().into_owned())
        };
        for (name, expected) in [
            ("a", Some("x/y")),
            ("b", Some("plain")),
            ("c", Some("1")),
            ("d", None),
            ("e", Some("true")),
        ] {
            assert_eq!(text(name).as_deref(), expected, "{name}");
        }
        let slice = fields.one("b").unwrap().expect("there").file().cloned();
        assert!(
            body.as_ptr_range()
                .contains(&slice.expect("plain").as_ptr())
        );

        let doubled = read_fields(&Bytes::from_static(br#"{"a":1,"a":1}"#)).unwrap();
        assert!(doubled.one("a").is_err());
        for refused in [&b"[]"[..], b"\"a\"", b"{", b"{\"a\":}"] {
            assert!(read_fields(&Bytes::from_static(refused)).is_err());
        }
    }
}
