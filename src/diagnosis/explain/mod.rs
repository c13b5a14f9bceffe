//! A line that somebody pasted, or that a server's log holds: what it means, what it doesn't, which causes it speaks for, where
//! to look and what to change.
//!
//! Invariants: pure and bounded; one line is never proof, so that causes are candidates with a confidence. The rules are data,
//! a family a file: `client`, `servers`, `proxies` by their sentences, `console` by the code that the browser's words stand
//! for, `access` by a status.

mod access;
mod client;
mod console;
mod lines;
pub mod logs;
mod mask;
mod proxies;
mod servers;
mod stamp;

use std::borrow::Cow;
use std::sync::LazyLock;

use url::Url;

use self::lines::Line;
pub use self::lines::Source;
pub use self::logs::{Kind, Log, Splitter};
pub use self::mask::mask;
pub use self::stamp::Stamp;
use super::{CauseId, Facts, Fix, fixes};
use crate::base::Wall;
use crate::base::template::{Holes, Templates, straight};
use crate::browser::console::heard;
use crate::browser::origin;
use crate::profile::model::{self, Profile};
use crate::watch::{Category, Code, Reason};

/// How much of a line is read, in bytes.
pub const MOST: usize = 16 << 10;
/// How many lines of one paste are read.
const LINES: usize = 2_000;

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub source: Source,
    pub category: Category,
    /// The likeliest first; empty where nothing is wrong, or no cause of the list is.
    pub causes: Vec<(CauseId, f32)>,
    pub means: Cow<'static, str>,
    /// What it is often taken for.
    pub not: Option<Cow<'static, str>>,
    /// Where to look next.
    pub next: Option<Cow<'static, str>>,
    pub url: Option<Url>,
    /// The page's origin.
    pub origin: Option<String>,
    pub status: Option<u16>,
    /// The value in question: a method, a header's name, what a header had.
    pub value: Option<String>,
}

/// A line explained, with what to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The line, secrets replaced.
    pub line: String,
    pub known: Known,
    pub fixes: Vec<Fix>,
    /// The line names no address: those in the fixes are examples.
    pub by_example: bool,
}

/// What says more comes first: a sentence of a product's before the words of a library's within it.
static FAMILIES: LazyLock<(Vec<&'static Line>, Templates)> = LazyLock::new(|| {
    let lines: Vec<&Line> = [proxies::LINES, client::PRODUCTS, servers::LINES, client::LINES, client::SHORT]
        .into_iter()
        .flatten()
        .collect();
    let templates = Templates::new(lines.iter().map(|line| line.words));
    (lines, templates)
});

/// What a line means; `None` where it is not known here.
pub fn recognise(line: &str) -> Option<Known> {
    let mut end = line.len().min(MOST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let line = &line[..end];
    let heard = heard::read(line);
    if let Some(heard) = heard
        .as_ref()
        .filter(|heard| heard.url.is_some() || !heard.codes.is_empty() || heard.status.is_some() || !heard.is_fatal)
    {
        return Some(console::known(heard));
    }
    let text = straight(line.trim());
    let (all, templates) = &*FAMILIES;
    if let Some((rule, holes)) = templates.first(&text).and_then(|(index, holes)| Some((*all.get(index)?, holes))) {
        return Some(of_rule(rule, &holes));
    }
    proxies::termination(&text)
        .map(|rule| of_rule(rule, &Holes::default()))
        .or_else(|| access::known(&text))
        .or_else(|| heard.as_ref().map(console::known))
}

fn of_rule(rule: &Line, holes: &Holes<'_>) -> Known {
    let category = rule.causes.first().map_or(rule.category, |(cause, _)| cause.category());
    let said = |text: &'static str| (!text.is_empty()).then_some(Cow::Borrowed(text));
    let url = |name: &str| holes.get(name).and_then(|text| Url::parse(text.trim_matches(['\'', '"', ','])).ok());
    let page = url("origin").filter(Url::has_host).map(|page| origin::serialize(&page));
    Known {
        source: rule.source,
        category,
        causes: rule.causes.to_vec(),
        means: Cow::Borrowed(rule.means),
        not: said(rule.not),
        next: said(rule.next),
        url: url("url").filter(Url::has_host),
        origin: page,
        status: None,
        value: holes.get("host").map(str::to_owned),
    }
}

/// A line explained; `stack` is what serves the endpoint, where it is known.
pub fn line(text: &str, stack: Option<&str>) -> Option<Explained> {
    let known = recognise(text)?;
    let (fixes, by_example) = advice(&known, stack);
    let shown: String = text.trim().chars().take(1_000).collect();
    Some(Explained { line: mask(&shown), known, fixes, by_example })
}

/// Every line of a paste that is known, and how many are not. The same line again is left out.
pub fn all(text: &str, stack: Option<&str>) -> (Vec<Explained>, usize) {
    let mut found: Vec<Explained> = Vec::new();
    let mut unknown = 0;
    for one in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES) {
        match line(one, stack) {
            Some(explained) if found.iter().any(|known| known.line == explained.line) => {}
            Some(explained) => found.push(explained),
            None => unknown += 1,
        }
    }
    // Copied out of a document a long line may be wrapped.
    if found.is_empty() && 1 < unknown {
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        found.extend(line(&joined, stack));
    }
    (found, unknown)
}

/// What to change by the likeliest cause: what holds everywhere, and what the stack needs.
fn advice(known: &Known, stack: Option<&str>) -> (Vec<Fix>, bool) {
    let stack = stack.or(known.source.stack());
    let parse = |text: &str| Url::parse(text).ok();
    let by_example = known.url.is_none() || known.origin.is_none();
    let Some(url) = known.url.clone().or_else(|| parse("https://api.example.com/")) else { return (Vec::new(), true) };
    let kind = match url.scheme() {
        "ws" | "wss" => model::Kind::WebSocket,
        _ => model::Kind::Http,
    };
    let mut profile = Profile::new("pasted", kind, url);
    profile.page = known.origin.as_deref().and_then(parse).or_else(|| parse("https://app.example.com/"));
    profile.stack = stack.map(str::to_owned);
    let code = match known.causes.first() {
        Some((CauseId::PreflightMethodNotAllowed, _)) => Code::MethodDisallowedByPreflightResponse,
        Some((CauseId::PreflightHeaderNotAllowed, _)) => Code::HeaderDisallowedByPreflightResponse,
        _ => Code::Os,
    };
    let mut reason = Reason::new(code);
    if let Some(value) = &known.value {
        reason = reason.with_detail(value);
    }
    let facts = Facts::of_session(&profile, Some(&reason), None, None, Wall(0));
    let mut out: Vec<Fix> = Vec::new();
    for (cause, confidence) in known.causes.iter().take(2) {
        // The second is worth its advice only where it is nearly as likely.
        if known.causes.first().is_none_or(|(_, first)| confidence + 0.15 < *first) {
            break;
        }
        for fix in fixes::for_cause(*cause, &facts) {
            let applies = stack.is_none() || fix.stack == "any" || Some(fix.stack) == stack;
            if applies && !out.contains(&fix) {
                out.push(fix);
            }
        }
    }
    (out, by_example)
}
