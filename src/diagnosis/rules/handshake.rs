//! WebSocket upgrades that were not accepted.

use url::Url;

use super::status;
use super::token::{self, Token};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;
use crate::watch::meaning::names_the_origin;

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
        403 if names_the_origin(&body) && !facts.is_html() || facts.code() == Some(Code::OriginRefused) => {
            one(CauseId::OriginNotAllowed, 0.96, format!(": it does not accept the origin {}", facts.origin()))
        }
        403 => forbidden(facts, &one),
        404 => {
            let finding = if proxied {
                one(CauseId::ProxyDropsUpgrade, 0.6, format!(" for {path}: the proxy passed it on without its upgrade"))
                    .or(CauseId::WebsocketRouteMissing, 0.55)
            } else {
                one(CauseId::WebsocketRouteMissing, 0.75, format!(": it has no WebSocket at {path}"))
                    .or(CauseId::ServerLacksWebsocketSupport, if body.contains("\"detail\"") { 0.4 } else { 0.2 })
            };
            finding.or(CauseId::WebsocketTrailingSlash, 0.3)
        }
        400 | 405 | 406 | 410 | 422 => match status::meaning(facts, status) {
            Some(finding) => finding,
            None => one(CauseId::WebsocketRouteMissing, 0.5, format!(" for {path}"))
                .or(CauseId::ProxyDropsUpgrade, if proxied { 0.5 } else { 0.3 }),
        },
        500 => failed(facts, &one),
        _ => return status::meaning(facts, status),
    })
}

/// 500: the application failed, or (daphne) there is no such route.
fn failed(facts: &Facts<'_>, one: &dyn Fn(CauseId, f32, String) -> Finding) -> Finding {
    let path = facts.url.path();
    // Django's routes end with a slash, and Channels answers one that is missing with an empty 500.
    if facts.stack_or_guess() == Some("django-channels") && !path.ends_with('/') {
        let why = format!(": no route matches {path}, and Django's end with a slash");
        return one(CauseId::WebsocketTrailingSlash, 0.55, why)
            .or(CauseId::WebsocketRouteMissing, 0.5)
            .or(CauseId::ServerException, 0.4);
    }
    let finding = one(CauseId::ServerException, 0.6, ": the application failed while it took the socket".into())
        .or(CauseId::WebsocketRouteMissing, 0.4)
        .or(CauseId::WebsocketTrailingSlash, 0.3)
        .or(CauseId::ChannelLayerDown, 0.25);
    let server = facts.server();
    if server.contains("werkzeug") || server.contains("gunicorn") {
        finding.or(CauseId::ServerCannotWebsocket, 0.45)
    } else {
        finding
    }
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

/// 403 without a word: many servers' only answer to everything that they don't want.
fn forbidden(facts: &Facts<'_>, one: &dyn Fn(CauseId, f32, String) -> Finding) -> Finding {
    match token::in_query(facts.url, facts.at) {
        Some(Token::Expired) => return one(CauseId::TokenExpired, 0.9, ": the token in the URL has expired".into()),
        Some(Token::Malformed) => {
            return one(CauseId::TokenInvalid, 0.75, ": the token in the URL is none".into())
                .or(CauseId::OriginNotAllowed, 0.2);
        }
        Some(Token::Plausible) | None => {}
    }
    let origin = facts.origin();
    if let Some((page, endpoint)) = facts.loopback_names().filter(|_| facts.signs_in_by_cookie) {
        let why =
            format!(": signed in under another name; {page} and {endpoint} are one machine, and their cookies apart");
        return one(CauseId::Localhost127Mismatch, 0.6, why)
            .or(CauseId::OriginNotAllowed, 0.45)
            .or(CauseId::SessionMissing, 0.4);
    }
    if facts.is_cross_origin() {
        one(CauseId::OriginNotAllowed, 0.6, format!(" and no reason; the page is of another origin, {origin}"))
            .or(CauseId::WebsocketRouteMissing, 0.4)
            .or(CauseId::AuthRequired, 0.35)
            .or(CauseId::TokenMissing, 0.3)
            .or(CauseId::WebsocketTrailingSlash, 0.25)
            .or(CauseId::HostNotAllowed, 0.2)
    } else {
        one(CauseId::AuthRequired, 0.5, " and no reason; the page is of its own origin".into())
            .or(CauseId::WebsocketRouteMissing, 0.45)
            .or(CauseId::TokenMissing, 0.35)
            .or(CauseId::HostNotForwarded, 0.3)
            .or(CauseId::HostNotAllowed, 0.2)
    }
}

/// Whether the redirect differs in the path's last slash alone.
fn leads_to_slash(facts: &Facts<'_>) -> bool {
    let target = facts.header("location").and_then(|location| facts.url.join(location).ok());
    target.is_some_and(|target: Url| {
        target.path() != facts.url.path()
            && target.path().trim_end_matches('/') == facts.url.path().trim_end_matches('/')
    })
}
