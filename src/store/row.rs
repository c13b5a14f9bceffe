//! An [`Event`] as a row of the history and back.
//!
//! Invariant: every kind of event reads back as it was written, at microseconds. Only the exchanges of a check that
//! changed nothing are left out (see [`Keep`]): the profile's last report has those.
//!
//! What queries ask for has a column; the rest is JSON in `detail`, a frame's payload is bytes in `data`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::audited::AuditForm;
use super::detail::{Bound, CheckColumns, CheckForm, CloseForm, ReasonForm, micros};
use super::exchange::{ExchangeForm, phase_from_code};
use super::kinds::{KINDS, check_of, kind_number, outcome_number, state_number, state_of};
use super::socketio::{MessageColumns, MessageForm, NamespaceForm, SignInForm, StepForm};
use crate::base::{ProfileId, Wall};
use crate::profile::model::Transport;
use crate::watch::{Event, EventBody, MessageKind, PongBy, ProfileChange, Reason, SignInStep};
use crate::wire::{Direction, Exchange, Frame, Opcode};

/// The columns of `event`, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    pub seq: i64,
    pub at_us: i64,
    pub profile: Option<u32>,
    pub kind: i64,
    /// What the kind says in small numbers; see [`pack`].
    pub tag: Option<i64>,
    /// The reason's code.
    pub code: Option<&'a str>,
    /// Latency, round trip, wait, length: whatever time the kind is about, in microseconds.
    pub value_us: Option<i64>,
    pub attempt: Option<i64>,
    pub status: Option<u16>,
    pub close: Option<u16>,
    pub detail: Option<String>,
    pub data: Option<&'a [u8]>,
}

/// How much of an event is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Its exchanges, bounded: it failed, or differs from the one before.
    Exchanges,
    /// What it says without them.
    Summary,
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn time(took: Duration) -> i64 {
    signed(micros(took))
}

fn unsigned(value: Option<i64>) -> u64 {
    value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

fn small(value: Option<i64>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

const CHANGES: [ProfileChange; 3] = [ProfileChange::Added, ProfileChange::Changed, ProfileChange::Removed];
const OPCODES: [Opcode; 5] = [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong];

/// Two numbers below 16 in one; a third above them.
fn pack(low: i64, high: i64) -> i64 {
    low | high << 4
}

fn text(value: &impl Serialize) -> Option<String> {
    // The forms have string keys and no failing `Serialize`, so there is always a text.
    serde_json::to_string(value).ok()
}

fn reason_text(reason: Option<&Reason>) -> Option<String> {
    ReasonForm::of(reason).and_then(|form| text(&form))
}

#[derive(Serialize, serde::Deserialize)]
struct HandshakeForm {
    /// Only where there is no column for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<ReasonForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<Box<str>>,
    exchange: ExchangeForm,
}

/// A handshake by itself, without columns beside it.
pub(super) fn handshake_text(
    attempt: u32,
    exchange: &Exchange,
    reason: Option<&Reason>,
    protocol: Option<&str>,
) -> Option<String> {
    text(&HandshakeForm {
        attempt: Some(attempt),
        code: reason.map(|reason| reason.code.as_str().into()),
        r: ReasonForm::of(reason),
        protocol: protocol.map(Into::into),
        exchange: ExchangeForm::of(exchange, Bound::REPORT),
    })
}

/// What [`handshake_text`] wrote.
pub(super) fn handshake_of(text: &str) -> Option<EventBody> {
    let form: HandshakeForm = serde_json::from_str(text).ok()?;
    Some(EventBody::Handshake {
        attempt: form.attempt.unwrap_or(0),
        reason: ReasonForm::reason(form.r, form.code.as_deref()),
        protocol: form.protocol,
        exchange: Arc::new(form.exchange.exchange()?),
    })
}

impl<'a> Row<'a> {
    pub(super) fn of(event: &'a Event, keep: Keep) -> Self {
        let mut row = Row {
            seq: signed(event.seq),
            at_us: event.at.0,
            profile: event.profile.map(|id| id.0),
            kind: kind_number(event.body.kind()).unwrap_or(0),
            code: event.body.reason().map(|reason| reason.code.as_str()),
            ..Row::default()
        };
        match &event.body {
            EventBody::Started { version } => row.detail = text(&json!({ "version": version })),
            EventBody::Stopped | EventBody::NetworkChanged => {}
            EventBody::Profile { change, name } => {
                row.tag = CHANGES.iter().position(|known| known == change).map(|index| index as i64);
                row.detail = text(&json!({ "name": name }));
            }
            EventBody::Check(report) => {
                row.tag = Some(pack(outcome_number(report.outcome), state_number(report.state)));
                row.value_us = report.phases.total.map(time);
                row.status = report.status;
                row.close = report.close.as_ref().map(|facts| facts.script.code);
                row.detail = text(&CheckForm::of(report, (keep == Keep::Exchanges).then_some(Bound::EVENT)));
            }
            EventBody::Audited(audited) => {
                row.tag = audited.findings.iter().map(|one| one.severity as i64).max();
                row.detail = text(&AuditForm::of(audited));
            }
            EventBody::State { from, to, reason, attempt } => {
                row.tag = Some(pack(state_number(*from), state_number(*to)));
                row.attempt = Some(i64::from(*attempt));
                row.status = reason.as_ref().and_then(|reason| reason.status);
                row.close = reason.as_ref().and_then(|reason| reason.close);
                row.detail = reason_text(reason.as_ref());
            }
            EventBody::Attempt { attempt } => row.attempt = Some(i64::from(*attempt)),
            EventBody::Handshake { attempt, exchange, reason, protocol } => {
                row.attempt = Some(i64::from(*attempt));
                row.value_us = exchange.phases.total.map(time);
                row.status = exchange.status();
                let bound = if keep == Keep::Exchanges { Bound::EVENT } else { Bound::NONE };
                row.detail = text(&HandshakeForm {
                    attempt: None,
                    code: None,
                    r: ReasonForm::of(reason.as_ref()),
                    protocol: protocol.clone(),
                    exchange: ExchangeForm::of(exchange, bound),
                });
            }
            EventBody::Retry { attempt, wait, until } => {
                row.attempt = Some(i64::from(*attempt));
                row.value_us = Some(time(*wait));
                row.detail = text(&json!({ "until": until.0 }));
            }
            EventBody::Frame(frame) => {
                let opcode = OPCODES.iter().position(|known| *known == frame.opcode).map_or(0, |index| index as i64);
                let flags = i64::from(frame.direction == Direction::Out) | i64::from(frame.heartbeat) << 1;
                row.tag = Some(pack(opcode, flags));
                row.value_us = Some(signed(frame.size));
                row.data = Some(&frame.payload);
            }
            EventBody::Pong { rtt, by } => {
                row.tag = PongBy::ALL.iter().position(|known| known == by).map(|index| index as i64);
                row.value_us = Some(time(*rtt));
            }
            EventBody::Transport { transport, step } => {
                row.tag = Transport::ALL.iter().position(|known| known == transport).map(|index| index as i64);
                row.status = step.reason().and_then(|reason| reason.status);
                row.detail = text(&StepForm::of(step));
            }
            EventBody::Namespace { namespace, change } => row.detail = text(&NamespaceForm::of(namespace, change)),
            EventBody::Message(message) => {
                let kind = MessageKind::ALL.iter().position(|known| *known == message.kind);
                row.tag =
                    Some(pack(kind.map_or(0, |index| index as i64), i64::from(message.direction == Direction::Out)));
                row.value_us = Some(signed(message.size));
                row.detail = text(&MessageForm::of(message));
                row.data = Some(message.data.as_bytes());
            }
            EventBody::Heartbeat { gap, limit } => {
                row.value_us = Some(time(*gap));
                row.detail = text(&json!({ "limit": micros(*limit) }));
            }
            EventBody::SignIn { step, exchange, reason } => {
                row.tag = SignInStep::ALL.iter().position(|known| known == step).map(|index| index as i64);
                row.value_us = exchange.as_ref().and_then(|exchange| exchange.phases.total).map(time);
                row.status = exchange.as_ref().and_then(|exchange| exchange.status());
                row.detail = text(&SignInForm::of(exchange.as_deref(), reason.as_ref()));
            }
            EventBody::Closed { facts, open_for } => {
                row.value_us = Some(time(*open_for));
                row.close = Some(facts.script.code);
                row.detail = text(&CloseForm::of(facts));
            }
            EventBody::IncidentOpened { reason, failures } => {
                row.attempt = Some(i64::from(*failures));
                row.detail = reason_text(reason.as_ref());
            }
            EventBody::IncidentClosed { lasted } => row.value_us = Some(time(*lasted)),
            EventBody::Notified { way, problem } => row.detail = text(&json!({ "way": way, "problem": problem })),
            EventBody::Offline { phase, affected } => {
                row.attempt = Some(i64::from(*affected));
                row.detail = phase.and_then(|phase| text(&json!({ "phase": phase.code() })));
            }
            EventBody::Online { after } => row.value_us = Some(time(*after)),
            EventBody::Woke { slept } => row.value_us = Some(time(*slept)),
            EventBody::Recording { on, problem } => {
                row.tag = Some(i64::from(*on));
                row.detail = problem.as_ref().and_then(|problem| text(&json!({ "problem": problem })));
            }
            EventBody::Lost { consumer, count } => {
                row.value_us = Some(signed(*count));
                row.detail = text(&json!({ "consumer": consumer }));
            }
            EventBody::Panicked { task, message } => {
                row.detail = text(&json!({ "task": task, "message": message }));
            }
        }
        row
    }
}

/// A row that is no event: written by another version, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of kind {kind} can't be read")]
pub struct Unreadable {
    pub seq: i64,
    pub kind: i64,
}

/// The same columns as read.
#[derive(Debug)]
pub(super) struct Stored {
    pub seq: i64,
    pub at_us: i64,
    pub profile: Option<u32>,
    pub kind: i64,
    pub tag: Option<i64>,
    pub code: Option<String>,
    pub value_us: Option<i64>,
    pub attempt: Option<i64>,
    pub status: Option<u16>,
    pub detail: Option<String>,
    pub data: Option<Vec<u8>>,
}

/// What [`Stored::read`] expects, in this order.
pub(super) const COLUMNS: &str = "e.seq, e.at_us, e.profile, e.kind, e.tag, e.code, e.value_us, e.attempt, e.status, \
     e.detail, e.data";

impl Stored {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            at_us: row.get(1)?,
            profile: row.get(2)?,
            kind: row.get(3)?,
            tag: row.get(4)?,
            code: row.get(5)?,
            value_us: row.get(6)?,
            attempt: row.get(7)?,
            status: row.get(8)?,
            detail: row.get(9)?,
            data: row.get(10)?,
        })
    }

    pub(super) fn event(self) -> Result<Event, Unreadable> {
        let unreadable = Unreadable { seq: self.seq, kind: self.kind };
        let (seq, at, profile) = (unsigned(Some(self.seq)), Wall(self.at_us), self.profile.map(ProfileId));
        match self.body() {
            Some(body) => Ok(Event { seq, at, profile, body }),
            None => Err(unreadable),
        }
    }

    fn form<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.detail.as_deref()?).ok()
    }

    /// One string of the detail.
    fn word(&self, key: &str) -> Option<Box<str>> {
        let value: serde_json::Value = self.form()?;
        value.get(key)?.as_str().map(Into::into)
    }

    fn value(&self) -> Duration {
        Duration::from_micros(unsigned(self.value_us))
    }

    fn reason(&self) -> Option<Reason> {
        ReasonForm::reason(self.form(), self.code.as_deref())
    }

    fn body(self) -> Option<EventBody> {
        let (_, kind) = KINDS.iter().find(|(number, _)| *number == self.kind)?;
        Some(match *kind {
            "started" => EventBody::Started { version: self.word("version")? },
            "stopped" => EventBody::Stopped,
            "network_changed" => EventBody::NetworkChanged,
            "profile" => {
                let change = *CHANGES.get(usize::try_from(self.tag?).ok()?)?;
                EventBody::Profile { change, name: self.word("name")? }
            }
            "check" => {
                let (outcome, state) = check_of(self.tag?)?;
                let form: CheckForm = self.form()?;
                EventBody::Check(Arc::new(form.report(CheckColumns {
                    outcome,
                    state,
                    code: self.code.as_deref(),
                    status: self.status,
                    total: self.value_us.and_then(|total| u64::try_from(total).ok()),
                })))
            }
            "audited" => EventBody::Audited(Arc::new(self.form::<AuditForm>()?.audited()?)),
            "state" => EventBody::State {
                from: state_of(self.tag? & 0xf)?,
                to: state_of(self.tag? >> 4)?,
                reason: self.reason(),
                attempt: small(self.attempt),
            },
            "attempt" => EventBody::Attempt { attempt: small(self.attempt) },
            "handshake" => {
                let form: HandshakeForm = self.form()?;
                EventBody::Handshake {
                    attempt: small(self.attempt),
                    exchange: Arc::new(form.exchange.exchange()?),
                    reason: ReasonForm::reason(form.r, self.code.as_deref()),
                    protocol: form.protocol,
                }
            }
            "retry" => {
                let detail: serde_json::Value = self.form()?;
                let until = Wall(detail.get("until")?.as_i64()?);
                EventBody::Retry { attempt: small(self.attempt), wait: self.value(), until }
            }
            "frame" => {
                let (opcode, flags) = (self.tag? & 0xf, self.tag? >> 4);
                EventBody::Frame(Frame {
                    direction: if flags & 1 == 0 { Direction::In } else { Direction::Out },
                    opcode: *OPCODES.get(usize::try_from(opcode).ok()?)?,
                    size: unsigned(self.value_us),
                    heartbeat: flags & 2 != 0,
                    payload: self.data.unwrap_or_default().into(),
                })
            }
            "pong" => {
                // Before there was a choice, a ping frame.
                let by = usize::try_from(self.tag.unwrap_or(0)).ok().and_then(|index| PongBy::ALL.get(index));
                EventBody::Pong { rtt: self.value(), by: *by? }
            }
            "transport" => EventBody::Transport {
                transport: *Transport::ALL.get(usize::try_from(self.tag?).ok()?)?,
                step: self.form::<StepForm>()?.step(self.code.as_deref())?,
            },
            "namespace" => {
                let (namespace, change) = self.form::<NamespaceForm>()?.change(self.code.as_deref())?;
                EventBody::Namespace { namespace, change }
            }
            "message" => {
                let (kind, out) = (self.tag? & 0xf, self.tag? >> 4);
                let form: MessageForm = self.form()?;
                EventBody::Message(Arc::new(form.message(MessageColumns {
                    kind: *MessageKind::ALL.get(usize::try_from(kind).ok()?)?,
                    direction: if out == 0 { Direction::In } else { Direction::Out },
                    size: unsigned(self.value_us),
                    data: String::from_utf8(self.data.unwrap_or_default()).ok()?.into(),
                })))
            }
            "heartbeat" => {
                let detail: serde_json::Value = self.form()?;
                let limit = Duration::from_micros(detail.get("limit")?.as_u64()?);
                EventBody::Heartbeat { gap: self.value(), limit }
            }
            "sign_in" => {
                let (exchange, reason) = self.form::<SignInForm>()?.parts(self.code.as_deref())?;
                let step = *SignInStep::ALL.get(usize::try_from(self.tag?).ok()?)?;
                EventBody::SignIn { step, exchange: exchange.map(Arc::new), reason }
            }
            "closed" => {
                let form: CloseForm = self.form()?;
                EventBody::Closed { facts: form.facts(), open_for: self.value() }
            }
            "incident_opened" => EventBody::IncidentOpened { reason: self.reason(), failures: small(self.attempt) },
            "incident_closed" => EventBody::IncidentClosed { lasted: self.value() },
            "notified" => EventBody::Notified { way: self.word("way")?, problem: self.word("problem") },
            "offline" => EventBody::Offline {
                phase: self.word("phase").as_deref().and_then(phase_from_code),
                affected: small(self.attempt),
            },
            "online" => EventBody::Online { after: self.value() },
            "woke" => EventBody::Woke { slept: self.value() },
            "recording" => EventBody::Recording { on: self.tag? == 1, problem: self.word("problem") },
            "lost" => EventBody::Lost { consumer: self.word("consumer")?, count: unsigned(self.value_us) },
            "panicked" => EventBody::Panicked { task: self.word("task")?, message: self.word("message")? },
            _ => return None,
        })
    }
}
