//! Base64 as clients write it.

use std::borrow::Cow;

use base64_turbo::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use memchr::{memchr, memchr2};

use crate::canonical::{Problem, ProblemKind};

/// How far into the text the comma of a `data:` prefix may stand.
const LONGEST_PREFIX: usize = 128;

/// Decodes the standard alphabet into one new buffer. Tolerated, because real clients send them: line breaks, missing
/// padding, and a `data:image/...;base64,` prefix.
///
/// # Errors
///
/// `NotUtf8` or `InvalidBase64`.
pub fn decode(text: &[u8]) -> Result<Bytes, Problem> {
    let text = without_data_prefix(text);
    let packed = match memchr2(b'\r', b'\n', text) {
        None => Cow::Borrowed(text),
        Some(_) => text
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, b'\r' | b'\n'))
            .collect(),
    };
    // Two strict engines instead of the lenient one, which has no vector kernel.
    let engine = if packed.len().is_multiple_of(4) {
        STANDARD
    } else {
        STANDARD_NO_PAD
    };
    engine.decode(&packed).map(Bytes::from).map_err(|_| {
        if std::str::from_utf8(text).is_err() {
            Problem::new(ProblemKind::NotUtf8, "the base64 text is not UTF-8")
        } else {
            Problem::new(
                ProblemKind::InvalidBase64,
                "the picture is not valid base64",
            )
        }
    })
}

fn without_data_prefix(text: &[u8]) -> &[u8] {
    let (start, _) = text.split_at(text.len().min(LONGEST_PREFIX));
    let Some(comma) = memchr(b',', start) else {
        return text;
    };
    let (prefix, encoded) = text.split_at(comma + 1);
    let prefix = prefix.to_ascii_lowercase();
    if prefix.starts_with(b"data:") && prefix.ends_with(b";base64,") {
        encoded
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_decodes() {
        for text in [
            "iVBORw0KGg==",
            "iVBORw0KGg",
            "iVBO\r\nRw0K\nGg==\r\n",
            "data:image/png;base64,iVBORw0KGg==",
            "DATA:image/jpeg;name=a.jpg;BASE64,iVBO\nRw0KGg==",
        ] {
            assert_eq!(
                decode(text.as_bytes()).unwrap().as_ref(),
                b"\x89PNG\r\n\x1a",
                "{text}"
            );
        }
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "a",
            "ab=c",
            "ab=",
            "a b c d",
            "ab-_",
            "data:text/plain,abcd",
            "====",
            "abcd=",
        ] {
            let problem = decode(text.as_bytes()).expect_err(text);
            assert_eq!(problem.kind, ProblemKind::InvalidBase64, "{text}");
        }
        assert_eq!(
            decode(b"ab\xff\xfe").expect_err("not text").kind,
            ProblemKind::NotUtf8
        );
    }
}
