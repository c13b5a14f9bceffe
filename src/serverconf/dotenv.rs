//! `.env` as [python-dotenv](https://github.com/theskumar/python-dotenv) 1.2 reads it; its functions stand here by their names.
//!
//! A statement that it can't read is skipped to the end of its line, with no more than a warning in a log; here each is kept,
//! with its reason. Lines end in `\n` alone: [`Source`](super::source::Source) sees to that, as Python does.

use std::collections::HashMap;
use std::ops::Range;

/// The most that the values together may become by interpolation, in bytes: `A=${B}${B}` doubles with each line.
const MAX_RESOLVED: usize = 8 << 20;

/// One binding, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub name_at: Range<usize>,
    /// Escapes undone and variables put in; `None` where there is no `=`.
    pub value: Option<String>,
    /// What stands between the quotes, or the value itself.
    pub value_at: Range<usize>,
}

/// What a file comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dotenv {
    pub entries: Vec<Entry>,
    /// Statements that the reader skips: where each begins to make no sense.
    pub skipped: Vec<Skipped>,
    /// The values had become too long to go on.
    pub cut: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    pub at: Range<usize>,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A value opens with that quote and never closes.
    Unterminated(char),
    /// Something follows the closing quote, or the name.
    Trailing,
    /// No name stands before the `=`.
    NoName,
}

/// Reads a text without its byte order mark. `${NAME}` is found among the names before it, else in `outside`.
pub fn parse(text: &str, outside: &dyn Fn(&str) -> Option<String>) -> Dotenv {
    let mut reader = Reader { text, at: 0 };
    let mut out = Dotenv::default();
    let mut known: HashMap<String, String> = HashMap::new();
    let mut room = MAX_RESOLVED;
    while reader.at < text.len() {
        match reader.binding() {
            Ok(None) => {}
            Ok(Some(mut entry)) => {
                if let Some(value) = entry.value.take() {
                    let value = resolve(&value, &known, outside, room);
                    room = room.saturating_sub(value.len());
                    known.insert(entry.name.clone(), value.clone());
                    entry.value = Some(value);
                } else {
                    known.insert(entry.name.clone(), String::new());
                }
                out.entries.push(entry);
                if room == 0 {
                    out.cut = true;
                    return out;
                }
            }
            Err(why) => {
                // The end of the line, which is never where it stands: it would have read that.
                let line = reader.take_while(|c| c != '\n');
                reader.take("\n");
                out.skipped.push(Skipped { at: line, why });
            }
        }
    }
    out
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> Range<usize> {
        let rest = self.rest();
        let start = self.at;
        self.at += rest.find(|c| !fits(c)).unwrap_or(rest.len());
        start..self.at
    }

    fn take(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// `parse_binding`
    fn binding(&mut self) -> Result<Option<Entry>, Why> {
        self.take_while(is_space);
        if self.rest().is_empty() {
            return Ok(None);
        }
        if self.rest().strip_prefix("export").is_some_and(|rest| rest.starts_with(is_blank)) {
            self.take("export");
            self.take_while(is_blank);
        }
        let name_at = self.key()?;
        self.take_while(is_blank);
        let mut value = None;
        let mut value_at = self.at..self.at;
        if self.take("=") {
            let blanks = self.take_while(is_blank);
            let comment = !blanks.is_empty() && self.rest().starts_with('#');
            let (found, at) = if comment { (String::new(), self.at..self.at) } else { self.value()? };
            (value, value_at) = (Some(found), at);
        }
        self.take_while(is_blank);
        if self.rest().starts_with('#') {
            self.take_while(|c| c != '\n');
        }
        if !self.take("\n") && !self.rest().is_empty() {
            return Err(Why::Trailing);
        }
        Ok(name_at.map(|name_at| Entry { name: self.text[name_at.clone()].to_owned(), name_at, value, value_at }))
    }

    /// `parse_key`; a comment has none.
    fn key(&mut self) -> Result<Option<Range<usize>>, Why> {
        match self.rest().chars().next() {
            Some('#') => Ok(None),
            Some('\'') => {
                let inside = &self.rest()[1..];
                let end = inside.find('\'').ok_or(Why::Unterminated('\''))?;
                if end == 0 {
                    return Err(Why::NoName);
                }
                let name = self.at + 1..self.at + 1 + end;
                self.at = name.end + 1;
                Ok(Some(name))
            }
            _ => {
                let name = self.take_while(|c| c != '=' && c != '#' && !is_space(c));
                if name.is_empty() { Err(Why::NoName) } else { Ok(Some(name)) }
            }
        }
    }

    /// `parse_value`
    fn value(&mut self) -> Result<(String, Range<usize>), Why> {
        match self.rest().chars().next() {
            Some('\'') => self.quoted('\'', "\\'"),
            Some('"') => self.quoted('"', "\\'\"abfnrtv"),
            _ => {
                let at = self.take_while(|c| c != '\n');
                let part = &self.text[at.clone()];
                // A `#` after white space begins a comment.
                let after_space = |index: usize| part[..index].ends_with(is_space);
                let end = part.match_indices('#').map(|(index, _)| index).find(|index| after_space(*index));
                let value = part[..end.unwrap_or(part.len())].trim_end_matches(is_space);
                Ok((value.to_owned(), at.start..at.start + value.len()))
            }
        }
    }

    /// A value up to its closing quote, over several lines where it has to be; a backslash keeps what follows it.
    fn quoted(&mut self, quote: char, escapes: &str) -> Result<(String, Range<usize>), Why> {
        let inside = &self.rest()[1..];
        let mut chars = inside.char_indices();
        while let Some((index, c)) = chars.next() {
            if c == quote {
                let at = self.at + 1..self.at + 1 + index;
                self.at = at.end + 1;
                return Ok((unescape(&inside[..index], escapes), at));
            }
            if c == '\\' {
                chars.next();
            }
        }
        Err(Why::Unterminated(quote))
    }
}

/// What Python's `\s` matches.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn is_blank(c: char) -> bool {
    is_space(c) && c != '\n'
}

/// `decode_escapes`: a backslash before one of these.
fn unescape(text: &str, escapes: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && escapes.contains(*next) => {
                out.push(match next {
                    'a' => '\x07',
                    'b' => '\x08',
                    'f' => '\x0c',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\x0b',
                    other => *other,
                });
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// `resolve_variables`, of one value, no longer than `room`.
fn resolve(
    value: &str,
    known: &HashMap<String, String>,
    outside: &dyn Fn(&str) -> Option<String>,
    room: usize,
) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let (before, inside) = (&rest[..at], &rest[at + 2..]);
        out.push_str(before);
        let name = &inside[..inside.find(['}', ':']).unwrap_or(inside.len())];
        let after = &inside[name.len()..];
        let default = after.strip_prefix(":-").and_then(|after| after.split_once('}'));
        let (default, after) = match (after.strip_prefix('}'), default) {
            (Some(after), _) => ("", after),
            (None, Some(found)) => found,
            // No variable: it stays as it is.
            (None, None) => {
                out.push_str("${");
                rest = inside;
                continue;
            }
        };
        out.push_str(&known.get(name).cloned().or_else(|| outside(name)).unwrap_or_else(|| default.to_owned()));
        rest = after;
        if room < out.len() {
            break;
        }
    }
    out.push_str(rest);
    out.truncate(out.floor_char_boundary(room));
    out
}

#[cfg(test)]
mod tests;
