//! The proxy answers the path itself: no location passes it on.

use super::{answered, answered_words, is_of_the_proxy, sign, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;

pub(super) const RULE: Rule = Rule { cause: CauseId::PathNotProxied, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() {
        return Fit::No;
    }
    // Caddy answers an empty 200 to what no directive takes.
    let nothing = |facts| answered(facts, 200).filter(|_| facts.kind != Kind::Http);
    let own = |found: &(_, &_)| is_of_the_proxy(found.1);
    let Some((exchange, response)) = answered(facts, 404).filter(own).or_else(|| nothing(facts).filter(own)) else {
        return Fit::No;
    };
    let path = exchange.request.url.path();
    let hidden = unreadable(facts);
    let summary = format!(
        "{} for {path} by the proxy's own page: it passes that path on to nobody{hidden}.",
        answered_words(facts, response)
    );
    // A file that a site does not have is no fault of its proxy.
    let confidence = match facts.kind {
        Kind::SocketIo | Kind::WebSocket => 0.93,
        Kind::Http if hidden.is_empty() => 0.5,
        Kind::Http => 0.82,
    };
    Fit::Fits(Match::new(confidence, summary).sign(sign(response)).sign("the page is the proxy's own"))
}

pub(super) fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = facts.opening().map_or_else(|| facts.url.path().to_owned(), |request| request.url.path().to_owned());
    let upgrade = facts.kind != Kind::Http;
    let nginx = if upgrade {
        "\n    proxy_http_version 1.1;\n    proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection \"upgrade\";"
    } else {
        ""
    };
    let apache = if upgrade { " upgrade=websocket" } else { "" };
    vec![
        Fix::any(format!(
            "Add a location for {path} to the proxy's configuration, above what answers everything else."
        )),
        Fix::at(
            "nginx",
            "In the server, with your backend's address for $backend.",
            format!(
                "location {path} {{\n    proxy_pass http://$backend;{nginx}\n    proxy_set_header Host $http_host;\n}}"
            ),
        ),
        Fix::at(
            "apache",
            "In the virtual host, above other ProxyPass lines; BACKEND is your backend's host and port (Define BACKEND 127.0.0.1:5000).",
            format!("ProxyPass \"{path}\" \"http://${{BACKEND}}{path}\"{apache}"),
        ),
        Fix::at(
            "caddy",
            "In the site, with your backend's address in the environment's BACKEND.",
            format!("handle {path}* {{\n  reverse_proxy {{$BACKEND}}\n}}"),
        ),
    ]
}
