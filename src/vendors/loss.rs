//! What a call loses on its way to an upstream.

use bytes::Bytes;
use http::Request;

use super::{Outbound, Turn, UpstreamCx};
use crate::canonical::{Call, Problem};

/// The wishes of a call that the vendor has no word for: those without which it is asked the same.
///
/// # Errors
///
/// Those of [`Outbound::render_request`].
pub fn not_asked(
    outbound: &dyn Outbound,
    call: &Call,
    cx: &UpstreamCx<'_>,
) -> Result<Vec<&'static str>, Problem> {
    let whole = first_request(outbound, call, cx)?;
    let mut lost = Vec::new();
    for (name, made) in call.clone().wishes_mut() {
        if !*made {
            continue;
        }
        let mut without = call.clone();
        for (wish, made) in without.wishes_mut() {
            *made &= wish != name;
        }
        let rest = first_request(outbound, &without, cx)?;
        if rest.uri() == whole.uri() && rest.body() == whole.body() {
            lost.push(name);
        }
    }
    Ok(lost)
}

/// What the vendor is sent first.
///
/// # Errors
///
/// Those of [`Outbound::render_request`].
pub fn first_request(
    outbound: &dyn Outbound,
    call: &Call,
    cx: &UpstreamCx<'_>,
) -> Result<Request<Bytes>, Problem> {
    match outbound.render_request(call, cx)? {
        Turn::Send { request, .. } => Ok(request),
        Turn::Done(_) => Err(Problem::unsupported()),
    }
}
