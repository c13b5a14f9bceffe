//! The reverse proxy passes the handshake on as an ordinary request.

use super::firewall_blocks_upgrade::gave_up;
use super::{handshake, is_html, is_of_the_proxy, is_proxied, opens_session, own, server, sign, text};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::{Ask, Exchange, NetError, WireResponse};

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyDropsUpgrade, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(response) = handshake(facts).and_then(Exchange::response) else { return half(facts) };
    if matches!(response.status, 101 | 300..=399) {
        return Fit::No;
    }
    let summary = format!(
        "{} answered the WebSocket upgrade with {} as to an ordinary request: a proxy on the way dropped Upgrade and Connection.",
        facts.host(),
        status_words(response.status)
    );
    let found = |confidence, why: &str| Match::new(confidence, summary.clone()).sign(sign(response)).sign(why);
    if let Some(words) = saw_a_get(response).or_else(|| saw_a_get(facts.asked(Ask::Upgrade)?.response()?)) {
        return Fit::Fits(found(0.95, words));
    }
    let body = text(response);
    // A server that offers polling alone says the same of an upgrade within a session.
    if response.status == 400 && body.contains("invalid transport") {
        return match facts.asked(Ask::Upgrade) {
            None => Fit::CantTell(found(0.5, "“Invalid transport”").asks(&[Ask::Upgrade])),
            Some(_) => Fit::No,
        };
    }
    let proxied = is_proxied(response);
    match response.status {
        404 if !is_of_the_proxy(response) => match framework(response) {
            // These answer an upgrade to nowhere otherwise (403, 500), so that they have seen none.
            Some(words) if proxied || server(response).contains("daphne") => Fit::Fits(found(0.86, words)),
            Some(words) => Fit::CantTell(found(0.4, words)),
            None if proxied => Fit::CantTell(found(0.6, "404 through a proxy")),
            None => Fit::No,
        },
        // It had offered the upgrade.
        200..=299 if polls_through_proxy(facts) && !is_html(response) => {
            Fit::Fits(found(0.88, "answered as an ordinary GET, though the session offers the upgrade"))
        }
        200..=299 if proxied && !is_html(response) => Fit::CantTell(found(0.6, "answered as an ordinary GET")),
        426 if proxied => Fit::CantTell(found(0.6, "426 through a proxy")),
        _ => Fit::No,
    }
}

/// Polling passes the proxy, and the upgrade hangs: the backend waits for what the proxy does not pass on.
fn half(facts: &Facts<'_>) -> Fit {
    let timed_out = matches!(handshake(facts).and_then(Exchange::error), Some(NetError::Timeout { .. }));
    let hangs = gave_up(facts) || timed_out;
    if !hangs || !polls_through_proxy(facts) {
        return Fit::No;
    }
    let summary = format!(
        "Polling passes the proxy before {}, and the WebSocket upgrade gets no answer: the proxy passes only a part of it on.",
        facts.host()
    );
    Fit::Fits(Match::new(0.82, summary).sign("polling passes a proxy, the upgrade hangs"))
}

/// Polling opened a session through a proxy that says its name.
pub(super) fn polls_through_proxy(facts: &Facts<'_>) -> bool {
    own(facts).any(|exchange| opens_session(exchange) && exchange.response().is_some_and(is_proxied))
}

/// In the words of an application that saw a GET where an upgrade was meant: Flask-SocketIO, socket.io on Node, `ws`,
/// Python's `websockets`, aiohttp, Tornado.
fn saw_a_get(response: &WireResponse) -> Option<&'static str> {
    let body = text(response);
    if response.status == 400 && body.contains("\"code\":3") {
        return Some("“code 3, Bad request”: the handshake was no upgrade");
    }
    [
        ("invalid websocket upgrade", "“Invalid websocket upgrade”"),
        ("invalid connection header", "it did not see Connection: Upgrade"),
        ("invalid upgrade header", "it did not see Upgrade: websocket"),
        ("missing connection header", "it did not see Connection: Upgrade"),
        ("missing upgrade header", "it did not see Upgrade: websocket"),
        ("no websocket upgrade hdr", "it did not see Upgrade: websocket"),
        ("can \"upgrade\" only to", "it did not see Upgrade: websocket"),
        ("bad handshake method", "it did not see an upgrade"),
        ("upgrade required", "“Upgrade Required”"),
    ]
    .into_iter()
    .find_map(|(words, sign)| (matches!(response.status, 400 | 426) && body.contains(words)).then_some(sign))
}

/// The 404 of uvicorn's or daphne's HTTP side.
fn framework(response: &WireResponse) -> Option<&'static str> {
    let body = text(response);
    if body.contains("{\"detail\":\"not found\"}") {
        return Some("FastAPI's 404: its WebSocket side answers 403");
    }
    let django = body.contains("the requested resource was not found on this server")
        || body.contains("using the urlconf defined in");
    django.then_some("Django's 404 page: Channels answers 500 or 403")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = facts.opening().map_or_else(|| facts.url.path().to_owned(), |request| request.url.path().to_owned());
    vec![
        Fix::any("Let the proxy pass the upgrade on: Upgrade, Connection and HTTP/1.1 to the backend."),
        Fix::at(
            "nginx",
            format!("In the location that serves {path}."),
            "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";\nproxy_set_header Host $http_host;\nproxy_read_timeout 3600s;",
        ),
        Fix::at(
            "apache",
            "With mod_proxy_http and mod_proxy_wstunnel, above other ProxyPass lines; BACKEND is your backend's host and port (Define BACKEND 127.0.0.1:5000). Before 2.4.47, a second line for ws://.",
            format!(
                "ProxyPass \"{path}\" \"http://${{BACKEND}}{path}\" upgrade=websocket\n# before 2.4.47: ProxyPass \"{path}\" \"ws://${{BACKEND}}{path}\""
            ),
        ),
        Fix::at(
            "haproxy",
            "HAProxy passes upgrades on by itself in mode http: take out what deletes the header.",
            "# http-request del-header Upgrade",
        ),
        Fix::at(
            "caddy",
            "reverse_proxy passes upgrades on by itself: take out what deletes the headers.",
            "# header_up -Upgrade\n# header_up -Connection",
        ),
    ]
}
