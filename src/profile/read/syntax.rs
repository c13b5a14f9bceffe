//! Bytes → TOML document, going on after a line that isn't TOML so that the rest is checked too.
//!
//! Invariant: the recovered text has as many bytes and lines as the original, so every place in it is one in the original.

use std::borrow::Cow;

use toml_edit::{Document, Table, TomlError};

use super::node::Log;
use crate::base::Severity;

/// After so many lines that are no TOML, this is no TOML file.
const MAX_BAD_LINES: usize = 20;

pub(super) struct Read {
    document: Document<String>,
    /// No line had to be left out.
    pub whole: bool,
}

impl Read {
    pub fn as_table(&self) -> &Table {
        self.document.as_table()
    }
}

/// The document, as far as it is one; what is wrong is told to the log.
pub(super) fn document(text: &str, log: &Log<'_>) -> Option<Read> {
    let refuse = |line, message: &str, hint: &str| {
        log.push(Severity::Error, line, None, message.to_owned(), Some(hint.to_owned()));
        None
    };
    if let Some(at) = text.find('\0') {
        return refuse(Some(log.line(at)), "a NUL byte: this is no text file", "save it as UTF-8 text");
    }
    let mut text = text.to_owned();
    let mut bad_lines = 0;
    loop {
        let error = match Document::parse(text.clone()) {
            Ok(document) => return Some(Read { document, whole: bad_lines == 0 }),
            Err(error) => error,
        };
        let place = error.span().map(|span| span.start.min(text.len()));
        let hint = tip(&error, place.map(|at| line_of(&text, at).1)).map(str::to_owned);
        let line = place.map(|at| log.line(at));
        log.push(Severity::Error, line, None, format!("not TOML: {}", error.message()), hint);
        bad_lines += 1;
        let (range, bad) = line_of(&text, place?);
        // Without a header its keys would be another section's; without an opening quote or bracket the rest is inside out.
        let keeps_shape = !bad.trim_start().starts_with('[')
            && !bad.contains("\"\"\"")
            && !bad.contains("'''")
            && bad.matches(['[', '{']).count() == bad.matches([']', '}']).count();
        if bad.trim().is_empty() || !keeps_shape || MAX_BAD_LINES <= bad_lines {
            return None;
        }
        text.replace_range(range.clone(), &" ".repeat(range.len()));
    }
}

/// The text with one kind of line end and without a byte order mark: same lines.
pub(in crate::profile) fn plain(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

fn line_of(text: &str, at: usize) -> (std::ops::Range<usize>, &str) {
    let bytes = text.as_bytes();
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |found| found + 1);
    let end = memchr::memchr(b'\n', &bytes[start..]).map_or(text.len(), |found| start + found);
    (start..end, &text[start..end])
}

/// What people most often mean.
fn tip(error: &TomlError, line: Option<&str>) -> Option<&'static str> {
    let line = line?.trim();
    let message = error.message();
    if message.contains("duplicate") {
        return Some("each key and each [section] stands once; take one of the two out");
    }
    if line.contains(": ") && !line.contains('=') {
        return Some("TOML writes `key = \"value\"`, with an equals sign");
    }
    if line.split_once('=').is_some_and(|(_, value)| {
        let value = value.trim();
        !value.is_empty() && value.starts_with(|c: char| c.is_alphabetic() || c == '/')
    }) {
        return Some("put the value in quotes");
    }
    if line.contains('\\') {
        return Some("in double quotes a backslash is doubled; between single quotes it stands for itself");
    }
    None
}
