//! No Socket.IO server is at this path.

use super::{is_socketio, opens};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::between::is_of_the_proxy;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Code, SocketChange, TransportStep};
use crate::wire::{Ask, Exchange, Purpose};

pub(super) const RULE: Rule = Rule { cause: CauseId::WrongSocketioPath, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !is_socketio(facts) {
        return Fit::No;
    }
    let asked = |exchange: &&&Exchange| exchange.request.purpose != Purpose::SignIn;
    let opened = facts
        .steps
        .iter()
        .any(|step| matches!(step.what, SocketChange::Transport { step: TransportStep::Opened { .. }, .. }));
    if opened {
        return Fit::No;
    }
    let status = facts.exchanges.iter().filter(asked).find_map(|exchange| exchange.status());
    let path = super::path(facts);
    let summary = format!("{} has no Socket.IO server at {path}/: it answers 404.", facts.host());
    if opens(facts, Ask::DefaultPath) == Some(true) {
        let summary = format!("{}'s Socket.IO server is at /socket.io/, not at {path}/.", facts.host());
        return Fit::Fits(Match::new(0.97, summary).sign("a session opens at /socket.io/"));
    }
    let ask =
        if facts.asked(Ask::DefaultPath).is_none() && path != "/socket.io" { &[Ask::DefaultPath][..] } else { &[] };
    match (status, facts.code()) {
        // A proxy's own page says that the proxy doesn't know the path.
        (Some(404), _) if facts.response().is_some_and(is_of_the_proxy) => {
            Fit::Fits(Match::new(0.6, summary).asks(ask))
        }
        (Some(404), _) if facts.through_proxy() => {
            let sign = "404 of what stands behind the proxy";
            Fit::Fits(
                Match::new(0.88, format!("{summary} The proxy before it may change the path on its way."))
                    .sign(sign)
                    .asks(ask),
            )
        }
        (Some(404 | 405), _) => Fit::Fits(Match::new(0.95, summary).sign("404 to Engine.IO's first request").asks(ask)),
        (_, Some(Code::NotEngineIo)) => Fit::Fits(Match::new(0.5, summary).asks(ask)),
        // A Node server drops an upgrade that nobody takes up.
        (None, Some(Code::ConnectionClosed | Code::EmptyResponse | Code::Timeout)) if facts.is_websocket() => {
            match facts.asked_status(Ask::Polling) {
                Some(404) => Fit::Fits(Match::new(0.9, summary).sign("polling at the same path: 404")),
                Some(_) => Fit::No,
                None if facts.asked(Ask::Polling).is_some() => Fit::No,
                None => Fit::CantTell(Match::new(0.3, summary).asks(&[Ask::Polling])),
            }
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = super::path(facts);
    let right = if opens(facts, Ask::DefaultPath) == Some(true) { "/socket.io" } else { "/realtime/socket.io" };
    vec![
        Fix::any(format!(
            "Give client and server the same path: the client asks for {path}/. A path is no namespace; it stands in the client's `path` option, not in the URL."
        )),
        Fix::at(
            "any",
            "In the page, with the server's own path.",
            format!("io(\"{}\", {{ path: \"{right}\" }})", facts.host_url()),
        ),
        Fix::at(
            "nginx",
            "Where nginx stands before it: proxy_pass without a path, or a slash at its end would take the location's prefix away.",
            format!(
                "location {path}/ {{\n    proxy_pass http://$backend;\n    proxy_http_version 1.1;\n    proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection \"upgrade\";\n    proxy_set_header Host $http_host;\n}}"
            ),
        ),
        Fix::at(
            "caddy",
            "Where Caddy stands before it: handle keeps the prefix that handle_path takes away.",
            format!("handle {path}/* {{\n  reverse_proxy {{$BACKEND}}\n}}"),
        ),
        Fix::at(
            "flask-socketio",
            "Or on the server: the path that the client asks for.",
            super::flask(facts, &format!(", path=\"{}\"", path.trim_start_matches('/'))),
        ),
        Fix::at(
            "node-socketio",
            "Or on the server: the path that the client asks for.",
            super::node(facts, &format!(", path: \"{path}\"")),
        ),
    ]
}
