//! How values and places are written in the configuration: sizes, durations, rates, secrets, addresses, key paths.
//!
//! Leaf types: they know serde and nothing of livegate, so every area's `Config` may use them. A value that cannot be
//! read says which forms can. Deliberately absent: reading a secret, which only `config` does.

mod secret;
mod url;

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

pub use secret::SecretSource;
pub use url::HttpUrl;

/// Bytes: `"5MiB"`, `"16KiB"`, `"1GiB"`, `"512B"`, or a plain number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A duration: `"250ms"`, `"5s"`, `"2m"`, `"24h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A sustained rate: `"50/s"`, `"100/m"`, `"10/h"`. Between one per hour and a million per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSpec {
    count: NonZeroU32,
    period: Duration,
}

/// Where to listen: an IP address and a port, `"127.0.0.1:8080"` or `"[::1]:8080"`. Port 0 takes a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

/// A number, or `"unlimited"`, which must be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this many.
    Units(u64),
    /// No limit.
    Unlimited,
}

/// A type that is written as a string, and perhaps as a number.
trait Spelling: Sized {
    /// Completes "write ...".
    const FORMS: &'static str;

    fn read(text: &str) -> Option<Self>;

    fn from_number(_number: u64) -> Option<Self> {
        None
    }
}

// === impl Size ===

impl Size {
    /// As a length in memory; what does not fit is as much as there can be.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Spelling for Size {
    const FORMS: &'static str = r#"a size like "5MiB", "16KiB" or a number of bytes"#;

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor).map(Self)
    }

    fn from_number(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

// === impl Span ===

impl Span {
    /// So many whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Nothing at all, which most settings refuse.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Spelling for Span {
    const FORMS: &'static str = r#"a duration like "5s", "250ms", "2m" or "24h""#;

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        number
            .checked_mul(milliseconds)
            .map(|total| Self(Duration::from_millis(total)))
    }
}

// === impl RateSpec ===

impl RateSpec {
    const MOST_PER_SECOND: u32 = 1_000_000;

    /// Time between two calls at this rate; never zero.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.period / self.count.get()
    }

    /// Calls in one second, at least 1: the burst of a plan that does not name one.
    #[must_use]
    pub fn per_second(self) -> NonZeroU32 {
        let seconds = u32::try_from(self.period.as_secs()).unwrap_or(u32::MAX);
        NonZeroU32::new(self.count.get() / seconds.max(1)).unwrap_or(NonZeroU32::MIN)
    }
}

impl Spelling for RateSpec {
    const FORMS: &'static str =
        r#"a rate like "50/s", "100/m" or "10/h", above zero and at most a million per second"#;

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let seconds = match unit {
            "/s" => 1,
            "/m" => 60,
            "/h" => 3_600,
            _ => return None,
        };
        let count = NonZeroU32::new(u32::try_from(number).ok()?)?;
        (count.get() / seconds <= Self::MOST_PER_SECOND).then_some(Self {
            count,
            period: Duration::from_secs(u64::from(seconds)),
        })
    }
}

// === impl Listen ===

impl Spelling for Listen {
    const FORMS: &'static str = r#"an IP address and a port like "127.0.0.1:8080" or "[::]:8080""#;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

// === impl Limit ===

impl Limit {
    /// The number; `None` = no limit.
    #[must_use]
    pub fn units(self) -> Option<u64> {
        match self {
            Self::Units(units) => Some(units),
            Self::Unlimited => None,
        }
    }
}

impl Spelling for Limit {
    const FORMS: &'static str = r#"a whole number, 0 or more, or "unlimited""#;

    fn read(text: &str) -> Option<Self> {
        (text == "unlimited").then_some(Self::Unlimited)
    }

    fn from_number(number: u64) -> Option<Self> {
        Some(Self::Units(number))
    }
}

/// Splits `"50/s"` into 50 and `"/s"`. Digits only: no sign, no fraction, no space.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

// === deserialization ===

struct SpellingVisitor<T>(PhantomData<T>);

impl<T: Spelling> Visitor<'_> for SpellingVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORMS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text)
            .ok_or_else(|| E::custom(format_args!("{text:?} does not fit; write {}", T::FORMS)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        u64::try_from(number)
            .ok()
            .and_then(T::from_number)
            .ok_or_else(|| E::custom(format_args!("{number} does not fit; write {}", T::FORMS)))
    }
}

macro_rules! deserialize_spelling {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(SpellingVisitor(PhantomData))
            }
        }
    )*};
}

deserialize_spelling!(Size, Span, RateSpec, Listen, Limit);

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of `v` in a document, or the message that refuses it.
    pub(super) fn read<T: serde::de::DeserializeOwned>(value: &str) -> Result<T, String> {
        #[derive(serde::Deserialize)]
        struct Document<T> {
            v: T,
        }
        toml::from_str::<Document<T>>(&format!("v = {value}"))
            .map(|document| document.v)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            (r#""512B""#, 512),
            (r#""16KiB""#, 16_384),
            (r#""5MiB""#, 5_242_880),
            (r#""1GiB""#, 1 << 30),
            ("77", 77),
        ] {
            assert_eq!(read(text), Ok(Size(bytes)), "{text}");
        }
        for text in [
            r#""5 MiB""#,
            r#""5MB""#,
            r#""-5KiB""#,
            r#""""#,
            r#""99999999999GiB""#,
            "-1",
            "1.5",
        ] {
            let message = read::<Size>(text).expect_err(text);
            assert!(message.contains("16KiB"), "{message}");
        }
    }

    #[test]
    fn spans() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("2m", 120_000),
            ("24h", 86_400_000),
        ] {
            let expected = Span(Duration::from_millis(milliseconds));
            assert_eq!(read(&format!("{text:?}")), Ok(expected), "{text}");
        }
        assert_eq!(
            read::<Span>(r#""5 apples""#),
            Err(
                r#""5 apples" does not fit; write a duration like "5s", "250ms", "2m" or "24h""#
                    .to_owned()
            )
        );
        assert!(read::<Span>("5").is_err(), "a number without a unit");
    }

    #[test]
    fn rates() {
        for (text, interval_ms, burst) in [
            ("50/s", 20, 50),
            ("90/m", 666, 1),
            ("180/m", 333, 3),
            ("10/h", 360_000, 1),
        ] {
            let rate: RateSpec = read(&format!("{text:?}")).expect(text);
            assert_eq!(rate.interval().as_millis(), interval_ms, "{text}");
            assert_eq!(rate.per_second().get(), burst, "{text}");
        }
        for text in ["0/s", "50", "50/d", "-5/s", "1000001/s", "5000000000/s"] {
            assert!(read::<RateSpec>(&format!("{text:?}")).is_err(), "{text}");
        }
        let fastest: RateSpec = read(r#""1000000/s""#).expect("allowed");
        assert!(!fastest.interval().is_zero());
    }

    #[test]
    fn limits() {
        assert_eq!(read(r#""unlimited""#), Ok(Limit::Unlimited));
        assert_eq!(read("10"), Ok(Limit::Units(10)));
        assert!(read::<Limit>("-10").is_err());
        assert!(read::<Limit>(r#""lots""#).is_err());
    }
}
