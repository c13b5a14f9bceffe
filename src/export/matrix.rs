//! One endpoint from many pages as it leaves the program: a table of text, and the document of `check --pages --json`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::diagnosis::matrix::{Seen, cause, conclusion, let_in};
use crate::diagnosis::{CauseId, words};
use crate::profile::Profile;

/// Field names and words are fixed: programs outside the crate read them.
#[derive(Serialize)]
pub struct Document<'a> {
    target: &'a str,
    url: &'a str,
    browser: &'static str,
    /// Of the profile's own page.
    healthy: bool,
    /// A sentence or two.
    summary: String,
    pages: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// As an `Origin` field has it; null: a program, which sends none.
    page: Option<String>,
    why: &'static str,
    /// Whether the server lets it in; null: nothing that was seen tells.
    allowed: Option<bool>,
    healthy: bool,
    state: &'static str,
    category: &'static str,
    cause: Option<&'static str>,
    summary: String,
    status: Option<u16>,
    /// `Access-Control-Allow-Origin`, as answered.
    allow_origin: Option<&'a str>,
}

/// The whole document; the profile's own page stands first in `rows`.
pub fn document<'a>(profile: &'a Profile, url: &'a str, rows: &'a [Seen]) -> Document<'a> {
    Document {
        target: &profile.name,
        url,
        browser: profile.browser.word(),
        healthy: rows.first().is_some_and(|own| own.healthy),
        summary: conclusion(rows),
        pages: rows.iter().map(|one| row(one, rows)).collect(),
    }
}

fn row<'a>(one: &'a Seen, all: &[Seen]) -> Row<'a> {
    let (cause, summary) = cause(one, all);
    Row {
        page: one.asker.origin(),
        why: one.asker.why.code(),
        allowed: let_in(one, all),
        healthy: one.healthy,
        state: one.state.code(),
        category: cause.filter(|_| cause != one.cause).map_or(one.category, CauseId::category).code(),
        cause: cause.map(CauseId::as_str),
        summary,
        status: one.status,
        allow_origin: one.allow_origin.as_deref(),
    }
}

/// Whether one is let in, in a word or two.
pub fn standing(one: &Seen, all: &[Seen]) -> &'static str {
    match let_in(one, all) {
        Some(true) => "let in",
        Some(false) => "refused",
        None => "unclear",
    }
}

/// The state that it comes to, and its cause where something is wrong.
pub fn verdict(one: &Seen, all: &[Seen]) -> String {
    let state = words::state(one.state);
    match cause(one, all).0 {
        Some(CauseId::Ok) | None => state.to_owned(),
        Some(cause) => format!("{state}: {}", cause.as_str()),
    }
}

/// What was answered: its status and the origin that it allows.
pub fn answered(one: &Seen) -> String {
    let status = one.status.map(|status| status.to_string()).unwrap_or_default();
    match &one.allow_origin {
        Some(allowed) => format!("{status} for {allowed}").trim_start().to_owned(),
        None => status,
    }
}

/// As a person reads it, a line a page.
pub fn text(profile: &Profile, url: &str, rows: &[Seen]) -> String {
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|one| {
            let page = one.asker.origin().unwrap_or_else(|| "(none)".to_owned());
            [page, one.asker.why.words().to_owned(), standing(one, rows).to_owned(), verdict(one, rows), answered(one)]
        })
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    // Writing to a String can't fail.
    let mut out = format!("{}\n", profile.name);
    let _ = writeln!(out, "  {url} as {}\n", profile.browser.word());
    for [page, why, standing, verdict, answered] in &cells {
        let line = format!(
            "  {standing:<2$}  {page:<0$}  {why:<1$}  {verdict:<3$}  {answered}",
            widths[0], widths[1], widths[2], widths[3]
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let _ = writeln!(out, "\n{}", conclusion(rows));
    out
}
