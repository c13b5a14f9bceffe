//! `wirewatch check`: one whole check, every step with its time, the verdict, the cause, the fix.

mod json;
mod plan;
mod steps;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Folders, fail};
use crate::base::{Clock, ProfileId};
use crate::diagnosis::{CauseId, Diagnosis, Facts, diagnose};
use crate::engine::further::{self, Often};
use crate::engine::{Patterns, Secrets, Target, secrets};
use crate::profile::{Browser, Kind, Profile, Resolve, parse_duration, parse_resolve};
use crate::watch::{CheckReport, Code, Outcome};

/// The most connections of one command: a look at a limit, not a load.
const MOST: u32 = 1_000;

/// Check one endpoint as a page's script would use it: every step with its time, the verdict, the cause, the fix
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch check https://api.example.com/health --page https://app.example.com/\n  \
    wirewatch check wss://api.example.com/ws --observe 10s\n  \
    wirewatch check 'Sales chat' --json\n\n\
    Exit code: 0 healthy, 1 a fault was found, 2 it could not be checked.")]
pub struct CheckArgs {
    /// A URL, a saved profile's name, or a profile's .toml file
    #[arg(value_name = "TARGET")]
    target: String,

    /// The page whose script connects
    #[arg(long, value_name = "URL")]
    page: Option<String>,

    /// Which kind of endpoint; otherwise told by the URL's scheme
    #[arg(long, value_enum)]
    kind: Option<KindArg>,

    /// Whose rules and words
    #[arg(long, value_enum)]
    browser: Option<BrowserArg>,

    /// Use this address for that host and port, as curl does; * stands for any. May be given several times
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = read_resolve)]
    resolve: Vec<Resolve>,

    /// Accept any certificate
    #[arg(long)]
    insecure: bool,

    /// How long the check may take
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// How long to stay connected after a WebSocket opened, to see how it ends
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "3s")]
    observe: Duration,

    /// Check so many times, one after another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    repeat: u32,

    /// Check so many times at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    concurrent: u32,

    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    Http,
    Websocket,
    Socketio,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BrowserArg {
    Chrome,
    Firefox,
    Safari,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Http => Self::Http,
            KindArg::Websocket => Self::WebSocket,
            KindArg::Socketio => Self::SocketIo,
        }
    }
}

impl From<BrowserArg> for Browser {
    fn from(browser: BrowserArg) -> Self {
        match browser {
            BrowserArg::Chrome => Self::Chrome,
            BrowserArg::Firefox => Self::Firefox,
            BrowserArg::Safari => Self::Safari,
        }
    }
}

/// `--resolve`, as clap calls it.
pub(super) fn read_resolve(text: &str) -> Result<Resolve, String> {
    parse_resolve(text).map_err(|problem| problem.to_string())
}

/// Runs the command.
pub fn run(args: &CheckArgs, folders: &Folders) -> ExitCode {
    let profile = match plan::profile_of(args, folders) {
        Ok(profile) => Arc::new(profile),
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    let secrets = Arc::new(Secrets::system()).source();
    let target = Arc::new(Target::prepare(ProfileId(0), Arc::clone(&profile), &secrets, &Patterns::default()));
    if let Err(reason) = target.client() {
        let detail = reason.detail.as_deref().unwrap_or_default();
        let hint = if reason.code == Code::SecretMissing { secrets::remedy(detail) } else { String::new() };
        return fail(&crate::diagnosis::words::phrase(reason), &hint);
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
    // What decides is the first that is not well.
    let deciding = reports.iter().find(|report| report.outcome != Outcome::Up).or_else(|| reports.first());
    let Some(deciding) = deciding else { return ExitCode::FAILURE };
    let healthy = is_healthy(&diagnose(&Facts::of_checks(&profile, deciding, &reports)), &reports);
    let code = if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match print(args, &profile, &url, deciding, &reports) {
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
        let document = json::document(profile, url, deciding, reports);
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        write!(out, "{}", text::document(profile, url, deciding, reports, colour))?;
    }
    out.flush()
}

/// Every check came out well, and nothing speaks against it all the same.
fn is_healthy(diagnosis: &Diagnosis, reports: &[CheckReport]) -> bool {
    diagnosis.cause == Some(CauseId::Ok) && reports.iter().all(|report| report.outcome == Outcome::Up)
}
