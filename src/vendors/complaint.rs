//! What upstreams' complaints have in common, whatever vendor words them.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::canonical::{Problem, ProblemKind, Retry};

/// How long a throttle lasts if the vendor does not say.
const THROTTLE: Duration = Duration::from_secs(1);
/// The longest wait that is taken from a vendor.
const MAX_THROTTLE: Duration = Duration::from_secs(3600);

/// An answer whose body says nothing that we understand: what is wrong shows in its status.
pub(super) fn unreadable(code: StatusCode) -> Problem {
    if matches!(code, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        account()
    } else if code.is_server_error() {
        failed().retry(Retry::Now)
    } else {
        failed()
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
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect();
    if word.is_empty() {
        code.as_str().to_owned()
    } else {
        word
    }
}
