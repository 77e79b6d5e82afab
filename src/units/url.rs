//! Addresses of services.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

/// An http or https address without user, query or fragment. Kept without a trailing slash.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

// === impl HttpUrl ===

impl HttpUrl {
    /// Scheme, host, port and path prefix, no trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpUrl(..)")
    }
}

impl<'de> Deserialize<'de> for HttpUrl {
    /// The refusals do not repeat the text: it may carry a password or a signature.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refuse = |why| Err(de::Error::custom(why));
        let Ok(uri) = text.parse::<http::Uri>() else {
            return refuse(r#"this is not an address; write one like "https://host.example""#);
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return refuse("an address must begin with http:// or https://");
        }
        if uri.host().is_none_or(str::is_empty) {
            return refuse("an address needs a host");
        }
        if uri
            .authority()
            .is_some_and(|host| host.as_str().contains('@'))
        {
            return refuse("an address must not carry a user name; secrets have their own keys");
        }
        if text.contains(['?', '#']) {
            return refuse("an address must end before any ? or #; write host and path only");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn addresses_lose_their_last_slash_and_are_never_repeated() {
        let url: HttpUrl = read(r#""https://a.example:8443/prefix/""#).expect("valid");
        assert_eq!(url.as_str(), "https://a.example:8443/prefix");
        for text in [
            "ftp://canary",
            "canary",
            "https://user:canary@a.example",
            "https://a.example/?canary=1",
            "https://a.example/#canary",
            "https://a.example/ca nary",
            "",
        ] {
            let message = read::<HttpUrl>(&format!("{text:?}")).expect_err(text);
            assert!(!message.contains("canary"), "{message}");
        }
    }
}
