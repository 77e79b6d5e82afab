//! `application/x-www-form-urlencoded`, as the WHATWG URL standard writes it.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr;

use super::fields::{Fields, as_utf8};
use super::invalid;
use crate::canonical::Problem;

/// Reads the fields. Values stay slices of the body, escaped until they are asked for.
///
/// # Errors
///
/// `InvalidParameter` for too many fields or a badly escaped name, `NotUtf8` for a name that is not text.
pub fn read(body: &Bytes) -> Result<Fields, Problem> {
    let mut fields = Fields::default();
    let mut start = 0;
    while start < body.len() {
        let rest = body.slice(start..);
        let pair = rest.slice(..memchr(b'&', &rest).unwrap_or(rest.len()));
        start += pair.len() + 1;
        if pair.is_empty() {
            continue;
        }
        let name_end = memchr(b'=', &pair).unwrap_or(pair.len());
        let name = unescape_text(&pair.slice(..name_end))?.into_owned();
        let value = pair.slice((name_end + 1).min(pair.len())..);
        fields.push_escaped(name, value)?;
    }
    Ok(fields)
}

/// Undoes the escapes of text, where `+` stands for a space.
pub(super) fn unescape_text(raw: &[u8]) -> Result<Cow<'_, str>, Problem> {
    if memchr(b'+', raw).is_none() {
        return as_utf8(unescape(raw)?);
    }
    // Before the percent escapes, so that `%2B` stays a plus.
    let spaced: Vec<u8> = raw
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    as_utf8(Cow::Owned(unescape(&spaced)?.into_owned()))
}

/// Undoes percent escapes only. Copies nothing if there are none.
pub(super) fn unescape(raw: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
    let malformed = || invalid("a form field holds a malformed percent escape");
    let Some(mut percent) = memchr(b'%', raw) else {
        return Ok(Cow::Borrowed(raw));
    };
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        let (plain, escaped) = rest.split_at(percent);
        text.extend_from_slice(plain);
        let [_, high, low, after @ ..] = escaped else {
            return Err(malformed());
        };
        let high = hex(*high).ok_or_else(malformed)?;
        let low = hex(*low).ok_or_else(malformed)?;
        text.push(high << 4 | low);
        rest = after;
        match memchr(b'%', rest) {
            Some(next) => percent = next,
            None => break,
        }
    }
    text.extend_from_slice(rest);
    Ok(Cow::Owned(text))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::ProblemKind;

    fn text(body: &'static str, name: &'static str) -> Option<String> {
        let fields = read(&Bytes::from_static(body.as_bytes())).unwrap();
        let field = fields.one(name).unwrap()?;
        Some(field.text().unwrap().into_owned())
    }

    #[test]
    fn text_fields() {
        assert_eq!(text("a=1&b=2", "b").as_deref(), Some("2"));
        assert_eq!(text("a=x+y%2Bz%C3%A9", "a").as_deref(), Some("x y+zé"));
        assert_eq!(text("a%5Fb=1", "a_b").as_deref(), Some("1"));
        assert_eq!(text("a&&b=", "a").as_deref(), Some(""));
        assert_eq!(text("a=b=c", "a").as_deref(), Some("b=c"));
        assert_eq!(text("a=1", "b"), None);
    }

    #[test]
    fn base64_survives_forgotten_escapes() {
        for body in [
            "i=++//",
            "i=%2B%2B%2F%2F",
            "i=%20%20//",
            "i=  //",
            "i=++%0D%0A//",
        ] {
            let fields = read(&Bytes::from_static(body.as_bytes())).unwrap();
            let field = fields.one("i").unwrap().expect("there");
            assert_eq!(
                field.base64().unwrap().as_ref(),
                [0xfb, 0xef, 0xff],
                "{body}"
            );
            assert!(field.file().is_none());
        }
    }

    #[test]
    fn doubled_and_malformed_fields_are_refused() {
        let fields = read(&Bytes::from_static(b"a=1&a=1")).unwrap();
        assert_eq!(
            fields.one("a").expect_err("doubled").kind,
            ProblemKind::InvalidParameter
        );
        for body in ["a=%", "a=%4", "a=%zz", "a=1%"] {
            let fields = read(&Bytes::from_static(body.as_bytes())).unwrap();
            let field = fields.one("a").unwrap().expect("there");
            assert_eq!(
                field.text().expect_err(body).kind,
                ProblemKind::InvalidParameter
            );
            assert!(field.base64().is_err());
        }
        let fields = read(&Bytes::from_static(b"a=%ff")).unwrap();
        let field = fields.one("a").unwrap().expect("there");
        assert_eq!(
            field.text().expect_err("no text").kind,
            ProblemKind::NotUtf8
        );
        assert!(read(&Bytes::from_static(b"%ff=1")).is_err());
    }

    #[test]
    fn the_value_is_a_slice_of_the_body() {
        let body = Bytes::from_static(b"image=abcd&b=1");
        let fields = read(&body).unwrap();
        let text = fields.one("image").unwrap().expect("there").text().unwrap();
        assert_eq!(text.as_ptr(), body[6..].as_ptr());
    }
}
