//! WebSocket upgrades that were not accepted.

use url::Url;

use super::status;
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    match code {
        Code::HandshakeStatus | Code::AuthRequired | Code::OriginRefused | Code::RateLimited
            if facts.is_websocket() =>
        {
            refused(facts, facts.status()?)
        }
        _ => None,
    }
}

/// The answer to the upgrade was another status than 101.
fn refused(facts: &Facts<'_>, status: u16) -> Option<Finding> {
    let (host, path, body) = (facts.host(), facts.url.path(), facts.body());
    let answered = format!("{host} answered the WebSocket upgrade with {}", status_words(status));
    let one = |cause, confidence, why: String| Finding::new(cause, confidence, format!("{answered}{why}."));
    let proxied = facts.through_proxy();
    Some(match status {
        200..=299 => {
            let finding = one(
                CauseId::UpgradeIgnored,
                if facts.is_html() { 0.7 } else { 0.85 },
                ", as to an ordinary GET: nobody took up the upgrade".into(),
            );
            let finding = finding.or(CauseId::ProxyDropsUpgrade, if proxied { 0.6 } else { 0.3 });
            if facts.is_html() { finding.or(CauseId::PathServedByOtherApp, 0.5) } else { finding }
        }
        300..=399 => {
            let to = facts.header("location").map(|location| format!(" to {location}")).unwrap_or_default();
            let finding =
                one(CauseId::RedirectOnUpgrade, 0.95, format!(", a redirect{to}, which browsers do not follow"));
            if leads_to_slash(facts) { finding.or(CauseId::WebsocketTrailingSlash, 0.6) } else { finding }
        }
        426 => one(CauseId::ProxyDropsUpgrade, 0.5, ": it did not see an upgrade that it can take".into()),
        400 if upgrade_was_lost(&body) => {
            one(CauseId::ProxyDropsUpgrade, 0.85, ": the upgrade's headers did not reach the application".into())
        }
        404 if proxied => {
            one(CauseId::ProxyDropsUpgrade, 0.6, format!(" for {path}: the proxy passed it on without its upgrade"))
        }
        403 | 404 | 500 => return None,
        400 | 405 | 406 | 410 | 422 => match status::meaning(facts, status) {
            Some(finding) => finding,
            None if proxied => one(CauseId::ProxyDropsUpgrade, 0.5, format!(" for {path}")),
            None => return None,
        },
        _ => return status::meaning(facts, status),
    })
}

/// An application behind a proxy that saw a GET where an upgrade was meant: Flask-SocketIO, Node's socket.io, `ws`.
fn upgrade_was_lost(body: &str) -> bool {
    [
        "invalid websocket upgrade",
        "invalid transport",
        "bad handshake method",
        "can \"upgrade\" only to",
        "upgrade required",
    ]
    .iter()
    .any(|words| body.contains(words))
}

/// Whether the redirect differs in the path's last slash alone.
fn leads_to_slash(facts: &Facts<'_>) -> bool {
    let target = facts.header("location").and_then(|location| facts.url.join(location).ok());
    target.is_some_and(|target: Url| {
        target.path() != facts.url.path()
            && target.path().trim_end_matches('/') == facts.url.path().trim_end_matches('/')
    })
}
