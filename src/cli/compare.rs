//! `wirewatch compare`: the same check of two targets side by side, and where they part.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::target::{self, Overrides};
use super::{Folders, fail, harmless};
use crate::base::Clock;
use crate::diagnosis::{Facts, diagnose};
use crate::engine::Target;
use crate::engine::further::{self, Often};
use crate::export::check::{Document as Checked, Step, deciding, document, is_healthy, steps};
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
}

#[derive(Serialize)]
struct Document<'a> {
    /// Each target's `check --json`.
    targets: [Checked<'a>; 2],
    /// The first step that came out otherwise; null: none did.
    parts_at: Option<Difference>,
    /// Every such step.
    differences: Vec<Difference>,
}

/// A step that came out otherwise; absent from the one that never came so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Difference {
    name: &'static str,
    outcomes: [Option<&'static str>; 2],
    details: [Option<String>; 2],
}

struct Side {
    target: Arc<Target>,
    url: String,
    reports: Vec<CheckReport>,
}

impl Side {
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
        writeln!(out, "  1: {}\n  2: {}", harmless(&first_diagnosis.summary), harmless(&second_diagnosis.summary))?;
    }
    out.flush()?;
    Ok(healthy)
}

/// The steps of both by name, in the order of the longer way; the second `request` of one stands beside the second of the other.
fn aligned<'a>(left: &'a [Step], right: &'a [Step]) -> Vec<(&'static str, Option<&'a Step>, Option<&'a Step>)> {
    let mut rows = Vec::new();
    let mut rest = right.iter().peekable();
    for (at, step) in left.iter().enumerate() {
        // What the other has in between comes first, where the rest of this side doesn't have it.
        while let Some(other) = rest.peek() {
            let comes_later = left[at..].iter().any(|mine| mine.name == other.name);
            if comes_later {
                break;
            }
            rows.push((other.name, None, rest.next()));
        }
        match rest.peek() {
            Some(other) if other.name == step.name => rows.push((step.name, Some(step), rest.next())),
            _ => rows.push((step.name, Some(step), None)),
        }
    }
    rows.extend(rest.map(|other| (other.name, None, Some(other))));
    rows
}

/// Times and addresses may differ; how it came out, and what was answered, may not.
fn differs(one: Option<&Step>, other: Option<&Step>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let of_the_place = ["dns", "connect", "proxy", "tls", "objective"].contains(&one.name);
            one.came != other.came || (!of_the_place && one.detail != other.detail)
        }
        _ => true,
    }
}

fn differences(left: &[Step], right: &[Step]) -> Vec<Difference> {
    aligned(left, right)
        .into_iter()
        .filter(|(_, one, other)| differs(*one, *other))
        .map(|(name, one, other)| Difference {
            name,
            outcomes: [one, other].map(|step| step.map(|step| step.came.word())),
            details: [one, other].map(|step| step.map(|step| step.detail.clone())),
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::check::Came;

    fn steps_of(list: &[(&'static str, Came, &str)]) -> Vec<Step> {
        let step = |(name, came, detail): &(&'static str, Came, &str)| Step {
            name,
            came: *came,
            took: None,
            detail: (*detail).to_owned(),
            exchange: None,
        };
        list.iter().map(step).collect()
    }

    #[track_caller]
    fn check(left: &[(&'static str, Came, &str)], right: &[(&'static str, Came, &str)], expected: &[&str]) {
        let found = differences(&steps_of(left), &steps_of(right));
        assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn two_targets_part_at_the_first_step_that_came_out_otherwise() {
        use Came::{Fail, Pass};
        let good =
            [("dns", Pass, "::1"), ("connect", Pass, "[::1]:80"), ("request", Pass, "200 OK"), ("cors", Pass, "")];
        check(&good, &good, &[]);
        let moved = [("dns", Pass, "10.0.0.7"), good[1], good[2], good[3]];
        check(&good, &moved, &[]);
        check(
            &good,
            &[good[0], good[1], ("request", Pass, "502 Bad Gateway"), ("cors", Fail, "")],
            &["request", "cors"],
        );
        check(&good, &[good[0], ("connect", Fail, "refused")], &["connect", "request", "cors"]);
    }

    #[test]
    fn what_one_way_alone_has_stands_where_it_came() {
        use Came::Pass;
        let plain = [("connect", Pass, ""), ("request", Pass, "200 OK")];
        check(&plain, &[("connect", Pass, ""), ("preflight", Pass, ""), ("request", Pass, "200 OK")], &["preflight"]);
    }
}
