//! What a report consists of, whatever it is written as.

use std::time::Duration;

use crate::export::check::Came;

/// One piece, in the order of reading. Text comes as it was made or received: whoever writes it out makes it harmless.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    Heading(String),
    Text(String),
    List(Vec<String>),
    /// What something is, by name.
    Pairs(Vec<(&'static str, String)>),
    /// Lines to copy, or as they were on the wire.
    Code(String),
    /// What to change; `stack`: at what, `None`: at any.
    Advice {
        stack: Option<String>,
        text: String,
        snippet: Option<String>,
    },
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    Steps(Vec<Row>),
    /// Shown on demand where the form can do that.
    Folded {
        title: String,
        open: bool,
        inside: Vec<Block>,
    },
}

/// A step with its place on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub came: Came,
    pub name: &'static str,
    /// From where on, and how long; `None`: it took no time of its own.
    pub span: Option<(Duration, Duration)>,
    pub detail: String,
}

/// How many pieces of advice stand open.
const OPEN: usize = 3;

/// What to change, as stack, text and snippet; what comes behind the likeliest is shown on demand.
pub(super) fn advice<'a>(fixes: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)>) -> Vec<Block> {
    let mut open: Vec<Block> = fixes
        .map(|(stack, text, snippet)| Block::Advice {
            stack: (stack != "any").then(|| stack.to_owned()),
            text: text.to_owned(),
            snippet: snippet.map(str::to_owned),
        })
        .collect();
    let inside = open.split_off(open.len().min(OPEN));
    if !inside.is_empty() {
        open.push(Block::Folded { title: format!("{} more, for other stacks", inside.len()), open: false, inside });
    }
    open
}

/// What can't be seen, or turns the order of what can, becomes a dot; line ends and tabs stay.
pub(super) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.replace("\r\n", "\n").chars().map(|c| if is_hidden(c) { '·' } else { c }).collect()
}

/// The same on one line.
pub(super) fn one_line(text: &str) -> String {
    visible(text).split(['\n', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// In milliseconds, as precise as it is long.
pub(super) fn time(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    match ms {
        _ if ms < 10.0 => format!("{ms:.2} ms"),
        _ if ms < 1_000.0 => format!("{ms:.1} ms"),
        _ => format!("{:.2} s", ms / 1e3),
    }
}
