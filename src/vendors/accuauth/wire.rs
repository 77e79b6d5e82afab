//! AccuAuth's JSON, spelt as AccuAuth spells it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::canonical::{FaceDetails, Orientation, Verdict};
use crate::vendors::score::Score;

/// An answer as we write it.
#[derive(Serialize)]
pub(super) struct Answer {
    pub request_id: String,
    pub status: Status,
    pub score: Score,
    /// Of a bundle, if it was asked for: the face, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
}

/// A comparison as we write it.
#[derive(Serialize)]
pub(super) struct Comparison {
    pub request_id: String,
    pub status: Status,
    pub identical: bool,
    pub score: Score,
}

/// A failure as we write it.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    pub status: Status,
    pub reason: &'a str,
    pub request_id: String,
}

/// A reply as we read it: nothing in it is trusted to have its type.
#[derive(Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub score: Option<&'a RawValue>,
    #[serde(borrow)]
    pub extra: Option<&'a RawValue>,
    #[serde(borrow)]
    pub image_base64: Option<&'a RawValue>,
    #[serde(borrow)]
    pub identical: Option<&'a RawValue>,
}

/// `status`: the codes of the page, and those that only the vendor's SDK knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    #[serde(rename = "OK")]
    Success,
    InvalidArgument,
    #[serde(rename = "DETETION_FAILED", alias = "DETECTION_FAILED")]
    DetetionFailed,
    DownloadError,
    Unauthorized,
    KeyExpired,
    NoPermission,
    OutOfQuota,
    RateLimitExceeded,
    NotFound,
    InternalError,
    /// SDK only, of bundles.
    WrongLivenessData,
    /// SDK only, of bundles.
    NoFaceDetected,
    /// SDK only.
    RpcTimeout,
    #[serde(untagged)]
    Other(String),
}

/// `extra`: what is known of the picture. Absent means not computed.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    #[serde(deserialize_with = "fraction", skip_serializing_if = "Option::is_none")]
    pub mask_proba: Option<f64>,
    #[serde(deserialize_with = "fraction", skip_serializing_if = "Option::is_none")]
    pub quality_score: Option<f64>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub quality_too_low: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub blur_or_dark: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub has_no_face: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub face_too_small: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub image_too_small: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub masked: Option<bool>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub face_quality_low: Option<bool>,
    #[serde(deserialize_with = "fraction", skip_serializing_if = "Option::is_none")]
    pub face_quality_score: Option<f64>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_live: Option<bool>,
    #[serde(deserialize_with = "fraction", skip_serializing_if = "Option::is_none")]
    pub live_proba: Option<f64>,
    #[serde(deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub eye_closed: Option<bool>,
    #[serde(deserialize_with = "fraction", skip_serializing_if = "Option::is_none")]
    pub eye_score: Option<f64>,
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub img_ort: Option<u32>,
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub face_count: Option<u32>,
}

/// The page's threshold of every probability in `extra`.
const EXTRA_THRESHOLD: f64 = 0.5;
/// How far from it a `live_proba` that had to be moved is put.
const EXTRA_MARGIN: f64 = 0.0005;

// === impl Extra ===

impl Extra {
    /// Says the canonical details in the vendor's words.
    pub(super) fn from_details(details: &FaceDetails) -> Self {
        let low = |value: f64| value < EXTRA_THRESHOLD;
        Self {
            mask_proba: details.mask,
            quality_score: details.quality,
            quality_too_low: details.quality.map(low),
            blur_or_dark: details.blur_or_dark,
            has_no_face: details.face_count.map(|count| count == 0),
            face_too_small: details.face_too_small,
            image_too_small: details.image_too_small,
            masked: details.mask.map(|mask| !low(mask)),
            face_quality_low: details.face_quality.map(low),
            face_quality_score: details.face_quality,
            is_live: details.live_probability.map(|live| !low(live)),
            live_proba: details.live_probability,
            eye_closed: details.eyes_open.map(low),
            eye_score: details.eyes_open,
            img_ort: details.orientation.map(|orientation| match orientation {
                Orientation::Up => 0,
                Orientation::Left => 1,
                Orientation::Down => 2,
                Orientation::Right => 3,
            }),
            face_count: details.face_count,
        }
    }

    /// The canonical part of the vendor's words.
    pub(super) fn to_details(&self) -> FaceDetails {
        FaceDetails {
            face_count: self.face_count,
            orientation: match self.img_ort {
                Some(0) => Some(Orientation::Up),
                Some(1) => Some(Orientation::Left),
                Some(2) => Some(Orientation::Down),
                Some(3) => Some(Orientation::Right),
                Some(_) | None => None,
            },
            quality: self.quality_score,
            face_quality: self.face_quality_score,
            blur_or_dark: self.blur_or_dark,
            face_too_small: self.face_too_small,
            image_too_small: self.image_too_small,
            mask: self.mask_proba,
            eyes_open: self.eye_score,
            live_probability: self.live_proba,
        }
    }

    /// Makes the second verdict that `extra` carries agree with the first, if it is there at all.
    pub(super) fn agreeing_with(mut self, verdict: Verdict) -> Self {
        let live = verdict == Verdict::Live;
        self.is_live = self.is_live.map(|_| live);
        self.live_proba = self.live_proba.map(|proba| {
            if live {
                proba.max(EXTRA_THRESHOLD + EXTRA_MARGIN)
            } else {
                proba.min(EXTRA_THRESHOLD - EXTRA_MARGIN)
            }
        });
        self
    }
}

/// 0..1 as a number or a string; anything else counts as absent.
fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Ok(number.filter(|number| (0.0..=1.0).contains(number)))
}

/// A whole number as a number or a string; anything else counts as absent.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// A truth value as a bool, as 0 or 1, or as a string of either; anything else counts as absent.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Bool(flag) => return Ok(Some(flag)),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        Value::Null | Value::Array(_) | Value::Object(_) => return Ok(None),
    };
    Ok(match text.as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_is_read_whatever_its_types() {
        let extra: Extra = serde_json::from_str(
            r#"{"mask_proba":"0.25","quality_score":true,"masked":0,"is_live":"true","blur_or_dark":[],
                "live_proba":7,"eye_score":null,"img_ort":"2","face_count":1.5,"unknown":{"a":1}}"#,
        )
        .unwrap();
        let expected = Extra {
            mask_proba: Some(0.25),
            masked: Some(false),
            is_live: Some(true),
            img_ort: Some(2),
            ..Extra::default()
        };
        assert_eq!(extra, expected);
        assert_eq!(extra.to_details().orientation, Some(Orientation::Down));
    }

    #[test]
    fn the_second_verdict_follows_the_first() {
        let details = FaceDetails {
            live_probability: Some(0.7),
            ..FaceDetails::default()
        };
        let live = Extra::from_details(&details).agreeing_with(Verdict::Live);
        assert_eq!((live.is_live, live.live_proba), (Some(true), Some(0.7)));
        let spoof = live.agreeing_with(Verdict::Spoof);
        assert_eq!(
            (spoof.is_live, spoof.live_proba),
            (Some(false), Some(0.4995))
        );
        assert_eq!(
            Extra::default().agreeing_with(Verdict::Live),
            Extra::default()
        );
    }
}
