//! Text → profile, or everything that is wrong with it at once.
//!
//! Invariants: a profile comes only of a text without mistakes; every mistake has its line where it has one, its dotted key
//! and what to write instead; size and depth are bounded before anything is parsed; no value of `[auth]` is ever quoted.

mod keys;
mod node;
mod sections;
mod syntax;
mod values;

pub(super) use syntax::plain;
pub use values::parse_resolve;

use std::path::Path;
use std::time::Duration;

use toml_edit::Table;

use self::node::{Log, Section};
use super::model::{Browser, Kind, Profile};
use crate::base::{Problem, Severity};

/// The most bytes that a profile may have.
pub const MAX_BYTES: usize = 1 << 20;
/// The shortest interval between two checks.
pub const MIN_INTERVAL: Duration = Duration::from_millis(100);

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// Reads a profile. `file` only names the problems' place.
///
/// # Errors
/// Every mistake (and every warning), by line. Where there is none, the warnings come with the profile.
pub fn parse(text: &str, file: Option<&Path>) -> Result<(Profile, Vec<Problem>), Vec<Problem>> {
    if MAX_BYTES < text.len() {
        return Err(vec![too_large(file)]);
    }
    let text = &*syntax::plain(text);
    let log = Log::new(text, file);
    let read = syntax::document(text, &log).and_then(|document| profile(document.as_table(), &log, document.whole));
    let problems = log.into_problems();
    match read {
        Some(profile) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok((profile, problems))
        }
        _ => Err(problems),
    }
}

/// What is wrong with a file of more than [`MAX_BYTES`].
pub fn too_large(file: Option<&Path>) -> Problem {
    Problem {
        severity: Severity::Error,
        file: file.map(Path::to_owned),
        line: None,
        key: None,
        message: "the file is larger than 1 MiB".into(),
        hint: Some("a profile is a page of text; is this another file?".into()),
    }
}

/// The words of [`Kind`].
fn kinds() -> [(&'static str, Kind); 3] {
    Kind::ALL.map(|kind| (kind.word(), kind))
}

/// The whole profile; `whole` tells that no line was left out, so that what is missing is missing.
fn profile(table: &Table, log: &Log<'_>, whole: bool) -> Option<Profile> {
    let root = Section::root(table, keys::ROOT, log);
    let missing = |key: &str, hint: String| {
        if whole {
            log.push(Severity::Error, None, Some(key), format!("`{key}` is missing"), Some(hint));
        }
    };
    let url_text = root.get("url").and_then(|node| node.str());

    let name = match root.get("name") {
        Some(node) => values::name(&node),
        None => {
            missing("name", "write `name = \"...\"`, the name in the list".into());
            None
        }
    };
    let kind = match root.get("kind") {
        Some(node) => node.choice(&kinds()),
        None => {
            let guess = match url_text.and_then(|text| text.split_once(':')) {
                Some(("ws" | "wss", _)) => "write `kind = \"websocket\"`",
                Some(("http" | "https", _)) => {
                    "write `kind = \"http\"`, or \"socketio\" where it is a Socket.IO server"
                }
                _ => "write `kind = \"http\"`, \"websocket\" or \"socketio\"",
            };
            missing("kind", guess.into());
            None
        }
    };
    let url = match root.get("url") {
        Some(node) => values::endpoint(&node, kind),
        None => {
            missing("url", "write `url = \"https://...\"`, or wss:// for a WebSocket".into());
            None
        }
    };

    // What follows is read even where one of the three is wrong: all mistakes at once.
    let stand_in = || url::Url::parse("http://localhost/").ok();
    let complete = name.is_some() && kind.is_some() && url.is_some();
    let kind = kind.unwrap_or(match url.as_ref().map(url::Url::scheme) {
        Some("ws" | "wss") => Kind::WebSocket,
        _ => Kind::Http,
    });
    let mut profile = Profile::new(name.unwrap_or_default(), kind, url.or_else(stand_in)?);
    top(&root, &mut profile);
    sections::read(&root, &mut profile);
    complete.then_some(profile)
}

/// The keys above the first section, the three required ones apart.
fn top(root: &Section<'_>, profile: &mut Profile) {
    if let Some(node) = root.get("page") {
        profile.page = values::page(&node);
    }
    if let Some(node) = root.get("browser") {
        let words = Browser::ALL.map(|browser| (browser.word(), browser));
        set(&mut profile.browser, node.choice(&words));
    }
    if let Some(node) = root.get("group") {
        set(&mut profile.group, values::group(&node));
    }
    if let Some(node) = root.get("tags") {
        profile.tags = values::words(&node);
    }
    if let Some(node) = root.get("stack") {
        profile.stack = values::stack(&node);
    }
    if let Some(node) = root.get("notes") {
        set(&mut profile.notes, node.str().map(str::to_owned));
    }
    if let Some(node) = root.get("enabled") {
        set(&mut profile.enabled, node.bool());
    }
    let interval = root.get("interval");
    if let Some(node) = &interval {
        set(&mut profile.interval, node.duration(MIN_INTERVAL..=YEAR));
    }
    let timeout = root.get("timeout");
    if let Some(node) = &timeout {
        set(&mut profile.timeout, node.duration(MILLISECOND..=HOUR));
    }
    if let Some(node) = root.get("observe") {
        set(&mut profile.observe, node.duration(Duration::ZERO..=DAY));
    }
    if let (Some(node), Some(_)) = (timeout, interval)
        && profile.interval < profile.timeout
    {
        node.warn("is longer than `interval`: a check that hangs delays the next ones", "make `timeout` the shorter");
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

#[cfg(test)]
mod tests;
