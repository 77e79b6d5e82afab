//! A strict look at the head of a request, before anything else happens.
//!
//! pingora parses leniently and re-frames; a gateway that bills by what it understood must not understand a request
//! differently from whoever stands before it. What is ambiguous is refused (RFC 9112 sections 3.2, 6.1, 6.3).

use http::request::Parts;
use http::{Method, Version, header};

use crate::canonical::{Problem, ProblemKind};

const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Refuses a head that two readers could read in two ways, or that asks for what a gateway does not do. `raw` is the
/// head as it came, for pingora has removed a content-length that stood beside a transfer-encoding.
pub fn check(head: &Parts, raw: &[u8]) -> Result<(), Problem> {
    let headers = &head.headers;
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers.len() > MAX_HEADERS || size > MAX_HEADER_BYTES {
        return Err(refused("the headers are too many or too large"));
    }
    if matches!(head.method, Method::CONNECT | Method::TRACE)
        || headers.contains_key(header::UPGRADE)
    {
        return Err(refused("tunnels and upgrades are not offered here"));
    }
    if head.version == Version::HTTP_11 && headers.get_all(header::HOST).iter().count() != 1 {
        return Err(refused("there must be exactly one host header"));
    }
    check_framing(head, raw)?;
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value != "identity")
    {
        return Err(refused("compressed bodies are not accepted"));
    }
    Ok(())
}

fn check_framing(head: &Parts, raw: &[u8]) -> Result<(), Problem> {
    let headers = &head.headers;
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return if lengths <= 1 {
            Ok(())
        } else {
            Err(refused("there must be at most one content-length"))
        };
    };
    if lengths > 0
        || names_a_length(raw)
        || codings.next().is_some()
        || head.version != Version::HTTP_11
    {
        return Err(refused("the body's length is given in two ways"));
    }
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(refused("the only transfer coding is chunked"));
    }
    Ok(())
}

fn names_a_length(raw: &[u8]) -> bool {
    raw.split(|byte| *byte == b'\n').any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"content-length")
    })
}

fn refused(why: &'static str) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, why)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check_with(headers: &[(&str, &str)]) -> Result<(), ProblemKind> {
        let mut request = Request::builder().method("POST").uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).expect("a request").into_parts().0, b"")
            .map_err(|problem| problem.kind)
    }

    #[test]
    fn an_ordinary_head_passes() {
        assert_eq!(
            check_with(&[("host", "h"), ("content-length", "5")]),
            Ok(())
        );
        assert_eq!(
            check_with(&[("host", "h"), ("transfer-encoding", "Chunked")]),
            Ok(())
        );
    }

    #[test]
    fn ambiguous_heads_are_refused() {
        let long = "x".repeat(MAX_HEADER_BYTES);
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("host", "a"), ("host", "b")],
            &[
                ("host", "h"),
                ("content-length", "5"),
                ("content-length", "5"),
            ],
            &[
                ("host", "h"),
                ("content-length", "5"),
                ("transfer-encoding", "chunked"),
            ],
            &[("host", "h"), ("transfer-encoding", "gzip, chunked")],
            &[
                ("host", "h"),
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            &[("host", "h"), ("upgrade", "websocket")],
            &[("host", "h"), ("content-encoding", "gzip")],
            &[("host", "h"), ("x-long", &long)],
        ];
        for headers in cases {
            assert_eq!(
                check_with(headers),
                Err(ProblemKind::MalformedRequest),
                "{headers:?}"
            );
        }
        let many: Vec<(String, String)> = (0..=MAX_HEADERS)
            .map(|index| (format!("x-{index}"), String::new()))
            .collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(check_with(&many), Err(ProblemKind::MalformedRequest));
    }
}
