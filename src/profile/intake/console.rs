//! Console lines → drafts: which URL failed for which page, and what the browser said. Lines that tell of one failure, as
//! Firefox and Safari write them, become one draft.

use super::request::Raw;
use super::{Intake, Missing, Seen, problem, warning};
use crate::browser::console::heard::{self, Asked, Heard};
use crate::profile::model::{Credentials, Kind};

/// The most lines that are read.
const LINES: usize = 20_000;

/// Reads the lines; others between them are counted.
pub fn read(text: &str) -> Intake {
    let mut intake = Intake::default();
    // Lines without a URL (Safari's reason) wait for the one that has it.
    let mut waiting: Vec<Heard> = Vec::new();
    for line in text.lines().take(LINES).filter(|line| !line.trim().is_empty()) {
        match heard::read(line) {
            None => intake.skip("lines that no browser writes"),
            Some(heard) if heard.url.is_none() => waiting.push(heard),
            Some(heard) => {
                waiting.push(heard);
                push(&mut intake, std::mem::take(&mut waiting));
            }
        }
    }
    if intake.drafts.is_empty() {
        let hint = "paste the line that names it too, or give the address by hand";
        match waiting.as_slice() {
            [] => intake.problems.push(problem("no line of a browser's console is among these", None)),
            _ => intake.problems.push(problem("the line does not say which address was asked for", Some(hint))),
        }
    } else if let (Some(last), false) = (intake.drafts.last_mut(), waiting.is_empty()) {
        // `Failed to load resource` after the refusal.
        last.seen.console.extend(waiting);
    }
    intake
}

/// One failure: its lines, the last with the URL.
fn push(intake: &mut Intake, lines: Vec<Heard>) {
    let deciding = lines.iter().find(|line| line.is_fatal && !line.codes.is_empty()).or(lines.last());
    let Some(deciding) = deciding.cloned() else { return };
    let of_all = |pick: fn(&Heard) -> Option<String>| lines.iter().find_map(pick);
    let url = lines.iter().rev().find_map(|line| line.first.clone().or_else(|| line.url.clone()));
    let Some(url) = url else { return };
    let page = lines.iter().find_map(|line| line.page.clone()).or_else(|| {
        let origin = of_all(Heard::page_origin)?;
        url::Url::parse(&origin).ok()
    });
    let asked = lines.iter().rev().find_map(|line| line.asked);
    let kind = super::request::kind_of(&url);
    let kind = if asked == Some(Asked::WebSocket) && kind == Kind::Http { Kind::WebSocket } else { kind };
    let browser = deciding.browsers.first().copied().filter(|_| deciding.browsers.len() == 1);
    let mut missing = Vec::new();
    if browser.is_none() {
        missing.push(Missing::Browser);
    }
    // What the line says of the request itself.
    let with_credentials = ["WildcardOriginNotAllowed", "InvalidAllowCredentials"]
        .iter()
        .any(|code| deciding.says(code) || deciding.says(&format!("Preflight{code}")));
    let mut raw = Raw {
        page,
        browser,
        missing,
        kind: Some(kind),
        from_page: true,
        credentials: with_credentials.then_some(Credentials::Include),
        method: of_all(|line| line.method.clone()),
        ..Raw::get(url.as_str())
    };
    if deciding.says("MethodDisallowedByPreflightResponse") {
        match &deciding.value {
            Some(method) => raw.method = Some(method.clone()),
            None => raw.missing.push(Missing::Value { of: "the request's method".into() }),
        }
    }
    if deciding.says("HeaderDisallowedByPreflightResponse")
        && let Some(name) = &deciding.value
    {
        // Its value doesn't matter to a preflight; that it is there does.
        raw.headers.push((name.clone(), "1".into()));
        raw.missing.push(Missing::Value { of: format!("the header {name}") });
    }
    if deciding.codes.iter().any(|code| code.contains("Preflight")) && raw.method.is_none() && raw.headers.is_empty() {
        raw.missing.push(Missing::Value { of: "what made the browser ask first: method and headers".into() });
    }
    raw.seen = Seen {
        times: 1,
        status: lines.iter().find_map(|line| line.status),
        error: deciding.codes.iter().find(|code| code.starts_with("net::") && deciding.codes.len() == 1).cloned(),
        console: lines,
        ..Seen::default()
    };
    match raw.into_draft() {
        Ok(draft) => intake.push(draft),
        Err(problem) => intake.problems.push(warning(problem.message, problem.hint.as_deref())),
    }
}
