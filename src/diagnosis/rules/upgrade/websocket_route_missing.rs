//! No route of the server's WebSockets matches the path.

use super::Refused;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::WebsocketRouteMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = Refused::of(facts).filter(|refused| !refused.names_the_origin()) else { return Fit::No };
    let path = facts.url.path();
    let answered = format!("{} for {path}", refused.answered());
    let nowhere = refused.nowhere();
    if refused.opens(Ask::OtherSlash) == Some(true) {
        return Fit::No;
    }
    if nowhere.is_some_and(|nowhere| nowhere != refused.status) {
        // It is answered otherwise than where nothing is.
        return match refused.status {
            404 | 410 => {
                Fit::CantTell(Match::new(0.6, format!("{answered}: a route takes it, and finds nothing there.")))
            }
            _ => Fit::No,
        };
    }
    let asked = nowhere.is_some();
    let (confidence, why) = match refused.status {
        404 if facts.through_proxy() => (0.55, "there is no WebSocket, or the proxy passed the upgrade on as a GET"),
        404 | 410 => (0.75, "it has no WebSocket there"),
        // The only answer of some servers to whatever they don't want.
        403 if refused.is_wordless() && !refused.is_daphne() => {
            match (asked && refused.origin_is_fine(), is_usual(path)) {
                (true, true) => (0.45, "the same as where no route is"),
                (true, false) => (0.6, "the same as where no route is"),
                (false, _) => (0.4, "it may have no WebSocket there"),
            }
        }
        400 | 405 | 406 | 422 if refused.is_wordless() => (0.5, "it may have no WebSocket there"),
        // daphne's answer to a missing route, and to an exception.
        500 if asked && refused.is_daphne() && !is_usual(path) => (0.62, "the same as where no route is"),
        500 => (0.4, "some servers answer so where no route is"),
        _ => return Fit::No,
    };
    Fit::CantTell(Match::new(confidence, format!("{answered}: {why}.")).asks(&[
        Ask::OtherSlash,
        Ask::NoSuchPath,
        Ask::PlainGet,
    ]))
}

/// A path as WebSockets commonly have.
pub(in crate::diagnosis::rules) fn is_usual(path: &str) -> bool {
    const USUAL: [&str; 14] = [
        "ws",
        "wss",
        "websocket",
        "websockets",
        "socket",
        "sockets",
        "chat",
        "live",
        "stream",
        "events",
        "realtime",
        "notifications",
        "updates",
        "cable",
    ];
    path.split('/').any(|part| USUAL.iter().any(|usual| part.eq_ignore_ascii_case(usual) || part.starts_with("ws-")))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = facts.url.path();
    vec![
        Fix::any(format!("Check the path {path} (its last slash too) against the server's WebSocket routes.")),
        Fix::at(
            "fastapi",
            "Starlette answers 403 to the WebSocket of a path that no route has.",
            format!(
                "@app.websocket(\"{path}\")\nasync def socket(websocket: WebSocket):\n    await websocket.accept()\n    async for message in websocket.iter_text():\n        await websocket.send_text(message)"
            ),
        ),
        Fix::at(
            "django-channels",
            "In routing.py; Channels answers 500 to a path that no route matches.",
            format!("websocket_urlpatterns = [path(\"{}\", Consumer.as_asgi())]", path.trim_start_matches('/')),
        ),
        Fix::at(
            "node-ws",
            "The server's path option has to be this one.",
            format!("new WebSocketServer({{ server, path: \"{path}\" }});"),
        ),
    ]
}
