//! What an Engine.IO or Socket.IO server is set to, and the page's client is not.

mod auth_required;
mod connection_refused_by_handler;
mod engineio_version_mismatch;
mod heartbeat_interval_too_long;
mod namespace_unknown;
mod polling_transport_disabled;
mod rate_limit_refused_event;
mod request_refused_by_policy;
mod server_exception;
mod server_never_pings;
mod slow_connect_handler;
mod sticky_sessions_missing;
mod upgrades_disabled;
mod websocket_transport_disabled;
mod wrong_socketio_path;

pub(super) use request_refused_by_policy::by_origins_of_version_2;
pub(super) use slow_connect_handler::hangs_in_connect;

use std::time::Duration;

use crate::diagnosis::rule::Rule;
use crate::diagnosis::{Facts, Fix};
use crate::profile::model::{Kind, Transport};
use crate::protocol::engine_io::{Refusal, RefusalCode};
use crate::watch::{NamespaceChange, Reason, SocketChange, Stuck, TransportStep};
use crate::wire::{Ask, Exchange};

pub(super) const RULES: &[Rule] = &[
    auth_required::RULE,
    connection_refused_by_handler::RULE,
    engineio_version_mismatch::RULE,
    heartbeat_interval_too_long::RULE,
    namespace_unknown::RULE,
    polling_transport_disabled::RULE,
    rate_limit_refused_event::RULE,
    request_refused_by_policy::RULE,
    server_exception::RULE,
    server_never_pings::RULE,
    slow_connect_handler::RULE,
    sticky_sessions_missing::RULE,
    upgrades_disabled::RULE,
    websocket_transport_disabled::RULE,
    wrong_socketio_path::RULE,
];

/// The transport that a request of Engine.IO's names.
fn transport(exchange: &Exchange) -> Option<Transport> {
    let (_, name) = exchange.request.url.query_pairs().find(|(name, _)| name == "transport")?;
    Transport::ALL.into_iter().find(|transport| transport.word() == name)
}

/// What an Engine.IO server says where it refuses a request.
fn refusal(exchange: &Exchange) -> Option<Refusal> {
    let response = exchange.response()?;
    if response.status < 400 { None } else { Refusal::decode(&response.body) }
}

/// The first refusal by that number, and to what.
fn refused<'a>(facts: &Facts<'a>, code: RefusalCode) -> Option<(&'a Exchange, Refusal)> {
    let found = |exchange: &&'a Exchange| refusal(exchange).map(|refusal| (*exchange, refusal));
    facts.exchanges.iter().filter_map(found).find(|(_, refusal)| refusal.code == Some(code))
}

/// Whether a server of that question answered with a session's open packet.
fn opens(facts: &Facts<'_>, ask: Ask) -> Option<bool> {
    let answer = facts.asked(ask)?;
    let Some(response) = answer.response() else { return Some(false) };
    let text = String::from_utf8_lossy(&response.body[..response.body.len().min(1024)]);
    let open = text.contains("\"sid\"") && text.contains("\"pingInterval\"");
    Some(open && matches!(response.status, 101 | 200))
}

/// What the open packet said.
struct Opened {
    ping_interval: Duration,
    max_payload: Option<u64>,
    took: Duration,
}

fn opened(facts: &Facts<'_>) -> Option<Opened> {
    facts.steps.iter().find_map(|step| match step.what {
        SocketChange::Transport { step: TransportStep::Opened { ping_interval, max_payload, took, .. }, .. } => {
            Some(Opened { ping_interval, max_payload, took })
        }
        _ => None,
    })
}

/// The largest message that the server takes, where it says so and the script sends a larger one: both sizes.
pub(super) fn outsized(facts: &Facts<'_>) -> Option<(u64, u64)> {
    let most = opened(facts)?.max_payload?;
    (most < facts.largest_sent).then_some((facts.largest_sent, most))
}

/// Why the session stays on polling.
fn stuck<'a>(facts: &Facts<'a>) -> Option<(Stuck, Option<&'a Reason>)> {
    facts.steps.iter().find_map(|step| match &step.what {
        SocketChange::Transport { step: TransportStep::Stuck { why, reason }, .. } => Some((*why, reason.as_ref())),
        _ => None,
    })
}

/// The namespace that was refused: its name, why, and what the server said, JSON.
pub(super) fn refused_namespace<'a>(facts: &Facts<'a>) -> Option<(&'a str, &'a Reason, &'a str)> {
    facts.steps.iter().find_map(|step| match &step.what {
        SocketChange::Namespace { namespace, change: NamespaceChange::Refused { reason, data } } => {
            Some((&**namespace, reason, &**data))
        }
        _ => None,
    })
}

/// As socket.io-client writes it.
fn path(facts: &Facts<'_>) -> String {
    let opening = facts.opening().map_or("/socket.io/", |request| request.url.path());
    opening.trim_end_matches('/').to_owned()
}

fn is_socketio(facts: &Facts<'_>) -> bool {
    facts.kind == Kind::SocketIo
}

/// The first lines of a server's code with this page's origin, as the fixes write them.
/// How each server is given both transports.
fn both_transports(facts: &Facts<'_>) -> [Fix; 2] {
    let text = "Both transports, as by default.";
    [
        Fix::at("flask-socketio", text, flask(facts, ", transports=[\"polling\", \"websocket\"]")),
        Fix::at("node-socketio", text, node(facts, ", transports: [\"polling\", \"websocket\"]")),
    ]
}

fn flask(facts: &Facts<'_>, more: &str) -> String {
    format!("socketio = SocketIO(app, cors_allowed_origins=[\"{}\"]{more})", facts.origin())
}

fn node(facts: &Facts<'_>, more: &str) -> String {
    format!(
        "const io = new Server(httpServer, {{ cors: {{ origin: [\"{}\"], credentials: true }}{more} }});",
        facts.origin()
    )
}
