//! What the variables of the three stacks mean: Flask with Flask-SocketIO, FastAPI with a Vite front end, Django with
//! Channels and corsheaders.
//!
//! - `names`: the names that are understood, and those that come close.
//! - `origins`: the lists of origins and hosts, and who is let in by them.
//! - `socketio`: transports, pings, limits.
//! - `cookies`: session and CSRF cookies, `DEBUG`.
//! - `pages`: the addresses that a front end is built with.

mod cookies;
mod names;
mod origins;
mod pages;
mod socketio;

use std::ops::Range;

use super::dotenv::{self, Dotenv, Entry, Why};
use super::finding::{Finding, Rule, Severity};
use super::policy::Policy;
use super::source::{Place, Source};

pub use pages::Addresses;

/// What all `.env` files together come to; of a name that stands twice the last counts.
#[derive(Debug, Default)]
pub struct Environment {
    pub policy: Policy,
    pub addresses: Addresses,
    pub findings: Vec<Finding>,
    /// Whether there was a file at all.
    pub given: bool,
}

/// A variable as the server has it.
#[derive(Clone, Copy, Debug)]
struct Var<'a> {
    name: &'a str,
    value: &'a str,
    entry: &'a Entry,
    source: &'a Source,
}

impl Var<'_> {
    /// Where its value stands, or its name where it is empty.
    fn at(&self) -> Place {
        let range = &self.entry.value_at;
        self.source.place(if range.is_empty() { self.entry.name_at.clone() } else { range.clone() })
    }

    /// Where a part of its value stands; all of it where escapes or variables stand between.
    fn part(&self, part: &Range<usize>) -> Place {
        let range = self.entry.value_at.clone();
        let as_written = self.source.text().get(range.clone()) == Some(self.value);
        if !as_written || range.is_empty() {
            return self.at();
        }
        self.source.place(range.start + part.start..range.start + part.end)
    }

    fn finding(&self, rule: Rule, severity: Severity, text: impl Into<String>) -> Finding {
        Finding::new(rule, severity, self.at(), text)
    }
}

/// All variables, and what was found in them.
struct Vars<'a> {
    all: Vec<Var<'a>>,
    found: Vec<Finding>,
}

impl<'a> Vars<'a> {
    /// The last of that name.
    fn get(&self, name: &str) -> Option<Var<'a>> {
        self.all.iter().rev().find(|var| var.name == name).copied()
    }

    fn first_of(&self, names: &[&str]) -> Option<Var<'a>> {
        names.iter().find_map(|name| self.get(name))
    }

    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.all.iter().any(|var| fits(var.name))
    }

    fn add(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// A yes or no, in the words that django-environ, pydantic and hand-written readers share.
    fn boolean(&mut self, name: &str) -> Option<bool> {
        let var = self.get(name)?;
        match var.value.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" | "t" => Some(true),
            "false" | "0" | "no" | "n" | "off" | "f" | "" => Some(false),
            other => {
                let text = format!("`{other}` is no yes or no: one reader takes it for false, another ends here");
                self.add(var.finding(Rule::ValueNotABoolean, Severity::Error, text).instead("true or false"));
                None
            }
        }
    }

    /// A number that is not negative.
    fn number(&mut self, name: &str) -> Option<(Var<'a>, f64)> {
        let var = self.get(name)?;
        match var.value.trim().parse::<f64>() {
            Ok(number) if (0.0..1e12).contains(&number) => Some((var, number)),
            _ => {
                let text = format!("`{}` is no number: the server ends while it starts", var.value.trim());
                self.add(var.finding(Rule::ValueNotANumber, Severity::Error, text).instead("a number, such as 25"));
                None
            }
        }
    }
}

/// Reads the files together; `outside` is the process's own environment.
pub fn read(sources: &[&Source], outside: &dyn Fn(&str) -> Option<String>) -> Environment {
    let files: Vec<(&Source, Dotenv)> = sources
        .iter()
        .map(|source| {
            let text = source.text();
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            let mut read = dotenv::parse(text, outside);
            shift(&mut read, source.text().len() - text.len());
            (*source, read)
        })
        .collect();
    let mut vars = Vars { all: Vec::new(), found: Vec::new() };
    for (source, read) in &files {
        of_the_text(source, read, &mut vars.found);
        vars.all.extend(
            read.entries
                .iter()
                .filter_map(|entry| Some(Var { name: &entry.name, value: entry.value.as_deref()?, entry, source })),
        );
    }
    names::check(&files, &mut vars.found);
    let mut policy = Policy::default();
    socketio::read(&mut vars, &mut policy.socketio);
    origins::read(&mut vars, &mut policy);
    let addresses = pages::read(&mut vars, &policy);
    cookies::check(&mut vars, &policy, &addresses);
    Environment { policy, addresses, findings: vars.found, given: !sources.is_empty() }
}

fn shift(read: &mut Dotenv, by: usize) {
    let move_by = |range: &mut Range<usize>| *range = range.start + by..range.end + by;
    for entry in &mut read.entries {
        move_by(&mut entry.name_at);
        move_by(&mut entry.value_at);
    }
    read.skipped.iter_mut().for_each(|skipped| move_by(&mut skipped.at));
}

/// What is wrong with the text, whatever it means.
fn of_the_text(source: &Source, read: &Dotenv, found: &mut Vec<Finding>) {
    if source.text().starts_with('\u{feff}') {
        let text = "the file begins with a byte order mark: a shell, Docker and python-dotenv before 1.2 read it as a part \
                    of the first name, which then isn't set";
        found.push(
            Finding::new(Rule::ByteOrderMark, Severity::Warning, source.place(0..3), text)
                .instead("the same file, saved as UTF-8 without BOM"),
        );
    }
    for skipped in &read.skipped {
        let (text, instead) = match skipped.why {
            Why::Unterminated(quote) => (
                format!("the {quote} is never closed: the statement is skipped and the variable is not set"),
                format!("a {quote} at the end of the value"),
            ),
            Why::Trailing => (
                "what follows makes no sense here: the statement is skipped and the variable is not set".to_owned(),
                "NAME=value on a line of its own, the value in quotes where it has quotes in it".to_owned(),
            ),
            Why::NoName => ("there is no name before the `=`".to_owned(), "NAME=value".to_owned()),
        };
        let at = source.place(skipped.at.start..skipped.at.start + 1);
        found.push(Finding::new(Rule::LineNotUnderstood, Severity::Error, at, text).instead(instead));
    }
    if read.cut {
        let at = source.place(source.text().len()..source.text().len());
        let text = "the variables refer to each other until their values fill 8 MiB: the rest of the file is not read";
        found.push(Finding::new(Rule::LineNotUnderstood, Severity::Error, at, text));
    }
}

/// A line of a `.env` without what may be a secret: the value of a name that is not understood here, and what belongs to
/// no name.
pub fn shown(line: &str) -> String {
    let name = line.trim_start().trim_start_matches("export ").split('=').next().unwrap_or_default().trim();
    match line.split_once('=') {
        Some((front, value)) if !names::KNOWN.contains(&name) && !value.is_empty() => format!("{front}=…"),
        Some(_) => line.to_owned(),
        None if line.trim().is_empty() || line.trim_start().starts_with('#') => line.to_owned(),
        None => "…".to_owned(),
    }
}
