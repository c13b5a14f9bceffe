//! What stands between the page and the application: reverse proxies, forward proxies, firewalls.

mod backend_down;
mod backend_timeout;
mod body_too_large;
mod firewall_blocks_upgrade;
mod firewall_swallows_frames;
mod forward_proxy_blocks_connect;
mod host_not_forwarded;
pub(super) mod http_auth_required;
mod origin_stripped_by_proxy;
mod path_not_proxied;
mod path_served_by_other_app;
mod proxy_authentication_required;
mod proxy_buffering;
mod proxy_drops_upgrade;
pub(super) mod proxy_idle_timeout;
mod proxy_rate_limit_503;
mod proxy_unreachable;
mod redirect_on_upgrade;
mod service_unavailable;
mod upgrade_ignored;

use crate::diagnosis::Facts;
use crate::diagnosis::facts::names_a_proxy;
use crate::diagnosis::rule::Rule;
use crate::diagnosis::words::status_words;
use crate::watch::Code;
use crate::wire::{Exchange, Purpose, WireResponse};

pub(super) const RULES: &[Rule] = &[
    proxy_unreachable::RULE,
    proxy_authentication_required::RULE,
    forward_proxy_blocks_connect::RULE,
    firewall_blocks_upgrade::RULE,
    firewall_swallows_frames::RULE,
    backend_down::RULE,
    backend_timeout::RULE,
    service_unavailable::RULE,
    proxy_rate_limit_503::RULE,
    body_too_large::RULE,
    path_not_proxied::RULE,
    path_served_by_other_app::RULE,
    proxy_drops_upgrade::RULE,
    upgrade_ignored::RULE,
    redirect_on_upgrade::RULE,
    origin_stripped_by_proxy::RULE,
    host_not_forwarded::RULE,
    http_auth_required::RULE,
    proxy_buffering::RULE,
    proxy_idle_timeout::RULE,
];

/// What the page itself sent, preflights and handshakes among it.
fn own<'a>(facts: &Facts<'a>) -> impl DoubleEndedIterator<Item = &'a Exchange> {
    facts.exchanges.iter().copied().filter(|exchange| exchange.request.purpose != Purpose::SignIn)
}

/// The last answer of that status.
fn answered<'a>(facts: &Facts<'a>, status: u16) -> Option<(&'a Exchange, &'a WireResponse)> {
    own(facts)
        .rev()
        .filter_map(|exchange| exchange.response().map(|response| (exchange, response)))
        .find(|(_, response)| response.status == status)
}

/// The page's last WebSocket handshake.
fn handshake<'a>(facts: &Facts<'a>) -> Option<&'a Exchange> {
    own(facts).rev().find(|exchange| exchange.request.purpose == Purpose::Handshake)
}

/// Whether polling opened an Engine.IO session.
fn polls(facts: &Facts<'_>) -> bool {
    own(facts).any(opens_session)
}

fn opens_session(exchange: &Exchange) -> bool {
    exchange.response().is_some_and(|response| response.status == 200 && text(response).contains("\"sid\""))
}

/// The beginning of its body, lower case.
fn text(response: &WireResponse) -> String {
    let head = &response.body[..response.body.len().min(4096)];
    String::from_utf8_lossy(head).to_ascii_lowercase()
}

fn is_html(response: &WireResponse) -> bool {
    response.headers.first_str("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// All of its `Server` fields, lower case: some proxies add theirs to the application's.
fn server(response: &WireResponse) -> String {
    response.headers.joined("server").unwrap_or_default().to_ascii_lowercase()
}

/// Whether the answer says that it comes from, or through, a proxy.
fn is_proxied(response: &WireResponse) -> bool {
    // uvicorn writes its field's name small; Apache, which leaves the value, writes it anew.
    let anew = response.headers.iter().any(|(name, value)| name == "Server" && value == b"uvicorn");
    names_a_proxy(&server(response)) || response.headers.contains("via") || anew
}

/// Whether it is a page of the proxy's own, not its backend's.
pub(super) fn is_of_the_proxy(response: &WireResponse) -> bool {
    let (server, body) = (server(response), text(response));
    let nginx = body.contains("<center>nginx") || body.contains("<center>openresty");
    let apache = server.starts_with("apache") && body.starts_with("<!doctype html public \"-//ietf")
        || server.starts_with("apache") && body.starts_with("<!doctype html public \"-//w3c");
    let caddy = server == "caddy" && body.is_empty();
    nginx || apache || caddy
}

/// `host answered 502 Bad Gateway`.
fn answered_words(facts: &Facts<'_>, response: &WireResponse) -> String {
    format!("{} answered {}", facts.host(), status_words(response.status))
}

/// What the browser makes of an answer that its page may not read; empty where it may.
fn unreadable(facts: &Facts<'_>) -> String {
    match facts.code() {
        Some(Code::MissingAllowOriginHeader | Code::PreflightMissingAllowOriginHeader) => {
            format!("; the answer has no CORS headers, so the page {} sees a CORS error instead", facts.origin())
        }
        _ => String::new(),
    }
}

/// `Server` and status of an answer, as a sign.
fn sign(response: &WireResponse) -> String {
    match response.headers.joined("server") {
        Some(server) => format!("{} from {server}", status_words(response.status)),
        None => status_words(response.status),
    }
}
