//! `[engine]`: local inference.

use std::path::PathBuf;

use serde::Deserialize;

/// `[engine]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which engine.
    pub kind: Kind,
    /// The folder of the weights.
    pub models: PathBuf,
    /// Inference threads; 0 = one per core.
    pub threads: usize,
    /// Waiting calls; beyond it the answer is 503.
    pub queue: usize,
    /// Live at or above this probability.
    pub live_at: f64,
    /// Spoof below this probability; undecided between.
    pub spoof_below: f64,
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// On this machine.
    Embedded,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            kind: Kind::Embedded,
            models: PathBuf::from("data/models"),
            threads: 0,
            queue: 64,
            live_at: 0.87,
            spoof_below: 0.5,
        }
    }
}

impl Config {
    /// What is wrong although every value can be read: the key and the complaint.
    #[must_use]
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut complaints = Vec::new();
        if !(self.live_at > 0.0 && self.live_at < 1.0) {
            complaints.push(("live_at", "write a number between 0 and 1".to_owned()));
        }
        if !(self.spoof_below > 0.0 && self.spoof_below <= self.live_at) {
            complaints.push((
                "spoof_below",
                "write a number above 0, at most live_at".to_owned(),
            ));
        }
        complaints
    }
}
