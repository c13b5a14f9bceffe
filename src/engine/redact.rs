//! Takes a profile's secrets out of what is about to be published. Invariant: no event reaches the bus around it.

use std::sync::Arc;

use crate::base::secret::Redactor;
use crate::watch::{CheckReport, CloseFacts, EventBody, Reason};
use crate::wire::{Direction, Frame, Opcode, frame::PREVIEW};

/// The same event without secrets.
pub(super) fn event_body(body: EventBody, redactor: &Redactor) -> EventBody {
    if redactor.is_empty() {
        return body;
    }
    match body {
        // A check's report comes from `report` below.
        EventBody::Check(report) => EventBody::Check(report),
        EventBody::State { from, to, reason, attempt } => {
            EventBody::State { from, to, reason: reason.map(|reason| reason_of(reason, redactor)), attempt }
        }
        EventBody::Handshake { attempt, exchange, reason, protocol } => EventBody::Handshake {
            attempt,
            exchange: Arc::new(exchange.redacted(redactor)),
            reason: reason.map(|reason| reason_of(reason, redactor)),
            protocol,
        },
        EventBody::Closed { facts, open_for } => EventBody::Closed { facts: facts_of(facts, redactor), open_for },
        EventBody::IncidentOpened { reason, failures } => {
            EventBody::IncidentOpened { reason: reason.map(|reason| reason_of(reason, redactor)), failures }
        }
        EventBody::Panicked { task, message } => EventBody::Panicked { task, message: redactor.text(&message).into() },
        // Frames are made by `frame` below; the rest is made of numbers and names of ours.
        body @ (EventBody::Frame(_)
        | EventBody::Started { .. }
        | EventBody::Stopped
        | EventBody::Profile { .. }
        | EventBody::Attempt { .. }
        | EventBody::Retry { .. }
        | EventBody::Pong { .. }
        | EventBody::IncidentClosed { .. }
        | EventBody::Notified { .. }
        | EventBody::Offline { .. }
        | EventBody::Online { .. }
        | EventBody::Woke { .. }
        | EventBody::NetworkChanged
        | EventBody::Recording { .. }
        | EventBody::Lost { .. }) => body,
    }
}

/// A check's report as it may be published.
pub(super) fn report(report: CheckReport, redactor: &Redactor) -> CheckReport {
    if redactor.is_empty() {
        return report;
    }
    CheckReport {
        reason: report.reason.map(|reason| reason_of(reason, redactor)),
        exchanges: report.exchanges.iter().map(|exchange| Arc::new(exchange.redacted(redactor))).collect(),
        console: report.console.as_deref().map(|console| redactor.text(console).into()),
        close: report.close.map(|facts| facts_of(facts, redactor)),
        ..report
    }
}

fn reason_of(reason: Reason, redactor: &Redactor) -> Reason {
    Reason { detail: reason.detail.map(|detail| redactor.text(&detail).into()), ..reason }
}

fn facts_of(mut facts: CloseFacts, redactor: &Redactor) -> CloseFacts {
    facts.reason = redactor.text(&facts.reason).into();
    facts.script.reason = redactor.text(&facts.script.reason).into();
    facts
}

/// What is recorded of a message or a control frame.
pub(super) fn frame(
    direction: Direction,
    opcode: Opcode,
    payload: &[u8],
    heartbeat: bool,
    redactor: &Redactor,
) -> Frame {
    Frame { direction, opcode, size: payload.len() as u64, payload: redactor.preview(payload, PREVIEW), heartbeat }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::watch::{ClosedBy, Code, ScriptClose, State};

    #[test]
    fn no_text_of_an_event_keeps_a_secret() {
        let redactor = Redactor::new([Secret::new("canary-1")]);
        let reason = Reason::new(Code::Closed).with_detail("bad token canary-1");
        let script = ScriptClose { code: 1008, reason: "canary-1".into(), clean: true };
        let facts = CloseFacts { code: Some(1008), reason: "canary-1".into(), by: ClosedBy::Server, script };
        for body in [
            EventBody::State { from: State::Connected, to: State::Error, reason: Some(reason.clone()), attempt: 0 },
            EventBody::IncidentOpened { reason: Some(reason), failures: 1 },
            EventBody::Closed { facts, open_for: std::time::Duration::ZERO },
            EventBody::Panicked { task: "x".into(), message: "canary-1".into() },
            EventBody::Frame(frame(Direction::In, Opcode::Text, b"xx canary-1", false, &redactor)),
        ] {
            let text = format!("{:?}", event_body(body, &redactor));
            assert!(!text.contains("canary-1"), "{text}");
        }
    }

    #[test]
    fn a_frame_keeps_its_size_and_the_beginning_of_its_payload() {
        let payload = vec![b'x'; PREVIEW + 100];
        let frame = frame(Direction::Out, Opcode::Binary, &payload, true, &Redactor::default());
        assert_eq!((frame.size, frame.payload.len()), (PREVIEW as u64 + 100, PREVIEW));
    }
}
