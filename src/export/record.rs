//! One event as it leaves the program: the flat record that JSONL writes whole and CSV writes as a row.
//!
//! Field names are stable and only ever added to. A field that does not apply is absent, never null, zero or empty.
//! Times that a record states are RFC 3339 in UTC with milliseconds; lengths of time are in milliseconds, with three
//! decimals.
//!
//! | field | in | meaning |
//! |---|---|---|
//! | `seq`, `at`, `kind` | all | the event's number, when it was, its kind ([`EventBody::kind`]) |
//! | `profile` | events about one | the profile's name |
//! | `from`, `state` | `state`, `check` | the state before; the state now, or the one that a check means |
//! | `outcome` | `check` | `up`, `degraded`, `down`, `unknown` |
//! | `reason`, `category`, `detail`, `status`, `close_code` | where there is one | the reason's code, its layer, its facts |
//! | `latency_ms` | `check`, `pong`, `handshake` | what the plots draw; absent where it failed |
//! | `total_ms`, `phases_ms` | `check`, `handshake` | to the end or the failure; each phase that happened |
//! | `scheduled`, `lateness_ms` | `check` | when it was due, and how late wirewatch itself was |
//! | `preflighted`, `console` | `check` | whether a preflight went out; the browser's words |
//! | `attempt`, `wait_ms`, `until` | `state`, `attempt`, `handshake`, `retry` | the attempt's number, the wait before it |
//! | `frame` | `frame` | direction, opcode, size in bytes, text or base64 of what was kept, whether a heartbeat |
//! | `closed`, `open_for_ms` | `closed`, `check` | the close frame, who sent it, what the page's script saw |
//! | `measured_by` | `pong` | `frame`, `engine_ping`, `ack`, `post` |
//! | `transport` | `transport` | which, what became of it (`opened`, `probing`, `upgraded`, `stuck`, `fell_back`), its terms |
//! | `namespace` | `namespace` | which, what became of it (`joined`, `refused`, `left`), the refusal's payload |
//! | `event` | `message` | direction, kind, namespace, event, arguments, room, user, session id: see [`MessageRecord`] |
//! | `gap_ms`, `limit_ms` | `heartbeat` | time since the heartbeat before, and the most that it may be |
//! | `step` | `sign_in` | `form`, `submitted`, `checked`, `expired` |
//! | `audit` | `audited` | what was found (id, severity, text), who is let in, what opened and closed since the last audit |
//! | `exchanges` | `check`, `handshake`, `sign_in` | requests and answers, as far as the event keeps them |
//! | the rest | as named | `version`, `change`, `name`, `failures`, `lasted_ms`, `way`, `problem`, `phase`, `affected`, `after_ms`, `slept_ms`, `recording`, `consumer`, `count`, `task`, `message`, `protocol` |

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::audited::AuditRecord;
use super::socketio::{MessageRecord, NamespaceRecord, TransportRecord};
use crate::base::{ProfileId, Wall};
use crate::watch::{CheckReport, CloseFacts, Event, EventBody, ProfileChange, Reason};
use crate::wire::{Exchange, Frame, Headers, Phases};

/// The names of the profiles, by id.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<ProfileId, String>);

impl FromIterator<(ProfileId, String)> for Names {
    fn from_iter<I: IntoIterator<Item = (ProfileId, String)>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Names {
    /// The name, or `profile N` where the history has none.
    pub fn of(&self, id: ProfileId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("profile {id}"))
    }
}

/// See the module's table.
#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "the module's table has them")]
pub struct Record {
    pub seq: u64,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases_ms: Option<PhasesRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflighted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<TransportRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<MessageRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_for_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slept_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Milliseconds of each phase that happened.
#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "they are `wire::Phases`'")]
pub struct PhasesRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<f64>,
}

/// A frame.
#[derive(Debug, Serialize)]
pub struct FrameRecord {
    /// `in` or `out`.
    pub direction: &'static str,
    pub opcode: &'static str,
    /// Bytes of the whole payload; what is kept of it may be less.
    pub size: u64,
    #[serde(flatten)]
    pub payload: BytesRecord,
    pub heartbeat: bool,
}

/// Bytes: as text where they are text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BytesRecord {
    Text(String),
    Base64(String),
}

impl BytesRecord {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            // Cut in the midst of a character.
            Err(error) if error.error_len().is_none() => {
                Self::Text(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
            }
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    fn of_some(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self::of(bytes))
    }
}

/// How a WebSocket ended.
#[derive(Debug, Serialize)]
pub struct ClosedRecord {
    /// `server`, `client` or `network`.
    pub by: &'static str,
    /// The close frame's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    pub reason: String,
    /// What the page's script saw.
    pub script_code: u16,
    pub script_reason: String,
    pub script_clean: bool,
}

/// A request and its answer or failure.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "they are `wire::Exchange`'s")]
pub struct ExchangeRecord {
    pub method: String,
    pub url: String,
    /// Name and value of each field, in order, as sent.
    pub request_headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<BytesRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, String)>,
    /// As far as it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body: Option<BytesRecord>,
    /// Bytes of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_size: Option<u64>,
    /// The network's error, by Chromium's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    pub phases_ms: PhasesRecord,
}

/// Milliseconds with three decimals.
pub(super) fn ms(took: Duration) -> f64 {
    took.as_micros() as f64 / 1e3
}

pub(super) fn some_ms(took: Option<Duration>) -> Option<f64> {
    took.map(ms)
}

impl PhasesRecord {
    fn of(phases: &Phases) -> Self {
        Self {
            dns: some_ms(phases.dns),
            connect: some_ms(phases.connect),
            proxy: some_ms(phases.proxy),
            tls: some_ms(phases.tls),
            first_byte: some_ms(phases.first_byte),
            body: some_ms(phases.body),
        }
    }
}

impl ClosedRecord {
    fn of(facts: &CloseFacts) -> Self {
        Self {
            by: facts.by.code(),
            code: facts.code,
            reason: facts.reason.to_string(),
            script_code: facts.script.code,
            script_reason: facts.script.reason.to_string(),
            script_clean: facts.script.clean,
        }
    }
}

impl FrameRecord {
    fn of(frame: &Frame) -> Self {
        Self {
            direction: frame.direction.code(),
            opcode: frame.opcode.word(),
            size: frame.size,
            payload: BytesRecord::of(&frame.payload),
            heartbeat: frame.heartbeat,
        }
    }
}

impl ExchangeRecord {
    fn of(exchange: &Exchange) -> Self {
        let fields = |headers: &Headers| {
            let field = |(name, value): (&str, &[u8])| (name.to_owned(), String::from_utf8_lossy(value).into_owned());
            headers.iter().map(field).collect::<Vec<_>>()
        };
        let response = exchange.response();
        Self {
            method: exchange.request.method.clone(),
            url: exchange.request.url.to_string(),
            request_headers: fields(&exchange.request.headers),
            request_body: BytesRecord::of_some(&exchange.request.body),
            http: response.map(|response| response.version.word()),
            status: exchange.status(),
            response_headers: response.map(|response| fields(&response.headers)).unwrap_or_default(),
            response_body: response.and_then(|response| BytesRecord::of_some(&response.body)),
            response_size: response.map(|response| response.body_size),
            error: exchange.result.as_ref().err().map(|error| error.code()),
            peer: exchange.peer.map(|peer| peer.to_string()),
            phases_ms: PhasesRecord::of(&exchange.phases),
        }
    }
}

impl Record {
    /// The event as a record.
    pub fn of(event: &Event, names: &Names) -> Self {
        let mut record = Self {
            seq: event.seq,
            at: event.at.to_string(),
            profile: event.profile.map(|id| names.of(id)),
            kind: event.body.kind(),
            ..Self::default()
        };
        record.take_reason(event.body.reason());
        let time = |at: Wall| Some(at.to_string());
        let text = |text: &str| Some(text.to_owned());
        match &event.body {
            EventBody::Started { version } => record.version = text(version),
            EventBody::Stopped | EventBody::NetworkChanged => {}
            EventBody::Profile { change, name } => {
                record.change = Some(match change {
                    ProfileChange::Added => "added",
                    ProfileChange::Changed => "changed",
                    ProfileChange::Removed => "removed",
                });
                record.name = text(name);
            }
            EventBody::Check(report) => record.take_check(report),
            EventBody::State { from, to, attempt, .. } => {
                record.from = Some(from.code());
                record.state = Some(to.code());
                record.attempt = Some(*attempt);
            }
            EventBody::Attempt { attempt } => record.attempt = Some(*attempt),
            EventBody::Handshake { attempt, exchange, reason, protocol } => {
                record.attempt = Some(*attempt);
                record.total_ms = some_ms(exchange.phases.total);
                record.latency_ms = record.total_ms.filter(|_| reason.is_none());
                record.phases_ms = Some(PhasesRecord::of(&exchange.phases));
                record.status = exchange.status().or(record.status);
                record.protocol = protocol.as_deref().map(str::to_owned);
                record.exchanges = vec![ExchangeRecord::of(exchange)];
            }
            EventBody::Retry { attempt, wait, until } => {
                record.attempt = Some(*attempt);
                record.wait_ms = Some(ms(*wait));
                record.until = time(*until);
            }
            EventBody::Frame(frame) => record.frame = Some(FrameRecord::of(frame)),
            EventBody::Pong { rtt, by } => {
                record.latency_ms = Some(ms(*rtt));
                record.measured_by = Some(by.code());
            }
            EventBody::Transport { transport, step } => record.transport = Some(TransportRecord::of(*transport, step)),
            EventBody::Namespace { namespace, change } => {
                record.namespace = Some(NamespaceRecord::of(namespace, change))
            }
            EventBody::Message(message) => record.event = Some(MessageRecord::of(message)),
            EventBody::Heartbeat { gap, limit } => {
                record.gap_ms = Some(ms(*gap));
                record.limit_ms = Some(ms(*limit));
            }
            EventBody::SignIn { step, exchange, .. } => {
                record.step = Some(step.code());
                record.total_ms = exchange.as_ref().and_then(|exchange| some_ms(exchange.phases.total));
                record.status = exchange.as_ref().and_then(|exchange| exchange.status()).or(record.status);
                record.exchanges = exchange.iter().map(|exchange| ExchangeRecord::of(exchange)).collect();
            }
            EventBody::Closed { facts, open_for } => {
                record.close_code = Some(facts.script.code);
                record.closed = Some(ClosedRecord::of(facts));
                record.open_for_ms = Some(ms(*open_for));
            }
            EventBody::IncidentOpened { failures, .. } => record.failures = Some(*failures),
            EventBody::IncidentClosed { lasted } => record.lasted_ms = Some(ms(*lasted)),
            EventBody::Audited(audited) => record.audit = Some(AuditRecord::of(audited)),
            EventBody::Notified { way, problem } => {
                record.way = text(way);
                record.problem = problem.as_deref().map(str::to_owned);
            }
            EventBody::Offline { phase, affected } => {
                record.phase = phase.map(|phase| phase.code());
                record.affected = Some(*affected);
            }
            EventBody::Online { after } => record.after_ms = Some(ms(*after)),
            EventBody::Woke { slept } => record.slept_ms = Some(ms(*slept)),
            EventBody::Recording { on, problem } => {
                record.recording = Some(*on);
                record.problem = problem.as_deref().map(str::to_owned);
            }
            EventBody::Lost { consumer, count } => {
                record.consumer = text(consumer);
                record.count = Some(*count);
            }
            EventBody::Panicked { task, message } => {
                record.task = text(task);
                record.message = text(message);
            }
        }
        record
    }

    fn take_reason(&mut self, reason: Option<&Reason>) {
        let Some(reason) = reason else { return };
        self.reason = Some(reason.code.as_str());
        self.category = Some(reason.category().code());
        self.detail = reason.detail.as_deref().map(str::to_owned);
        self.status = reason.status;
        self.close_code = reason.close;
    }

    fn take_check(&mut self, report: &CheckReport) {
        self.outcome = Some(report.outcome.code());
        self.state = Some(report.state.code());
        self.status = report.status.or(self.status);
        self.latency_ms = some_ms(report.latency());
        self.total_ms = some_ms(report.phases.total);
        self.phases_ms = Some(PhasesRecord::of(&report.phases));
        self.scheduled = Some(report.scheduled.to_string());
        self.lateness_ms = Some(ms(report.lateness));
        self.preflighted = Some(report.preflighted);
        self.console = report.console.as_deref().map(str::to_owned);
        self.closed = report.close.as_ref().map(ClosedRecord::of);
        self.close_code = report.close.as_ref().map(|facts| facts.script.code).or(self.close_code);
        self.exchanges = report.exchanges.iter().map(|exchange| ExchangeRecord::of(exchange)).collect();
    }
}
