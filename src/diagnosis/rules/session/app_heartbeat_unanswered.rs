//! The application has a heartbeat of its own, JSON in ordinary messages, and got no answer to it.

use super::{by_close, closed, said};
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::AppHeartbeatUnanswered, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(closed) = closed(facts) else { return Fit::No };
    let ping = facts.heard().lines().find(|line| is_ping(line)).map(str::to_owned);
    let told = said::named(facts);
    match (ping, told) {
        // What closes for another reason in its own words is believed.
        (_, Some((cause, confidence))) if cause != CauseId::AppHeartbeatUnanswered && 0.6 < confidence => Fit::No,
        (Some(ping), _) => {
            Fit::Fits(by_close(facts, &closed, 0.95).sign(format!("it had sent {ping}, and nothing answered")))
        }
        (None, Some((_, confidence))) => Fit::Fits(by_close(facts, &closed, confidence)),
        (None, None) => Fit::No,
    }
}

/// An application's ping: an object with a short field that says so.
fn is_ping(line: &str) -> bool {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(line) else { return line.trim() == "ping" };
    ["type", "event", "action", "op", "kind", "cmd"].iter().any(|name| {
        let word = fields.get(*name).and_then(serde_json::Value::as_str).unwrap_or_default().to_ascii_lowercase();
        matches!(&*word, "ping" | "heartbeat" | "keepalive")
    })
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let ping = facts.heard().lines().find(|line| is_ping(line)).unwrap_or("{\"type\":\"ping\"}").to_owned();
    vec![
        Fix::any(format!(
            "Let the page answer the application's own heartbeat: on {ping} it has to send the pong that the server waits for. (WebSocket's own pong, which every browser sends by itself, is not meant.)"
        )),
        Fix::at(
            "any",
            "In the page.",
            "socket.addEventListener(\"message\", (event) => {\n  if (JSON.parse(event.data).type === \"ping\") socket.send(JSON.stringify({ type: \"pong\" }));\n});",
        ),
        Fix::at(
            "any",
            "In the profile, so that wirewatch does as the page.",
            "[websocket]\nanswers = [{ when = '\"type\":\\s*\"ping\"', send = '{\"type\":\"pong\"}' }]",
        ),
    ]
}
