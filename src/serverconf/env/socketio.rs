//! Flask-SocketIO's transports, pings and limits. Times are in seconds, as python-engineio takes them.

use std::time::Duration;

use super::{Var, Vars};
use crate::profile::Transport;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::list;
use crate::serverconf::policy::SocketIo;

/// Most proxies cut a connection that is quiet for a minute.
const MINUTE: f64 = 60.0;
/// From here on a number of seconds was meant as milliseconds.
const MILLIS: f64 = 1000.0;

pub(super) fn read(vars: &mut Vars<'_>, out: &mut SocketIo) {
    out.used = vars.any(|name| name.starts_with("SOCKETIO_") || matches!(name, "FLASK_HOST" | "FLASK_PORT"));
    out.transports = transports(vars);
    out.ping_interval = seconds(vars, "SOCKETIO_PING_INTERVAL", |_, number| {
        if number == 0.0 {
            Some((
                Rule::PingTimeoutZero,
                Severity::Error,
                "an interval of 0: the server pings without end".into(),
                "25",
            ))
        } else if MILLIS <= number {
            let text = format!(
                "python-engineio counts seconds: {number} is {}, and proxies cut the connection long before",
                hours(number)
            );
            Some((Rule::HeartbeatIntervalTooLong, Severity::Error, text, "25"))
        } else if MINUTE <= number {
            let text = format!("a ping every {number} s: most proxies cut what is quiet for 60 s");
            Some((Rule::HeartbeatIntervalTooLong, Severity::Warning, text, "25"))
        } else {
            None
        }
    });
    out.ping_timeout = seconds(vars, "SOCKETIO_PING_TIMEOUT", |_, number| {
        if number == 0.0 {
            Some((
                Rule::PingTimeoutZero,
                Severity::Error,
                "a time-out of 0: every client is dead before its pong can come".into(),
                "20",
            ))
        } else if MILLIS <= number {
            let text = format!(
                "python-engineio counts seconds: {number} is {}, and the dead are kept for so long",
                hours(number)
            );
            Some((Rule::HeartbeatIntervalTooLong, Severity::Error, text, "20"))
        } else {
            None
        }
    });
    out.connect_timeout = seconds(vars, "SOCKETIO_CONNECT_TIMEOUT", |_, number| {
        (number == 0.0).then(|| {
            (Rule::PingTimeoutZero, Severity::Error, "a time-out of 0: nobody connects in no time".into(), "45")
        })
    });
    out.cleanup_interval = seconds(vars, "SOCKETIO_CONNECTION_CLEANUP_INTERVAL", |vars, number| {
        let limited = vars.get("SOCKETIO_MAX_CONNECTIONS_PER_USER").is_some();
        (limited && (number == 0.0 || 600.0 < number)).then(|| {
            let text = "connections that are gone count against the user's limit until they are cleaned up".into();
            (Rule::ConcurrentConnectionLimit, Severity::Warning, text, "60")
        })
    });
    limits(vars, out);
}

fn hours(seconds: f64) -> String {
    if seconds < 7200.0 { format!("{:.0} minutes", seconds / 60.0) } else { format!("{:.1} hours", seconds / 3600.0) }
}

type Fault = (Rule, Severity, String, &'static str);

fn seconds(vars: &mut Vars<'_>, name: &str, fault: impl Fn(&Vars<'_>, f64) -> Option<Fault>) -> Option<Duration> {
    let (var, number) = vars.number(name)?;
    if let Some((rule, severity, text, instead)) = fault(vars, number) {
        vars.add(var.finding(rule, severity, text).instead(instead));
    }
    Duration::try_from_secs_f64(number).ok()
}

fn transports(vars: &mut Vars<'_>) -> Option<Vec<Transport>> {
    let var = vars.get("SOCKETIO_TRANSPORTS")?;
    let (_, items) = list::read(var.value);
    let mut found = Vec::new();
    for item in items.iter().filter(|item| !item.text.is_empty()) {
        match Transport::ALL.into_iter().find(|transport| transport.word() == item.text) {
            Some(transport) if !found.contains(&transport) => found.push(transport),
            Some(_) => {}
            None => {
                let text =
                    format!("`{}` is no transport of Socket.IO: the server raises ValueError as it starts", item.text);
                let at = var.part(&item.at);
                vars.add(Finding::new(Rule::TransportUnknown, Severity::Error, at, text).instead("polling,websocket"));
            }
        }
    }
    match found[..] {
        // What was meant beside it is told already.
        _ if found.len() < items.len() => {}
        [Transport::Polling] => {
            let text = "polling alone: no session becomes a WebSocket, and each message is a request";
            vars.add(
                var.finding(Rule::WebsocketTransportDisabled, Severity::Warning, text).instead("polling,websocket"),
            );
        }
        [Transport::WebSocket] => {
            let text = "WebSocket alone: socket.io-client begins with polling unless it is told transports: [\"websocket\"], and is refused";
            vars.add(var.finding(Rule::PollingTransportDisabled, Severity::Warning, text).instead("polling,websocket"));
        }
        _ => {}
    }
    Some(found)
}

fn limits(vars: &mut Vars<'_>, out: &mut SocketIo) {
    out.rate_limiting = vars.boolean("SOCKETIO_RATE_LIMITING");
    if let (Some(false), Some(var)) = (out.rate_limiting, vars.get("SOCKETIO_RATE_LIMITING")) {
        let text =
            "rate limiting is off: that mends no client, it only lets one of them take the server from all others";
        vars.add(
            var.finding(Rule::RateLimitingOff, Severity::Warning, text)
                .instead("true, with a limit that your clients stay under"),
        );
    }
    let mut count = |name: &str, few: &dyn Fn(Var<'_>, f64) -> Option<Finding>| {
        let (var, number) = vars.number(name)?;
        if number.fract() != 0.0 {
            let text = format!("{number} is no whole number");
            vars.add(var.finding(Rule::ValueNotANumber, Severity::Error, text).instead(format!("{}", number.ceil())));
        }
        let finding = few(var, number);
        vars.found.extend(finding);
        Some(number as u64)
    };
    out.rate_limit_connections = count("SOCKETIO_RATE_LIMIT_CONNECTIONS", &|var, number| {
        let text = "a limit of 0: every connection is one too many";
        (number == 0.0).then(|| var.finding(Rule::TooManyConnections, Severity::Error, text).instead("60"))
    });
    out.max_connections_per_user = count("SOCKETIO_MAX_CONNECTIONS_PER_USER", &|var, number| match number {
        0.0 => {
            let text = "a limit of 0: nobody may connect";
            Some(var.finding(Rule::ConcurrentConnectionLimit, Severity::Error, text).instead("5"))
        }
        1.0 => {
            let text = "one connection a user: a second tab is refused, and so is a reconnection before the old one is cleaned up";
            Some(var.finding(Rule::ConcurrentConnectionLimit, Severity::Warning, text).instead("5"))
        }
        _ => None,
    });
}
