//! What went wrong, apart from how any dialect says it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What went wrong. Each row is a row of every dialect's table, so a new kind does not compile until every dialect
/// has said how it renders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The picture, video or bundle that the op needs is not in the request.
    MediaMissing,
    /// A parameter is malformed, doubled or contradicts another.
    InvalidParameter,
    /// Text is not UTF-8.
    NotUtf8,
    /// Base64 does not decode.
    InvalidBase64,
    /// An encrypted field does not decrypt under the caller's key.
    DecryptFailed,
    /// A file is larger than the dialect allows.
    MediaTooLarge,
    /// Width or height is outside what the dialect allows.
    PixelsOutOfRange,
    /// Not a format that the dialect accepts, or damaged.
    MediaUnreadable,
    /// No face was found.
    NoFace,
    /// A face was found but something covers it.
    FaceOccluded,
    /// A face was found but no verdict could be reached. Never "live".
    Undecided,
    /// A file that the caller named by URL did not arrive in time.
    DownloadTimeout,
    /// A file that the caller named by URL could not be had, or may not be asked for.
    DownloadFailed,
    /// No credential, or a wrong one.
    Unauthorized,
    /// The credential was right once.
    KeyExpired,
    /// The key may not use this dialect or op.
    NotEntitled,
    /// The quota of the period is used up.
    QuotaExhausted,
    /// Too many calls for now.
    RateLimited,
    /// No such path, or not with this method.
    NotFound,
    /// The caller's route cannot carry this op or this kind of media.
    Unsupported,
    /// The request is not well-formed HTTP, or its body breaks off.
    MalformedRequest,
    /// The body has no declared length and the dialect wants one.
    LengthRequired,
    /// The body is larger than the gateway takes.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The gateway or its engine has no room; nothing was started.
    Overloaded,
    /// The upstream refuses *our* account: credentials, balance, throttle. Never told to the caller as theirs.
    UpstreamAccount,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream failed, could not be reached, or answered what nobody understands.
    UpstreamFailed,
    /// Our own fault.
    Internal,
}

// === impl ProblemKind ===

impl ProblemKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 29] = [
        Self::MediaMissing,
        Self::InvalidParameter,
        Self::NotUtf8,
        Self::InvalidBase64,
        Self::DecryptFailed,
        Self::MediaTooLarge,
        Self::PixelsOutOfRange,
        Self::MediaUnreadable,
        Self::NoFace,
        Self::FaceOccluded,
        Self::Undecided,
        Self::DownloadTimeout,
        Self::DownloadFailed,
        Self::Unauthorized,
        Self::KeyExpired,
        Self::NotEntitled,
        Self::QuotaExhausted,
        Self::RateLimited,
        Self::NotFound,
        Self::Unsupported,
        Self::MalformedRequest,
        Self::LengthRequired,
        Self::BodyTooLarge,
        Self::BodyTimeout,
        Self::Overloaded,
        Self::UpstreamAccount,
        Self::UpstreamTimeout,
        Self::UpstreamFailed,
        Self::Internal,
    ];

    /// The stable name used in logs, metrics and the native API's problem type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MediaMissing => "media-missing",
            Self::InvalidParameter => "invalid-parameter",
            Self::NotUtf8 => "not-utf8",
            Self::InvalidBase64 => "invalid-base64",
            Self::DecryptFailed => "decrypt-failed",
            Self::MediaTooLarge => "media-too-large",
            Self::PixelsOutOfRange => "pixels-out-of-range",
            Self::MediaUnreadable => "media-unreadable",
            Self::NoFace => "no-face",
            Self::FaceOccluded => "face-occluded",
            Self::Undecided => "undecided",
            Self::DownloadTimeout => "download-timeout",
            Self::DownloadFailed => "download-failed",
            Self::Unauthorized => "unauthorized",
            Self::KeyExpired => "key-expired",
            Self::NotEntitled => "not-entitled",
            Self::QuotaExhausted => "quota-exhausted",
            Self::RateLimited => "rate-limited",
            Self::NotFound => "not-found",
            Self::Unsupported => "unsupported",
            Self::MalformedRequest => "malformed-request",
            Self::LengthRequired => "length-required",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimeout => "body-timeout",
            Self::Overloaded => "overloaded",
            Self::UpstreamAccount => "upstream-account",
            Self::UpstreamTimeout => "upstream-timeout",
            Self::UpstreamFailed => "upstream-failed",
            Self::Internal => "internal",
        }
    }

    /// Whether the caller's request is to blame, so that sending it again unchanged cannot help.
    #[must_use]
    pub fn is_callers(self) -> bool {
        match self {
            Self::MediaMissing
            | Self::InvalidParameter
            | Self::NotUtf8
            | Self::InvalidBase64
            | Self::DecryptFailed
            | Self::MediaTooLarge
            | Self::PixelsOutOfRange
            | Self::MediaUnreadable
            | Self::NoFace
            | Self::FaceOccluded
            | Self::Undecided
            | Self::DownloadTimeout
            | Self::DownloadFailed
            | Self::Unauthorized
            | Self::KeyExpired
            | Self::NotEntitled
            | Self::QuotaExhausted
            | Self::RateLimited
            | Self::NotFound
            | Self::Unsupported
            | Self::MalformedRequest
            | Self::LengthRequired
            | Self::BodyTooLarge
            | Self::BodyTimeout => true,
            Self::Overloaded
            | Self::UpstreamAccount
            | Self::UpstreamTimeout
            | Self::UpstreamFailed
            | Self::Internal => false,
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether sending the same call again can help. Its own axis: a kind does not decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// Not before this much time has passed.
    After(Duration),
    /// At once, on a fresh connection or another upstream.
    Now,
}

/// A canonical error, rendered natively by every dialect.
pub struct Problem {
    /// What went wrong.
    pub kind: ProblemKind,
    /// One sentence for the caller: no secret, no personal data, no upstream's name.
    pub detail: Cow<'static, str>,
    /// The upstream's own code, for the log and the usage record.
    pub vendor_code: Option<String>,
    /// Whether to try again.
    pub retry: Retry,
    /// The cause, for the log only.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

// === impl Problem ===

impl Problem {
    /// A problem that a retry cannot mend.
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            vendor_code: None,
            retry: Retry::Never,
            source: None,
        }
    }

    /// The same, with the upstream's own code.
    #[must_use]
    pub fn vendor_code(mut self, code: impl Into<String>) -> Self {
        self.vendor_code = Some(code.into());
        self
    }

    /// The same, with advice.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same, with its cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The call asks for an op that the adapter does not have.
    #[must_use]
    pub fn unsupported() -> Self {
        Self::new(
            ProblemKind::Unsupported,
            "this kind of check is not available here",
        )
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("kind", &self.kind)
            .field("detail", &self.detail)
            .field("vendor_code", &self.vendor_code)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_debug_never_hold_the_source() {
        let problem = Problem::new(ProblemKind::Internal, "we failed").source("canary");
        assert_eq!(problem.to_string(), "internal: we failed");
        assert!(!format!("{problem:?}").contains("canary"));
        assert_eq!(
            Error::source(&problem).map(ToString::to_string).as_deref(),
            Some("canary")
        );
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemKind::ALL.len());
    }
}
