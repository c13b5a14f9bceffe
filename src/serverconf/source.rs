//! A file's text with its lines, and where in it something stands.
//!
//! Invariant: no more than [`MAX_FILE`] bytes of a file are held, and none that is no text.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::base::{Problem, Severity};

/// The most that one file may have, in bytes: far beyond any configuration that a person wrote.
pub const MAX_FILE: usize = 4 << 20;

/// Counting the characters of a longer line again for each place in it would take its time.
const LONG_LINE: usize = 64 << 10;

/// A stretch of one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<Path>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1; in bytes on a line of more than 64 KiB.
    pub column: usize,
    /// In characters, at least 1.
    pub width: usize,
}

/// One file that was read.
#[derive(Debug)]
pub struct Source {
    path: Arc<Path>,
    text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

/// Which bytes are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Python's reader ends at the first byte that is no UTF-8.
    Utf8,
    /// nginx and Apache don't look: whatever else stands in comments.
    Any,
}

impl Source {
    /// The text, its line ends all `\n`.
    ///
    /// # Errors
    /// More than [`MAX_FILE`] bytes, a NUL, UTF-16, or no UTF-8 where it has to be.
    pub fn new(path: &Path, bytes: &[u8], encoding: Encoding) -> Result<Self, Problem> {
        let problem = |line: Option<usize>, message: &str, hint: &str| problem(path, line, message, hint);
        if MAX_FILE < bytes.len() {
            let message = format!("it is larger than {} MiB, the most that is read of a configuration", MAX_FILE >> 20);
            return Err(problem(None, &message, "name the configuration itself, not a log or an archive"));
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(problem(Some(1), "it is written in UTF-16, which no server reads", "save it as UTF-8"));
        }
        let line_of = |at: usize| Some(1 + memchr::memchr_iter(b'\n', &bytes[..at]).count());
        if let Some(at) = memchr::memchr(0, bytes) {
            return Err(problem(line_of(at), "it has a NUL byte: it is no text", "name the configuration itself"));
        }
        let text = match (std::str::from_utf8(bytes), encoding) {
            (Ok(text), _) => text.replace("\r\n", "\n").replace('\r', "\n"),
            (Err(_), Encoding::Any) => String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n"),
            (Err(error), Encoding::Utf8) => {
                let line = line_of(error.valid_up_to());
                return Err(problem(line, "it has a byte that is no UTF-8: Python stops there", "save it as UTF-8"));
            }
        };
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Ok(Self { path: path.into(), text, starts })
    }

    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where these bytes of the text stand; of several lines the first counts.
    pub fn place(&self, range: Range<usize>) -> Place {
        let index = self.starts.partition_point(|start| *start <= range.start).saturating_sub(1);
        let start = self.starts[index];
        let end = range.end.min(self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1));
        let chars = |range: Range<usize>| match self.text.get(range.clone()) {
            Some(text) if range.len() <= LONG_LINE => text.chars().count(),
            _ => range.len(),
        };
        Place {
            file: Arc::clone(&self.path),
            line: index + 1,
            column: chars(start..range.start) + 1,
            width: chars(range.start..end.max(range.start)).max(1),
        }
    }

    /// A line's text without its end; empty where there is none.
    pub fn line(&self, number: usize) -> &str {
        let Some(start) = number.checked_sub(1).and_then(|index| self.starts.get(index)) else { return "" };
        self.text[*start..].lines().next().unwrap_or_default()
    }
}

/// A mistake that ends the reading of a file.
pub(super) fn problem(path: &Path, line: Option<usize>, message: &str, hint: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(path.to_owned()),
        line,
        key: None,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8], encoding: Encoding, expected: &str) {
        let said = Source::new(Path::new("a"), bytes, encoding).map(|_| ()).unwrap_err().to_string();
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        refused(b"A=1\nB=\0", Encoding::Any, "a:2: it has a NUL byte");
        refused(b"A=1\n\nB=\xE9", Encoding::Utf8, "a:3: it has a byte that is no UTF-8");
        refused(b"\xFF\xFEA\0", Encoding::Utf8, "a:1: it is written in UTF-16");
        refused(&vec![b'a'; MAX_FILE + 1], Encoding::Any, "a: it is larger than 4 MiB");
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source::new(Path::new("a"), "é=1\r\nßü=x\rlast".as_bytes(), Encoding::Utf8).unwrap();
        let at = source.text().find('x').unwrap();
        let place = source.place(at..at + 5);
        assert_eq!((place.line, place.column, place.width), (2, 4, 1));
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(4)), ("é=1", "ßü=x", "last", ""));
    }
}
