//! The engine on this machine as a transport: a request's body is the picture, the answer is a small JSON document.

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::canonical::{Problem, ProblemKind};
use crate::engine::{Engine, InspectError};

/// The URI scheme of requests that go to the engine.
pub const SCHEME: &str = "local";

/// Has the engine judge the request's body.
pub async fn send(engine: &Engine, request: Request<Bytes>) -> Result<Response<Bytes>, Problem> {
    let (status, document) = match engine.inspect(request.into_body()).await {
        Ok(report) => (StatusCode::OK, serde_json::to_vec(&report)),
        Err(error) => {
            let (status, problem) = describe(&error);
            if status.is_server_error() {
                tracing::warn!(%error, "the local engine did not answer");
            }
            (
                status,
                serde_json::to_vec(&serde_json::json!({ "problem": problem })),
            )
        }
    };
    let internal = |error: &dyn std::fmt::Display| {
        Problem::new(ProblemKind::Internal, "the check failed").source(error.to_string())
    };
    let body = document.map_err(|error| internal(&error))?;
    Response::builder()
        .status(status)
        .body(body.into())
        .map_err(|error| internal(&error))
}

fn describe(error: &InspectError) -> (StatusCode, &'static str) {
    match error {
        InspectError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        InspectError::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        InspectError::Unreadable => (StatusCode::UNPROCESSABLE_ENTITY, "media-unreadable"),
        InspectError::NoFace => (StatusCode::UNPROCESSABLE_ENTITY, "no-face"),
        InspectError::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    }
}
