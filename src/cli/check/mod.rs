//! `wirewatch check`: one whole check, every step with its time, the verdict, the cause, the fix.

mod pages;
pub(super) mod text;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::report::ReportArg;
use super::target::{self, TargetArgs};
use super::{Folders, fail};
use crate::base::Clock;
use crate::diagnosis::{Facts, diagnose};
use crate::engine::Target;
use crate::engine::further::{self, Often};
use crate::export::check::{deciding, document, is_healthy};
use crate::export::report::{Checked, Report};
use crate::profile::{Profile, parse_duration};
use crate::watch::CheckReport;

/// The most connections of one command: a look at a limit, not a load.
const MOST: u32 = 1_000;

/// Check one endpoint as a page's script would use it: every step with its time, the verdict, the cause, the fix
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch check https://api.example.com/health --page https://app.example.com/\n  \
    wirewatch check wss://api.example.com/ws --observe 10s\n  \
    wirewatch check 'Sales chat' --json\n  \
    wirewatch check http://localhost:5000/api --page http://localhost:3000/ --pages\n  \
    wirewatch check 'Sales chat' --report sales-chat.html\n\n\
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

    /// From which pages does it work? Checks once from each of about a dozen: this machine's other names, the other scheme, other
    /// ports, with and without www, null, no page at all
    #[arg(long, conflicts_with_all = ["observe", "repeat", "concurrent"])]
    pages: bool,

    /// One JSON document
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: ReportArg,
}

/// Runs the command.
pub fn run(args: &CheckArgs, folders: &Folders) -> ExitCode {
    let target = match target::prepare(&args.target, folders) {
        Ok(target) => target,
        Err(code) => return code,
    };
    if args.pages {
        return pages::run(&target, args.json);
    }
    let profile = &target.profile;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
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
    if let Err(code) = args.report.save(|| Report::of_check(checked)) {
        return code;
    }
    match print(args, profile, &url, deciding, &reports) {
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

fn print(
    args: &CheckArgs,
    profile: &Profile,
    url: &str,
    deciding: &CheckReport,
    reports: &[CheckReport],
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let document = document(profile, url, deciding, reports);
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        write!(out, "{}", text::document(profile, url, deciding, reports, colour))?;
    }
    out.flush()
}
