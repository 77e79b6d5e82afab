//! JSON into typed structs that borrow from the body.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;

use crate::canonical::{Problem, ProblemKind};

/// A string that stays a slice of the body unless it holds escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Reads the whole body as one value. A derived struct refuses doubled fields.
///
/// # Errors
///
/// `NotUtf8`, or `InvalidParameter` with the place but without the words of the parser, which repeats what it read.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new(ProblemKind::NotUtf8, "the JSON body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| {
        let fault = match error.classify() {
            Category::Data => "the JSON body has a doubled field or a value of the wrong type",
            Category::Eof => "the JSON body breaks off",
            Category::Io | Category::Syntax => "the body is not valid JSON",
        };
        let (line, column) = (error.line(), error.column());
        Problem::new(
            ProblemKind::InvalidParameter,
            format!("{fault} (line {line}, column {column})"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
    }

    #[test]
    fn text_borrows_unless_it_is_escaped() {
        let plain = read::<Sample<'_>>(br#"{"text":"a/b"}"#).unwrap();
        assert!(matches!(plain.text, Some(Text(Cow::Borrowed("a/b")))));
        let escaped = read::<Sample<'_>>(br#"{"text":"a\/b"}"#).unwrap();
        assert_eq!(escaped.text.expect("there").0, "a/b");
        assert!(
            read::<Sample<'_>>(br#"{"text":null}"#)
                .unwrap()
                .text
                .is_none()
        );
    }

    #[test]
    fn refusals_do_not_repeat_the_body() {
        for body in [
            r#"{"text":"canary","text":"canary"}"#,
            r#"{"text":{"canary":1}}"#,
            r#"{"text":"canary"#,
            r#"{"text":canary}"#,
            r#""canary""#,
        ] {
            let problem = read::<Sample<'_>>(body.as_bytes())
                .map(|_| ())
                .expect_err(body);
            assert_eq!(problem.kind, ProblemKind::InvalidParameter);
            assert!(!problem.detail.contains("canary"), "{}", problem.detail);
            assert!(problem.source.is_none());
        }
        let problem = read::<Sample<'_>>(b"{\"text\":\"\xff\"}")
            .map(|_| ())
            .expect_err("no text");
        assert_eq!(problem.kind, ProblemKind::NotUtf8);
    }
}
