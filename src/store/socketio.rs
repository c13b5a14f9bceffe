//! The JSON forms of what a Socket.IO session says: transports, namespaces, messages, signing in.
//!
//! Invariants: as `detail`'s: a form reads back to what it was made from, at microseconds. What has a column is not here:
//! a message's arguments are bytes of their own, and a reason's code is the row's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detail::{Bound, ReasonForm, micros};
use super::exchange::ExchangeForm;
use crate::profile::model::Transport;
use crate::watch::{
    ClosedBy, Message, MessageKind, NamespaceChange, Reason, SocketChange, SocketStep, Stuck, TransportStep,
};
use crate::wire::{Direction, Exchange};

fn span(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Lengths of time in microseconds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum StepForm {
    Opened { revision: u8, upgradable: bool, interval: u64, timeout: u64, max_payload: Option<u64>, took: u64 },
    Probing,
    Upgraded { took: u64 },
    Stuck { why: Box<str>, r: Option<ReasonForm> },
    FellBack { from: Box<str>, r: Option<ReasonForm> },
}

impl StepForm {
    pub(super) fn of(step: &TransportStep) -> Self {
        match step {
            TransportStep::Opened { revision, upgradable, ping_interval, ping_timeout, max_payload, took } => {
                Self::Opened {
                    revision: *revision,
                    upgradable: *upgradable,
                    interval: micros(*ping_interval),
                    timeout: micros(*ping_timeout),
                    max_payload: *max_payload,
                    took: micros(*took),
                }
            }
            TransportStep::Probing => Self::Probing,
            TransportStep::Upgraded { took } => Self::Upgraded { took: micros(*took) },
            TransportStep::Stuck { why, reason } => {
                Self::Stuck { why: why.code().into(), r: ReasonForm::of(reason.as_ref()) }
            }
            TransportStep::FellBack { from, reason } => {
                Self::FellBack { from: from.word().into(), r: ReasonForm::of(Some(reason)) }
            }
        }
    }

    pub(super) fn step(self, code: Option<&str>) -> Option<TransportStep> {
        Some(match self {
            Self::Opened { revision, upgradable, interval, timeout, max_payload, took } => TransportStep::Opened {
                revision,
                upgradable,
                ping_interval: span(interval),
                ping_timeout: span(timeout),
                max_payload,
                took: span(took),
            },
            Self::Probing => TransportStep::Probing,
            Self::Upgraded { took } => TransportStep::Upgraded { took: span(took) },
            Self::Stuck { why, r } => {
                TransportStep::Stuck { why: Stuck::from_code(&why)?, reason: ReasonForm::reason(r, code) }
            }
            Self::FellBack { from, r } => TransportStep::FellBack {
                from: Transport::ALL.into_iter().find(|known| known.word() == &*from)?,
                reason: ReasonForm::reason(r, code)?,
            },
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NamespaceForm {
    namespace: Box<str>,
    #[serde(flatten)]
    change: ChangeForm,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum ChangeForm {
    Joined { sid: Option<Box<str>>, took: u64, recovered: bool },
    Refused { r: Option<ReasonForm>, data: Box<str> },
    Left { by: Box<str> },
}

impl NamespaceForm {
    pub(super) fn of(namespace: &str, change: &NamespaceChange) -> Self {
        let change = match change {
            NamespaceChange::Joined { sid, took, recovered } => {
                ChangeForm::Joined { sid: sid.clone(), took: micros(*took), recovered: *recovered }
            }
            NamespaceChange::Refused { reason, data } => {
                ChangeForm::Refused { r: ReasonForm::of(Some(reason)), data: data.clone() }
            }
            NamespaceChange::Left { by } => ChangeForm::Left { by: by.code().into() },
        };
        Self { namespace: namespace.into(), change }
    }

    pub(super) fn change(self, code: Option<&str>) -> Option<(Box<str>, NamespaceChange)> {
        let change = match self.change {
            ChangeForm::Joined { sid, took, recovered } => NamespaceChange::Joined { sid, took: span(took), recovered },
            ChangeForm::Refused { r, data } => NamespaceChange::Refused { reason: ReasonForm::reason(r, code)?, data },
            ChangeForm::Left { by } => NamespaceChange::Left { by: ClosedBy::from_code(&by)? },
        };
        Some((self.namespace, change))
    }
}

/// One part of a connection that a check made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SocketStepForm {
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Box<str>>,
    #[serde(flatten)]
    what: WhatForm,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhatForm {
    Transport { on: Box<str>, step: StepForm },
    Namespace(NamespaceForm),
}

impl SocketStepForm {
    pub(super) fn of(step: &SocketStep) -> Self {
        let (reason, what) = match &step.what {
            SocketChange::Transport { transport, step } => {
                (step.reason(), WhatForm::Transport { on: transport.word().into(), step: StepForm::of(step) })
            }
            SocketChange::Namespace { namespace, change } => {
                (change.reason(), WhatForm::Namespace(NamespaceForm::of(namespace, change)))
            }
        };
        Self { at: micros(step.at), code: reason.map(|reason| reason.code.as_str().into()), what }
    }

    pub(super) fn step(self) -> Option<SocketStep> {
        let code = self.code.as_deref();
        let what = match self.what {
            WhatForm::Transport { on, step } => SocketChange::Transport {
                transport: Transport::ALL.into_iter().find(|known| known.word() == &*on)?,
                step: step.step(code)?,
            },
            WhatForm::Namespace(form) => {
                let (namespace, change) = form.change(code)?;
                SocketChange::Namespace { namespace, change }
            }
        };
        Some(SocketStep { at: span(self.at), what })
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Written ten thousand times a second: what is absent takes no room.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageForm {
    ns: Box<str>,
    event: Box<str>,
    #[serde(default, skip_serializing_if = "is_zero")]
    attachments: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Box<str>>,
}

/// What of a message has columns.
pub(super) struct MessageColumns {
    pub kind: MessageKind,
    pub direction: Direction,
    pub size: u64,
    pub data: Box<str>,
}

impl MessageForm {
    pub(super) fn of(message: &Message) -> Self {
        Self {
            ns: message.namespace.clone(),
            event: message.event.clone(),
            attachments: message.attachments,
            id: message.id,
            took: message.took.map(micros),
            room: message.room.clone(),
            user: message.user.clone(),
            sid: message.sid.clone(),
        }
    }

    pub(super) fn message(self, columns: MessageColumns) -> Message {
        let MessageColumns { kind, direction, size, data } = columns;
        Message {
            direction,
            kind,
            namespace: self.ns,
            event: self.event,
            data,
            size,
            attachments: self.attachments,
            id: self.id,
            took: self.took.map(span),
            room: self.room,
            user: self.user,
            sid: self.sid,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignInForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<ReasonForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exchange: Option<ExchangeForm>,
}

impl SignInForm {
    pub(super) fn of(exchange: Option<&Exchange>, reason: Option<&Reason>) -> Self {
        let exchange = exchange.map(|exchange| ExchangeForm::of(exchange, Bound::EVENT));
        Self { r: ReasonForm::of(reason), exchange }
    }

    pub(super) fn parts(self, code: Option<&str>) -> Option<(Option<Exchange>, Option<Reason>)> {
        let exchange = match self.exchange {
            Some(form) => Some(form.exchange()?),
            None => None,
        };
        Some((exchange, ReasonForm::reason(self.r, code)))
    }
}
