//! Stand-ins for what is not at hand: attacks to show that the engine refuses them.
//!
//! [`recapture`](recapture::recapture) takes a simulated photograph of a picture on a screen. May use nothing of the
//! crate. Deliberately absent: any claim that a simulated attack measures what a real one would.

#![warn(missing_docs)]

pub mod recapture;
