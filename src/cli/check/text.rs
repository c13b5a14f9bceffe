//! A check as a person reads it on a terminal.

use std::fmt::Write as _;

use crate::cli::harmless;
use crate::diagnosis::{CauseId, Facts, Severity, diagnose, words};
use crate::export::check::{Came, is_healthy, ms, steps};
use crate::profile::Profile;
use crate::watch::{CheckReport, Outcome};

/// How many pieces of advice are shown; `--json` has all.
const FIXES: usize = 3;

/// The whole text; `deciding` is the check that it tells of.
pub fn document(profile: &Profile, url: &str, deciding: &CheckReport, reports: &[CheckReport], colour: bool) -> String {
    let paint = |code: &str, text: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = writeln!(out, "{}", paint("1", &profile.name));
    if profile.name != url {
        let _ = writeln!(out, "  {url}");
    }
    let _ = writeln!(out, "  from {} as {}\n", profile.page_url(), profile.browser.word());

    let facts = Facts::of_checks(profile, deciding, reports);
    let mut exchange = None;
    let several = 1 < deciding.exchanges.len();
    for step in steps(profile, deciding, &facts) {
        if several && step.exchange.is_some() && step.exchange != exchange {
            exchange = step.exchange;
            let request = exchange.and_then(|index| deciding.exchanges.get(index)).map(|exchange| &exchange.request);
            if let Some(request) = request {
                let _ = writeln!(out, "  {} {}", request.method, request.url);
            }
        }
        let (mark, style) = match step.came {
            Came::Pass => ("ok", "32"),
            Came::Warn => (if step.took.is_some() { "slow" } else { "warn" }, "33"),
            Came::Fail => ("FAIL", "31;1"),
            Came::Skip => ("-", "2"),
        };
        let took = step.took.map_or_else(String::new, |took| format!("{:.1} ms", ms(took)));
        let mark = paint(style, &format!("{mark:<4}"));
        let _ = writeln!(out, "  {mark}  {:<13} {took:>11}  {}", step.name, harmless(step.detail.trim()));
    }
    if !deciding.further.is_empty() {
        let _ = writeln!(out, "\n  asked besides, to tell causes apart");
        for exchange in &deciding.further {
            let crate::wire::Purpose::Asked(ask) = exchange.request.purpose else { continue };
            let came = match &exchange.result {
                Ok(response) => words::status_words(response.status),
                Err(error) => error.to_string(),
            };
            let _ = writeln!(out, "        {:<26} {}", words::asked(ask), harmless(&came));
        }
    }
    if 1 < reports.len() {
        let well = reports.iter().filter(|report| report.outcome == Outcome::Up).count();
        let _ = writeln!(out, "\n  {well} of {} were well", reports.len());
        for (index, report) in reports.iter().enumerate().filter(|(_, report)| report.outcome != Outcome::Up) {
            let why = report.reason.as_ref().map(words::phrase).unwrap_or_default();
            let _ = writeln!(out, "  {:>4}  {}  {why}", index + 1, words::outcome(report.outcome));
        }
    }

    let diagnosis = diagnose(&facts);
    let state = words::state(deciding.state);
    let healthy = is_healthy(&diagnosis, reports);
    let style = if healthy { "32;1" } else { "31;1" };
    let verdict = match &deciding.reason {
        Some(reason) => format!("{state}: {}", words::phrase(reason)),
        None => state.to_owned(),
    };
    let _ = writeln!(out, "\n{}", paint(style, &harmless(&verdict)));
    let _ = writeln!(out, "{}", harmless(&diagnosis.summary));
    if let Some(console) = &deciding.console {
        let _ = writeln!(out, "\nIn the browser's console:\n  {}", harmless(console));
    }
    for warning in &diagnosis.warnings {
        match warning.severity {
            Severity::High => {
                let _ = writeln!(out, "\n{}: {}", paint("31;1", "Dangerous"), harmless(&warning.text));
            }
            // What they are about stands among the steps.
            Severity::Low | Severity::Medium if !healthy => continue,
            Severity::Low | Severity::Medium => {}
        }
        if let Some(fix) = warning.fixes.first() {
            let _ = writeln!(out, "\nHint: {}", fix.text);
        }
    }
    if healthy {
        return out;
    }
    if let Some(cause) = diagnosis.cause {
        let sure = (diagnosis.confidence * 100.0).round();
        let _ = writeln!(out, "\nCause: {} ({sure} % sure)", cause.as_str());
    }
    for sign in diagnosis.signs.iter().filter(|sign| !sign.is_empty()) {
        let _ = writeln!(out, "Seen: {}", harmless(sign));
    }
    let others: Vec<&str> = diagnosis.others.iter().map(|(cause, _)| CauseId::as_str(*cause)).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "Or: {}", others.join(", "));
    }
    for fix in diagnosis.fixes.iter().take(FIXES) {
        let stack = if fix.stack == "any" { String::new() } else { format!(" ({})", fix.stack) };
        let _ = writeln!(out, "\nFix{stack}: {}", fix.text);
        for line in fix.snippet.iter().flat_map(|snippet| snippet.lines()) {
            let _ = writeln!(out, "    {line}");
        }
    }
    let more = diagnosis.fixes.len().saturating_sub(FIXES);
    if 0 < more {
        let _ = writeln!(out, "\n{more} more for other stacks: --json");
    }
    out
}
