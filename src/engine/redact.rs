//! Takes a profile's secrets out of what is about to be published. Invariant: no event reaches the bus around it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::secret::Redactor;
use crate::watch::{CheckReport, CloseFacts, EventBody, Message, NamespaceChange, Reason};
use crate::wire::{Direction, Frame, Opcode, frame::PREVIEW};

/// The same event without secrets.
pub(super) fn event_body(body: EventBody, redactor: &Redactor) -> EventBody {
    if redactor.is_empty() && !matches!(body, EventBody::Message(_)) {
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
        EventBody::Transport { transport, step } => {
            EventBody::Transport { transport, step: step.map_reason(|reason| reason_of(reason, redactor)) }
        }
        EventBody::Namespace { namespace, change } => EventBody::Namespace {
            namespace: redactor.text(&namespace).into(),
            change: match change {
                NamespaceChange::Refused { reason, data } => {
                    NamespaceChange::Refused { reason: reason_of(reason, redactor), data: redactor.text(&data).into() }
                }
                change @ (NamespaceChange::Joined { .. } | NamespaceChange::Left { .. }) => change,
            },
        },
        EventBody::Message(inside) => EventBody::Message(message(inside, redactor)),
        EventBody::SignIn { step, exchange, reason } => EventBody::SignIn {
            step,
            exchange: exchange.map(|exchange| Arc::new(exchange.redacted(redactor))),
            reason: reason.map(|reason| reason_of(reason, redactor)),
        },
        EventBody::Panicked { task, message } => EventBody::Panicked { task, message: redactor.text(&message).into() },
        // An audit's texts come from answers that were redacted.
        body @ EventBody::Audited(_) => body,
        // Frames are made by `frame` below; the rest is made of numbers and names of ours.
        body @ (EventBody::Frame(_)
        | EventBody::Started { .. }
        | EventBody::Stopped
        | EventBody::Profile { .. }
        | EventBody::Attempt { .. }
        | EventBody::Retry { .. }
        | EventBody::Pong { .. }
        | EventBody::Heartbeat { .. }
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
        further: report.further.iter().map(|exchange| Arc::new(exchange.redacted(redactor))).collect(),
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

/// A message as it may be published: its arguments cut, copied only where there is something to cut or to replace.
fn message(mut message: Arc<Message>, redactor: &Redactor) -> Arc<Message> {
    let as_it_is = {
        let Message { namespace, event, data, room, user, .. } = &*message;
        let mut texts = [Some(namespace), Some(event), Some(data), room.as_ref(), user.as_ref()].into_iter().flatten();
        data.len() <= PREVIEW && texts.all(|text| matches!(redactor.text(text), Cow::Borrowed(_)))
    };
    if as_it_is {
        return message;
    }
    let inside = Arc::make_mut(&mut message);
    let data = redactor.preview(inside.data.as_bytes(), PREVIEW);
    inside.data = match std::str::from_utf8(&data) {
        Ok(whole) => whole.into(),
        Err(error) => String::from_utf8_lossy(&data[..error.valid_up_to()]).into(),
    };
    let more = [inside.room.as_mut(), inside.user.as_mut()].into_iter().flatten();
    for text in [&mut inside.namespace, &mut inside.event].into_iter().chain(more) {
        *text = redactor.text(text).into();
    }
    message
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
    use crate::profile::model::Transport;
    use crate::watch::{ClosedBy, Code, MessageKind, ScriptClose, State, Stuck, TransportStep};

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
            EventBody::Transport {
                transport: Transport::Polling,
                step: TransportStep::Stuck {
                    why: Stuck::Refused,
                    reason: Some(Reason::new(Code::Closed).with_detail("canary-1")),
                },
            },
            EventBody::Namespace {
                namespace: "/admin".into(),
                change: NamespaceChange::Refused {
                    reason: Reason::new(Code::AuthRequired).with_detail("canary-1"),
                    data: r#"{"message":"canary-1"}"#.into(),
                },
            },
            EventBody::Message(Arc::new(said(r#"["canary-1"]"#))),
        ] {
            let text = format!("{:?}", event_body(body, &redactor));
            assert!(!text.contains("canary-1"), "{text}");
        }
    }

    fn said(data: &str) -> Message {
        Message {
            direction: Direction::In,
            kind: MessageKind::Event,
            namespace: "/".into(),
            event: "canary-1".into(),
            data: data.into(),
            size: data.len() as u64,
            attachments: 0,
            id: None,
            took: None,
            room: Some("canary-1".into()),
            user: Some("canary-1".into()),
            sid: None,
        }
    }

    #[test]
    fn a_messages_arguments_are_cut_at_a_characters_edge_and_keep_no_half_of_a_secret() {
        let data = format!("{}é", "x".repeat(PREVIEW - 1));
        let EventBody::Message(cut) = event_body(EventBody::Message(Arc::new(said(&data))), &Redactor::default())
        else {
            panic!("a message stays one");
        };
        assert_eq!((cut.data.len(), cut.size), (PREVIEW - 1, PREVIEW as u64 + 1));
        let redactor = Redactor::new([Secret::new("canary-1")]);
        let data = format!("{}canary-1", "x".repeat(PREVIEW - 4));
        let EventBody::Message(cut) = event_body(EventBody::Message(Arc::new(said(&data))), &redactor) else {
            panic!("a message stays one");
        };
        assert!(cut.data.ends_with("x[red"), "{}", cut.data);
    }

    #[test]
    fn a_frame_keeps_its_size_and_the_beginning_of_its_payload() {
        let payload = vec![b'x'; PREVIEW + 100];
        let frame = frame(Direction::Out, Opcode::Binary, &payload, true, &Redactor::default());
        assert_eq!((frame.size, frame.payload.len()), (PREVIEW as u64 + 100, PREVIEW));
    }
}
