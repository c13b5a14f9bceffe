//! An event as one line of text.

use std::time::Duration;

use crate::cli::harmless;
use crate::diagnosis::{audit_words, session_words, words};
use crate::watch::{Event, EventBody, Message, MessageKind, Outcome, Reason, TransportStep};
use crate::wire::Frame;

/// The most of a message that a line shows, in characters.
const SHOWN: usize = 80;

/// Time, profile, kind, what.
pub(super) fn of(event: &Event, name: &str) -> String {
    let who = if name.is_empty() { "-" } else { name };
    harmless(&format!("{}  {who}  {}  {}", event.at, event.body.kind(), what(&event.body))).trim_end().to_owned()
}

fn what(body: &EventBody) -> String {
    match body {
        EventBody::Started { version } => format!("wirewatch {version}"),
        EventBody::Stopped | EventBody::NetworkChanged => String::new(),
        EventBody::Profile { change, name } => format!("{change:?} {name}").to_lowercase(),
        EventBody::Check(report) => {
            let took = report.phases.total.map(took).unwrap_or_default();
            let status = report.status.map(|status| status.to_string()).unwrap_or_default();
            join([words::outcome(report.outcome), &status, &took, &why(report.reason.as_ref(), report.outcome)])
        }
        EventBody::State { from, to, reason, .. } => {
            let reason = reason.as_ref().map(words::phrase).unwrap_or_default();
            join([&format!("{} → {}", words::state(*from), words::state(*to)), &reason])
        }
        EventBody::Attempt { attempt } => format!("attempt {attempt}"),
        EventBody::Handshake { exchange, reason, .. } => {
            let status = exchange.status().map(words::status_words).unwrap_or_default();
            let took = exchange.phases.total.map(took).unwrap_or_default();
            join([&status, &took, &why(reason.as_ref(), Outcome::Down)])
        }
        EventBody::Retry { attempt, wait, .. } => format!("attempt {attempt} in {}", took(*wait)),
        EventBody::Frame(frame) => message(frame),
        EventBody::Pong { rtt, by } => format!("{} by {}", took(*rtt), session_words::measured_by(*by)),
        EventBody::Transport { transport, step } => {
            let lasted = match step {
                TransportStep::Opened { took, .. } | TransportStep::Upgraded { took } => Some(*took),
                TransportStep::Probing | TransportStep::Stuck { .. } | TransportStep::FellBack { .. } => None,
            };
            let lasted = lasted.map(took).unwrap_or_default();
            let why = match step {
                TransportStep::FellBack { reason, .. } => words::phrase(reason),
                _ => String::new(),
            };
            join([&session_words::step(*transport, step), &lasted, &why])
        }
        EventBody::Namespace { namespace, change } => {
            let why = body.reason().map(words::phrase).unwrap_or_default();
            join([&session_words::namespace(namespace, change), &why])
        }
        EventBody::Message(message) => event_line(message),
        EventBody::Heartbeat { gap, limit } => format!("after {} of at most {}", took(*gap), took(*limit)),
        EventBody::SignIn { step, exchange, reason } => {
            let status = exchange.as_ref().and_then(|exchange| exchange.status()).map(words::status_words);
            let why = reason.as_ref().map(words::phrase).unwrap_or_default();
            join([session_words::sign_in(*step), &status.unwrap_or_default(), &why])
        }
        EventBody::Closed { facts, open_for } => {
            let by = facts.by.code();
            let wire = facts.code.map_or("no code".to_owned(), |code| code.to_string());
            format!("by {by}, {wire} (script: {}), open for {} {}", facts.script.code, took(*open_for), facts.reason)
        }
        EventBody::IncidentOpened { reason, failures } => {
            join([&format!("after {failures} failures"), &why(reason.as_ref(), Outcome::Down)])
        }
        EventBody::IncidentClosed { lasted } => format!("after {}", took(*lasted)),
        EventBody::Audited(audited) => audit_words::told(audited),
        EventBody::Notified { way, problem } => join([way, problem.as_deref().unwrap_or_default()]),
        EventBody::Offline { phase, affected } => {
            let phase = phase.map(|phase| phase.code()).unwrap_or_default();
            format!("this machine, in {phase}; {affected} profiles")
        }
        EventBody::Online { after } => format!("after {}", took(*after)),
        EventBody::Woke { slept } => format!("slept {}", took(*slept)),
        EventBody::Recording { on, problem } => {
            join([if *on { "on" } else { "off" }, problem.as_deref().unwrap_or_default()])
        }
        EventBody::Lost { consumer, count } => format!("{count} events did not reach {consumer}"),
        EventBody::Panicked { task, message } => format!("{task}: {message}"),
    }
}

fn why(reason: Option<&Reason>, outcome: Outcome) -> String {
    match (reason, outcome) {
        (Some(reason), Outcome::Down | Outcome::Unknown | Outcome::Degraded) => words::phrase(reason),
        (Some(_), Outcome::Up) | (None, _) => String::new(),
    }
}

fn message(frame: &Frame) -> String {
    let text: String = frame.text().unwrap_or_default().chars().take(SHOWN).collect();
    format!("{} {} {} B {text}", frame.direction.code(), frame.opcode.word(), frame.size)
}

fn event_line(message: &Message) -> String {
    let kind = match message.kind {
        MessageKind::Event => "",
        MessageKind::Ack | MessageKind::AckMissing => session_words::message_kind(message.kind),
    };
    let data: String = message.data.chars().take(SHOWN).collect();
    let took = message.took.map(took).unwrap_or_default();
    join([&format!("{} {} {}", message.direction.code(), message.namespace, message.event), kind, &took, &data])
}

fn join<const N: usize>(parts: [&str; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// `34 ms`, `2.5 s`.
pub(super) fn took(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ProfileId, Wall};
    use crate::watch::{Code, State};
    use crate::wire::{Direction, Opcode};

    #[track_caller]
    fn check(body: EventBody, expected: &str) {
        let event = Event { seq: 1, at: Wall(0), profile: Some(ProfileId(1)), body };
        assert_eq!(of(&event, "Chat"), format!("1970-01-01T00:00:00.000Z  Chat  {expected}"));
    }

    #[test]
    fn a_line_says_when_who_what_and_why() {
        let reason = Some(Reason::new(Code::ConnectionRefused));
        check(
            EventBody::State { from: State::Connected, to: State::Reconnecting, reason, attempt: 0 },
            "state  Connected → Reconnecting  connection refused",
        );
        check(
            EventBody::Retry { attempt: 2, wait: Duration::from_millis(1500), until: Wall(0) },
            "retry  attempt 2 in 1.5 s",
        );
    }

    #[test]
    fn what_a_server_sends_cannot_command_the_terminal() {
        let payload: Box<[u8]> = (*b"\x1b[2Jhi\nthere").into();
        let frame = Frame { direction: Direction::In, opcode: Opcode::Text, size: 12, payload, heartbeat: false };
        check(EventBody::Frame(frame), "frame  in text 12 B ·[2Jhi·there");
    }
}
