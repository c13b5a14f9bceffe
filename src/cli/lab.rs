//! `wirewatch lab`: the lab's servers alone, until Ctrl-C.

use std::future::{Future, poll_fn};
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::task::Poll;

use clap::Args;
use serde::Serialize;

use super::{Folders, fail};
use crate::lab::{Fault, Lab, Options};

/// Serve the lab's faults on loopback until Ctrl-C, and print the URL of each
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wirewatch lab --addr 127.0.0.1:8900\n\n\
    Each URL is a path and a query; any key of the lab's language may be added to it, for example\n  \
    curl -i 'http://127.0.0.1:8900/?status=503&h=Retry-After:+5&wait=1s'")]
pub struct LabArgs {
    /// Where the plain port listens, on loopback; port 0: a free one. The TLS ports are always free ones
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    addr: SocketAddr,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    kind: &'a str,
    url: &'a str,
    description: &'a str,
}

/// Runs the command.
pub fn run(args: &LabArgs, _folders: &Folders) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), ""),
    };
    runtime.block_on(serve(args))
}

async fn serve(args: &LabArgs) -> ExitCode {
    let lab = match Lab::start(Options { addr: args.addr, ..Options::default() }).await {
        Ok(lab) => lab,
        Err(error) => {
            let hint = "give --addr a free port on loopback, such as 127.0.0.1:0";
            return fail(&format!("the lab can't listen on {}: {error}", args.addr), hint);
        }
    };
    let mut stop = Box::pin(tokio::signal::ctrl_c());
    // Listens from the first poll on: before anyone is told that it may be pressed.
    let mut stopped = poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx))).await;
    if print(&lab, args.json).is_err() {
        return ExitCode::SUCCESS; // Whoever read the list has gone.
    }
    eprintln!("serving until Ctrl-C");
    if stopped.is_pending() {
        stopped = Poll::Ready(stop.await);
    }
    match stopped {
        Poll::Pending | Poll::Ready(Ok(())) => ExitCode::SUCCESS,
        Poll::Ready(Err(error)) => fail(&format!("can't wait for Ctrl-C: {error}"), ""),
    }
}

fn print(lab: &Lab, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let width = Fault::ALL.iter().map(|fault| fault.url(lab).as_str().len()).max().unwrap_or(0);
    for fault in Fault::ALL {
        let url = fault.url(lab);
        if json {
            let (name, description) = (fault.name(), fault.describe());
            let line = Line { name, kind: fault.kind().word(), url: url.as_str(), description };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            writeln!(out, "{:width$}  {}", url.as_str(), fault.describe())?;
        }
    }
    out.flush()
}
