//! Media as a call carries it. Nothing here can print its content.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// A picture, video or bundle, in one of the forms that dialects use.
///
/// Cloning is cheap: `Bytes` are slices of the request's body, which is never copied.
#[derive(Clone, PartialEq, Eq)]
pub enum Media {
    /// The file itself.
    Bytes(Bytes),
    /// Where to fetch it. http or https; checked by the download guard, not here.
    Url(String),
    /// An id that this gateway gave out for an upload.
    Stored(String),
}

/// The forms of [`Media`], for capability tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaForm {
    /// [`Media::Bytes`]
    Bytes,
    /// [`Media::Url`]
    Url,
    /// [`Media::Stored`]
    Stored,
}

// === impl Media ===

impl Media {
    /// Which form this is.
    #[must_use]
    pub fn form(&self) -> MediaForm {
        match self {
            Self::Bytes(_) => MediaForm::Bytes,
            Self::Url(_) => MediaForm::Url,
            Self::Stored(_) => MediaForm::Stored,
        }
    }

    /// The file, if it is here.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Url(_) | Self::Stored(_) => None,
        }
    }
}

/// Sizes only. A URL may carry a signature, an id is a capability: neither is printed.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Url(url) => write!(f, "Url({} characters)", url.len()),
            Self::Stored(_) => f.write_str("Stored(..)"),
        }
    }
}

/// Picture formats by their magic bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// ISO/IEC 10918
    Jpeg,
    /// ISO/IEC 15948
    Png,
    /// Windows bitmap
    Bmp,
    /// Graphics Interchange Format
    Gif,
    /// Tagged Image File Format
    Tiff,
}

/// What a dialect accepts as a picture. Bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageRules {
    /// Accepted formats.
    pub formats: &'static [ImageFormat],
    /// Smallest width and height, pixels.
    pub min_side: u32,
    /// Largest width and height, pixels.
    pub max_side: u32,
    /// Largest file, bytes after any transfer encoding is undone.
    pub max_bytes: usize,
}

/// What one vendor says and no other understands, keyed by vendor id; only that vendor's adapter reads it back.
/// Values may be personal, so `Debug` shows keys only.
#[derive(Clone, Default, PartialEq)]
pub struct Extras(BTreeMap<&'static str, serde_json::Value>);

// === impl Extras ===

impl Extras {
    /// Keeps a vendor's own words.
    pub fn insert(&mut self, vendor: &'static str, value: serde_json::Value) {
        self.0.insert(vendor, value);
    }

    /// What that vendor said.
    #[must_use]
    pub fn get(&self, vendor: &str) -> Option<&serde_json::Value> {
        self.0.get(vendor)
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_content() {
        let cases = [
            Media::Bytes(Bytes::from_static(b"canary")),
            Media::Url("https://canary.example/canary".to_owned()),
            Media::Stored("canary".to_owned()),
        ];
        for media in cases {
            assert!(!format!("{media:?}").contains("canary"));
        }
        let mut extras = Extras::default();
        extras.insert("v", serde_json::json!({"name": "canary"}));
        assert_eq!(format!("{extras:?}"), r#"{"v"}"#);
    }
}
