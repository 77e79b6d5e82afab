//! Scores as JSON numbers or strings, for vendors whose documents say the one and show the other.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ScoreAs;
use crate::canonical::{AttackScore, Liveness, NativeScore, Scale, Verdict};

/// A score in the form that the tenant's clients expect.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Score {
    /// A number that we made.
    Number(f64),
    /// A number digit for digit.
    Verbatim(Box<RawValue>),
    /// The same as a string.
    Text(String),
}

// === impl Score ===

impl Score {
    /// The vendor's own number digit for digit, unless the upstream's threshold made another verdict of it; else a
    /// number for the verdict. None if there is no verdict.
    pub(super) fn of(
        form: ScoreAs,
        vendor: &str,
        scale: &Scale,
        liveness: &Liveness,
    ) -> Option<Self> {
        let synthesised = scale.write(liveness.verdict, liveness.score)?;
        let own = own_digits(vendor, liveness.native.as_ref()).filter(|text| {
            let read = text.parse().ok().and_then(|number| scale.read(number));
            read.is_some_and(|(verdict, _)| verdict == liveness.verdict)
        });
        Some(Self::written(form, own, synthesised))
    }

    /// These digits, or else this number with five decimals at most.
    pub(super) fn written(form: ScoreAs, digits: Option<&str>, number: f64) -> Self {
        match (form, digits) {
            (ScoreAs::String, Some(text)) => Self::Text(text.to_owned()),
            (ScoreAs::String, None) => Self::Text(format!("{number:.5}")),
            (ScoreAs::Number, Some(text)) => match RawValue::from_string(text.to_owned()) {
                Ok(digits) => Self::Verbatim(digits),
                Err(_) => Self::Number(number),
            },
            (ScoreAs::Number, None) => Self::Number(number),
        }
    }
}

/// The digits, if it was this vendor that gave them.
pub(super) fn own_digits<'a>(vendor: &str, native: Option<&'a NativeScore>) -> Option<&'a str> {
    native
        .filter(|native| native.vendor == vendor)
        .map(|native| native.text.as_str())
}

/// The digits of a number that may stand in quotes; anything that is not a JSON number is none.
pub(super) fn digits(raw: &RawValue) -> Option<(String, f64)> {
    let text = if raw.get().starts_with('"') {
        serde_json::from_str::<Cow<'_, str>>(raw.get()).ok()?
    } else {
        Cow::Borrowed(raw.get())
    };
    let text = text.trim();
    let number = serde_json::from_str(text).ok()?;
    Some((text.to_owned(), number))
}

/// The same, and what it means.
pub(super) fn read(raw: &RawValue, scale: &Scale) -> Option<(String, Verdict, AttackScore)> {
    let (text, number) = digits(raw)?;
    let (verdict, score) = scale.read(number)?;
    Some((text, verdict, score))
}
