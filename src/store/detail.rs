//! The JSON forms in which the history keeps what has no column of its own.
//!
//! Invariants: a form reads back to what it was made from, at microseconds; what may be large is bounded when it is made;
//! an unknown word in a stored form (written by another version) never makes the rest unreadable.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exchange::ExchangeForm;
use super::socketio::SocketStepForm;
use crate::base::Wall;
use crate::watch::{CheckReport, CloseFacts, ClosedBy, Code, Outcome, Reason, ScriptClose, State};
use crate::wire::{Exchange, Phases};

/// How much of an exchange is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Bytes of header fields, names and values, of one side.
    pub headers: usize,
    /// Bytes of body of one side.
    pub body: usize,
}

impl Bound {
    /// For the many that an event carries.
    pub(super) const EVENT: Self = Self { headers: 8 * 1024, body: 2 * 1024 };
    /// For one that repeats what the one before said.
    pub(super) const NONE: Self = Self { headers: 0, body: 0 };
    /// For the one last report of a profile: all that an exchange itself keeps.
    pub(super) const REPORT: Self = Self { headers: 256 * 1024, body: 64 * 1024 };
}

pub(super) fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A reason without its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReasonForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<Box<str>>,
}

impl ReasonForm {
    /// `None` where there is nothing beside the code.
    pub(super) fn of(reason: Option<&Reason>) -> Option<Self> {
        let reason = reason?;
        let form = Self { status: reason.status, close: reason.close, detail: reason.detail.clone() };
        (form != Self::default()).then_some(form)
    }

    pub(super) fn reason(form: Option<Self>, code: Option<&str>) -> Option<Reason> {
        let form = form.unwrap_or_default();
        Some(Reason { code: Code::parse(code?)?, status: form.status, close: form.close, detail: form.detail })
    }
}

/// `[dns, connect, proxy, tls, first byte, body]` in microseconds; the total is a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PhasesForm([Option<u64>; 6]);

impl PhasesForm {
    pub(super) fn of(phases: &Phases) -> Self {
        Self(
            [phases.dns, phases.connect, phases.proxy, phases.tls, phases.first_byte, phases.body]
                .map(|took| took.map(micros)),
        )
    }

    pub(super) fn phases(self, total: Option<u64>) -> Phases {
        let [dns, connect, proxy, tls, first_byte, body] = self.0.map(|took| took.map(Duration::from_micros));
        Phases { dns, connect, proxy, tls, first_byte, body, total: total.map(Duration::from_micros) }
    }
}

/// How a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CloseForm {
    code: Option<u16>,
    reason: Box<str>,
    by: Box<str>,
    script_code: u16,
    script_reason: Box<str>,
    clean: bool,
}

impl CloseForm {
    pub(super) fn of(facts: &CloseFacts) -> Self {
        Self {
            code: facts.code,
            reason: facts.reason.clone(),
            by: facts.by.code().into(),
            script_code: facts.script.code,
            script_reason: facts.script.reason.clone(),
            clean: facts.script.clean,
        }
    }

    pub(super) fn facts(self) -> CloseFacts {
        CloseFacts {
            code: self.code,
            reason: self.reason,
            by: ClosedBy::from_code(&self.by).unwrap_or(ClosedBy::Network),
            script: ScriptClose { code: self.script_code, reason: self.script_reason, clean: self.clean },
        }
    }
}

/// A check, beside its columns (outcome, state, reason's code, status, total).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckForm {
    /// Scheduled at, microseconds since 1970.
    s: i64,
    /// Lateness.
    #[serde(default, skip_serializing_if = "is_zero")]
    l: u64,
    p: PhasesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<ReasonForm>,
    #[serde(default, skip_serializing_if = "is_false")]
    preflighted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    console: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<CloseForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<ExchangeForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<SocketStepForm>,
    /// Asked besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    further: Vec<ExchangeForm>,
}

impl CheckForm {
    /// `bound`: `None` leaves the exchanges out.
    pub(super) fn of(report: &CheckReport, bound: Option<Bound>) -> Self {
        let forms = |exchanges: &[Arc<Exchange>]| match bound {
            Some(bound) => exchanges.iter().map(|exchange| ExchangeForm::of(exchange, bound)).collect(),
            None => Vec::new(),
        };
        Self {
            s: report.scheduled.0,
            l: micros(report.lateness),
            p: PhasesForm::of(&report.phases),
            r: ReasonForm::of(report.reason.as_ref()),
            preflighted: report.preflighted,
            console: report.console.clone(),
            close: report.close.as_ref().map(CloseForm::of),
            exchanges: forms(&report.exchanges),
            further: forms(&report.further),
            steps: report.steps.iter().map(SocketStepForm::of).collect(),
        }
    }

    pub(super) fn report(self, columns: CheckColumns<'_>) -> CheckReport {
        CheckReport {
            outcome: columns.outcome,
            state: columns.state,
            reason: ReasonForm::reason(self.r, columns.code),
            scheduled: Wall(self.s),
            lateness: Duration::from_micros(self.l),
            phases: self.p.phases(columns.total),
            status: columns.status,
            exchanges: back(self.exchanges),
            further: back(self.further),
            preflighted: self.preflighted,
            console: self.console,
            close: self.close.map(CloseForm::facts),
            steps: self.steps.into_iter().filter_map(SocketStepForm::step).collect(),
        }
    }
}

fn back(forms: Vec<ExchangeForm>) -> Vec<Arc<Exchange>> {
    forms.into_iter().filter_map(ExchangeForm::exchange).map(Arc::new).collect()
}

/// What of a check has columns.
pub(super) struct CheckColumns<'a> {
    pub outcome: Outcome,
    pub state: State,
    pub code: Option<&'a str>,
    pub status: Option<u16>,
    pub total: Option<u64>,
}

/// A profile's whole last report.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReportForm {
    outcome: Box<str>,
    state: Box<str>,
    code: Option<Box<str>>,
    status: Option<u16>,
    total: Option<u64>,
    #[serde(flatten)]
    rest: CheckForm,
}

impl ReportForm {
    pub(super) fn of(report: &CheckReport) -> Self {
        Self {
            outcome: report.outcome.code().into(),
            state: report.state.code().into(),
            code: report.reason.as_ref().map(|reason| reason.code.as_str().into()),
            status: report.status,
            total: report.phases.total.map(micros),
            rest: CheckForm::of(report, Some(Bound::REPORT)),
        }
    }

    pub(super) fn report(self) -> Option<CheckReport> {
        let columns = CheckColumns {
            outcome: Outcome::from_code(&self.outcome)?,
            state: State::from_code(&self.state)?,
            code: self.code.as_deref(),
            status: self.status,
            total: self.total,
        };
        Some(self.rest.report(columns))
    }
}
