//! `multipart/form-data` (RFC 7578), read by looking for the boundary only.

use bytes::Bytes;
use memchr::memmem::{self, Finder};

use super::content_type::{parameters, single, split_parameters};
use super::fields::{Fields, as_utf8};
use super::invalid;
use crate::canonical::{Problem, ProblemKind};

/// Largest head of one part, bytes.
const MAX_HEAD: usize = 8 << 10;

/// Reads the parts; each value is a slice of the body. What the parts say of their own media type and file name is not
/// looked at: vendors' own samples label them wrongly. A missing line break after the closing boundary is tolerated,
/// a missing closing boundary is not.
///
/// # Errors
///
/// `MalformedRequest` for a body that breaks off, `InvalidParameter` for a malformed or nameless part or too many of
/// them, `NotUtf8` for a name that is not text.
pub fn read(body: &Bytes, boundary: &[u8]) -> Result<Fields, Problem> {
    let delimiters = Delimiters::new(body, boundary);
    let mut fields = Fields::default();
    let mut current = delimiters.first().ok_or_else(broken_off)?;
    while !current.last {
        let (name, data_start) = read_head(body, current.end)?;
        let next = delimiters.after(data_start).ok_or_else(broken_off)?;
        fields.push_plain(name, body.slice(data_start..next.start))?;
        current = next;
    }
    Ok(fields)
}

fn broken_off() -> Problem {
    Problem::new(
        ProblemKind::MalformedRequest,
        "the multipart body ends before its closing boundary",
    )
}

/// The boundary as it stands between parts: line break, two dashes, boundary.
struct Delimiters<'a> {
    body: &'a [u8],
    finder: Finder<'a>,
    needle_len: usize,
}

struct Delimiter {
    /// Where the data before it ends.
    start: usize,
    /// Where the next part's head begins.
    end: usize,
    /// Whether it closes the body.
    last: bool,
}

// === impl Delimiters ===

impl<'a> Delimiters<'a> {
    fn new(body: &'a [u8], boundary: &[u8]) -> Self {
        let needle = [b"\r\n--", boundary].concat();
        Self {
            body,
            needle_len: needle.len(),
            finder: Finder::new(&needle).into_owned(),
        }
    }

    /// The opening one has no line break before it if nothing precedes it.
    fn first(&self) -> Option<Delimiter> {
        let bare = self.finder.needle().get(2..)?;
        let opening = self.body.starts_with(bare).then_some(bare.len());
        opening
            .and_then(|end| self.classify(0, end))
            .or_else(|| self.after(0))
    }

    fn after(&self, from: usize) -> Option<Delimiter> {
        let rest = self.body.get(from..)?;
        self.finder
            .find_iter(rest)
            .find_map(|at| self.classify(from + at, from + at + self.needle_len))
    }

    /// `None` if the boundary is only the beginning of another word.
    fn classify(&self, start: usize, end: usize) -> Option<Delimiter> {
        let tail = self.body.get(end..)?;
        if tail.starts_with(b"--") {
            return Some(Delimiter {
                start,
                end: end + 2,
                last: true,
            });
        }
        let padding = tail
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        tail.get(padding..)?
            .starts_with(b"\r\n")
            .then_some(Delimiter {
                start,
                end: end + padding + 2,
                last: false,
            })
    }
}

/// Reads a part's head: its field name, and where its data begins.
fn read_head(body: &[u8], start: usize) -> Result<(String, usize), Problem> {
    // From the line break before it, so that a head without a single line is found too.
    let window_start = start.saturating_sub(2);
    let window = body
        .get(window_start..body.len().min(start + MAX_HEAD))
        .unwrap_or_default();
    let at = memmem::find(window, b"\r\n\r\n").ok_or_else(|| {
        Problem::new(
            ProblemKind::MalformedRequest,
            "the head of a multipart part breaks off or is longer than 8 KiB",
        )
    })?;
    let head = window.get(2..at).unwrap_or_default();
    Ok((field_name(head)?, window_start + at + 4))
}

fn field_name(head: &[u8]) -> Result<String, Problem> {
    let malformed = || invalid("the head of a multipart part is malformed");
    let mut disposition = None;
    let mut lines = head.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = match lines.peek() {
            Some(_) => line.strip_suffix(b"\r").ok_or_else(malformed)?,
            None => line,
        };
        // A folded line or a bare carriage return is where two parsers disagree.
        if line.starts_with(b" ") || line.starts_with(b"\t") || line.contains(&b'\r') {
            return Err(malformed());
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        if name
            .trim_ascii()
            .eq_ignore_ascii_case(b"content-disposition")
        {
            let value = value.strip_prefix(b":").unwrap_or(value);
            if disposition.replace(value).is_some() {
                return Err(malformed());
            }
        }
    }
    let (kind, rest) = split_parameters(disposition.unwrap_or_default());
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return Err(invalid("a multipart part is not form-data"));
    }
    let parameters = parameters(rest)?;
    if single(&parameters, b"name*")?.is_some() {
        return Err(invalid("a multipart part has a 'name*'; send 'name'"));
    }
    let name =
        single(&parameters, b"name")?.ok_or_else(|| invalid("a multipart part has no name"))?;
    as_utf8(name).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(body: &str, name: &'static str) -> Option<Vec<u8>> {
        let fields = read(&Bytes::from(body.to_owned()), b"b").unwrap();
        let field = fields.one(name).unwrap()?;
        field.file().map(|data| data.to_vec())
    }

    fn refused(body: impl Into<Vec<u8>>) -> ProblemKind {
        read(&Bytes::from(body.into()), b"b")
            .expect_err("refused")
            .kind
    }

    fn part(disposition: &str) -> String {
        format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--")
    }

    #[test]
    fn parts_are_slices_of_the_body() {
        let body = Bytes::from_static(
            b"--*****\r\ncontent-disposition:form-data;name=file;filename=\"a;b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
              \xff\xd8\r\n--****\r\n--*****!\r\n\r\n--*****\r\nContent-Disposition: form-data; name=\"return_extra\"\r\n\r\n1\r\n--*****--",
        );
        let fields = read(&body, b"*****").unwrap();
        let file = fields
            .one("file")
            .unwrap()
            .expect("there")
            .file()
            .expect("plain");
        assert_eq!(file.as_ref(), b"\xff\xd8\r\n--****\r\n--*****!\r\n");
        assert!(body.as_ptr_range().contains(&file.as_ptr()));
        assert_eq!(
            fields
                .one("return_extra")
                .unwrap()
                .expect("there")
                .text()
                .unwrap(),
            "1"
        );
    }

    #[test]
    fn names_in_all_spellings() {
        for (disposition, name) in [
            (r#"form-data; name="a""#, "a"),
            (r#"Form-Data;NAME=a"#, "a"),
            (
                r#"form-data; filename="x\"; name=\"y"; name="a\"b""#,
                "a\"b",
            ),
            (r#"form-data; name="a"; filename*=UTF-8''x"#, "a"),
        ] {
            assert_eq!(
                field(&part(disposition), name).as_deref(),
                Some(&b"x"[..]),
                "{disposition}"
            );
        }
    }

    #[test]
    fn the_ends_of_real_bodies() {
        let disposition = r#"form-data; name="a""#;
        assert!(field(&format!("preamble\r\n{}", part(disposition)), "a").is_some());
        assert!(field(&format!("{}\r\nepilogue", part(disposition)), "a").is_some());
        let padded = part(disposition).replacen("--b\r\n", "--b \t\r\n", 1);
        assert!(field(&padded, "a").is_some());
        let empty = part(disposition).replace("x\r\n", "\r\n");
        assert_eq!(field(&empty, "a"), Some(Vec::new()));
        assert_eq!(field("--b--", "a"), None);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for disposition in [
            r#"form-data; name*=UTF-8''a"#,
            r#"form-data; name="a"; name*=UTF-8''a"#,
            r#"form-data; name="a"; name="b""#,
            "form-data; name=a\r\nContent-Disposition: form-data; name=b",
            "form-data;\r\n name=a",
            "form-data; name=a\nX: y",
            "form-data; name=\"a",
            "attachment; name=a",
            "form-data",
        ] {
            assert_eq!(
                refused(part(disposition)),
                ProblemKind::InvalidParameter,
                "{disposition}"
            );
        }
        assert_eq!(
            refused("--b\r\n\r\nx\r\n--b--"),
            ProblemKind::InvalidParameter
        );
        assert_eq!(
            refused(
                b"--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--".to_vec()
            ),
            ProblemKind::NotUtf8
        );
    }

    #[test]
    fn a_body_that_breaks_off_is_refused_at_every_byte() {
        let whole = part(r#"form-data; name="a""#);
        for end in 0..whole.len() {
            assert_eq!(
                refused(&whole[..end]),
                ProblemKind::MalformedRequest,
                "{end}"
            );
        }
    }

    #[test]
    fn heads_are_bounded() {
        let long = "x".repeat(MAX_HEAD);
        assert_eq!(
            refused(part(&format!("form-data; name={long}"))),
            ProblemKind::MalformedRequest
        );
        let parts = part("form-data; name=a").replace("\r\n--b--", "\r\n");
        assert_eq!(
            refused(parts.repeat(33) + "--b--"),
            ProblemKind::InvalidParameter
        );
    }
}
