//! How a body is written, from its head.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use memchr::memchr;

use super::invalid;
use crate::canonical::Problem;

/// The `Content-Type` header, as far as reading the body depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentType<'a> {
    /// `multipart/form-data`
    Multipart {
        /// Any characters that a header can hold, also those that RFC 2046 does not allow.
        boundary: Cow<'a, [u8]>,
    },
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json`
    Json,
    /// Another media type, as written and without its parameters; empty if there is none.
    Other(&'a [u8]),
}

// === impl ContentType ===

impl<'a> ContentType<'a> {
    /// Reads the head of a request. The charset is not looked at: text is UTF-8 or it is refused.
    ///
    /// # Errors
    ///
    /// `InvalidParameter` for a compressed body, for two content types, and for a multipart without its boundary.
    pub fn of(headers: &'a HeaderMap) -> Result<Self, Problem> {
        if headers
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(invalid(
                "the body is compressed; send it without content-encoding",
            ));
        }
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Other(b""));
        };
        if values.next().is_some() {
            return Err(invalid("content-type is given more than once"));
        }
        let (media_type, rest) = split_parameters(value.as_bytes());
        if media_type.eq_ignore_ascii_case(b"multipart/form-data") {
            match single(&parameters(rest)?, b"boundary")? {
                Some(boundary) if !boundary.is_empty() => Ok(Self::Multipart { boundary }),
                Some(_) | None => Err(invalid("the multipart content-type has no boundary")),
            }
        } else if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Ok(Self::Form)
        } else if media_type.eq_ignore_ascii_case(b"application/json") {
            Ok(Self::Json)
        } else {
            Ok(Self::Other(media_type))
        }
    }
}

/// A parameter of a header: its name as written, its value without quotes and escapes.
pub(super) type Parameter<'a> = (&'a [u8], Cow<'a, [u8]>);

/// Cuts a header value at its first `;`.
pub(super) fn split_parameters(value: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b';', value).unwrap_or(value.len());
    let (head, rest) = value.split_at(end);
    (head.trim_ascii(), rest)
}

/// Reads `; name=value; name="value"`. Spaces around the `;` are optional, as some vendors' samples leave them out.
pub(super) fn parameters(mut rest: &[u8]) -> Result<Vec<Parameter<'_>>, Problem> {
    let malformed = || invalid("a header's parameters are malformed");
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some((b';', after)) = rest.split_first() else {
            break;
        };
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            break;
        }
        let (name, value) = rest.split_at(memchr(b'=', rest).ok_or_else(malformed)?);
        let value = value.trim_ascii_start();
        if let [b'=', b'"', quoted @ ..] = value {
            let (text, after) = unquote(quoted).ok_or_else(malformed)?;
            parameters.push((name.trim_ascii(), Cow::Owned(text)));
            rest = after;
        } else {
            let (text, after) = value.split_at(memchr(b';', value).unwrap_or(value.len()));
            let text = text.strip_prefix(b"=").unwrap_or(text);
            parameters.push((name.trim_ascii(), Cow::Borrowed(text.trim_ascii())));
            rest = after;
        }
    }
    if rest.is_empty() {
        Ok(parameters)
    } else {
        Err(malformed())
    }
}

/// The value of a parameter that may be given once.
pub(super) fn single<'a>(
    parameters: &[Parameter<'a>],
    name: &[u8],
) -> Result<Option<Cow<'a, [u8]>>, Problem> {
    let mut values = parameters
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let value = values.next().map(|(_, value)| value.clone());
    match values.next() {
        Some(_) => Err(invalid("a header's parameter is given more than once")),
        None => Ok(value),
    }
}

/// What stands before the closing quote, with backslash escapes undone, and what follows it.
fn unquote(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut rest = quoted;
    loop {
        match rest {
            [b'"', after @ ..] => return Some((text, after)),
            [b'\\', escaped, after @ ..] => {
                text.push(*escaped);
                rest = after;
            }
            [byte, after @ ..] => {
                text.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_str(content_type).expect("a header"),
        );
        headers
    }

    #[test]
    fn boundaries_of_real_clients_are_read() {
        for (header, boundary) in [
            ("multipart/form-data;boundary=*****", "*****"),
            (
                "multipart/form-data; boundary=----WebKitFormBoundary7MA4",
                "----WebKitFormBoundary7MA4",
            ),
            (
                "Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b;c\\\"d\" ",
                "a b;c\"d",
            ),
            ("multipart/form-data; boundary = x=y ;", "x=y"),
        ] {
            let headers = headers(header);
            let expected = ContentType::Multipart {
                boundary: Cow::Borrowed(boundary.as_bytes()),
            };
            assert_eq!(ContentType::of(&headers).unwrap(), expected, "{header}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for header in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=\"a\"b",
            "multipart/form-data; nonsense",
        ] {
            assert!(ContentType::of(&headers(header)).is_err(), "{header}");
        }
        let mut two = headers("application/json");
        two.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert!(ContentType::of(&two).is_err());
        let mut packed = headers("application/json");
        packed.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(ContentType::of(&packed).is_err());
    }

    #[test]
    fn the_other_types() {
        assert_eq!(
            ContentType::of(&HeaderMap::new()).unwrap(),
            ContentType::Other(b"")
        );
        for (header, expected) in [
            ("application/json; charset=utf-8", ContentType::Json),
            ("APPLICATION/X-WWW-FORM-URLENCODED", ContentType::Form),
            ("image/jpeg;q=1", ContentType::Other(b"image/jpeg")),
            (
                "multipart/mixed; boundary=a",
                ContentType::Other(b"multipart/mixed"),
            ),
        ] {
            assert_eq!(
                ContentType::of(&headers(header)).unwrap(),
                expected,
                "{header}"
            );
        }
    }
}
