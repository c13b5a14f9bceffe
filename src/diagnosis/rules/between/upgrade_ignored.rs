//! The upgrade is answered as an ordinary GET.

use super::{handshake, is_html, sign};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::watch::Code;
use crate::wire::Exchange;

pub(super) const RULE: Rule = Rule { cause: CauseId::UpgradeIgnored, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(response) = handshake(facts).and_then(Exchange::response) else { return Fit::No };
    // Bytes without a status line count as 200 to a browser (HTTP/0.9): that is no answer to an upgrade.
    let is_http = facts.code() != Some(Code::InvalidHttpResponse);
    if !is_http || !(200..300).contains(&response.status) || facts.reason.is_none() && facts.kind != Kind::SocketIo {
        return Fit::No;
    }
    let summary = format!(
        "{} answered the WebSocket upgrade with {}, as to an ordinary GET: nobody took up the upgrade.",
        facts.host(),
        status_words(response.status)
    );
    Fit::Fits(Match::new(if is_html(response) { 0.6 } else { 0.87 }, summary).sign(sign(response)))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Point the URL at the WebSocket's own path, and let every proxy on the way pass Upgrade and Connection on.",
        ),
        Fix::at(
            "nginx",
            format!("In the location that serves {}.", facts.url.path()),
            "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";",
        ),
        Fix::at(
            "node-ws",
            "The server has to answer the upgrade itself: without an upgrade listener Node takes it for a GET.",
            "const wss = new WebSocketServer({ server });",
        ),
    ]
}
