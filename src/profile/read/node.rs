//! A TOML value with its place in the file, and the ways to read one that tell every mistake.
//!
//! Invariant: a getter that answers `None` has told why, with line and dotted key. No value is ever quoted whole: it may be
//! long, and it may be a secret in the wrong place.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{ArrayOfTables, Item, TableLike, Value};

use crate::base::{Problem, Severity};
use crate::profile::duration::{format_duration, parse_duration};
use crate::profile::model::{JsonSetting, Setting};

/// Beyond these many a file's mistakes are counted only.
const MAX_PROBLEMS: usize = 200;

/// Collects the mistakes of one text.
pub(super) struct Log<'a> {
    file: Option<&'a Path>,
    /// Byte offsets at which lines begin.
    line_starts: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    untold: RefCell<usize>,
}

impl<'a> Log<'a> {
    pub fn new(text: &str, file: Option<&'a Path>) -> Self {
        let line_starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { file, line_starts: line_starts.collect(), problems: RefCell::default(), untold: RefCell::new(0) }
    }

    /// The line, from 1, of a byte offset.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    pub fn push(
        &self,
        severity: Severity,
        line: Option<usize>,
        key: Option<&str>,
        message: String,
        hint: Option<String>,
    ) {
        let mut problems = self.problems.borrow_mut();
        if MAX_PROBLEMS <= problems.len() {
            *self.untold.borrow_mut() += 1;
            return;
        }
        let file = self.file.map(Path::to_owned);
        problems.push(Problem { severity, file, line, key: key.map(str::to_owned), message, hint });
    }

    /// Everything told, in the order of the lines, what has none last.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        let untold = self.untold.into_inner();
        if 0 < untold {
            problems.push(Problem {
                severity: Severity::Error,
                file: self.file.map(Path::to_owned),
                line: None,
                key: None,
                message: format!("and {untold} more mistakes"),
                hint: None,
            });
        }
        problems
    }
}

/// What may stand behind a key.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Value(&'a Value),
    Table(&'a dyn TableLike),
    Tables(&'a ArrayOfTables),
}

/// One value and where it stands.
#[derive(Clone)]
pub(super) struct Node<'a> {
    raw: Raw<'a>,
    pub log: &'a Log<'a>,
    pub line: Option<usize>,
    /// Dotted, with indices: `websocket.answers[1].when`.
    pub key: String,
}

impl<'a> Node<'a> {
    /// What stands behind a key; `None` where the document holds nothing there.
    pub fn of_item(item: &'a Item, log: &'a Log<'a>, line: Option<usize>, key: String) -> Option<Self> {
        let raw = match item {
            Item::None => return None,
            Item::Value(value) => Raw::Value(value),
            Item::Table(table) => Raw::Table(table),
            Item::ArrayOfTables(tables) => Raw::Tables(tables),
        };
        let line = line.or_else(|| item.span().map(|span| log.line(span.start)));
        Some(Self { raw, log, line, key })
    }

    pub fn wrong(&self, message: impl Display, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.log.push(Severity::Error, self.line, Some(&self.key), format!("`{}` {message}", self.key), hint);
    }

    pub fn warn(&self, message: impl Display, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.log.push(Severity::Warning, self.line, Some(&self.key), format!("`{}` {message}", self.key), hint);
    }

    fn wrong_type(&self, wanted: &str, example: &str) {
        self.wrong(format_args!("must be {wanted}, not {}", self.kind()), format!("write for example `{example}`"));
    }

    fn kind(&self) -> &'static str {
        match self.raw {
            Raw::Value(Value::String(_)) => "a string",
            Raw::Value(Value::Integer(_)) => "a whole number",
            Raw::Value(Value::Float(_)) => "a number with a fraction",
            Raw::Value(Value::Boolean(_)) => "true or false",
            Raw::Value(Value::Datetime(_)) => "a date",
            Raw::Value(Value::Array(_)) => "a list",
            Raw::Value(Value::InlineTable(_)) | Raw::Table(_) => "a table",
            Raw::Tables(_) => "a list of tables",
        }
    }

    /// The last part of the key, for examples.
    fn leaf(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or(&self.key)
    }

    pub fn str(&self) -> Option<&'a str> {
        match self.raw {
            Raw::Value(Value::String(text)) => Some(text.value()),
            Raw::Value(Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_)) => {
                self.wrong(format_args!("must be a string, not {}", self.kind()), "put it in quotes");
                None
            }
            _ => {
                self.wrong_type("a string", &format!("{} = \"...\"", self.leaf()));
                None
            }
        }
    }

    /// A string that is not empty.
    pub fn text(&self) -> Option<&'a str> {
        let text = self.str()?;
        if text.is_empty() {
            self.wrong("must not be empty", "write its text, or take the line out");
            return None;
        }
        Some(text)
    }

    pub fn bool(&self) -> Option<bool> {
        match self.raw {
            Raw::Value(Value::Boolean(value)) => Some(*value.value()),
            Raw::Value(Value::String(text)) if ["true", "false"].contains(&text.value().as_str()) => {
                self.wrong("must be true or false, not a string", format!("write {} without quotes", text.value()));
                None
            }
            _ => {
                self.wrong_type("true or false", &format!("{} = true", self.leaf()));
                None
            }
        }
    }

    pub fn integer(&self, legal: RangeInclusive<i64>) -> Option<i64> {
        let value = match self.raw {
            Raw::Value(Value::Integer(value)) => *value.value(),
            Raw::Value(Value::String(text)) if text.value().parse::<i64>().is_ok() => {
                self.wrong("must be a whole number, not a string", format!("write {} without quotes", text.value()));
                return None;
            }
            _ => {
                self.wrong_type("a whole number", &format!("{} = {}", self.leaf(), legal.start()));
                return None;
            }
        };
        if !legal.contains(&value) {
            let range = if *legal.end() < i64::from(u32::MAX) {
                format!("write a number from {} to {}", legal.start(), legal.end())
            } else {
                format!("write {} or more", legal.start())
            };
            self.wrong(format_args!("is out of range: {value}"), range);
            return None;
        }
        Some(value)
    }

    /// A number from 0 to 1.
    pub fn fraction(&self) -> Option<f64> {
        let value = match self.raw {
            Raw::Value(Value::Float(value)) => *value.value(),
            Raw::Value(Value::Integer(value)) => *value.value() as f64,
            _ => {
                self.wrong_type("a number from 0 to 1", &format!("{} = 0.5", self.leaf()));
                return None;
            }
        };
        if (0.0..=1.0).contains(&value) {
            // No negative zero: it would be written back as another text.
            return Some(value.abs());
        }
        let hint = if (1.0..=100.0).contains(&value) {
            format!("write a number from 0 to 1, for {value} % write {}", value / 100.0)
        } else {
            "write a number from 0 to 1".to_owned()
        };
        self.wrong(format_args!("is out of range: {value}"), hint);
        None
    }

    /// A duration within limits.
    pub fn duration(&self, legal: RangeInclusive<Duration>) -> Option<Duration> {
        if let Raw::Value(Value::Integer(number)) = self.raw {
            self.wrong("must be a duration with its unit, in quotes", format!("write \"{}s\"", number.value()));
            return None;
        }
        let duration = match parse_duration(self.str()?) {
            Ok(duration) => duration,
            Err(error) => {
                let full = error.to_string();
                let message = full.split_once("; ").map_or(full.as_str(), |(message, _)| message);
                self.wrong(format_args!("is wrong: {message}"), error.right_form());
                return None;
            }
        };
        if duration < *legal.start() {
            self.wrong("is too short", format!("write at least \"{}\"", format_duration(*legal.start())));
            return None;
        }
        if *legal.end() < duration {
            self.wrong("is too long", format!("write at most \"{}\"", format_duration(*legal.end())));
            return None;
        }
        Some(duration)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.str()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let legal = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let hint = match nearest(text, words.iter().map(|(word, _)| *word)) {
            Some(word) => format!("did you mean \"{word}\"? It can be {legal}"),
            None => format!("write one of {legal}"),
        };
        self.wrong(format_args!("can't be {:?}", clip(text)), hint);
        None
    }

    /// A regular expression; empty stands for none.
    pub fn regex(&self) -> Option<String> {
        let text = self.str()?;
        if text.is_empty() {
            return None;
        }
        match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(_) => Some(text.to_owned()),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.wrong("is too big a regular expression", "make it smaller");
                None
            }
            Err(error) => {
                // The parser's own text has the whole pattern and an arrow in several lines; its last line is the reason.
                let full = error.to_string();
                let reason = full.lines().last().unwrap_or("").trim_start_matches("error: ").trim();
                self.wrong(
                    format_args!("isn't a regular expression: {reason}"),
                    "put a backslash before a sign that is meant as itself, and the pattern between single quotes",
                );
                None
            }
        }
    }

    /// A file's path; empty stands for none.
    pub fn path(&self) -> Option<PathBuf> {
        Some(self.str()?).filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    /// A value of its own or `{ secret = "NAME" }`.
    pub fn setting(&self) -> Option<Setting> {
        match self.raw {
            Raw::Value(Value::InlineTable(_)) | Raw::Table(_) => self.secret().map(Setting::Secret),
            _ => self.str().map(|text| Setting::Plain(text.into())),
        }
    }

    /// The name in `{ secret = "NAME" }`.
    fn secret(&self) -> Option<String> {
        let table = self.table(&["secret"])?;
        let Some(name) = table.get("secret") else {
            self.wrong("must be a string or name a secret", "write `{ secret = \"NAME\" }`");
            return None;
        };
        let text = name.str()?;
        if let Err(why) = check_secret_name(text) {
            name.wrong(why, "use letters, digits, `-`, `_` and `.`, beginning with a letter or a digit");
            return None;
        }
        Some(text.to_owned())
    }

    /// JSON in TOML's clothes, in which `{ secret = "NAME" }` names a secret.
    pub fn json(&self) -> Option<JsonSetting> {
        let value = |value: serde_json::Value| Some(JsonSetting::Value(value));
        match self.raw {
            Raw::Value(Value::String(text)) => value(text.value().as_str().into()),
            Raw::Value(Value::Integer(number)) => value((*number.value()).into()),
            Raw::Value(Value::Boolean(truth)) => value((*truth.value()).into()),
            Raw::Value(Value::Float(number)) => match serde_json::Number::from_f64(*number.value()) {
                Some(number) => value(number.into()),
                None => {
                    self.wrong("must be a finite number: JSON has no other", "");
                    None
                }
            },
            Raw::Value(Value::Datetime(_)) => {
                self.wrong("is a date, and JSON has none", "put it in quotes");
                None
            }
            Raw::Value(Value::Array(_)) | Raw::Tables(_) => {
                Some(JsonSetting::Array(self.list()?.iter().filter_map(Self::json).collect()))
            }
            Raw::Value(Value::InlineTable(_)) | Raw::Table(_) => {
                let fields = self.fields()?;
                if let [(name, only)] = fields.as_slice()
                    && name == "secret"
                    && matches!(only.raw, Raw::Value(Value::String(_)))
                {
                    return self.secret().map(JsonSetting::Secret);
                }
                Some(JsonSetting::Object(
                    fields.iter().filter_map(|(name, node)| Some((name.clone(), node.json()?))).collect(),
                ))
            }
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<Vec<Node<'a>>> {
        let key = |index: usize| format!("{}[{index}]", self.key);
        let line = |span: Option<std::ops::Range<usize>>| span.map(|span| self.log.line(span.start)).or(self.line);
        match self.raw {
            Raw::Value(Value::Array(items)) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Node {
                        raw: Raw::Value(item),
                        log: self.log,
                        line: line(item.span()),
                        key: key(index),
                    })
                    .collect(),
            ),
            Raw::Tables(tables) => Some(
                tables
                    .iter()
                    .enumerate()
                    .map(|(index, table)| Node {
                        raw: Raw::Table(table),
                        log: self.log,
                        line: line(table.span()),
                        key: key(index),
                    })
                    .collect(),
            ),
            Raw::Value(value) => {
                self.wrong(
                    format_args!("must be a list, not {}", self.kind()),
                    match value {
                        Value::String(_) => format!("put it in brackets: `{} = [\"...\"]`", self.leaf()),
                        _ => format!("put it in brackets: `{} = [...]`", self.leaf()),
                    },
                );
                None
            }
            Raw::Table(_) => {
                self.wrong_type("a list", &format!("{} = [...]", self.leaf()));
                None
            }
        }
    }

    /// A table whose keys are the person's own, in their order.
    pub fn fields(&self) -> Option<Vec<(String, Node<'a>)>> {
        let table = match self.raw {
            Raw::Value(Value::InlineTable(table)) => table,
            Raw::Table(table) => table,
            Raw::Value(_) | Raw::Tables(_) => {
                self.wrong_type("a table", &format!("{} = {{ key = \"...\" }}", self.leaf()));
                return None;
            }
        };
        Some(entries(table, self.log, &self.key))
    }

    /// A table of which all legal keys are known; the others are told.
    pub fn table(&self, known: &'static [&'static str]) -> Option<Section<'a>> {
        Some(Section::new(self.fields()?, self.key.clone(), known, self.log))
    }
}

fn entries<'a>(table: &'a dyn TableLike, log: &'a Log<'a>, prefix: &str) -> Vec<(String, Node<'a>)> {
    let mut found = Vec::new();
    for (key, item) in table.iter() {
        let line = table.key(key).and_then(toml_edit::Key::span).map(|span| log.line(span.start));
        let dotted = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        if let Some(node) = Node::of_item(item, log, line, dotted) {
            found.push((key.to_owned(), node));
        }
    }
    found
}

/// A table with known keys.
pub(super) struct Section<'a> {
    entries: Vec<(String, Node<'a>)>,
}

impl<'a> Section<'a> {
    pub fn root(table: &'a dyn TableLike, known: &'static [&'static str], log: &'a Log<'a>) -> Self {
        Self::new(entries(table, log, ""), String::new(), known, log)
    }

    fn new(entries: Vec<(String, Node<'a>)>, path: String, known: &'static [&'static str], log: &'a Log<'a>) -> Self {
        for (key, node) in &entries {
            if !known.contains(&key.as_str()) {
                let hint = super::keys::hint(&path, key, known);
                let shown = clip(&node.key);
                log.push(Severity::Error, node.line, Some(&shown), format!("unknown key `{shown}`"), Some(hint));
            }
        }
        Self { entries }
    }

    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node.clone())
    }

    /// The known keys that stand in the table.
    pub fn present(&self, keys: &[&str]) -> Vec<Node<'a>> {
        self.entries.iter().filter(|(name, _)| keys.contains(&name.as_str())).map(|(_, node)| node.clone()).collect()
    }
}

/// The nearest of `words`, where one is near enough to be what was meant.
pub(super) fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    // A text this long is no slip of a known word, and comparing it would cost.
    if 40 < text.len() {
        return None;
    }
    let lower = text.to_lowercase();
    words
        .map(|word| (strsim::damerau_levenshtein(&lower, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4 && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// A text short enough for a message.
pub(super) fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Whether a keyring entry and an environment variable can bear this name.
pub(super) fn check_secret_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("must not be empty");
    }
    if 128 < name.len() {
        return Err("is too long a name for a secret");
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.chars().all(legal) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("is no name for a secret");
    }
    Ok(())
}
