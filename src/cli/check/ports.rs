//! `check --port-report`, and what an ordinary check adds where its endpoint is this machine: who listens on the port.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::base::Clock;
use crate::cli::{fail, harmless};
use crate::diagnosis::ports::{name, reached, sentences, speaks};
use crate::engine::{Target, ports};
use crate::watch::CheckReport;
use crate::wire::Listener;

/// Runs the report; `runtime` is the command's.
pub(super) fn run(target: &Arc<Target>, as_json: bool, runtime: &tokio::runtime::Runtime) -> ExitCode {
    let addresses = ports::own_addresses(target, &[]);
    let host = target.profile.url.host_str().unwrap_or_default();
    if addresses.is_empty() {
        return fail(
            &format!("{host} is not this machine by its name"),
            "run it where the server runs, with localhost or an address of that machine",
        );
    }
    let Some(mut listeners) = ports::listening(target) else {
        return fail(
            "this system doesn't tell which programs listen",
            "on Linux it does; elsewhere try `lsof -nP -iTCP -sTCP:LISTEN`",
        );
    };
    runtime.block_on(ports::listen_to(target, &mut listeners, Clock));
    let port = target.profile.url.port_or_known_default().unwrap_or(0);
    let said = sentences(host, port, &addresses, &listeners);
    let shown = if as_json {
        let listening: Vec<Value> = listeners.iter().map(document).collect();
        format!("{:#}\n", json!({ "host": host, "port": port, "listening": listening, "summary": said }))
    } else {
        let line = |one: &Listener| {
            let speaks = speaks(one).map_or_else(|| "says nothing".to_owned(), |speaks| format!("speaks {speaks}"));
            format!("  {:<24} {}  {}\n", one.address.to_string(), harmless(&name(one)), harmless(&speaks))
        };
        let said: String = said.iter().map(|sentence| format!("{}\n", harmless(sentence))).collect();
        format!("Port {port}\n{}\n{said}", listeners.iter().map(line).collect::<String>())
    };
    let is_reached = addresses.iter().any(|address| reached(*address, &listeners).is_some());
    let mut out = std::io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        _ if is_reached => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// A listener, as programs read it.
fn document(one: &Listener) -> Value {
    json!({
        "address": one.address.to_string(),
        "pid": one.program.as_ref().map(|program| program.pid),
        "program": one.program.as_ref().map(|program| &program.name),
        "speaks": speaks(one),
    })
}

/// Whom the check's address reaches, a sentence each; empty where the endpoint is elsewhere. Nothing is sent.
pub(super) fn beside(target: &Target, reports: &[CheckReport]) -> Vec<String> {
    let addresses = ports::own_addresses(target, reports);
    let (host, port) = (target.profile.url.host_str(), target.profile.url.port_or_known_default());
    let (false, Some(host), Some(port)) = (addresses.is_empty(), host, port) else { return Vec::new() };
    ports::listening(target).map_or_else(Vec::new, |listeners| sentences(host, port, &addresses, &listeners))
}
