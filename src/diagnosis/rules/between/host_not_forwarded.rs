//! The proxy does not pass the page's Host on, so that the application takes its own pages for foreign ones.

use super::{handshake, is_proxied, own, text};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::{Ask, WireResponse};

pub(super) const RULE: Rule = Rule { cause: CauseId::HostNotForwarded, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() || facts.is_cross_origin() {
        return Fit::No;
    }
    let Some(response) = own(facts).rev().filter_map(|exchange| exchange.response()).find(|response| refuses(response))
    else {
        return Fit::No;
    };
    let origin = facts.origin();
    let summary = |why: &str| format!("{} refuses {origin}, its own origin: the proxy before it {why}.", facts.host());
    let sign = "the endpoint's own origin is refused";
    if facts.asked(Ask::PortlessOrigin).and_then(|asked| asked.response()).is_some_and(|answer| !refuses(answer)) {
        let why = "passes the Host on without its port";
        return Fit::Fits(Match::new(0.96, summary(why)).sign(sign).sign("the same origin without its port is taken"));
    }
    let why = "does not pass the Host on, and the application knows itself by another name";
    let found = Match::new(if is_proxied(response) { 0.88 } else { 0.5 }, summary(why)).sign(sign);
    match facts.asked(Ask::PortlessOrigin) {
        None if facts.page.port().is_some() => Fit::Fits(found.asks(&[Ask::PortlessOrigin])),
        _ => Fit::Fits(found),
    }
}

/// Whether it refuses the request for its origin.
fn refuses(response: &WireResponse) -> bool {
    let body = text(response);
    matches!(response.status, 400 | 403)
        && ["not an accepted origin", "origin checking failed"].iter().any(|words| body.contains(words))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let socket = if handshake(facts).is_some() { ", for the socket's path too" } else { "" };
    vec![
        Fix::any(format!(
            "Let the proxy pass the Host on as the browser sent it ({}), with its port{socket}: the application compares it with the Origin.",
            facts.host()
        )),
        Fix::at("nginx", "In the location. $host would drop the port.", "proxy_set_header Host $http_host;"),
        Fix::at("apache", "In the virtual host.", "ProxyPreserveHost On"),
        Fix::at(
            "caddy",
            "Within reverse_proxy, in place of another header_up Host; it is Caddy's default.",
            "header_up Host {host}:{port}",
        ),
        Fix::at(
            "haproxy",
            "HAProxy passes it on by itself: take out what replaces it.",
            "# http-request set-header Host ...",
        ),
    ]
}
