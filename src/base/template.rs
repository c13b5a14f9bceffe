//! Sentences with holes: `Access to {what} at '{url}'`, and what stands in the holes of a line. For the words of other
//! programs, which come as text and are wanted as facts.
//!
//! Invariants: reading ends after a bounded number of steps whatever the line is; letters of either case are alike;
//! curly quotes are straight ones, in the sentence and in the line, as people's editors change them on the way.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

/// Holes of these names hold no blank and are as long as they can be; all others are as short as they can be.
const TOKENS: [&str; 11] =
    ["url", "page", "origin", "first", "to", "status", "method", "path", "client", "name", "error"];
/// The most that is tried for one line.
const STEPS: usize = 2_000;

/// A sentence. `^` before it: the line begins so; `$` after it: the line ends so.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    at_start: bool,
    at_end: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// In lower case.
    Words(String),
    Hole(&'static str),
}

/// What stands in the holes, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holes<'l>(Vec<(&'static str, &'l str)>);

impl<'l> Holes<'l> {
    /// What stands in the hole of that name.
    pub fn get(&self, name: &str) -> Option<&'l str> {
        self.0.iter().find(|(hole, _)| *hole == name).map(|(_, text)| *text)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'l str)> {
        self.0.iter().copied()
    }
}

impl Template {
    pub fn new(text: &'static str) -> Self {
        let (at_start, text) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
        let (at_end, text) = text.strip_suffix('$').map_or((false, text), |rest| (true, rest));
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once('{') {
            // What is no hole's name is text: JSON has braces, too.
            match after.split_once('}') {
                Some((name, after)) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()) => {
                    push(&mut pieces, words);
                    pieces.push(Piece::Hole(name));
                    rest = after;
                }
                _ => {
                    push(&mut pieces, &rest[..=words.len()]);
                    rest = after;
                }
            }
        }
        push(&mut pieces, rest);
        Self { pieces, at_start, at_end }
    }

    /// The longest of its words: a line without them is not the sentence.
    fn key(&self) -> &str {
        let words = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Words(words) => Some(words.as_str()),
            Piece::Hole(_) => None,
        });
        words.max_by_key(|words| words.len()).unwrap_or_default()
    }

    /// The holes, where the line holds the sentence.
    pub fn read<'l>(&self, line: &'l str) -> Option<Holes<'l>> {
        self.read_lower(line, &line.to_ascii_lowercase())
    }

    fn read_lower<'l>(&self, line: &'l str, lower: &str) -> Option<Holes<'l>> {
        let mut reader = Reader { template: self, line, lower, holes: Vec::new(), steps: 0 };
        reader.begin().then_some(Holes(reader.holes))
    }
}

/// Adds words, to those before them where there are any.
fn push(pieces: &mut Vec<Piece>, words: &str) {
    let words = straight(words).to_ascii_lowercase();
    match pieces.last_mut() {
        _ if words.is_empty() => {}
        Some(Piece::Words(before)) => before.push_str(&words),
        _ => pieces.push(Piece::Words(words)),
    }
}

/// With straight quotes and plain blanks.
pub fn straight(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let plain = |c: char| match c {
        '‘' | '’' | '‚' | '′' => '\'',
        '“' | '”' | '„' | '″' => '"',
        '\u{a0}' | '\u{202f}' => ' ',
        c => c,
    };
    Cow::Owned(text.chars().map(plain).collect())
}

struct Reader<'t, 'l, 'w> {
    template: &'t Template,
    line: &'l str,
    lower: &'w str,
    holes: Vec<(&'static str, &'l str)>,
    steps: usize,
}

impl Reader<'_, '_, '_> {
    fn begin(&mut self) -> bool {
        match self.template.pieces.first() {
            None => false,
            Some(Piece::Words(_)) if self.template.at_start => self.words(0, 0),
            Some(Piece::Words(words)) => {
                let mut from = 0;
                while let Some(at) = find(self.lower, words, from) {
                    if self.words(0, at) {
                        return true;
                    }
                    from = at + 1;
                    if self.is_spent() {
                        return false;
                    }
                }
                false
            }
            // What stands before the first words: the whole, or its last word.
            Some(Piece::Hole(name)) => {
                let Some(Piece::Words(words)) = self.template.pieces.get(1) else { return false };
                let Some(at) = find(self.lower, words, 0) else { return false };
                let before = &self.line[..at];
                let start = if is_token(name) && !self.template.at_start {
                    before.rfind(char::is_whitespace).map_or(0, |blank| blank + 1)
                } else {
                    0
                };
                let Some(text) = before.get(start..) else { return false };
                self.holes.push((name, text));
                self.words(1, at)
            }
        }
    }

    fn is_spent(&mut self) -> bool {
        self.steps += 1;
        STEPS < self.steps
    }

    /// The words at `index` stand at `at`; and what follows?
    fn words(&mut self, index: usize, at: usize) -> bool {
        let Some(Piece::Words(words)) = self.template.pieces.get(index) else { return false };
        if self.is_spent() || !self.lower.get(at..).is_some_and(|rest| rest.starts_with(words.as_str())) {
            return false;
        }
        let end = at + words.len();
        match self.template.pieces.get(index + 1) {
            None => !self.template.at_end || self.lower[end..].trim().is_empty(),
            Some(Piece::Words(_)) => false,
            Some(Piece::Hole(name)) => self.hole(name, index + 2, end),
        }
    }

    /// A hole that begins at `start`; the words at `index` close it.
    fn hole(&mut self, name: &'static str, index: usize, start: usize) -> bool {
        let rest = &self.line[start..];
        let limit = if is_token(name) { rest.find(char::is_whitespace).unwrap_or(rest.len()) } else { rest.len() };
        let Some(Piece::Words(words)) = self.template.pieces.get(index) else {
            self.holes.push((name, &rest[..limit]));
            return true;
        };
        let mut within = self.lower.len().min(start + limit + words.len());
        while !self.lower.is_char_boundary(within) {
            within -= 1;
        }
        let mut from = start;
        let mut ends: Vec<usize> = Vec::new();
        while let Some(at) = find(&self.lower[..within], words, from) {
            from = at + 1;
            if at <= start + limit {
                ends.push(at);
            }
            if self.is_spent() {
                break;
            }
        }
        if is_token(name) {
            ends.reverse();
        }
        for at in ends {
            self.holes.push((name, &self.line[start..at]));
            let depth = self.holes.len();
            if self.words(index, at) {
                return true;
            }
            self.holes.truncate(depth - 1);
        }
        false
    }
}

fn is_token(name: &str) -> bool {
    TOKENS.contains(&name)
}

/// Where the words stand first, from there on.
fn find(text: &str, words: &str, from: usize) -> Option<usize> {
    memchr::memmem::find(text.as_bytes().get(from..)?, words.as_bytes()).map(|at| from + at)
}

/// Many sentences, looked for in one pass.
#[derive(Debug)]
pub struct Templates {
    all: Vec<Template>,
    /// Finds the sentences whose longest words stand in a line; without it each is tried.
    keys: Option<AhoCorasick>,
}

impl Templates {
    pub fn new(texts: impl IntoIterator<Item = &'static str>) -> Self {
        let all: Vec<Template> = texts.into_iter().map(Template::new).collect();
        let keys = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .build(all.iter().map(Template::key))
            .ok()
            .filter(|_| all.iter().all(|template| !template.key().is_empty()));
        Self { all, keys }
    }

    /// Every sentence that the line holds, by its place in the list, the first first.
    pub fn read<'l>(&self, line: &'l str) -> Vec<(usize, Holes<'l>)> {
        let lower = line.to_ascii_lowercase();
        let mut candidates: Vec<usize> = match &self.keys {
            Some(keys) => keys.find_overlapping_iter(&lower).map(|found| found.pattern().as_usize()).collect(),
            None => (0..self.all.len()).collect(),
        };
        candidates.sort_unstable();
        candidates.dedup();
        let read = |index: usize| Some((index, self.all.get(index)?.read_lower(line, &lower)?));
        candidates.into_iter().filter_map(read).collect()
    }

    /// The first sentence of the list that the line holds.
    pub fn first<'l>(&self, line: &'l str) -> Option<(usize, Holes<'l>)> {
        self.read(line).into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &'static str, line: &str, expected: Option<&[&str]>) {
        let got = Template::new(template).read(line);
        let got: Option<Vec<&str>> = got.as_ref().map(|holes| holes.iter().map(|(_, text)| text).collect());
        assert_eq!(got.as_deref(), expected);
    }

    #[test]
    fn holes_are_read_out_of_a_sentence_anywhere_in_the_line() {
        check("at '{url}' from", "app.js:1 Access AT 'http://a.test/x'y' from b", Some(&["http://a.test/x'y"]));
        check("server at {url}.", "server at ws://a.test/x.y. app.js:1", Some(&["ws://a.test/x.y"]));
        check(
            "{origin} is not an accepted origin",
            "[info] http://a.test is not an accepted origin.",
            Some(&["http://a.test"]),
        );
        check("has a value '{value}' that", "has a value 'a b' that is that", Some(&["a b"]));
        check("code: {status}", "code: 404 here", Some(&["404"]));
        check("at '{url}' from", "at 'a b' from", None);
    }

    #[test]
    fn the_lines_edges_can_be_demanded() {
        check("^timeout$", " timeout", None);
        check("^timeout$", "timeout ", Some(&[]));
        check("^timeout$", "timeout of 3 s", None);
    }

    #[test]
    fn braces_that_hold_no_name_are_text_and_curly_quotes_are_straight() {
        check("{\"code\":{code},", "x {\"code\":3,\"message\"", Some(&["3"]));
        let line = straight("header ‘x-a’ is");
        check("header ‘{header}’ is", &line, Some(&["x-a"]));
    }

    #[test]
    fn the_first_of_many_that_the_line_holds_is_found() {
        let templates = Templates::new(["refused by {name}", "refused", "other"]);
        assert_eq!(templates.first("it was refused by me").map(|(index, _)| index), Some(0));
        assert_eq!(templates.first("it was REFUSED").map(|(index, _)| index), Some(1));
        assert_eq!(templates.first("nothing"), None);
    }

    proptest::proptest!(#![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]
        #[test]
        fn no_line_panics_or_goes_on_for_ever(line in "(\\PC|a| |'|at|\u{e9}){0,60}") {
            let templates = Templates::new(["{url} at '{value}' a {to}", "a{x}a{y}a{z}a", "{x}a", "'{url}'"]);
            templates.read(&straight(&line));
        }
    );
}
