//! Layer 4: the command line. The window is the product; each command is the same engine without it.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 healthy or done, 1 a fault was found, 2 usage or
//! configuration, with a `hint:` line that names what to change.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::engine::{Paths, Secrets};
use crate::window::{self, Show};

pub mod audit;
pub mod check;
pub mod compare;
pub mod explain;
pub mod export;
pub mod import;
pub mod lab;
pub mod lint;
pub mod past;
pub mod plot;
pub mod profile;
pub mod replay;
pub mod report;
pub mod target;
pub mod watch;
pub mod when;

/// A usage or configuration error.
pub const USAGE: u8 = 2;

/// Watches HTTP, WebSocket and Socket.IO endpoints the way a page in a browser sees them, and says why one fails.
#[derive(Debug, Parser)]
#[command(
    name = "wirewatch",
    version,
    after_help = "Example:\n  wirewatch --demo        every state and fault, live, with no network"
)]
struct Cli {
    /// Open the window on the built-in lab: every state, plot and fault within a minute, no network needed
    #[arg(long)]
    demo: bool,

    #[command(flatten)]
    folders: Folders,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::AuditArgs),
    Check(check::CheckArgs),
    Compare(compare::CompareArgs),
    Explain(explain::ExplainArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Lab(lab::LabArgs),
    Lint(lint::LintArgs),
    Plot(plot::PlotArgs),
    Profile(profile::ProfileArgs),
    Replay(replay::ReplayArgs),
    Watch(watch::WatchArgs),
}

/// Where things are kept; the platform's folders by default.
#[derive(Clone, Debug, Default, Args)]
pub struct Folders {
    /// The folder of the saved profiles
    #[arg(long, value_name = "DIR", global = true)]
    profiles: Option<PathBuf>,

    /// The folder of the history; how long it keeps what is said in `history.toml` beside the settings (see the README)
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

impl Folders {
    /// The folders as resolved, or exit code 2 and why on standard error.
    pub fn find(&self) -> Result<Paths, ExitCode> {
        Paths::find(self.profiles.clone(), self.data.clone()).map_err(|error| fail(&error.to_string(), "set HOME"))
    }
}

/// Says what is wrong and what to change; exit code 2.
pub fn fail(message: &str, hint: &str) -> ExitCode {
    eprintln!("error: {message}");
    if !hint.is_empty() {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(USAGE)
}

/// Text of a server's that can't command the terminal: control characters become a dot.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

/// The command line as clap knows it: what is checked of documents that show commands.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with these arguments (the program's name first).
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help to standard output and mistakes to standard error. A closed pipe is nobody's mistake.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match cli.command {
        Some(Command::Audit(args)) => return audit::run(&args, &cli.folders),
        Some(Command::Compare(args)) => return compare::run(&args, &cli.folders),
        Some(Command::Check(args)) => return check::run(&args, &cli.folders),
        Some(Command::Explain(args)) => return explain::run(&args),
        Some(Command::Import(args)) => return import::run(&args, &cli.folders),
        Some(Command::Export(args)) => return export::run(&args, &cli.folders),
        Some(Command::Plot(args)) => return plot::run(&args, &cli.folders),
        Some(Command::Profile(args)) => return profile::run(&args, &cli.folders),
        Some(Command::Replay(args)) => return replay::run(&args),
        Some(Command::Lab(args)) => return lab::run(&args, &cli.folders),
        Some(Command::Lint(args)) => return lint::run(&args),
        Some(Command::Watch(args)) => return watch::run(&args, &cli.folders, cli.demo),
        None => {}
    }
    match cli.folders.find() {
        Ok(paths) => open_window(paths, cli.demo),
        Err(code) => code,
    }
}

/// `wirewatch` alone: the window.
fn open_window(paths: Paths, demo: bool) -> ExitCode {
    let show = if demo { Show::Demo(paths) } else { Show::Saved(paths) };
    match window::run(&show, Arc::new(Secrets::system()).source()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), error.hint()),
    }
}
