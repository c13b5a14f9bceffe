//! The handshake is answered with a redirect, which browsers do not follow.

use url::Url;

use super::{own, sign};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::wire::{Exchange, Purpose};

pub(super) const RULE: Rule = Rule { cause: CauseId::RedirectOnUpgrade, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() {
        return Fit::No;
    }
    let Some((exchange, target)) = redirect(facts) else { return Fit::No };
    let Some(response) = exchange.response() else { return Fit::No };
    let (what, why) = match exchange.request.purpose {
        Purpose::Handshake => ("the WebSocket upgrade", "which browsers do not follow"),
        _ => ("Socket.IO's first request", "which gives the page no leave to read it"),
    };
    let summary = format!(
        "{} answered {what} with {}, a redirect to {target}, {why}.",
        facts.host(),
        status_words(response.status)
    );
    let asked = &exchange.request.url;
    let slash =
        asked.path() != target.path() && asked.path().trim_end_matches('/') == target.path().trim_end_matches('/');
    let login = ["login", "signin", "sign-in", "sso", "oauth"].iter().any(|word| target.path().contains(word));
    let confidence = if slash || login { 0.6 } else { 0.95 };
    Fit::Fits(Match::new(confidence, summary).sign(sign(response)).sign(format!("Location: {target}")))
}

/// The redirect that answered the connection's opening, and where it leads.
fn redirect<'a>(facts: &Facts<'a>) -> Option<(&'a Exchange, Url)> {
    let opening = |exchange: &&Exchange| match facts.kind {
        Kind::WebSocket => exchange.request.purpose == Purpose::Handshake,
        Kind::SocketIo => matches!(exchange.request.purpose, Purpose::Handshake | Purpose::Actual),
        Kind::Http => false,
    };
    own(facts).filter(opening).find_map(|exchange| {
        let response = exchange.response()?;
        let location = response.headers.first_str("location")?;
        matches!(response.status, 301 | 302 | 303 | 307 | 308)
            .then_some((exchange, exchange.request.url.join(location).ok()?))
    })
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let Some((_, mut target)) = redirect(facts) else {
        return vec![Fix::any("Connect to where the redirect leads (https:// and wss://): browsers do not follow it.")];
    };
    let (scheme, secure) = match (facts.kind, target.scheme()) {
        (Kind::WebSocket, "https" | "wss") => ("wss", true),
        (Kind::WebSocket, "http" | "ws") => ("ws", false),
        (_, scheme) => (if scheme == "https" { "https" } else { "http" }, scheme == "https"),
    };
    let _ = target.set_scheme(scheme);
    let address = if facts.kind == Kind::SocketIo {
        target[..url::Position::BeforePath].to_owned()
    } else {
        target[..url::Position::AfterPath].to_owned()
    };
    let call = match facts.kind {
        Kind::WebSocket => format!("new WebSocket(\"{address}\");"),
        _ => format!("io(\"{address}\");"),
    };
    let what = if secure { " (https, so wss:// for the socket)" } else { "" };
    vec![
        Fix::any(format!(
            "The redirect leads to {target}, and browsers do not follow it: connect there at once{what}."
        )),
        Fix::at("any", "In the page.", call),
    ]
}
