//! `check --stickiness`: whether the requests of a Socket.IO session stay with one worker.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::base::{Clock, Wall};
use crate::cli::{fail, harmless};
use crate::diagnosis::stickiness::{Stickiness, judge};
use crate::diagnosis::{Facts, words};
use crate::engine::Target;
use crate::engine::stickiness::sessions;
use crate::profile::Kind;
use crate::wire::{Exchange, NetError};

/// Runs it; `runtime` is the command's.
pub(super) fn run(target: &Arc<Target>, count: u32, as_json: bool, runtime: &tokio::runtime::Runtime) -> ExitCode {
    let profile = &target.profile;
    if profile.kind != Kind::SocketIo {
        return fail("--stickiness is about Socket.IO sessions", "add --kind socketio, or name a Socket.IO profile");
    }
    let sessions = runtime.block_on(async {
        tokio::select! {
            sessions = sessions(target, count, Clock) => Some(sessions),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let sessions = match sessions {
        Some(Ok(sessions)) => sessions,
        Some(Err(reason)) => return fail(&words::phrase(&reason), "`wirewatch check` shows each step"),
        None => return ExitCode::FAILURE,
    };
    let handshake = sessions.first().and_then(|session| session.first());
    let found = judge(&Facts::of_session(profile, None, handshake, None, Wall::default()), &sessions);
    let url = target.redactor().text(profile.url.as_str()).into_owned();
    let shown = if as_json {
        format!("{:#}\n", document(target, &url, &sessions, &found))
    } else {
        text(&profile.name, &sessions, &found)
    };
    let well = found.cause.is_none() && 0 < found.opened;
    let mut out = std::io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        _ if well => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn came(exchange: &Exchange) -> String {
    exchange.status().map(words::status_words).or_else(|| exchange.error().map(NetError::to_string)).unwrap_or_default()
}

fn text(name: &str, sessions: &[Vec<Exchange>], found: &Stickiness) -> String {
    let mut out = format!("{}\n\n", harmless(name));
    for (index, session) in sessions.iter().enumerate() {
        let requests: Vec<String> = session.iter().map(|one| format!("{} {}", one.request.method, came(one))).collect();
        out.push_str(&format!("  session {:<3} {}\n", index + 1, harmless(&requests.join(", "))));
    }
    out.push_str(&format!("\n{}\n", harmless(&found.summary)));
    for fix in &found.fixes {
        let stack = if fix.stack == "any" { String::new() } else { format!(" ({})", fix.stack) };
        out.push_str(&format!("\nFix{stack}: {}\n", fix.text));
        fix.snippet.iter().flat_map(|snippet| snippet.lines()).for_each(|line| out.push_str(&format!("    {line}\n")));
    }
    out
}

fn document(target: &Target, url: &str, sessions: &[Vec<Exchange>], found: &Stickiness) -> Value {
    let requests = |session: &Vec<Exchange>| -> Vec<Value> {
        let one = |exchange: &Exchange| json!({ "method": exchange.request.method, "status": exchange.status(), "error": exchange.error().map(NetError::code) });
        session.iter().map(one).collect()
    };
    json!({
        "target": target.profile.name,
        "url": url,
        "page": target.profile.page_url().as_str(),
        "opened": found.opened,
        "lost": found.lost,
        "workers": found.workers.as_ref().map(|workers| json!({
            "by": workers.by,
            "answers": workers.answers.iter().map(|(name, count)| json!({ "name": name, "count": count })).collect::<Vec<_>>(),
            "sessions_shared": workers.shared,
        })),
        "cause": found.cause.map(|cause| cause.as_str()),
        "summary": found.summary,
        "fixes": found.fixes.iter()
            .map(|fix| json!({ "stack": fix.stack, "text": fix.text, "snippet": fix.snippet }))
            .collect::<Vec<_>>(),
        "sessions": sessions.iter().map(requests).collect::<Vec<_>>(),
    })
}
