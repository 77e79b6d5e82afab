//! The hub of the translation: one call, one outcome, one problem, whatever vendor asked and whatever vendor answered.
//!
//! Every dialect parses into these types and renders from them; every upstream is called with them and answers with
//! them. With N dialects and M upstreams there are N + M adapters, and no adapter knows another.
//!
//! What lives here: [`Call`] (what is asked), [`Outcome`] (what was found), [`AttackScore`] and [`Scale`] (how vendors'
//! numbers become comparable without moving a verdict), [`Media`] (bytes that must never be printed), [`Problem`]
//! (what went wrong, and whether to try again), [`Secret`].
//!
//! What does not, on purpose: I/O, a clock, randomness, async, and the name of any vendor. A field is added only if two
//! vendors have it or a policy reads it; what a single vendor knows travels in [`Extras`], which only that vendor reads.

#![warn(missing_docs)]

mod call;
mod media;
mod outcome;
mod problem;
mod score;
mod secret;

pub use call::{
    BundleLiveness, Call, CallId, FaceMatch, FaceQuality, ImageLiveness, Op, Upload, VideoLiveness,
    VideoMatch,
};
pub use media::{Extras, ImageFormat, ImageRules, Media, MediaForm};
pub use outcome::{
    FaceDetails, Liveness, Match, NativeScore, Orientation, Outcome, Quality, Selection, Uploaded,
    Verdict,
};
pub use problem::{Problem, ProblemKind, Retry};
pub use score::{AttackScore, Boundary, Direction, Scale};
pub use secret::Secret;
