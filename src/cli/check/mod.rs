//! `wirewatch check`: one whole check, every step with its time, the verdict, the cause, the fix.

mod before;
mod idle;
mod pages;
mod ports;
mod stickiness;
pub(super) mod text;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use self::before::Before;
use super::report::ReportArg;
use super::target::{self, TargetArgs};
use super::{Folders, fail, harmless};
use crate::base::Clock;
use crate::diagnosis::mended::Side;
use crate::diagnosis::{CauseId, Facts, diagnose};
use crate::engine::Target;
use crate::engine::further::{self, Often};
use crate::export::check::{Document, deciding, document, is_healthy, steps};
use crate::export::report::{Checked, Report};
use crate::profile::parse_duration;
use crate::watch::CheckReport;

/// The most connections of one command: a look at a limit, not a load.
const MOST: u32 = 1_000;

/// Causes that rest on who listens where.
const ABOUT_PORTS: [CauseId; 5] = [
    CauseId::ConnectionRefused,
    CauseId::ConnectTimeout,
    CauseId::Localhost127Mismatch,
    CauseId::PathServedByOtherApp,
    CauseId::PortHeldByOtherProgram,
];

/// Check one endpoint as a page's script would use it: every step with its time, the verdict, the cause, the fix
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch check https://api.example.com/health --page https://app.example.com/\n  \
    wirewatch check wss://api.example.com/ws --observe 10s\n  \
    wirewatch check 'Sales chat' --json\n  \
    wirewatch check http://localhost:5000/api --page http://localhost:3000/ --pages\n  \
    wirewatch check 'Sales chat' --report sales-chat.html\n  \
    wirewatch check 'Sales chat' --before before.json\n  \
    wirewatch check 'Sales chat' --idle-cutoff 10m\n\n\
    Exit code: 0 healthy, 1 a fault was found, 2 it could not be checked.")]
pub struct CheckArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// How long to stay connected after a WebSocket opened, to see how it ends
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "3s")]
    observe: Duration,

    /// Check so many times, one after another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    repeat: u32,

    /// Check so many times at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    concurrent: u32,

    #[command(flatten)]
    instead: Instead,

    /// The same before a change, as `--json` wrote it: says whether what failed then is mended
    #[arg(long, value_name = "FILE", conflicts_with = "instead")]
    before: Option<PathBuf>,

    /// One JSON document
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: ReportArg,
}

/// What is found out in the place of a check's verdict: one thing at a time.
#[derive(Debug, Args)]
#[group(id = "instead", multiple = false, conflicts_with_all = ["observe", "repeat", "concurrent", "report"])]
struct Instead {
    /// From which pages does it work? Checks once from each of about a dozen: this machine's other names, the other scheme, other
    /// ports, with and without www, null, no page at all
    #[arg(long)]
    pages: bool,

    /// How long may a connection be quiet before something cuts it? Looks up to MAX (5m), with at most four connections at a time
    #[arg(long, value_name = "MAX", num_args = 0..=1, default_missing_value = "5m", value_parser = parse_duration)]
    idle_cutoff: Option<Duration>,

    /// Do the requests of a Socket.IO session stay with one worker? Opens N (6) by polling
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "6", value_parser = clap::value_parser!(u32).range(1..=50))]
    stickiness: Option<u32>,

    /// Which programs of this machine listen on the target's port, on which addresses, and what do they speak?
    #[arg(long)]
    port_report: bool,
}

/// The check's document, and what became of what was before it.
#[derive(Serialize)]
struct After<'a> {
    #[serde(flatten)]
    check: Document<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<serde_json::Value>,
}

/// Runs the command.
pub fn run(args: &CheckArgs, folders: &Folders) -> ExitCode {
    let before = match args.before.as_deref().map(before::read).transpose() {
        Ok(before) => before,
        Err(code) => return code,
    };
    let target = match target::prepare(&args.target, folders) {
        Ok(target) => target,
        Err(code) => return code,
    };
    if args.instead.pages {
        return pages::run(&target, args.json);
    }
    let profile = &target.profile;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    if args.instead.port_report {
        return ports::run(&target, args.json, &runtime);
    }
    if let Some(count) = args.instead.stickiness {
        return stickiness::run(&target, count, args.json, &runtime);
    }
    if let Some(most) = args.instead.idle_cutoff {
        return idle::run(&target, most, args.json, &runtime);
    }
    let reports = runtime.block_on(async {
        tokio::select! {
            reports = check_all(&target, args) => Some(reports),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some(reports) = reports else { return ExitCode::FAILURE };
    let url = target.redactor().text(profile.url.as_str()).into_owned();
    let deciding = deciding(&reports);
    let Some(deciding) = deciding else { return ExitCode::FAILURE };
    let healthy = is_healthy(&diagnose(&Facts::of_checks(profile, deciding, &reports)), &reports);
    let code = if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let checked = Checked { profile, url: &url, deciding, reports: &reports };
    let local = ports::beside(&target, &reports);
    if let Err(code) = args.report.save(|| Report::of_check(checked).and("On this machine", &local)) {
        return code;
    }
    match print(args, checked, &local, before.as_ref()) {
        Ok(()) => code,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code,
        Err(error) => fail(&format!("standard output can't be written: {error}"), ""),
    }
}

async fn check_all(target: &Arc<Target>, args: &CheckArgs) -> Vec<CheckReport> {
    let stay = if target.profile.observe.is_zero() { args.observe } else { target.profile.observe.max(args.observe) };
    let often = Often { repeat: args.repeat, concurrent: args.concurrent };
    further::examine(target, Some(stay), often, Clock).await
}

/// `local`: whom the address reaches on this machine.
fn print(args: &CheckArgs, checked: Checked<'_>, local: &[String], before: Option<&Before>) -> std::io::Result<()> {
    let Checked { profile, url, deciding, reports } = checked;
    let mut out = std::io::stdout().lock();
    let facts = Facts::of_checks(profile, deciding, reports);
    let mended = before.map(|before| (before, before.mended(&Side::of(deciding, &diagnose(&facts)))));
    if args.json {
        let mut check = document(profile, url, deciding, reports);
        if check.cause.is_some_and(|cause| ABOUT_PORTS.iter().any(|about| about.as_str() == cause)) {
            check.evidence.extend_from_slice(local);
        }
        let document = After { check, before: mended.as_ref().map(|(before, mended)| before.document(mended)) };
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        write!(out, "{}", text::document(profile, url, deciding, reports, colour))?;
        for (index, sentence) in local.iter().enumerate() {
            writeln!(out, "{}  {}", if index == 0 { "\nOn this machine:\n" } else { "" }, harmless(sentence))?;
        }
        if let Some((before, mended)) = &mended {
            write!(out, "{}", before.text(mended, &steps(profile, deciding, &facts)))?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use crate::cli::command;

    #[track_caller]
    fn check(args: &str, is_taken: bool) {
        let words = ["wirewatch", "check", "https://api.test/"].into_iter().chain(args.split_whitespace());
        assert_eq!(command().try_get_matches_from(words).is_ok(), is_taken, "{args}");
    }

    #[test]
    fn what_stands_in_for_a_check_excludes_the_others_and_whatever_it_would_ignore() {
        for mode in ["--pages", "--idle-cutoff", "--idle-cutoff 2m", "--stickiness", "--stickiness 3", "--port-report"]
        {
            check(mode, true);
            check(&format!("{mode} --json"), true);
            for ignored in ["--report a.html", "--repeat 2", "--concurrent 2", "--observe 1s"] {
                check(&format!("{mode} {ignored}"), false);
            }
        }
        check("--pages --port-report", false);
        check("--idle-cutoff --stickiness", false);
        check("--report a.html --repeat 2", true);
    }
}
