//! A server's log: its lines put into kinds, with counts over time.
//!
//! Invariants: memory is bounded whatever the file holds: lines are cut, binary ones counted, kinds and times limited. What was
//! left out is counted.

use std::collections::BTreeMap;

use super::{CauseId, Known, MOST, Source, Stamp, mask, recognise};
use crate::watch::Category;

/// The most minutes that are kept of one kind; beyond them it is hours, and beyond those the first.
const MOST_TIMES: usize = 3_000;

/// Cuts what comes in pieces into lines, of which no more than [`MOST`] bytes are kept.
#[derive(Debug, Default)]
pub struct Splitter {
    line: Vec<u8>,
    is_cut: bool,
}

impl Splitter {
    /// Hands each whole line on, and whether it was cut.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8], bool)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.keep(&bytes[..end]);
            each(self.line.strip_suffix(b"\r").unwrap_or(&self.line), self.is_cut);
            self.line.clear();
            self.is_cut = false;
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Hands on what stands at the end without a line's end.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8], bool)) {
        if !self.line.is_empty() {
            each(&self.line, self.is_cut);
        }
        *self = Self::default();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.line.len());
        self.is_cut |= room < bytes.len();
        self.line.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }
}

/// What a log came to so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub lines: u64,
    /// Known, and nothing is wrong by them.
    pub well: u64,
    pub unknown: u64,
    /// Too long to be kept whole.
    pub cut: u64,
    /// No text.
    pub binary: u64,
    kinds: BTreeMap<Key, Kind>,
    /// A line without a time belongs to the one before it.
    last: Option<Stamp>,
}

/// A means' text tells lines of one cause apart.
type Key = (Source, Category, Option<CauseId>, String);

/// Lines of one meaning.
#[derive(Clone, Debug)]
pub struct Kind {
    pub known: Known,
    pub count: u64,
    /// The first of them, secrets replaced.
    pub example: String,
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    /// By the minute, or by the hour where there are too many.
    pub times: BTreeMap<Stamp, u64>,
    pub by_hour: bool,
}

impl Log {
    /// Takes a line; what it means where it tells of something.
    pub fn take(&mut self, line: &[u8], is_cut: bool) -> Option<Known> {
        self.lines += 1;
        self.cut += u64::from(is_cut);
        if is_binary(line) {
            self.binary += 1;
            return None;
        }
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return None;
        }
        if let Some(stamp) = Stamp::of(&text) {
            self.last = Some(stamp);
        }
        let Some(known) = recognise(&text) else {
            self.unknown += 1;
            return None;
        };
        if known.causes.is_empty() && known.category == Category::None {
            self.well += 1;
            return None;
        }
        let key =
            (known.source, known.category, known.causes.first().map(|(cause, _)| *cause), known.means.to_string());
        let kind = self.kinds.entry(key).or_insert_with(|| Kind {
            known: known.clone(),
            count: 0,
            example: mask(&text.trim().chars().take(300).collect::<String>()),
            first: None,
            last: None,
            times: BTreeMap::new(),
            by_hour: false,
        });
        kind.add(self.last.clone());
        Some(known)
    }

    /// The kinds, the most frequent first.
    pub fn kinds(&self) -> Vec<&Kind> {
        let mut kinds: Vec<&Kind> = self.kinds.values().collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        kinds
    }

    /// How many lines of each category.
    pub fn categories(&self) -> BTreeMap<Category, u64> {
        let mut counts = BTreeMap::new();
        for kind in self.kinds.values() {
            *counts.entry(kind.known.category).or_default() += kind.count;
        }
        counts
    }
}

impl Kind {
    fn add(&mut self, stamp: Option<Stamp>) {
        self.count += 1;
        let Some(stamp) = stamp else { return };
        self.first.get_or_insert_with(|| stamp.clone());
        let key = if self.by_hour { stamp.hour() } else { stamp.clone() };
        self.last = Some(stamp);
        if self.times.len() < MOST_TIMES || self.times.contains_key(&key) {
            *self.times.entry(key).or_default() += 1;
        } else if !self.by_hour {
            self.by_hour = true;
            for (minute, count) in std::mem::take(&mut self.times) {
                *self.times.entry(minute.hour()).or_default() += count;
            }
            *self.times.entry(key.hour()).or_default() += 1;
        }
    }
}

/// A NUL, or a third of it no text.
fn is_binary(line: &[u8]) -> bool {
    let head = &line[..line.len().min(1024)];
    let odd = head.iter().filter(|byte| **byte < b' ' && !b"\t\r\x1b".contains(byte)).count();
    head.contains(&0) || head.len() < odd * 3
}
