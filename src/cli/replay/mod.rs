//! `wirewatch replay`: what a browser would have done, one request a line.
//!
//! Invariants: answers stand in the order of the cases and each is flushed as it is written; at most `--jobs` cases run at
//! once; a line is bounded before it is read as JSON; a line that is no case is answered, and the run goes on.

mod answer;
mod case;
mod lines;
mod plan;
mod run;

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, mpsc};

use super::fail;
use super::target::read_resolve;
use crate::base::Clock;
use crate::net::{Client, Settings};
use crate::profile::Resolve;
use crate::profile::model::Proxy;

use lines::Line;
pub use plan::{Ask, Plan};
pub use run::Runner;

/// How many cases may wait for the one before them to be written, beside those that run.
const AHEAD: usize = 8;

/// Say what a browser would have done, and why, one request a line
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    echo '{\"id\": \"1\", \"page\": \"https://app.example.com/\", \"url\": \"https://api.example.com/\"}' | wirewatch replay\n  \
    wirewatch replay cases.jsonl --jobs 32 --resolve '*:*:127.0.0.1' --cacert ca.pem\n\n\
    Exit code: 0 every line was answered, whatever the answers; 2 the command or the file is wrong.")]
pub struct ReplayArgs {
    /// One case a line, as JSON; - is standard input
    #[arg(value_name = "CASES.jsonl")]
    cases: Option<PathBuf>,

    /// How many cases run at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,

    /// How long one request may take, redirects included
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    timeout_ms: u64,

    /// Use this address for that host and port, as curl does; * stands for any. May be given several times. With it, no
    /// proxy of the environment is used
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = read_resolve)]
    resolve: Vec<Resolve>,

    /// Accept any certificate
    #[arg(long, conflicts_with = "cacert")]
    insecure: bool,

    /// Trust the certificates in this PEM file besides the platform's
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ReplayArgs) -> ExitCode {
    let input: Box<dyn BufRead + Send> = match args.cases.as_deref() {
        Some(path) if path.as_os_str() != "-" => match File::open(path) {
            Ok(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Err(error) => return fail(&format!("{}: {error}", path.display()), "name a file with one case a line"),
        },
        None if std::io::stdin().is_terminal() => {
            return fail("no cases", "name a file with one case a line, or pipe them in; see wirewatch replay --help");
        }
        Some(_) | None => Box::new(BufReader::with_capacity(1 << 16, std::io::stdin())),
    };
    let settings = Settings {
        // An address given by hand is the one to dial.
        proxy: if args.resolve.is_empty() { Proxy::Environment } else { Proxy::Direct },
        resolve: args.resolve.clone(),
        ca_file: args.cacert.clone(),
        insecure: args.insecure,
        ..Settings::default()
    };
    let client = match Client::new(&settings) {
        Ok(client) => client,
        Err(error) => return fail(&error.to_string(), "change the option, or the file that it names"),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    let runner = Runner { client, timeout: Duration::from_millis(args.timeout_ms), clock: Clock };
    let done = runtime.block_on(async {
        tokio::select! {
            done = replay(input, std::io::stdout(), runner, usize::from(args.jobs)) => Some(done),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Some(Err(error)) => fail(&error.to_string(), ""),
        None => ExitCode::FAILURE,
    }
}

/// Answers every line of `input` on `output`, in order, `jobs` at once.
///
/// # Errors
/// Where the input can't be read or the output can't be written; what was answered before has been written.
pub async fn replay(
    input: Box<dyn BufRead + Send>,
    mut output: impl Write,
    runner: Runner,
    jobs: usize,
) -> std::io::Result<()> {
    let (sender, receiver) = mpsc::channel(jobs);
    // Not awaited: a read of standard input can't be interrupted.
    tokio::task::spawn_blocking(move || lines::read(input, &sender));
    let running = Arc::new(Semaphore::new(jobs));
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (line, receiver))
    });
    let answers = lines.map(|line| {
        let (runner, running) = (runner.clone(), Arc::clone(&running));
        tokio::spawn(async move {
            // Never closed.
            let _permit = running.acquire().await;
            match line? {
                Line::Whole(bytes) => Ok::<_, std::io::Error>(runner.answer(&bytes).await),
                Line::TooLong { number } => Ok(answer::of_refusal(None, &lines::too_long(number))),
            }
        })
    });
    let mut answers = std::pin::pin!(answers.buffered(jobs * AHEAD));
    while let Some(joined) = answers.next().await {
        let answer = joined.unwrap_or_else(|_| Ok(answer::of_refusal(None, "the case broke the program: tell us")))?;
        output.write_all(answer.as_bytes())?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
