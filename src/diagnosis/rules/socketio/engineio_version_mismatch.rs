//! Client and server speak different revisions of Engine.IO: Socket.IO 2 speaks 3, Socket.IO 3 and 4 speak 4.

use super::{is_socketio, opens, refused};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::protocol::engine_io::RefusalCode;
use crate::watch::{Code, SocketChange, TransportStep};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::EngineioVersionMismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !is_socketio(facts) {
        return Fit::No;
    }
    let own = asked_for(facts);
    let summary = format!(
        "The client asks for Engine.IO {own} and {} speaks {}: their Socket.IO versions don't go together.",
        facts.host(),
        if own == "3" { "4" } else { "3" }
    );
    if let Some((_, refusal)) = refused(facts, RefusalCode::UnsupportedProtocolVersion) {
        return Fit::Fits(Match::new(0.97, summary).sign(refusal.message));
    }
    if facts.code() == Some(Code::UnsupportedProtocolVersion) {
        return Fit::Fits(Match::new(0.97, summary).sign(facts.detail()));
    }
    // Over a WebSocket a server of another revision says 101, and then nothing that is a packet, or nothing at all.
    let never_opened = !facts
        .steps
        .iter()
        .any(|step| matches!(step.what, SocketChange::Transport { step: TransportStep::Opened { .. }, .. }));
    let odd = matches!(
        facts.code(),
        Some(
            Code::PacketInvalid
                | Code::NotEngineIo
                | Code::WebSocketProtocol
                | Code::Timeout
                | Code::Silent
                | Code::Closed
                | Code::ClosedAbnormally
        )
    );
    if !(never_opened && odd && facts.is_websocket()) {
        return Fit::No;
    }
    match (opens(facts, Ask::Polling), opens(facts, Ask::OtherRevision)) {
        (Some(false), Some(true)) => {
            Fit::Fits(Match::new(0.95, summary).sign("the other revision opens a session, this one none"))
        }
        (Some(_), Some(_)) => Fit::No,
        _ => Fit::CantTell(Match::new(0.3, summary).asks(&[Ask::OtherRevision, Ask::Polling])),
    }
}

/// `EIO` of the first request.
fn asked_for(facts: &Facts<'_>) -> String {
    let eio = facts.opening().and_then(|request| request.url.query_pairs().find(|(name, _)| name == "EIO"));
    eio.map_or_else(|| "4".to_owned(), |(_, revision)| revision.into_owned())
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let newer = asked_for(facts) == "4";
    let other = if newer {
        "Bring the server up to date: Flask-SocketIO 5 (python-socketio 5), or socket.io 3 and later on Node; or use socket.io-client version 2 with the old server."
    } else {
        "Bring the client up to date: socket.io-client version 3 or 4 speaks Engine.IO 4."
    };
    let mut fixes = vec![Fix::any(other)];
    if newer {
        fixes.push(Fix::at(
            "flask-socketio",
            "Versions that go together.",
            "Flask-SocketIO>=5.3\npython-socketio>=5\npython-engineio>=4",
        ));
    } else {
        fixes.push(Fix::at(
            "node-socketio",
            "Until every client is new, a server of version 3 or 4 can speak to version 2 too.",
            super::node(facts, ", allowEIO3: true"),
        ));
        fixes.push(Fix::at("any", "In the page's packages.", "npm install socket.io-client@4"));
    }
    fixes
}
