//! One event, frame or message as a row of text.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::filter::Facts;
use super::super::why::close_line;
use super::super::{local, words};
use crate::diagnosis::{audit_words, session_words, words as reasons};
use crate::watch::{
    Event, EventBody, Message, MessageKind, NamespaceChange, Outcome, ProfileChange, State, TransportStep,
};
use crate::wire::{Direction, Frame};

/// One event as a row.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub event: Arc<Event>,
    /// `14:02:31.204`
    pub time: String,
    /// The kind as people read it.
    pub kind: &'static str,
    pub what: String,
    pub reason: String,
    /// The state whose shape stands at its start.
    pub mark: Option<State>,
    /// All of its words in lower case, once a filter has asked for them.
    hay: OnceCell<String>,
}

impl EventRow {
    pub fn new(event: Arc<Event>, zone: &TimeZone) -> Self {
        let (what, mark) = told(&event.body);
        let reason = event.body.reason().map(reasons::phrase).unwrap_or_default();
        let time = local::millis(event.at, zone);
        let kind = kind_word(&event.body);
        Self { event, time, kind, what, reason, mark, hay: OnceCell::new() }
    }

    fn hay(&self) -> String {
        let Self { time, kind, what, reason, .. } = self;
        let data = match &self.event.body {
            EventBody::Frame(frame) => frame.text().unwrap_or_default(),
            EventBody::Message(message) => &message.data,
            _ => "",
        };
        format!("{time} {kind} {what} {reason} {data}").to_lowercase()
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let body = &self.event.body;
        let reason = body.reason();
        let mut facts = Facts {
            kind: body.kind(),
            code: reason.map(|reason| reason.code.as_str()),
            status: reason.and_then(|reason| reason.status),
            text: self.hay.get_or_init(|| self.hay()),
            ..Facts::default()
        };
        match body {
            EventBody::Frame(frame) => {
                facts.dir = Some(frame.direction);
                facts.size = Some(frame.size);
                facts.opcode = Some(frame.opcode.word());
            }
            EventBody::Message(message) => {
                facts.dir = Some(message.direction);
                facts.size = Some(message.size);
                facts.opcode = Some(message.kind.code());
                facts.namespace = Some(&message.namespace);
                facts.event = Some(&message.event);
                facts.room = message.room.as_deref();
                facts.user = message.user.as_deref();
            }
            EventBody::Namespace { namespace, .. } => facts.namespace = Some(namespace),
            EventBody::SignIn { exchange: Some(exchange), .. } => facts.status = exchange.status().or(facts.status),
            EventBody::Check(report) => {
                facts.state = Some(report.state.code());
                facts.status = report.status.or(facts.status);
            }
            EventBody::State { to, .. } => facts.state = Some(to.code()),
            EventBody::Handshake { exchange, .. } => facts.status = exchange.status().or(facts.status),
            _ => {}
        }
        facts
    }

    /// `2026-11-21T13:02:31.204Z`, told on hover.
    pub fn utc(&self) -> String {
        self.event.at.to_string()
    }

    /// One line of what is shown, for the clipboard and for exports.
    pub fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}", self.utc(), self.event.body.kind(), self.what, self.reason)
    }
}

/// A kind as people read it.
fn kind_word(body: &EventBody) -> &'static str {
    match body {
        EventBody::Started { .. } | EventBody::Stopped => "wirewatch",
        EventBody::Profile { .. } => "profile",
        EventBody::Check(_) => "check",
        EventBody::State { .. } => "state",
        EventBody::Attempt { .. } => "attempt",
        EventBody::Handshake { .. } => "handshake",
        EventBody::Retry { .. } => "retry",
        EventBody::Frame(_) => "frame",
        EventBody::Pong { .. } => "round trip",
        EventBody::Transport { .. } => "transport",
        EventBody::Namespace { .. } => "namespace",
        EventBody::Message(_) => "message",
        EventBody::Heartbeat { .. } => "heartbeat",
        EventBody::SignIn { .. } => "sign-in",
        EventBody::Closed { .. } => "closed",
        EventBody::IncidentOpened { .. } | EventBody::IncidentClosed { .. } => "incident",
        EventBody::Audited(_) => "audit",
        EventBody::Notified { .. } => "notice",
        EventBody::Offline { .. } | EventBody::Online { .. } => "network",
        EventBody::Woke { .. } | EventBody::NetworkChanged => "machine",
        EventBody::Recording { .. } => "recording",
        EventBody::Lost { .. } => "lost",
        EventBody::Panicked { .. } => "fault",
    }
}

/// What happened, in words, and the state whose shape goes with it.
fn told(body: &EventBody) -> (String, Option<State>) {
    match body {
        EventBody::Started { version } => (format!("Version {version} began to watch"), None),
        EventBody::Stopped => ("Ended".into(), None),
        EventBody::Profile { change, name } => {
            let change = match change {
                ProfileChange::Added => "Added",
                ProfileChange::Changed => "Changed",
                ProfileChange::Removed => "Removed",
            };
            (format!("{change}: {name}"), None)
        }
        EventBody::Check(report) => {
            let mut text = reasons::outcome(report.outcome).to_owned();
            if let Some(took) = report.phases.total {
                text.push_str(&format!(", {}", words::latency(took)));
            }
            if let Some(status) = report.status {
                text.push_str(&format!(", {}", reasons::status_words(status)));
            }
            (text, (report.outcome != Outcome::Unknown).then_some(report.state))
        }
        EventBody::State { from, to, .. } if from == to => {
            (format!("{}, for another reason", reasons::state(*to)), Some(*to))
        }
        EventBody::State { from, to, .. } => {
            (format!("{}, was {}", reasons::state(*to), reasons::state(*from).to_lowercase_word()), Some(*to))
        }
        EventBody::Attempt { attempt } => (format!("Attempt {attempt} begins"), None),
        EventBody::Handshake { exchange, reason, protocol, .. } => {
            let status = exchange.status().map(reasons::status_words);
            let mut text = match (reason, status) {
                (None, _) => "Opened".to_owned(),
                (Some(_), Some(status)) => status,
                (Some(_), None) => "No answer".to_owned(),
            };
            if let Some(took) = exchange.phases.total {
                text.push_str(&format!(", {}", words::latency(took)));
            }
            if let Some(protocol) = protocol {
                text.push_str(&format!(", protocol {protocol}"));
            }
            (text, None)
        }
        EventBody::Retry { attempt, wait, .. } => (format!("Attempt {attempt} in {}", words::latency(*wait)), None),
        EventBody::Frame(frame) => (frame_line(frame), None),
        EventBody::Pong { rtt, by } => {
            (format!("{}, by {}", words::latency(*rtt), session_words::measured_by(*by)), None)
        }
        EventBody::Transport { transport, step } => {
            let took = match step {
                TransportStep::Opened { took, .. } | TransportStep::Upgraded { took } => words::latency(*took),
                TransportStep::Probing | TransportStep::Stuck { .. } | TransportStep::FellBack { .. } => String::new(),
            };
            (with(session_words::step(*transport, step), took), None)
        }
        EventBody::Namespace { namespace, change } => {
            let took = match change {
                NamespaceChange::Joined { took, .. } => words::latency(*took),
                NamespaceChange::Refused { .. } | NamespaceChange::Left { .. } => String::new(),
            };
            (with(session_words::namespace(namespace, change), took), None)
        }
        EventBody::Message(message) => (message_line(message), None),
        EventBody::Heartbeat { gap, limit } => {
            (format!("Came after {}, at most {}", words::latency(*gap), words::latency(*limit)), None)
        }
        EventBody::SignIn { step, exchange, .. } => {
            let status = exchange.as_ref().and_then(|exchange| exchange.status()).map(reasons::status_words);
            (with(session_words::sign_in(*step).to_owned(), status.unwrap_or_default()), None)
        }
        EventBody::Closed { facts, open_for } => {
            (format!("{}; was open for {}", close_line(facts), words::lasted(*open_for)), None)
        }
        EventBody::IncidentOpened { failures, .. } => {
            (format!("Opened after {}", words::count(*failures as usize, "failure", "failures in a row")), None)
        }
        EventBody::IncidentClosed { lasted } => (format!("Over after {}", words::lasted(*lasted)), None),
        EventBody::Audited(audited) => (audit_words::told(audited), None),
        EventBody::Notified { way, problem } => match problem {
            None => (format!("Told by {way}"), None),
            Some(problem) => (format!("Could not tell by {way}: {problem}"), None),
        },
        EventBody::Offline { affected, .. } => (
            format!("This machine is offline; {} affected", words::count(*affected as usize, "profile", "profiles")),
            None,
        ),
        EventBody::Online { after } => (format!("This machine is online again after {}", words::lasted(*after)), None),
        EventBody::Woke { slept } => (format!("This machine slept for {}", words::lasted(*slept)), None),
        EventBody::NetworkChanged => ("This machine's network changed".into(), None),
        EventBody::Recording { on: true, .. } => ("History is being kept again".into(), None),
        EventBody::Recording { on: false, problem } => {
            let problem = problem.as_deref().unwrap_or("unknown");
            (format!("History is not being kept: {problem}"), None)
        }
        EventBody::Lost { consumer, count } => (
            format!(
                "{} did not reach {consumer}",
                words::count(usize::try_from(*count).unwrap_or(usize::MAX), "event", "events")
            ),
            None,
        ),
        EventBody::Panicked { task, message } => {
            (format!("{task} failed inside wirewatch and was started again: {message}"), None)
        }
    }
}

/// `→ text 412 B {"type":…`
fn frame_line(frame: &Frame) -> String {
    let arrow = arrow(frame.direction);
    format!("{arrow} {} {} {}", frame.opcode.word(), words::bytes(frame.size), preview(frame))
}

fn with(text: String, more: String) -> String {
    if more.is_empty() { text } else { format!("{text}, {more}") }
}

/// `← /admin chat ["hi"]`
fn message_line(message: &Message) -> String {
    let Message { direction, kind, namespace, event, data, .. } = message;
    let kind = match kind {
        MessageKind::Event => "",
        MessageKind::Ack | MessageKind::AckMissing => session_words::message_kind(*kind),
    };
    let arrow = arrow(*direction);
    let parts = [arrow, namespace, event, kind, &one_line(data, message.is_cut())];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Out of us, or in to us.
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "←",
        Direction::Out => "→",
    }
}

/// The payload on one line, at most 200 characters of it.
pub fn preview(frame: &Frame) -> String {
    match frame.text() {
        Some(text) => one_line(text, (frame.payload.len() as u64) < frame.size),
        None => hex(&frame.payload, 32),
    }
}

/// At most 200 characters. `more`: the text is only the beginning.
pub fn one_line(text: &str, more: bool) -> String {
    let mut line: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if more || 200 < text.chars().count() {
        line.push('…');
    }
    line
}

fn hex(bytes: &[u8], most: usize) -> String {
    let mut text: Vec<String> = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
    if most < bytes.len() {
        text.push("…".into());
    }
    text.join(" ")
}

/// A message's arguments to be read, and how much of them that is.
pub fn pretty_message(message: &Message) -> String {
    let mut text = pretty_json(&message.data);
    if message.is_cut() {
        let (kept, size) = (words::bytes(message.data.len() as u64), words::bytes(message.size));
        text.push_str(&format!("\n… the first {kept} of {size}"));
    }
    text
}

/// What else there is to know of a message, by name.
pub fn message_facts(message: &Message) -> Vec<(&'static str, String)> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let facts = [
        ("Namespace", text(&message.namespace)),
        ("Event", text(&message.event)),
        ("Size", Some(words::bytes(message.size))),
        ("Attachments", (message.attachments != 0).then(|| message.attachments.to_string())),
        ("Acknowledgement", message.id.map(|id| format!("number {id}"))),
        (if message.kind == MessageKind::AckMissing { "Waited" } else { "Took" }, message.took.map(words::latency)),
        ("Room", message.room.as_deref().and_then(text)),
        ("User", message.user.as_deref().and_then(text)),
        ("Session id", message.sid.as_deref().and_then(text)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// An object or an array with its levels, other text as it is.
pub fn pretty_json(text: &str) -> String {
    let json =
        serde_json::from_str::<serde_json::Value>(text).ok().filter(|value| value.is_object() || value.is_array());
    json.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// The payload to be read: JSON with its levels, other text as it is, bytes as hex with their letters.
pub fn pretty(frame: &Frame) -> String {
    let cut = (frame.payload.len() as u64) < frame.size;
    let mut text = match frame.text() {
        Some(text) => pretty_json(text),
        None => frame
            .payload
            .chunks(16)
            .enumerate()
            .map(|(row, bytes)| {
                let letters: String =
                    bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
                format!("{:04x}  {:<47}  {letters}", row * 16, hex(bytes, 16))
            })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    if cut {
        text.push_str(&format!(
            "\n… the first {} of {}",
            words::bytes(frame.payload.len() as u64),
            words::bytes(frame.size)
        ));
    }
    text
}

/// Lower case but for words that are names: `CORS error` stays.
pub(super) trait LowerWord {
    fn to_lowercase_word(&self) -> String;
}

impl LowerWord for str {
    fn to_lowercase_word(&self) -> String {
        let mut letters = self.chars();
        match (letters.next(), letters.next()) {
            (Some(first), Some(second)) if second.is_lowercase() => {
                first.to_lowercase().chain(self.chars().skip(1)).collect()
            }
            _ => self.to_owned(),
        }
    }
}
