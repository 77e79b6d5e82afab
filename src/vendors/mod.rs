//! The vendors: what each one's API looks like from both sides.
//!
//! A vendor is a folder with the same file names in each: `mod` (its statics: capabilities, score scale, quirks), `wire`
//! (serde structs spelt as the vendor spells them), `inbound` (serves its dialect to our callers), `outbound` (calls
//! the vendor). [`native`] is our own API and has no outbound half; [`local`] is the engine on this machine and has no
//! inbound half.
//!
//! [`VENDORS`] is the registry. The contract suite, the configuration check, `livegate vendors` and the tables in the
//! documentation are derived from it; nothing else lists vendors.
//!
//! **To add a vendor**: one folder, one `mod` line, one line in [`VENDORS`], fixtures from the vendor's own reference.
//!
//! # Invariants
//!
//! Adapters are pure: no I/O, no clock, no randomness, no `.await`. They know `canonical` and [`body`], never another
//! vendor. Absence is a `None`, never a default method that pretends.

#![warn(missing_docs)]

pub mod accuauth;
pub mod acedata;
pub mod body;
mod carriage;
mod complaint;
pub mod linkface;
pub mod local;
mod loss;
pub mod native;
mod sample;
mod score;
pub mod senseid;
pub mod tencent;

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};

pub use carriage::{Carriage, OptIn, carriage};
pub use loss::{first_request, not_asked};
pub use sample::{Credentials, Sample, SampleBody};

use crate::canonical::{Call, CallId, ImageRules, MediaForm, Op, Outcome, Problem, Scale, Secret};

/// Every vendor we know.
pub static VENDORS: &[&Vendor] = &[
    &native::VENDOR,
    &accuauth::VENDOR,
    &linkface::VENDOR,
    &acedata::VENDOR,
    &senseid::VENDOR,
    &tencent::VENDOR,
    &local::VENDOR,
];

/// One vendor. Either half may be missing.
#[derive(Debug)]
pub struct Vendor {
    /// The name in configuration, logs and metrics.
    pub id: &'static str,
    /// The name that people use.
    pub name: &'static str,
    /// Its number, if its answers carry one.
    pub scale: Option<Scale>,
    /// Who made the fixtures that the contract suite holds it to.
    pub fixtures: Fixtures,
    /// What a tenant may choose in its table of this vendor's name, beside the choices that dialects share.
    pub settings: &'static [Setting],
    /// Serves its dialect.
    pub inbound: Option<&'static dyn Inbound>,
    /// Calls it.
    pub outbound: Option<&'static dyn Outbound>,
}

/// One key of a tenant's table of a vendor's name in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What may stand there.
    pub kind: SettingKind,
}

/// What may stand in a [`Setting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A secret of so many bytes.
    Secret {
        /// Its exact length.
        bytes: usize,
        /// What the vendor publishes as its default. It protects nothing, so a tenant has to allow it.
        published: Option<&'static str>,
    },
    /// One of these numbers.
    Number(&'static [i64]),
}

/// Where a vendor's fixtures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixtures {
    /// The vendor's own documents: ground truth.
    Vendor,
    /// Made here, because the interface is ours.
    Own,
}

/// The vendor of that id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Vendor> {
    VENDORS.iter().copied().find(|vendor| vendor.id == id)
}

/// One vendor's dialect, and what a request asks in it.
#[derive(Debug, Clone, Copy)]
pub struct Recognised {
    /// Whose dialect.
    pub vendor: &'static Vendor,
    /// Its inbound half.
    pub inbound: &'static dyn Inbound,
    /// What is asked; `None` if the path or method is unknown and the dialect only says "not found".
    pub op: Option<Op>,
}

/// Which dialect a request speaks. A head that none recognises goes to the first dialect that claims it, else to our
/// own, to be answered with "not found".
#[must_use]
pub fn recognise(head: &Parts) -> Recognised {
    let mut claimed = None;
    for vendor in VENDORS {
        let Some(inbound) = vendor.inbound else {
            continue;
        };
        if let Some(op) = inbound.recognise(head) {
            return Recognised {
                vendor,
                inbound,
                op: Some(op),
            };
        }
        if claimed.is_none() && inbound.claims(head) {
            claimed = Some(Recognised {
                vendor,
                inbound,
                op: None,
            });
        }
    }
    claimed.unwrap_or(Recognised {
        vendor: &native::VENDOR,
        inbound: native::INBOUND,
        op: None,
    })
}

/// What is served to anyone who asks, without a key: the description of our own API.
#[must_use]
pub fn document(head: &Parts) -> Option<Response<Bytes>> {
    let asked = head.method == Method::GET && head.uri.path() == native::OPENAPI_PATH;
    asked.then(|| {
        let mut response = Response::new(Bytes::from_static(native::OPENAPI.as_bytes()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    })
}

/// Speaks a vendor's API to *our callers*.
///
/// Laws, each a function in `tests/contract.rs` that runs for every vendor:
/// - the vendor's own fixtures parse to what they mean, and render back to the same value;
/// - [`recognise`](Self::recognise) and [`credential`](Self::credential) need no body, and no two dialects recognise
///   the same head;
/// - every problem kind has a documented shape;
/// - truncated, mistyped or hostile input is an `Err` with a problem of the caller's, never a panic;
/// - an undecided outcome never renders as an answer;
/// - no secret, media byte or personal field reaches a `Debug` text or a problem's detail.
pub trait Inbound: Debug + Sync {
    /// What the dialect can ask, as data.
    fn capabilities(&self) -> &'static Capabilities;

    /// What is asked, from method, path and headers only: authentication and limits run before any body byte is read.
    fn recognise(&self, head: &Parts) -> Option<Op>;

    /// Whether a request that no dialect recognises was meant for this one (its path prefix or its credential headers),
    /// so that "not found" is said in its shape.
    fn claims(&self, head: &Parts) -> bool;

    /// The caller's credential, from headers, query and path.
    fn credential(&self, head: &Parts) -> Option<Presented>;

    /// The caller's credential where clients put it into the body. Asked only if the head has none and
    /// [`Capabilities::credential_in_body`] says so; the body counts against the budget of strangers until then.
    fn credential_in_body(&self, request: &Request<Bytes>) -> Option<Presented>;

    /// Reads a request. Parts of the body become slices of it, never copies.
    fn parse_request(
        &self,
        cx: &DialectCx<'_>,
        op: Op,
        request: Request<Bytes>,
    ) -> Result<Call, Problem>;

    /// Renders an answer. An undecided outcome becomes the dialect's "could not decide" error.
    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes>;

    /// Renders a problem. Total: every kind has a shape. No `op` if the path was not recognised.
    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        op: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes>;

    /// The simplest call of an op with a picture, for demonstrations; `None` if the dialect has none.
    fn sample(&self, op: Op, credentials: &Credentials<'_>) -> Option<Sample>;
}

/// Speaks a vendor's API to *the vendor*.
///
/// Laws: what it renders, the same vendor's inbound half parses back to the same call; what that half renders, it
/// parses back to the same outcome and problem; a missing, unknown or mistyped verdict is `Undecided`; any status and
/// any body is an answer or a problem, never a panic; a complaint about our account is `UpstreamAccount`.
pub trait Outbound: Debug + Sync {
    /// What the vendor can be asked, as data.
    fn capabilities(&self) -> &'static Capabilities;

    /// Names of the secrets that an upstream of this vendor is configured with, e.g. `["api_id", "api_secret"]`.
    /// [`UpstreamCx::secret`] has them by these names.
    fn credentials(&self) -> &'static [&'static str];

    /// Adds the vendor's credential to a head. A relay uses this alone; [`render_request`](Self::render_request) uses
    /// it too.
    fn authorise(&self, head: &mut Parts, cx: &UpstreamCx<'_>) -> Result<(), Problem>;

    /// Renders the first request. The URI is absolute, under [`UpstreamCx::base_url`].
    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem>;

    /// Reads an answer, whatever its status: the vendor's errors become problems here and nowhere else.
    fn parse_response(
        &self,
        call: &Call,
        memo: Memo,
        response: Response<Bytes>,
        cx: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem>;
}

/// The next step of an exchange. A vendor that wants session, upload and poll returns `Send` three times; most return
/// it once.
pub enum Turn {
    /// Send this, then hand the answer back with the memo.
    Send {
        /// What to send.
        request: Request<Bytes>,
        /// What the adapter wants to remember.
        memo: Memo,
    },
    /// Finished.
    Done(Outcome),
}

/// What an adapter remembers between turns.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Memo {
    /// Which turn this is, counted by the adapter.
    pub step: u8,
    /// A session or task id of the vendor.
    pub session: Option<String>,
}

/// A credential as it was presented, unverified.
#[derive(Debug, Clone)]
pub enum Presented {
    /// Id and secret apart.
    Pair {
        /// Public half. Untrusted text.
        id: String,
        /// Secret half.
        secret: Secret,
    },
    /// One opaque token: `id.secret`, an imported token, or a JWT.
    Bearer(Secret),
}

/// What the gateway tells an inbound adapter about the call at hand.
#[derive(Debug, Clone, Copy)]
pub struct DialectCx<'a> {
    /// The id to render.
    pub id: CallId,
    /// The tenant's choices; the defaults before the tenant is known.
    pub settings: &'a DialectSettings,
    /// The caller's `Accept`, for dialects that answer in more than one media type.
    pub accept: Option<&'a HeaderValue>,
}

/// A tenant's choices where a vendor's clients disagree about the dialect.
#[derive(Debug, Clone, Default)]
pub struct DialectSettings {
    /// How scores are written.
    pub score_as: ScoreAs,
    /// What the tenant set of [`Vendor::settings`], by vendor id.
    pub own: BTreeMap<&'static str, OwnSettings>,
}

/// A tenant's choices for one vendor.
#[derive(Debug, Clone, Default)]
pub struct OwnSettings {
    /// By name.
    pub secrets: BTreeMap<&'static str, Secret>,
    /// By name.
    pub numbers: BTreeMap<&'static str, i64>,
}

/// How a dialect whose documents disagree writes its score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScoreAs {
    /// A JSON number, as the tables declare.
    #[default]
    Number,
    /// A JSON string, as the samples show.
    String,
}

/// What the exchange tells an outbound adapter about the upstream at hand.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamCx<'a> {
    /// The call's id; also the idempotency key towards vendors that take one.
    pub id: CallId,
    /// Scheme, host, port and path prefix without a trailing slash.
    pub base_url: &'a str,
    /// The vendor's scale, with the upstream's threshold if one is configured.
    pub scale: Option<Scale>,
    /// Seconds since 1970, for vendors that sign the time.
    pub unix_seconds: i64,
    secrets: &'a [(&'static str, Secret)],
}

// === impl Presented ===

impl Presented {
    /// The token of `Authorization: Bearer`. None if there is none, or more than one such header.
    #[must_use]
    pub fn bearer(head: &Parts) -> Option<Self> {
        let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
            .then(|| Self::Bearer(Secret::new(token.to_owned())))
    }
}

// === impl Turn ===

/// A request's body is a picture, and its head may carry a credential: neither is printed.
impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { request, memo } => f
                .debug_struct("Send")
                .field("method", request.method())
                .field("body_bytes", &request.body().len())
                .field("step", &memo.step)
                .finish_non_exhaustive(),
            Self::Done(outcome) => f.debug_tuple("Done").field(outcome).finish(),
        }
    }
}

// === impl UpstreamCx ===

impl<'a> UpstreamCx<'a> {
    /// The context of one turn. `secrets` are named as [`Outbound::credentials`] names them.
    #[must_use]
    pub fn new(
        id: CallId,
        base_url: &'a str,
        scale: Option<Scale>,
        unix_seconds: i64,
        secrets: &'a [(&'static str, Secret)],
    ) -> Self {
        Self {
            id,
            base_url,
            scale,
            unix_seconds,
            secrets,
        }
    }

    /// The secret of that name. The configuration check guarantees those that [`Outbound::credentials`] lists.
    pub fn secret(&self, name: &str) -> Result<&'a Secret, Problem> {
        self.secrets
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, secret)| secret)
            .ok_or_else(|| {
                Problem::new(
                    crate::canonical::ProblemKind::Internal,
                    "the gateway is not configured for this call",
                )
            })
    }
}

/// What one half of a vendor can do. Data, not code: checked once in `route::plan`, before anything is rendered.
#[derive(Debug)]
pub struct Capabilities {
    /// One entry per endpoint. Two of one op take the same forms; the first stands for both.
    pub ops: &'static [Support],
    /// Whether a credential may stand in the body. Always false of an upstream.
    pub credential_in_body: bool,
}

/// How one op is supported.
#[derive(Debug)]
pub struct Support {
    /// The op.
    pub op: Op,
    /// The vendor's path for it, for tables and documentation.
    pub path: &'static str,
    /// The forms in which its media may come.
    pub forms: &'static [MediaForm],
    /// What counts as a picture; `None` for media that is not one.
    pub image: Option<ImageRules>,
    /// Largest request body, bytes.
    pub max_body: usize,
}

// === impl Support ===

impl Support {
    /// Whether media that comes in this form can be carried: as it is, or fetched first if it is a URL.
    #[must_use]
    pub fn carries(&self, form: MediaForm) -> bool {
        let fetched = form == MediaForm::Url && self.forms.contains(&MediaForm::Bytes);
        fetched || self.forms.contains(&form)
    }
}

// === impl Capabilities ===

impl Capabilities {
    /// How `op` is supported, if it is.
    #[must_use]
    pub fn support(&self, op: Op) -> Option<&'static Support> {
        self.ops.iter().find(|support| support.op == op)
    }
}
