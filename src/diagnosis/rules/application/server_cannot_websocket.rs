//! The server gives the application no socket: ordinary requests work, and every upgrade is a 500.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::wire::{Exchange, Purpose};

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerCannotWebsocket, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let is_upgrade = |one: &&&Exchange| one.request.purpose == Purpose::Handshake && one.status() == Some(500);
    let Some(failed) = facts.exchanges.iter().find(is_upgrade) else { return Fit::No };
    let summary = format!(
        "{} answered the WebSocket upgrade with 500 Internal Server Error: its server gives the application no socket.",
        facts.host()
    );
    let polled = |one: &Exchange| one.request.purpose != Purpose::Handshake && one.status() == Some(200);
    if facts.kind == Kind::SocketIo && facts.exchanges.iter().copied().any(polled) {
        return Fit::Fits(Match::new(0.9, summary).sign("polling works, the upgrade is a 500"));
    }
    let server = failed.response().and_then(|response| response.headers.first_str("server")).unwrap_or_default();
    let server = server.to_ascii_lowercase();
    if facts.kind == Kind::SocketIo {
        return Fit::CantTell(Match::new(0.7, summary).asks(&[crate::wire::Ask::Polling]));
    }
    if ["werkzeug", "gunicorn", "wsgi", "waitress", "gevent"].iter().any(|one| server.contains(one)) {
        return Fit::CantTell(Match::new(0.55, summary).sign(format!("Server: {server}")));
    }
    Fit::No
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Run the application on a server that can hand a WebSocket over; until then the client stays on polling.",
        ),
        Fix::at(
            "flask-socketio",
            "Under gunicorn: one worker of a kind that has WebSockets. gevent's own server wants gevent-websocket's handler.",
            "gunicorn --worker-class gthread --threads 100 --workers 1 app:app",
        ),
    ]
}
