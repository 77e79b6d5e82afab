//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::tenancy::CompileError;

/// Everything that is wrong with one configuration, in the order of the file. One line each when displayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    /// The file.
    pub file: String,
    /// Never empty.
    pub errors: Vec<ConfigError>,
}

/// One thing that is wrong. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConfigError {
    /// Counted from 1; 0 if the file could not be read at all.
    pub line: usize,
    /// In characters, counted from 1; 0 as above.
    pub column: usize,
    /// `upstreams.ace.timeout`; empty if the file is not TOML.
    pub key: String,
    /// What is wrong, and what to write.
    pub message: String,
}

/// A complaint before its line is known.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) path: String,
    pub(super) message: String,
    /// Byte offset in the text; `None` = that of the path.
    pub(super) offset: Option<usize>,
}

// === impl ConfigErrors ===

impl ConfigErrors {
    /// The file could not be read.
    pub(super) fn unreadable(file: String, message: String) -> Self {
        let error = ConfigError {
            line: 0,
            column: 0,
            key: String::new(),
            message,
        };
        Self {
            file,
            errors: vec![error],
        }
    }

    pub(super) fn locate(file: &str, text: &str, complaints: Vec<Complaint>) -> Self {
        let (document, _) = DeTable::parse_recoverable(text);
        let place = |complaint: Complaint| {
            let offset = complaint
                .offset
                .unwrap_or_else(|| offset_in_table(document.get_ref(), &complaint.path, 0));
            let before = text.get(..offset).unwrap_or(text);
            ConfigError {
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
                key: complaint.path.escape_debug().to_string(),
                message: complaint.message,
            }
        };
        let mut errors: Vec<_> = complaints.into_iter().map(place).collect();
        errors.sort();
        Self {
            file: file.to_owned(),
            errors,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file)?;
            if error.line > 0 {
                write!(f, "{}:{}:", error.line, error.column)?;
            }
            if !error.key.is_empty() {
                write!(f, " {}:", error.key)?;
            }
            write!(f, " {}", error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

// === impl Complaint ===

impl From<CompileError> for Complaint {
    fn from(error: CompileError) -> Self {
        Self {
            path: error.path,
            message: error.message,
            offset: None,
        }
    }
}

/// Where the value of `path` begins. Of a table, where its name stands; of what is missing, where it should have been.
fn offset_in_table(table: &DeTable<'_>, path: &str, parent: usize) -> usize {
    // Names may hold dots, so the longest key that fits is meant.
    let entry = table
        .iter()
        .filter_map(|(key, value)| {
            let rest = path.strip_prefix(key.get_ref().as_ref())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some((key, value, rest))
        })
        .min_by_key(|(_, _, rest)| rest.len());
    match entry {
        Some((key, value, rest)) => {
            // A table under a header begins before its name, one in braces after it.
            let start = key.span().start.max(value.span().start);
            offset_in_value(value, rest, start)
        }
        None => parent,
    }
}

fn offset_in_value(value: &Spanned<DeValue<'_>>, rest: &str, parent: usize) -> usize {
    if let Some(table) = value.get_ref().as_table() {
        return offset_in_table(table, rest.trim_start_matches('.'), parent);
    }
    if let Some(array) = value.get_ref().as_array()
        && let Some((index, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    {
        let item = index
            .parse::<usize>()
            .ok()
            .and_then(|index| array.get(index));
        return item.map_or(parent, |item| {
            offset_in_value(item, rest, item.span().start)
        });
    }
    value.span().start
}

/// Whether `path` is `whole` or a part of it.
pub(super) fn is_within(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
