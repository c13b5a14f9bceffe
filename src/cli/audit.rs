//! `wirewatch audit`: who else may connect.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::report::ReportArg;
use super::target::{self, TargetArgs};
use super::{Folders, fail, harmless};
use crate::base::Clock;
use crate::browser::origin;
use crate::diagnosis::Severity;
use crate::engine::audit::{Audit, Audited, RATE, USUAL_RATE};
use crate::export::report::Report;

/// Look for origins that are let in and should not be, and for what else is open: cookies, caching, TLS
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch audit https://api.example.com/me --page https://app.example.com/\n  \
    wirewatch audit 'Sales chat' --yes --json\n\n\
    Sends the page's own request again from about ten other origins on each way in (GET, preflight, WebSocket,\n\
    Socket.IO), to that host alone. Asks first, unless the host is this machine or --yes is given.\n\n\
    Exit code: 0 nothing grave, 1 a finding of medium or high severity, 2 it could not be audited.")]
pub struct AuditArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Don't ask: the server is mine, or I may test it
    #[arg(long)]
    yes: bool,

    /// At most so many requests a second
    #[arg(long, value_name = "N", default_value_t = USUAL_RATE, value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE)))]
    rate: u32,

    /// One JSON document
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: ReportArg,
}

#[derive(Serialize)]
struct Document<'a> {
    target: &'a str,
    url: String,
    page: String,
    /// Findings of low severity don't count.
    healthy: bool,
    findings: Vec<Finding<'a>>,
    /// Every origin that was tried on every way in.
    trials: Vec<Trial<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    id: &'a str,
    severity: &'static str,
    surface: Option<&'static str>,
    trial: Option<&'static str>,
    text: &'a str,
    evidence: &'a str,
    fixes: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Fix<'a> {
    stack: &'a str,
    text: &'a str,
    snippet: Option<&'a str>,
}

#[derive(Serialize)]
struct Trial<'a> {
    surface: &'static str,
    trial: &'static str,
    origin: Option<&'a str>,
    grant: &'static str,
    status: Option<u16>,
}

/// Runs the command.
pub fn run(args: &AuditArgs, folders: &Folders) -> ExitCode {
    let target = match target::prepare(&args.target, folders) {
        Ok(target) => target,
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    let audit = runtime.block_on(Audit::begin(&target, Clock));
    let url = target.redactor().text(target.profile.url.as_str()).into_owned();
    if let Some(why) = audit.hindrance() {
        return fail(&format!("{url} can't be audited: {why}"), "`wirewatch check` shows each step");
    }
    if !args.yes && !origin::is_loopback(&target.profile.url) && !may(&url, audit.requests(), args.rate) {
        return fail("not audited", "answer y, or give --yes where nobody can answer");
    }
    let audited = runtime.block_on(async {
        tokio::select! {
            audited = audit.run(args.rate, |_| ()) => Some(audited),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some(audited) = audited else { return ExitCode::FAILURE };
    let report = || Report::of_audit(&target.profile, &url, &audited.report, &audited.seen, &audited.findings);
    if let Err(code) = args.report.save(report) {
        return code;
    }
    let document = document(&target, &url, &audited);
    match print(&document, args.json) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        Ok(()) | Err(_) if document.healthy => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

/// Asks; no where nobody can answer.
fn may(url: &str, requests: usize, rate: u32) -> bool {
    eprint!("{requests} requests from other origins go to {url}, {rate} a second. Are you allowed to test it? [y/N] ");
    if !std::io::stdin().is_terminal() {
        eprintln!();
        return false;
    }
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

fn document<'a>(target: &'a Arc<crate::engine::Target>, url: &str, audited: &'a Audited) -> Document<'a> {
    let findings = audited.findings.iter().map(|one| Finding {
        id: one.id,
        severity: one.severity.word(),
        surface: one.surface.map(|surface| surface.code()),
        trial: one.trial.map(|trial| trial.code()),
        text: &one.text,
        evidence: &one.evidence,
        fixes: one
            .fixes
            .iter()
            .map(|fix| Fix { stack: fix.stack, text: &fix.text, snippet: fix.snippet.as_deref() })
            .collect(),
    });
    let trials = audited.seen.iter().map(|one| Trial {
        surface: one.surface.code(),
        trial: one.trial.code(),
        origin: one.origin.as_deref(),
        grant: one.grant.code(),
        status: one.exchange.status(),
    });
    Document {
        target: &target.profile.name,
        url: url.to_owned(),
        page: target.profile.page_url().into(),
        healthy: audited.findings.iter().all(|one| one.severity == Severity::Low),
        findings: findings.collect(),
        trials: trials.collect(),
    }
}

fn print(document: &Document<'_>, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, document)?;
        writeln!(out)?;
        return out.flush();
    }
    writeln!(out, "{}  as seen from {}\n", harmless(&document.url), document.page)?;
    let mut last = "";
    for one in &document.trials {
        if one.surface != last {
            writeln!(out, "{}", one.surface)?;
            last = one.surface;
        }
        let status = one.status.map(|status| status.to_string()).unwrap_or_default();
        writeln!(out, "  {:<18} {:<52} {:<3} {}", one.trial, one.origin.unwrap_or("(none)"), status, one.grant)?;
    }
    writeln!(out)?;
    if document.findings.is_empty() {
        writeln!(out, "Nothing found: only the page's own origin is let in.")?;
    }
    for one in &document.findings {
        writeln!(out, "{}  {}\n    {}\n    {}", one.severity, one.id, harmless(one.text), harmless(one.evidence))?;
        for fix in one.fixes.iter().take(2) {
            writeln!(out, "    fix ({}): {}", fix.stack, fix.text)?;
            for line in fix.snippet.unwrap_or_default().lines() {
                writeln!(out, "        {line}")?;
            }
        }
    }
    out.flush()
}
