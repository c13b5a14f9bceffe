//! Access logs: a request, a status. What a status means depends on whether it was an upgrade or a preflight.

use std::borrow::Cow;

use super::console::unless_empty;
use super::{CauseId, Known, Source};
use crate::watch::Category;

/// What kind of request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Upgrade,
    Preflight,
    Other,
}

/// A line of an access log: `"GET /ws HTTP/1.1" 403 …`, `WebSocket HANDSHAKING /ws`, `HTTP GET /x 403 [0.01, …]`.
pub(super) fn known(text: &str) -> Option<Known> {
    let (method, path, status) = quoted(text).or_else(|| daphne(text))?;
    let is_socket = status == 101 || path.contains("transport=websocket") || path.starts_with("/ws");
    let asked = match method {
        "OPTIONS" => Asked::Preflight,
        _ if is_socket => Asked::Upgrade,
        _ => Asked::Other,
    };
    let (causes, means, next) = status_says(status, asked);
    let category = causes.first().map_or_else(|| category(status), |(cause, _)| cause.category());
    Some(Known {
        source: Source::Access,
        category,
        causes: causes.to_vec(),
        means: Cow::Borrowed(means),
        not: (400 <= status && asked != Asked::Preflight).then_some(Cow::Borrowed(
            "Where the page can't read this answer its console calls it a CORS error; the status is the reason.",
        )),
        next: unless_empty(next),
        url: None,
        origin: None,
        status: Some(status),
        value: None,
    })
}

fn category(status: u16) -> Category {
    if status < 400 { Category::None } else { Category::Protocol }
}

/// `"METHOD PATH HTTP/1.1" STATUS`.
fn quoted(text: &str) -> Option<(&str, &str, u16)> {
    let at = text.find(" HTTP/")?;
    let request = &text[..at];
    let request = &request[request.rfind('"')? + 1..];
    let (method, path) = request.split_once(' ')?;
    let after = text[at + 1..].split_once('"')?.1;
    Some((method, path, status(after)?))
}

/// `HTTP GET /x 403 [0.01, 127.0.0.1:5]`.
fn daphne(text: &str) -> Option<(&str, &str, u16)> {
    let mut words = text.split("HTTP ").nth(1)?.split_whitespace();
    let (method, path, code) = (words.next()?, words.next()?, words.next()?);
    (method.bytes().all(|b| b.is_ascii_uppercase()) && path.starts_with('/')).then_some(())?;
    Some((method, path, status(code)?))
}

fn status(text: &str) -> Option<u16> {
    let word = text.split_whitespace().next()?;
    word.parse().ok().filter(|status| word.len() == 3 && (100..600).contains(status))
}

type Says = (&'static [(CauseId, f32)], &'static str, &'static str);

/// What an answer's status speaks for.
pub(super) fn status_says(status: u16, asked: Asked) -> Says {
    use CauseId::*;
    match (status, asked) {
        (101, _) => (&[], "A WebSocket was opened; many servers write the line when it ends.", ""),
        (405, Asked::Preflight) => (
            &[(PreflightOptions405, 0.97)],
            "The preflight was answered 405: the route knows no OPTIONS, and the request itself is never sent.",
            "Let the CORS layer answer OPTIONS before the routes.",
        ),
        (401 | 403, Asked::Preflight) => (
            &[(PreflightOptions405, 0.5), (AuthRequired, 0.4)],
            "The preflight was asked for credentials, which it never carries.",
            "Let OPTIONS through before the sign-in is checked.",
        ),
        (300..400, Asked::Preflight) => (
            &[(PreflightOptions405, 0.4), (AuthRequired, 0.3)],
            "The preflight was redirected, which browsers refuse: to https, to another slash, or to a sign-in page.",
            "Ask the address that the redirect leads to.",
        ),
        (200 | 204, Asked::Preflight) => {
            (&[], "A preflight was answered; whether its headers allow the request the line does not say.", "")
        }
        (200, Asked::Upgrade) => (
            &[(UpgradeIgnored, 0.5), (PathServedByOtherApp, 0.3), (ProxyDropsUpgrade, 0.2)],
            "The upgrade was answered as an ordinary request.",
            "See which application serves that path, and whether a proxy drops Upgrade.",
        ),
        (300..400, Asked::Upgrade) => (
            &[(RedirectOnUpgrade, 0.95)],
            "The upgrade was redirected, which browsers do not follow.",
            "Connect to where the redirect leads.",
        ),
        (400, Asked::Upgrade) => (
            &[(ProxyDropsUpgrade, 0.4), (OriginNotAllowed, 0.25), (HostNotAllowed, 0.15), (StickySessionsMissing, 0.1)],
            "The upgrade was refused as a bad request: a proxy took Upgrade off, or (Flask-SocketIO) the origin is not in the list.",
            "The answer's body has the server's words.",
        ),
        (401, Asked::Upgrade) => (
            &[(AuthRequired, 0.5), (HttpAuthRequired, 0.4)],
            "The upgrade was refused for want of credentials.",
            "A page's script can set no header on a WebSocket: a cookie, a token in the query or the first message has to do.",
        ),
        (403, Asked::Upgrade) => (
            &[(OriginNotAllowed, 0.45), (TokenInvalid, 0.2), (WebsocketRouteMissing, 0.2), (AuthRequired, 0.15)],
            "The upgrade was refused: for its origin, its token, or (uvicorn, daphne) because no such route is there.",
            "The server's log at that second says which.",
        ),
        (404, Asked::Upgrade) => (
            &[
                (WebsocketRouteMissing, 0.45),
                (ProxyDropsUpgrade, 0.2),
                (PathNotProxied, 0.2),
                (ServerLacksWebsocketSupport, 0.15),
            ],
            "Nothing answers upgrades at that path, or the upgrade arrived as an ordinary request.",
            "Ask the application directly, beside the proxy.",
        ),
        (426, _) => (
            &[(ProxyDropsUpgrade, 0.5), (WebsocketVersionUnsupported, 0.4)],
            "The server wants an upgrade and saw none, or one of another version.",
            "See whether a proxy drops Upgrade.",
        ),
        (400, _) => (
            &[(HostNotAllowed, 0.3), (OriginNotAllowed, 0.25), (StickySessionsMissing, 0.2)],
            "The server can't take the request as it came.",
            "The answer's body has the server's words.",
        ),
        (401, _) => (
            &[(AuthRequired, 0.5), (TokenExpired, 0.25), (SessionMissing, 0.2)],
            "The server does not know who asks.",
            "See whether the cookie or the token is sent, and whether it has ended.",
        ),
        (403, _) => (
            &[(InsufficientPermissions, 0.4), (CsrfFailed, 0.25), (OriginNotAllowed, 0.2)],
            "The server refuses this request.",
            "The server's log at that second says why.",
        ),
        (404, _) => (
            &[(NotFound, 0.7), (PathNotProxied, 0.2), (WrongSocketioPath, 0.1)],
            "Nothing is at that path.",
            "Check the path, and which server it was that answered.",
        ),
        (405, _) => {
            (&[(PreflightOptions405, 0.2)], "The route knows no such method.", "Check the method against the routes.")
        }
        (407, _) => (
            &[(ProxyAuthenticationRequired, 0.95)],
            "A proxy wants credentials.",
            "Give the proxy's user and password.",
        ),
        (408, _) => (
            &[(ReadTimeout, 0.5)],
            "The client sent no whole request in time.",
            "Often a browser's spare connection, which is no fault.",
        ),
        (413, _) => (
            &[(BodyTooLarge, 0.95)],
            "The request's body is over the limit.",
            "Raise the proxy's limit and the application's together.",
        ),
        (429, _) => {
            (&[(TooManyConnections, 0.95)], "This client asks more often than it may.", "Back off, honour Retry-After.")
        }
        (499, _) => (
            &[(BackendTimeout, 0.4), (HighLatency, 0.3)],
            "The client left before the answer came (nginx's own status).",
            "See how long it had waited.",
        ),
        (502, _) => (
            &[(BackendDown, 0.85)],
            "The proxy got no answer from the application.",
            "The proxy's error log has the reason at the same second.",
        ),
        (503, _) => (
            &[(BackendDown, 0.4), (ServiceUnavailable, 0.3), (ProxyRateLimit503, 0.3)],
            "Nobody takes the request: the backend is down, in maintenance, or a rate limit refused it.",
            "The proxy's error log tells them apart.",
        ),
        (504, _) => {
            (&[(BackendTimeout, 0.97)], "The proxy gave up waiting for the application.", "Find what it waits for.")
        }
        (500.., _) => {
            (&[(ServerException, 0.8)], "The application raised.", "Its log has the exception at the same second.")
        }
        (400.., _) => (&[], "The server refuses the request.", "The answer's body has the server's words."),
        (300.., _) => (&[], "A redirect.", ""),
        _ => (&[], "The request was answered.", ""),
    }
}
