//! A reading for a person: who is let in, then each finding with its line and a caret under it.

use std::fmt::Write as _;

use crate::cli::harmless;
use crate::engine::against::Tried;
use crate::serverconf::policy::From;
use crate::serverconf::{Finding, Guard, Observed, Origins, Reading, Severity};

pub(super) fn document(reading: &Reading, tried: &[Tried]) -> String {
    let mut out = String::new();
    for guard in &reading.policy.guards {
        write_guard(&mut out, guard);
    }
    if reading.policy.guards.is_empty() {
        let _ = writeln!(out, "nothing here says who may connect");
    }
    for tried in tried {
        write_tried(&mut out, tried);
    }
    for finding in &reading.findings {
        out.push('\n');
        write_finding(&mut out, reading, finding);
    }
    let count = |severity| reading.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [(Severity::Error, "errors"), (Severity::Warning, "warnings"), (Severity::Note, "notes")];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(severity, _)| 0 < count(*severity))
        .map(|(severity, words)| match count(severity) {
            1 => format!("1 {}", severity.word()),
            number => format!("{number} {words}"),
        })
        .collect();
    let told = if told.is_empty() { "nothing wrong was found".to_owned() } else { told.join(", ") };
    let _ = writeln!(out, "\n{told}");
    out
}

/// `Socket.IO (.env:3) lets in:`, an origin a line, and what goes with it.
fn write_guard(out: &mut String, guard: &Guard) {
    let place = format!("{}:{}", guard.at.file.display(), guard.at.line);
    let path = guard.path.as_deref().map(|path| format!(" {path}")).unwrap_or_default();
    let name = guard.thing.name();
    let _ = match &guard.origins {
        Origins::Listed(list) if list.is_empty() => {
            writeln!(out, "{name}{path} ({place}) lets in no page but those of the server's own origin")
        }
        Origins::Listed(_) => writeln!(out, "{name}{path} ({place}) lets in:"),
        Origins::Any => writeln!(out, "{name}{path} ({place}) lets in every page"),
        Origins::Reflected => writeln!(out, "{name}{path} ({place}) lets in every page, with credentials"),
    };
    for allowed in guard.origins.listed() {
        let why = match allowed.from {
            From::Written => "",
            From::Derived => "   from the host and port",
            From::Twin => "   the same under this machine's other name",
        };
        let _ = writeln!(out, "    {}{why}", harmless(&allowed.what.text()));
    }
    let mut more = Vec::new();
    more.extend(guard.credentials.map(|yes| format!("credentials: {}", if yes { "yes" } else { "no" })));
    more.extend(guard.methods.as_ref().map(|list| format!("methods: {}", list.join(", "))));
    more.extend(guard.headers.as_ref().map(|list| format!("headers: {}", list.join(", "))));
    if !more.is_empty() {
        let _ = writeln!(out, "    {}", harmless(&more.join("; ")));
    }
}

/// `https://app.example.com: let in here, refused there`
fn write_tried(out: &mut String, tried: &Tried) {
    let words = |let_in: bool| if let_in { "let in" } else { "refused" };
    let there = match (tried.observed, &tried.why) {
        (Some(observed), _) => words(observed == Observed::LetIn).to_owned(),
        (None, why) => format!("not to be told: {}", why.as_deref().unwrap_or_default()),
    };
    let origin = harmless(&tried.origin);
    let _ = writeln!(out, "observed from {origin}: {} by the files, {}", words(tried.configured), harmless(&there));
}

/// As rustc writes one.
fn write_finding(out: &mut String, reading: &Reading, finding: &Finding) {
    let at = &finding.at;
    let _ = writeln!(out, "{}[{}]: {}", finding.severity.word(), finding.rule, harmless(&finding.text));
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let _ = writeln!(out, "{margin}--> {}:{}:{}", at.file.display(), at.line, at.column);
    let line = harmless(&reading.line(at));
    // What is hidden in the line may have taken the place with it.
    let shown: String = line.chars().take(WIDTH).collect();
    let left = shown.chars().count().saturating_sub(at.column - 1);
    if 0 < left {
        let more = if shown.len() < line.len() { "…" } else { "" };
        let carets = "^".repeat(at.width.min(left));
        let _ = writeln!(out, "{margin} |\n{number} | {shown}{more}");
        let _ = writeln!(out, "{margin} | {}{carets}", " ".repeat(at.column - 1));
    }
    if let Some(instead) = &finding.instead {
        let _ = writeln!(out, "{margin} = write: {}", harmless(instead));
    }
}

/// The most of a line that is shown, in characters.
const WIDTH: usize = 160;
