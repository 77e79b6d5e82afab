//! Named values of a body.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use memchr::memchr;

use super::{base64, form, invalid, json};
use crate::canonical::{Problem, ProblemKind};

/// More fields than this no dialect has.
pub(super) const MAX_FIELDS: usize = 32;
/// Largest text field. Media fields are bounded by the body.
const MAX_TEXT: usize = 1 << 20;

/// The fields of one body, in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Fields(Vec<Field>);

/// One field. Its value is a slice of the body.
pub struct Field {
    name: String,
    value: Value,
}

enum Value {
    /// A multipart's part.
    Plain(Bytes),
    /// A form's value, still escaped.
    Escaped(Bytes),
    /// A member's value as it stands in the JSON text, valid and not `null`.
    Json(Bytes),
}

// === impl Fields ===

impl Fields {
    /// The field of that name.
    ///
    /// # Errors
    ///
    /// `InvalidParameter` if it was sent more than once: one of them would have to be ignored.
    pub fn one(&self, name: &'static str) -> Result<Option<&Field>, Problem> {
        let mut fields = self.0.iter().filter(|field| field.name == name);
        let field = fields.next();
        match fields.next() {
            Some(_) => Err(Problem::new(
                ProblemKind::InvalidParameter,
                format!("'{name}' is given more than once"),
            )),
            None => Ok(field),
        }
    }

    pub(super) fn push_plain(&mut self, name: String, data: Bytes) -> Result<(), Problem> {
        self.push(name, Value::Plain(data))
    }

    pub(super) fn push_escaped(&mut self, name: String, text: Bytes) -> Result<(), Problem> {
        self.push(name, Value::Escaped(text))
    }

    pub(super) fn push_json(&mut self, name: String, value: Bytes) -> Result<(), Problem> {
        self.push(name, Value::Json(value))
    }

    fn push(&mut self, name: String, value: Value) -> Result<(), Problem> {
        if self.0.len() == MAX_FIELDS {
            return Err(invalid("the body has more than 32 fields"));
        }
        self.0.push(Field { name, value });
        Ok(())
    }
}

// === impl Field ===

impl Field {
    /// Whether nothing was sent, as a web form does for a file that nobody chose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Plain(raw) | Value::Escaped(raw) => raw.is_empty(),
            Value::Json(raw) => raw.as_ref() == b"\"\"",
        }
    }

    /// The uploaded file, as a slice of the body. Only a multipart can carry one.
    #[must_use]
    pub fn file(&self) -> Option<&Bytes> {
        match &self.value {
            Value::Plain(data) => Some(data),
            Value::Escaped(_) | Value::Json(_) => None,
        }
    }

    /// The text. Of a JSON value that is no string, what stands there.
    ///
    /// # Errors
    ///
    /// `InvalidParameter` if it is longer than 1 MiB or badly escaped, `NotUtf8`.
    pub fn text(&self) -> Result<Cow<'_, str>, Problem> {
        if self.value.raw().len() > MAX_TEXT {
            return Err(invalid("a text field is longer than 1 MiB"));
        }
        match &self.value {
            Value::Plain(data) => as_utf8(Cow::Borrowed(data)),
            Value::Escaped(text) => form::unescape_text(text),
            Value::Json(value) => json::text(value),
        }
    }

    /// The file whose base64 was sent as text. In a form, a `+` that the client forgot to escape is still a `+`.
    ///
    /// # Errors
    ///
    /// `InvalidBase64`, `NotUtf8`, `InvalidParameter` if it is badly escaped.
    pub fn base64(&self) -> Result<Bytes, Problem> {
        match &self.value {
            Value::Plain(data) => base64::decode(data),
            Value::Escaped(text) => {
                let mut text = form::unescape(text)?;
                if memchr(b' ', &text).is_some() {
                    for byte in text.to_mut() {
                        if *byte == b' ' {
                            *byte = b'+';
                        }
                    }
                }
                base64::decode(&text)
            }
            Value::Json(value) => base64::decode(json::text(value)?.as_bytes()),
        }
    }
}

/// Sizes only: a field may hold a picture or a secret.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} bytes)", self.value.raw().len())
    }
}

// === impl Value ===

impl Value {
    fn raw(&self) -> &Bytes {
        match self {
            Self::Plain(bytes) | Self::Escaped(bytes) | Self::Json(bytes) => bytes,
        }
    }
}

/// Checks text without copying it.
pub(super) fn as_utf8(text: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Problem> {
    let not_utf8 = || Problem::new(ProblemKind::NotUtf8, "a parameter is not UTF-8");
    match text {
        Cow::Borrowed(text) => std::str::from_utf8(text)
            .map(Cow::Borrowed)
            .map_err(|_| not_utf8()),
        Cow::Owned(text) => String::from_utf8(text)
            .map(Cow::Owned)
            .map_err(|_| not_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_content() {
        let mut fields = Fields::default();
        fields
            .push_plain("canary".to_owned(), Bytes::from_static(b"canary"))
            .unwrap();
        assert_eq!(format!("{fields:?}"), "Fields([Field(6 bytes)])");
    }

    #[test]
    fn there_are_caps() {
        let mut fields = Fields::default();
        for _ in 0..MAX_FIELDS {
            fields.push_plain("a".to_owned(), Bytes::new()).unwrap();
        }
        assert!(fields.push_plain("a".to_owned(), Bytes::new()).is_err());

        let mut fields = Fields::default();
        fields
            .push_plain("fits".to_owned(), Bytes::from(vec![b'a'; MAX_TEXT]))
            .unwrap();
        fields
            .push_plain("long".to_owned(), Bytes::from(vec![b'a'; MAX_TEXT + 1]))
            .unwrap();
        assert!(fields.one("fits").unwrap().expect("there").text().is_ok());
        assert!(fields.one("long").unwrap().expect("there").text().is_err());
    }
}
