//! How our own API names problems.

use http::StatusCode;

use crate::canonical::ProblemKind;

/// HTTP status and title of every kind.
pub(super) fn status(kind: ProblemKind) -> (StatusCode, &'static str) {
    match kind {
        ProblemKind::MediaMissing => (StatusCode::BAD_REQUEST, "The picture is missing"),
        ProblemKind::InvalidParameter => (StatusCode::BAD_REQUEST, "A parameter is not valid"),
        ProblemKind::NotUtf8 => (StatusCode::BAD_REQUEST, "Text is not UTF-8"),
        ProblemKind::InvalidBase64 => (StatusCode::BAD_REQUEST, "Base64 does not decode"),
        ProblemKind::MalformedRequest => (StatusCode::BAD_REQUEST, "The request is malformed"),
        ProblemKind::Unauthorized => (StatusCode::UNAUTHORIZED, "The key is missing or wrong"),
        ProblemKind::KeyExpired => (StatusCode::UNAUTHORIZED, "The key has expired"),
        ProblemKind::NotEntitled => (StatusCode::FORBIDDEN, "The key may not do this"),
        ProblemKind::NotFound => (StatusCode::NOT_FOUND, "There is nothing here"),
        ProblemKind::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "The body came too slowly"),
        ProblemKind::LengthRequired => (StatusCode::LENGTH_REQUIRED, "The body has no length"),
        ProblemKind::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        ProblemKind::MediaTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The file is too large"),
        ProblemKind::DecryptFailed => {
            (StatusCode::UNPROCESSABLE_ENTITY, "A field does not decrypt")
        }
        ProblemKind::PixelsOutOfRange => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The picture has too few or too many pixels",
        ),
        ProblemKind::MediaUnreadable => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The file cannot be read")
        }
        ProblemKind::NoFace => (StatusCode::UNPROCESSABLE_ENTITY, "No face was found"),
        ProblemKind::FaceOccluded => (StatusCode::UNPROCESSABLE_ENTITY, "The face is covered"),
        ProblemKind::Undecided => (StatusCode::UNPROCESSABLE_ENTITY, "No decision was reached"),
        ProblemKind::DownloadTimeout => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The download took too long",
        ),
        ProblemKind::DownloadFailed => (StatusCode::UNPROCESSABLE_ENTITY, "The download failed"),
        ProblemKind::Unsupported => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This check is not available",
        ),
        ProblemKind::QuotaExhausted => (StatusCode::TOO_MANY_REQUESTS, "The quota is used up"),
        ProblemKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many calls"),
        ProblemKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "The gateway failed"),
        ProblemKind::UpstreamAccount => (
            StatusCode::BAD_GATEWAY,
            "The upstream refused the gateway's account",
        ),
        ProblemKind::UpstreamFailed => (StatusCode::BAD_GATEWAY, "The upstream failed"),
        ProblemKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "There is no room now"),
        ProblemKind::UpstreamTimeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "The upstream did not answer in time",
        ),
    }
}
