//! The report of a check: verdict, what each browser shows, what to change, every step, every request and answer.

use std::time::Duration;

use super::block::{Block, Row, advice, time};
use super::{Checked, Report};
use crate::diagnosis::browsers::{self, Line};
use crate::diagnosis::{Facts, words};
use crate::export::check::document::{Fix, OneExchange};
use crate::export::check::{Document, Step, document, steps};
use crate::profile::Profile;
use crate::watch::{CheckReport, Outcome, State};

/// The most exchanges that are shown whole.
const EXCHANGES: usize = 50;

impl Report {
    /// Of a check.
    pub fn of_check(checked: Checked<'_>) -> Self {
        let Checked { profile, url, deciding, reports } = checked;
        let document = document(profile, url, deciding, reports);
        let state = words::state(deciding.state);
        let word = match &deciding.reason {
            Some(reason) => format!("{state}: {}", words::phrase(reason)),
            None => state.to_owned(),
        };
        let amiss = !document.healthy && deciding.state == State::Connected;
        let degraded = amiss && deciding.outcome != Outcome::Down;
        Self {
            title: if profile.name == profile.url.as_str() { url.to_owned() } else { profile.name.clone() },
            state: if amiss && !degraded { State::Error } else { deciding.state },
            degraded,
            word,
            sentence: document.summary.clone(),
            blocks: blocks(checked, &document),
        }
    }
}

/// All but the verdict itself.
pub(super) fn blocks(checked: Checked<'_>, document: &Document<'_>) -> Vec<Block> {
    let Checked { profile, deciding, reports, .. } = checked;
    let mut out = vec![facts(checked, document)];
    of_browsers(&mut out, profile, deciding);
    let seen: Vec<String> = document.evidence.iter().filter(|sign| !sign.is_empty()).cloned().collect();
    if !seen.is_empty() {
        out.extend([heading("What says so"), Block::List(seen)]);
    }
    if !document.healthy && !document.fixes.is_empty() {
        out.push(heading("What to change"));
        out.extend(of_fixes(&document.fixes));
    }
    if !document.warnings.is_empty() {
        out.push(heading("What else is amiss"));
        for warning in &document.warnings {
            out.push(Block::Text(format!("{} ({}): {}", warning.cause, warning.severity, warning.text)));
            out.extend(of_fixes(&warning.fixes));
        }
    }
    out.extend([heading("Steps"), Block::Steps(rows(profile, deciding, reports))]);
    if 1 < reports.len() {
        out.push(attempts(reports));
    }
    of_exchanges(&mut out, "Requests and answers", &document.exchanges, true);
    of_exchanges(&mut out, "Asked besides, to tell causes apart", &document.asked, false);
    let commands = [&document.commands.curl, &document.commands.websocat];
    let commands: Vec<Block> = commands.into_iter().flatten().map(|line| Block::Code(line.clone())).collect();
    if !commands.is_empty() {
        out.push(heading("The same by hand"));
        out.extend(commands);
    }
    out
}

fn heading(text: &str) -> Block {
    Block::Heading(text.to_owned())
}

fn facts(checked: Checked<'_>, document: &Document<'_>) -> Block {
    let deciding = checked.deciding;
    let mut pairs = vec![
        ("Address", document.url.to_owned()),
        ("Page", document.page.clone()),
        ("Browser", checked.profile.browser.name().to_owned()),
        ("Checked", deciding.scheduled.plus(deciding.lateness).to_string()),
    ];
    if let Some(cause) = document.cause.filter(|_| !document.healthy) {
        pairs.push(("Cause", format!("{cause} ({:.0} % sure)", document.confidence * 100.0)));
        pairs.push(("Layer", document.category.replace('_', " ")));
    }
    let others: Vec<String> =
        document.other_causes.iter().map(|one| format!("{} ({:.0} %)", one.cause, one.confidence * 100.0)).collect();
    if !others.is_empty() {
        pairs.push(("It may also be", others.join(", ")));
    }
    if let Some(total) = deciding.phases.total {
        pairs.push(("Took", time(total)));
    }
    if let Some(close) = &document.close {
        let reason = if close.reason.is_empty() { String::new() } else { format!(" {}", close.reason) };
        pairs.push(("Closed", format!("{}{reason}, by {}", close.code, close.by)));
    }
    Block::Pairs(pairs)
}

fn of_browsers(out: &mut Vec<Block>, profile: &Profile, deciding: &CheckReport) {
    let shown = browsers::each(profile, deciding);
    if shown.iter().all(|one| one.line == Line::Nothing) {
        return;
    }
    let line = |line: Line| match line {
        Line::Console(line) => line,
        Line::Nothing => "nothing".to_owned(),
        Line::Unknown => "can't be told from what was sent as the other browser".to_owned(),
    };
    let rows = shown.into_iter().map(|one| vec![one.browser.name().to_owned(), line(one.line)]).collect();
    out.extend([heading("What the console shows"), Block::Table { head: vec!["browser", "line"], rows }]);
}

fn of_fixes(fixes: &[Fix]) -> Vec<Block> {
    advice(fixes.iter().map(|fix| (fix.stack, &*fix.text, fix.snippet.as_deref())))
}

fn rows(profile: &Profile, deciding: &CheckReport, reports: &[CheckReport]) -> Vec<Row> {
    let facts = Facts::of_checks(profile, deciding, reports);
    let mut at = Duration::ZERO;
    let row = |step: Step| {
        // What is part of an exchange comes after the part before; the rest counts from the beginning.
        let from = if step.exchange.is_some() { at } else { Duration::ZERO };
        if step.exchange.is_some() {
            at += step.took.unwrap_or_default();
        }
        Row { came: step.came, name: step.name, span: step.took.map(|took| (from, took)), detail: step.detail }
    };
    steps(profile, deciding, &facts).into_iter().map(row).collect()
}

fn attempts(reports: &[CheckReport]) -> Block {
    let well = reports.iter().filter(|report| report.outcome == Outcome::Up).count();
    let failed = reports.iter().enumerate().filter(|(_, report)| report.outcome != Outcome::Up).take(EXCHANGES);
    let row = |(index, report): (usize, &CheckReport)| {
        let why = report.reason.as_ref().map(words::phrase).unwrap_or_default();
        vec![(index + 1).to_string(), words::outcome(report.outcome).to_owned(), why]
    };
    Block::Folded {
        title: format!("{well} of {} connections were well", reports.len()),
        open: false,
        inside: vec![Block::Table { head: vec!["connection", "outcome", "why"], rows: failed.map(row).collect() }],
    }
}

fn of_exchanges(out: &mut Vec<Block>, title: &str, exchanges: &[OneExchange], last_open: bool) {
    if exchanges.is_empty() {
        return;
    }
    out.push(heading(title));
    for (index, exchange) in exchanges.iter().enumerate().take(EXCHANGES) {
        out.push(of_exchange(exchange, last_open && index + 1 == exchanges.len()));
    }
    if EXCHANGES < exchanges.len() {
        out.push(Block::Text(format!("{} more are left out.", exchanges.len() - EXCHANGES)));
    }
}

fn of_exchange(exchange: &OneExchange, open: bool) -> Block {
    let OneExchange { request, response, error, peer, proxy, tls, timing_ms } = exchange;
    let mut sent = format!("{} {}\n{}", request.method, request.url, fields(&request.headers));
    if let Some(body) = &request.body {
        sent.push_str(&format!("\n{body}"));
    }
    let mut inside = vec![Block::Code(sent)];
    let came = match response {
        Some(response) => {
            let head = format!("{} {} {}", response.version, response.status, response.reason);
            let mut came = format!("{}\n{}", head.trim_end(), fields(&response.headers));
            if !response.body.is_empty() {
                came.push_str(&format!("\n{}", response.body));
            }
            let kept = response.body.len() as u64;
            if kept < response.body_size {
                came.push_str(&format!("\n… {kept} of {} bytes", response.body_size));
            }
            inside.push(Block::Code(came));
            format!("{} {}", response.status, response.reason)
        }
        None => error.unwrap_or("no answer").to_owned(),
    };
    let mut pairs: Vec<(&'static str, String)> = Vec::new();
    let said = |text: &Option<String>| text.clone();
    pairs.extend(response.as_ref().and(*error).map(|error| ("Then", error.to_owned())));
    pairs.extend(said(peer).map(|peer| ("Peer", peer)));
    pairs.extend(said(proxy).map(|proxy| ("Proxy", proxy)));
    if let Some(tls) = tls {
        let parts: Vec<&str> =
            [&tls.version, &tls.cipher, &tls.alpn].into_iter().flatten().map(String::as_str).collect();
        pairs.push(("TLS", parts.join(", ")));
        pairs.extend(tls.chain.first().map(|leaf| {
            let names = leaf.names.join(", ");
            ("Certificate", format!("{}, for {names}, by {}, until {}", leaf.subject, leaf.issuer, leaf.not_after))
        }));
    }
    let phases = [
        ("DNS", timing_ms.dns),
        ("connect", timing_ms.connect),
        ("proxy", timing_ms.proxy),
        ("TLS", timing_ms.tls),
        ("first byte", timing_ms.first_byte),
        ("body", timing_ms.body),
    ];
    let phases: Vec<String> = phases.into_iter().filter_map(|(name, ms)| Some(format!("{name} {} ms", ms?))).collect();
    if !phases.is_empty() {
        pairs.push(("Times", phases.join(", ")));
    }
    if !pairs.is_empty() {
        inside.push(Block::Pairs(pairs));
    }
    let purpose = if request.purpose == "request" { String::new() } else { format!("{}: ", request.purpose) };
    Block::Folded {
        title: format!("{purpose}{} {} → {}", request.method, request.url, came.trim_end()), open, inside
    }
}

fn fields(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}
