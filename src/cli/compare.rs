//! `wirewatch compare`: the same check of two targets side by side, and where they part.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::report::ReportArg;
use super::target::{self, Overrides};
use super::{Folders, fail, harmless};
use crate::base::Clock;
use crate::diagnosis::{Facts, diagnose};
use crate::engine::Target;
use crate::engine::further::{self, Often};
use crate::export::check::{Document as Checked, Step, deciding, document, is_healthy, steps};
use crate::export::compare::{Difference, HeaderChange, aligned, differences, differs, headers};
use crate::export::report::{self, Report};
use crate::profile::parse_duration;
use crate::watch::CheckReport;

/// How wide a column is, in characters.
const COLUMN: usize = 44;

/// Check two targets in the same way, side by side: direct and through the proxy, localhost and 127.0.0.1, before and after
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch compare http://localhost:5000/api http://127.0.0.1:5000/api --page http://localhost:3000/\n  \
    wirewatch compare wss://www.example.com/ws wss://backend.example.com:8000/ws\n\n\
    Exit code: 0 both healthy, 1 a fault was found in one of them, 2 they could not be checked.")]
pub struct CompareArgs {
    /// A URL, a saved profile's name, or a profile's .toml file
    #[arg(value_name = "TARGET")]
    first: String,

    /// The other
    #[arg(value_name = "TARGET")]
    second: String,

    #[command(flatten)]
    overrides: Overrides,

    /// How long to stay connected after a WebSocket opened, to see how it ends
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "3s")]
    observe: Duration,

    /// One JSON document
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: ReportArg,
}

#[derive(Serialize)]
struct Document<'a> {
    /// Each target's `check --json`.
    targets: [Checked<'a>; 2],
    /// The first step that came out otherwise; null: none did.
    parts_at: Option<Difference>,
    /// Every such step.
    differences: Vec<Difference>,
    /// What the same answers have otherwise in their headers.
    headers: Vec<HeaderChange>,
}

struct Side {
    target: Arc<Target>,
    url: String,
    reports: Vec<CheckReport>,
}

impl Side {
    fn checked(&self) -> Option<report::Checked<'_>> {
        let deciding = deciding(&self.reports)?;
        Some(report::Checked { profile: &self.target.profile, url: &self.url, deciding, reports: &self.reports })
    }

    fn document<'a>(&'a self, deciding: &'a CheckReport) -> Checked<'a> {
        document(&self.target.profile, &self.url, deciding, &self.reports)
    }
}

/// Runs the command.
pub fn run(args: &CompareArgs, folders: &Folders) -> ExitCode {
    let prepare = |text: &str| target::profile_of(text, &args.overrides, folders).and_then(target::ready);
    let (first, second) = match (prepare(&args.first), prepare(&args.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    let both = async { tokio::join!(look(&first, args.observe), look(&second, args.observe)) };
    let sides = runtime.block_on(async {
        tokio::select! {
            sides = both => Some(sides),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some((first, second)) = sides else { return ExitCode::FAILURE };
    if let (Some(left), Some(right)) = (first.checked(), second.checked())
        && let Err(code) = args.report.save(|| Report::of_compared([left, right]))
    {
        return code;
    }
    match print(&first, &second, args.json) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

async fn look(target: &Arc<Target>, observe: Duration) -> Side {
    let stay = if target.profile.observe.is_zero() { observe } else { target.profile.observe };
    let reports = further::examine(target, Some(stay), Often::ONCE, Clock).await;
    let url = target.redactor().text(target.profile.url.as_str()).into_owned();
    Side { target: Arc::clone(target), url, reports }
}

/// Whether both are healthy.
fn print(first: &Side, second: &Side, as_json: bool) -> std::io::Result<bool> {
    let (Some(a), Some(b)) = (deciding(&first.reports), deciding(&second.reports)) else { return Ok(false) };
    let of = |side: &Side, report: &CheckReport| {
        let facts = Facts::of_check(&side.target.profile, report);
        (steps(&side.target.profile, report, &facts), diagnose(&facts))
    };
    let (left, first_diagnosis) = of(first, a);
    let (right, second_diagnosis) = of(second, b);
    let healthy = is_healthy(&first_diagnosis, &first.reports) && is_healthy(&second_diagnosis, &second.reports);
    let differences = differences(&left, &right);
    let mut out = std::io::stdout().lock();
    if as_json {
        let document = Document {
            targets: [first.document(a), second.document(b)],
            parts_at: differences.first().cloned(),
            differences,
            headers: headers(a, b),
        };
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{:<14}  {:<COLUMN$}  {}", "", column(&first.url), column(&second.url))?;
        for (name, one, other) in aligned(&left, &right) {
            let cell = |step: Option<&Step>| step.map_or_else(|| "-".to_owned(), cell);
            let mark = if differs(one, other) { "≠" } else { " " };
            writeln!(out, "{name:<12} {mark}  {:<COLUMN$}  {}", column(&cell(one)), column(&cell(other)))?;
        }
        match differences.first() {
            Some(part) => writeln!(out, "\nThey part at: {}", part.name)?,
            None => writeln!(out, "\nThey don't part: every step came out alike.")?,
        }
        for change in headers(a, b) {
            let [one, other] = change.values.map(|value| column(value.as_deref().unwrap_or("-")));
            writeln!(out, "  {}: {one} | {other}", change.name)?;
        }
        writeln!(out, "  1: {}\n  2: {}", harmless(&first_diagnosis.summary), harmless(&second_diagnosis.summary))?;
    }
    out.flush()?;
    Ok(healthy)
}

fn cell(step: &Step) -> String {
    let took = step.took.map(|took| format!(" {:.1} ms", took.as_secs_f64() * 1e3)).unwrap_or_default();
    let detail = if step.detail.is_empty() { String::new() } else { format!(" {}", step.detail) };
    format!("{}{took}{detail}", step.came.word())
}

/// Cut to a column.
fn column(text: &str) -> String {
    let text = harmless(text);
    if text.chars().count() <= COLUMN {
        return text;
    }
    text.chars().take(COLUMN - 1).chain(['…']).collect()
}
