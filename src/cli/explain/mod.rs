//! `wirewatch explain`: a pasted line, or a server's log: what it means, the cause, the fix; and whether it can be found from here.

mod json;
mod logs;
mod proof;
mod text;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::fail;
use super::report::ReportArg;
use super::target::Overrides;
use crate::diagnosis::explain;
use crate::export::report::Report;
use crate::profile::intake;

/// Say what pasted text means (a console line, a Socket.IO error, lines of a server's log), its likely cause, and what to change
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch explain 'xhr poll error'\n  \
    wirewatch explain - --check --page https://app.example.com < console.txt\n  \
    wirewatch explain --log /var/log/nginx/error.log --follow\n\n\
    Exit code: 0 explained, 1 nothing known is in it or (with --check) it fails from here too, 2 it could not be read or checked.")]
pub struct ExplainArgs {
    /// The line or lines; - (or nothing) reads standard input
    #[arg(value_name = "TEXT", conflicts_with = "log")]
    text: Option<String>,

    /// Server logs to put into kinds, with counts over time; - is standard input
    #[arg(long, value_name = "FILE", num_args = 1..)]
    log: Vec<PathBuf>,

    /// Go on reading what is added to the logs, over rotation and truncation, until Ctrl-C
    #[arg(long, requires = "log")]
    follow: bool,

    /// Try it: as that browser, from that page
    #[arg(long, conflicts_with = "log")]
    check: bool,

    /// What serves the endpoint (flask-socketio, fastapi, django-channels, node-socketio, nginx ...): advice for it alone
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,

    /// With --check, what the pasted text does not tell
    #[command(flatten)]
    overrides: Overrides,

    /// One JSON document; with --follow one object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: ReportArg,
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> ExitCode {
    if !args.log.is_empty() {
        return logs::run(args);
    }
    let pasted = match &args.text {
        Some(text) if text != "-" => text.clone(),
        _ => match standard_input() {
            Ok(text) => text,
            Err(error) => {
                return fail(&format!("standard input can't be read: {error}"), "give the line as an argument");
            }
        },
    };
    if pasted.trim().is_empty() {
        return fail("there is nothing to explain", "paste the line between quotes, or pipe it in");
    }
    let (found, unknown) = explain::all(&pasted, args.stack.as_deref());
    let proof = if args.check {
        match proof::run(args, &pasted) {
            Ok(proof) => Some(proof),
            Err(code) => return code,
        }
    } else {
        None
    };
    if found.is_empty() && proof.is_none() {
        // It was read, and nothing was found: no mistake of the command's.
        let _ = fail(
            "no line of this is known here",
            "paste the console's whole line, or the server's; a HAR or a curl command goes to `wirewatch import`, or here with --check",
        );
        return ExitCode::FAILURE;
    }
    let report = || Report::of_explained(&found, proof.as_ref().map(|proof| (&proof.outcome, proof.checked())));
    if let Err(code) = args.report.save(report) {
        return code;
    }
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let shown = if args.json {
        format!("{:#}\n", json::document(&found, unknown, proof.as_ref()))
    } else {
        text::document(&found, unknown, proof.as_ref(), colour)
    };
    let code = proof.as_ref().map_or(ExitCode::SUCCESS, proof::Proof::code);
    let mut out = std::io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code,
        Err(error) => fail(&format!("standard output can't be written: {error}"), ""),
    }
}

/// No more than is read at once.
fn standard_input() -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(intake::MAX_TEXT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
