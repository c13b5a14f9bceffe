//! `check --pages`: the same endpoint from many pages, as a table of verdicts.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Clock;
use crate::cli::{fail, harmless};
use crate::diagnosis::matrix::Seen;
use crate::engine::{Target, matrix};
use crate::export::matrix::{document, text};

/// Exit code 0 where the profile's own page is healthy.
pub(super) fn run(target: &Arc<Target>, json: bool) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    let mut rows: Vec<(usize, Seen)> = Vec::new();
    let done = runtime.block_on(async {
        tokio::select! {
            () = matrix::run(target, Clock, |at, seen| rows.push((at, seen))) => true,
            _ = tokio::signal::ctrl_c() => false,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    if !done {
        return ExitCode::FAILURE;
    }
    rows.sort_by_key(|(at, _)| *at);
    let rows: Vec<Seen> = rows.into_iter().map(|(_, seen)| seen).collect();
    let url = target.redactor().text(target.profile.url.as_str()).into_owned();
    match print(target, &url, &rows, json) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        Ok(()) | Err(_) if rows.first().is_some_and(|own| own.healthy) => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

fn print(target: &Target, url: &str, rows: &[Seen], json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &document(&target.profile, url, rows))?;
        writeln!(out)?;
    } else {
        for line in text(&target.profile, url, rows).lines() {
            writeln!(out, "{}", harmless(line))?;
        }
    }
    out.flush()
}
