//! Which outcome a simulator gives: asked for by a header, scripted by the media's digest, or derived from it.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use sha2::Sha256;
use thiserror::Error;

use crate::canonical::ProblemKind;

/// One outcome. `undecided` is a problem here, as in every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripted {
    /// A living person; of a comparison, the same person; of a photo, a good one.
    Live,
    /// An attack; of a comparison, another person; of a photo, a bad one.
    Spoof,
    /// The vendor's error for this.
    Problem(ProblemKind),
}

/// No outcome has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no such outcome; write live, spoof or the name of a problem: {}",
    problem_names()
)]
pub struct ScriptedError;

/// A script file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// For media that no rule names; without it the digest decides.
    pub default: Option<Scripted>,
    /// First match wins.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// `[[rule]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of the subject: the picture, bundle or video, or the first of two photos.
    pub media_sha256: Digest,
    /// What is answered.
    pub outcome: Scripted,
}

/// The SHA-256 of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub(super) [u8; 32]);

// === impl Script ===

impl Script {
    /// The outcome for media of that digest.
    ///
    /// Without a rule or a default, an even first byte is live and an odd one a spoof.
    #[must_use]
    pub fn outcome(&self, media: &Digest) -> Scripted {
        let rule = self.rules.iter().find(|rule| rule.media_sha256 == *media);
        rule.map(|rule| rule.outcome)
            .or(self.default)
            .unwrap_or_else(|| {
                let [first, ..] = media.0;
                if first % 2 == 0 {
                    Scripted::Live
                } else {
                    Scripted::Spoof
                }
            })
    }
}

// === impl Scripted ===

impl Scripted {
    /// The name by which it is asked for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Spoof => "spoof",
            Self::Problem(kind) => kind.as_str(),
        }
    }
}

impl FromStr for Scripted {
    type Err = ScriptedError;

    fn from_str(text: &str) -> Result<Self, ScriptedError> {
        let problems = ProblemKind::ALL.into_iter().map(Self::Problem);
        [Self::Live, Self::Spoof]
            .into_iter()
            .chain(problems)
            .find(|outcome| outcome.as_str() == text)
            .ok_or(ScriptedError)
    }
}

impl<'de> Deserialize<'de> for Scripted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

fn problem_names() -> String {
    ProblemKind::ALL.map(ProblemKind::as_str).join(", ")
}

// === impl Digest ===

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(bytes).into())
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        let whole = bytes.try_into().ok().filter(|_| rest.is_empty());
        whole.map(Self)
    }

    /// A number from 0 to 1 that is the media's own: where its score stands on its side of the threshold.
    pub(super) fn fraction(&self) -> f64 {
        let [_, high, low, ..] = self.0;
        f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("a SHA-256 is 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4, the example "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_rule_beats_the_default_and_the_default_the_digest() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(Digest::from_hex(ABC), Some(digest));
        assert_eq!(Script::default().outcome(&digest), Scripted::Live);
        assert_eq!(Script::default().outcome(&Digest([1; 32])), Scripted::Spoof);
        let script: Script = toml::from_str(&format!(
            "default = \"no-face\"\n[[rule]]\nmedia_sha256 = \"{ABC}\"\noutcome = \"spoof\"\n"
        ))
        .expect("a script");
        assert_eq!(script.outcome(&digest), Scripted::Spoof);
        let other = Digest::of(b"");
        assert_eq!(
            script.outcome(&other),
            Scripted::Problem(ProblemKind::NoFace)
        );
    }

    #[test]
    fn a_script_says_what_is_wrong_with_it() {
        let mistakes = [
            ("default = \"alive\"", "no-face"),
            ("[[rule]]\nmedia_sha256 = \"ab\"\noutcome = \"live\"", "64"),
            ("rules = []", "rules"),
            ("[[rule]]\noutcome = \"live\"", "media_sha256"),
        ];
        for (text, expected) in mistakes {
            let error = toml::from_str::<Script>(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn every_outcome_has_its_own_name() {
        for kind in ProblemKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(Scripted::Problem(kind)));
        }
        assert_eq!("live".parse(), Ok(Scripted::Live));
        assert_eq!("LIVE".parse::<Scripted>(), Err(ScriptedError));
    }
}
