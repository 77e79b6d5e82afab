//! Reading what vendors answer, as far as it is the same for several of them. What a code means is the vendor's own.

use std::borrow::Cow;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use crate::canonical::{AttackScore, Problem, ProblemKind, Retry, Scale, Verdict};

/// How long a throttle lasts if the vendor does not say.
const THROTTLE: Duration = Duration::from_secs(1);
/// The longest wait that is taken from a vendor.
const MAX_THROTTLE: Duration = Duration::from_secs(3600);
/// The longest word of a vendor's that is kept, in characters. Published ones reach 56.
const MAX_WORD: usize = 80;

/// The vendor refuses the account that the gateway calls it with.
pub fn account() -> Problem {
    Problem::new(
        ProblemKind::UpstreamAccount,
        "the gateway's own account was refused",
    )
}

/// The vendor refuses the account for now: too many calls.
pub fn throttled(headers: &HeaderMap) -> Problem {
    let wait = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map_or(THROTTLE, Duration::from_secs)
        .min(MAX_THROTTLE);
    account().retry(Retry::After(wait))
}

/// The vendor failed, or could not be understood.
pub fn failed() -> Problem {
    Problem::new(
        ProblemKind::UpstreamFailed,
        "the check could not be carried out",
    )
}

/// The vendor gave up waiting for something of its own.
pub fn timed_out() -> Problem {
    Problem::new(
        ProblemKind::UpstreamTimeout,
        "the check did not finish in time",
    )
    .retry(Retry::Now)
}

/// An answer whose body says nothing that we understand.
pub fn unreadable(code: StatusCode, headers: &HeaderMap) -> Problem {
    match code {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => account(),
        StatusCode::TOO_MANY_REQUESTS => throttled(headers),
        StatusCode::GATEWAY_TIMEOUT => timed_out(),
        _ if code.is_server_error() => failed().retry(Retry::Now),
        _ => failed(),
    }
}

/// A score's digits and what they mean on that scale. It may stand in quotes, but it is a JSON number or nothing.
pub fn score(raw: &RawValue, scale: &Scale) -> Option<(String, Verdict, AttackScore)> {
    let text = text(raw).unwrap_or(Cow::Borrowed(raw.get()));
    let text = text.trim();
    let (verdict, score) = scale.read(serde_json::from_str(text).ok()?)?;
    Some((text.to_owned(), verdict, score))
}

/// A JSON string, unquoted.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<super::body::json::Text<'_>>(raw.get())
        .ok()
        .map(|text| text.0)
}

/// The vendor's word for the log, short and free of anything but code characters; else its HTTP status.
pub fn word(code: &str, status: StatusCode) -> String {
    let word: String = code
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        .take(MAX_WORD)
        .collect();
    if word.is_empty() {
        status.as_str().to_owned()
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_throttle_lasts_as_long_as_the_vendor_says_within_reason() {
        for (said, wait) in [("7", 7), ("soon", 1), ("-1", 1), ("999999", 3600)] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(said));
            let retry = throttled(&headers).retry;
            assert_eq!(retry, Retry::After(Duration::from_secs(wait)), "{said}");
        }
    }

    #[test]
    fn words_are_short_and_plain() {
        let status = StatusCode::BAD_REQUEST;
        assert_eq!(word("A.b_c <script>\n", status), "A.b_cscript");
        assert_eq!(word("é\n", status), "400");
        assert_eq!(word(&"x".repeat(1000), status).len(), MAX_WORD);
    }
}
