//! A message is over the server's limit.

use super::super::socketio::outsized;
use super::{by_close, closed, said};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Category, Code};

pub(super) const RULE: Rule = Rule { cause: CauseId::MessageTooLarge, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() == Some(Code::MessageTooLarge) {
        let summary = format!("{} sent a message larger than wirewatch takes.", facts.host());
        return Fit::Fits(Match::new(0.9, summary));
    }
    if let Some((CauseId::MessageTooLarge, confidence)) = said::named(facts)
        && let Some(closed) = closed(facts)
    {
        return Fit::Fits(by_close(facts, &closed, confidence));
    }
    // python-engineio closes with 1000, and Engine.IO's polling with a packet: its announced limit tells.
    let ended = matches!(
        facts.code(),
        Some(
            Code::Closed
                | Code::Status
                | Code::Timeout
                | Code::ClosedAbnormally
                | Code::ServerDisconnect
                | Code::ConnectionClosed
                | Code::ConnectionReset
        )
    ) || facts.reason.is_some_and(|reason| reason.category() == Category::Transport)
        || facts.status() == Some(413);
    match outsized(facts) {
        Some((sent, most)) if ended => {
            let summary = format!(
                "{} takes messages of {most} bytes at most, and closed the session on one of {sent}.",
                facts.host()
            );
            Fit::Fits(Match::new(0.94, summary).sign(format!("maxPayload {most}")).sign(format!("{sent} bytes sent")))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let most = facts.largest_sent.max(1_000_000).next_power_of_two();
    let origin = facts.origin();
    vec![
        Fix::any(format!(
            "Send smaller messages (a file in parts, or by an upload beside the socket), or raise the limit on both sides and on the proxies between{}.",
            super::code_words(facts)
        )),
        Fix::at(
            "flask-socketio",
            "In bytes; 1,000,000 by default.",
            format!("socketio = SocketIO(app, cors_allowed_origins=[\"{origin}\"], max_http_buffer_size={most})"),
        ),
        Fix::at(
            "node-socketio",
            "In bytes; 1,000,000 by default.",
            format!(
                "const io = new Server(httpServer, {{ cors: {{ origin: [\"{origin}\"], credentials: true }}, maxHttpBufferSize: {most} }});"
            ),
        ),
        Fix::at(
            "node-ws",
            "In bytes; 100 MiB by default.",
            format!("const server = new WebSocketServer({{ server: httpServer, maxPayload: {most} }});"),
        ),
        Fix::at(
            "fastapi",
            "uvicorn's limit, in bytes; 16 MiB by default.",
            format!("uvicorn app:app --ws-max-size {most}"),
        ),
    ]
}
