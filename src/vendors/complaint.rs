//! What upstreams' complaints have in common, whatever vendor words them.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::canonical::{Problem, ProblemKind, Retry};

/// How long a throttle lasts if the vendor does not say.
const THROTTLE: Duration = Duration::from_secs(1);
/// The longest wait that is taken from a vendor.
const MAX_THROTTLE: Duration = Duration::from_secs(3600);
/// The longest word of a vendor's that is kept, in characters. Published ones reach 56.
const MAX_WORD: usize = 80;

/// An answer whose body says nothing that we understand: what is wrong shows in its status.
pub(super) fn unreadable(code: StatusCode, headers: &HeaderMap) -> Problem {
    match code {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => account(),
        StatusCode::TOO_MANY_REQUESTS => throttled(headers),
        StatusCode::GATEWAY_TIMEOUT => timed_out(),
        _ if code.is_server_error() => failed().retry(Retry::Now),
        _ => failed(),
    }
}

/// The vendor does not want us.
pub(super) fn account() -> Problem {
    Problem::new(
        ProblemKind::UpstreamAccount,
        "the gateway's own account was refused",
    )
}

/// The vendor does not want us for now.
pub(super) fn throttled(headers: &HeaderMap) -> Problem {
    let wait = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map_or(THROTTLE, Duration::from_secs)
        .min(MAX_THROTTLE);
    account().retry(Retry::After(wait))
}

/// The vendor could not do it, for a reason that is neither ours nor the caller's.
pub(super) fn failed() -> Problem {
    Problem::new(
        ProblemKind::UpstreamFailed,
        "the check could not be carried out",
    )
}

/// The vendor ran out of time.
pub(super) fn timed_out() -> Problem {
    Problem::new(
        ProblemKind::UpstreamTimeout,
        "the check did not finish in time",
    )
    .retry(Retry::Now)
}

/// The vendor looked and found nobody.
pub(super) fn no_face() -> Problem {
    Problem::new(ProblemKind::NoFace, "no face was found in the picture")
}

/// The vendor cannot open the picture or the bundle.
pub(super) fn unopened() -> Problem {
    Problem::new(
        ProblemKind::MediaUnreadable,
        "the file is damaged or not of a kind that is accepted",
    )
}

/// The vendor's word for the log, short and free of anything but code characters; else its HTTP status.
pub(super) fn word(said: &str, code: StatusCode) -> String {
    let word: String = said
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        .take(MAX_WORD)
        .collect();
    if word.is_empty() {
        code.as_str().to_owned()
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
