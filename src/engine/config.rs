//! The `[engine]` section.

use std::path::PathBuf;

use serde::Deserialize;

/// How faces are judged on this machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where inference runs.
    pub kind: Kind,
    /// Folder with the weights that `livegate models fetch` writes.
    pub models: PathBuf,
    /// Inferences at once, one thread each; 0 = one per core.
    pub threads: usize,
    /// Calls that may wait for a thread; beyond, they are refused as overload.
    pub queue: usize,
    /// Live at or above this probability, 0..1.
    pub live_at: f64,
    /// Spoof below this probability, 0..1; undecided between the two.
    pub spoof_below: f64,
}

/// Where inference runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In this process.
    Embedded,
}

// === impl Config ===

impl Default for Config {
    /// The operating point is the one of the measured error rates: at 0.87 one attack in twenty of a simulated set
    /// passed as live, and one genuine picture in twenty did not.
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
    /// Everything that is wrong, as key and message.
    #[must_use]
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.queue == 0 {
            wrong.push(("queue", "must be at least 1".to_owned()));
        }
        if !(self.live_at > 0.0 && self.live_at < 1.0) {
            wrong.push(("live_at", "must lie between 0 and 1".to_owned()));
        }
        if !(self.spoof_below > 0.0 && self.spoof_below <= self.live_at) {
            let message = format!(
                "must be above 0 and at most live_at, which is {}",
                self.live_at
            );
            wrong.push(("spoof_below", message));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<&'static str> {
        let config: Config = toml::from_str(text).expect("parses");
        config.validate().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(
            toml::from_str(r#"kind = "embedded""#),
            Ok(Config::default())
        );
        assert_eq!(Config::default().validate(), []);
    }

    #[test]
    fn the_operating_point_must_be_in_order() {
        assert_eq!(wrong("live_at = 0.5\nspoof_below = 0.5"), [""; 0]);
        assert_eq!(wrong("live_at = 0.4\nspoof_below = 0.5"), ["spoof_below"]);
        assert_eq!(wrong("spoof_below = 0.0"), ["spoof_below"]);
        assert_eq!(wrong("live_at = 1.0"), ["live_at"]);
        assert_eq!(wrong("live_at = nan"), ["live_at", "spoof_below"]);
        assert_eq!(wrong("queue = 0"), ["queue"]);
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused() {
        assert!(toml::from_str::<Config>("thread = 1").is_err());
        assert!(toml::from_str::<Config>(r#"kind = "magic""#).is_err());
    }
}
