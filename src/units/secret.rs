//! Where secrets are.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// Where a secret is read from; the configuration itself never holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "PATH" }`: a file, relative to the working directory.
    File(String),
}

struct SecretVisitor;

impl SecretVisitor {
    const FORMS: &'static str = r#"{ env = "NAME" } or { file = "PATH" }"#;
}

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::FORMS)
    }

    /// Does not repeat the text: it may be the secret itself.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(format_args!(
            "a secret does not stand in the configuration; write {}",
            Self::FORMS
        )))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Kind {
            Env,
            File,
        }
        let mut source = None;
        while let Some(kind) = map.next_key::<Kind>()? {
            let place = map.next_value::<String>()?;
            let next = match kind {
                Kind::Env if !is_variable_name(&place) => {
                    return Err(de::Error::custom(
                        "env takes the name of a variable: letters, digits and _, not the secret",
                    ));
                }
                Kind::Env => SecretSource::Env(place),
                Kind::File if place.is_empty() => {
                    return Err(de::Error::custom(
                        "file takes a path, and this one is empty",
                    ));
                }
                Kind::File => SecretSource::File(place),
            };
            if source.replace(next).is_some() {
                return Err(de::Error::custom("write env or file, not both"));
            }
        }
        source
            .ok_or_else(|| de::Error::custom(format_args!("this is empty; write {}", Self::FORMS)))
    }
}

fn is_variable_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn secrets_come_from_outside() {
        assert_eq!(
            read(r#"{ env = "A_1" }"#),
            Ok(SecretSource::Env("A_1".to_owned()))
        );
        assert_eq!(
            read(r#"{ file = "a/b" }"#),
            Ok(SecretSource::File("a/b".to_owned()))
        );
        for text in [
            r#""canary""#,
            r#"{ env = "canary!" }"#,
            r#"{ env = "A", file = "canary" }"#,
            r#"{ file = "" }"#,
            r#"{ value = "canary" }"#,
            "{}",
            "[]",
        ] {
            let message = read::<SecretSource>(text).expect_err(text);
            assert!(!message.contains("canary"), "{message}");
        }
        let message = read::<SecretSource>(r#""canary""#).expect_err("plain");
        assert!(
            message.contains(r#"{ env = "NAME" } or { file = "PATH" }"#),
            "{message}"
        );
    }
}
