//! What one event means for the plots: the one rule that the live picture and the history share, so that both tell the
//! same story.

use std::time::Duration;

use super::SampleKind;
use crate::profile::Kind;
use crate::watch::{Category, Code, EventBody, Outcome, Reason, State};

/// A point for the plots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub what: SampleKind,
    /// `None`: it failed. A failure has no latency, and none is made up for it.
    pub took: Option<Duration>,
    /// It failed as the browser's CORS rules, or the server's choice of origins, make it fail.
    pub cors: bool,
}

/// The reading that an event of a profile of that kind gives, if it gives one.
///
/// - A check: its whole time where it came out well, a failure where it did not, and nothing where that is unknown.
/// - An open session: the round trip of each ping.
/// - The gap between two heartbeats, kept apart from round trips.
/// - A session's handshake: its whole time, kept apart from round trips; refused, a failure.
/// - The end of an open session that nobody asked for: a failure.
pub fn read(kind: Kind, body: &EventBody) -> Option<Reading> {
    match body {
        EventBody::Check(report) => {
            let what = if kind == Kind::Http { SampleKind::Check } else { SampleKind::Handshake };
            let took = match report.outcome {
                Outcome::Up | Outcome::Degraded => Some(report.latency()?),
                Outcome::Down => None,
                Outcome::Unknown => return None,
            };
            Some(Reading { what, took, cors: took.is_none() && is_cors(report.reason.as_ref()) })
        }
        EventBody::Handshake { exchange, reason, .. } => match reason {
            None => {
                exchange.phases.total.map(|took| Reading { what: SampleKind::Handshake, took: Some(took), cors: false })
            }
            Some(reason) if is_ours(reason) => None,
            Some(reason) => Some(Reading { what: SampleKind::Handshake, took: None, cors: is_cors(Some(reason)) }),
        },
        EventBody::Pong { rtt, .. } => Some(Reading { what: SampleKind::Ping, took: Some(*rtt), cors: false }),
        EventBody::Heartbeat { gap, .. } => {
            Some(Reading { what: SampleKind::Heartbeat, took: Some(*gap), cors: false })
        }
        EventBody::State { from: State::Connected, to, reason, .. }
            if kind != Kind::Http && to.is_failure() && !reason.as_ref().is_some_and(is_ours) =>
        {
            Some(Reading { what: SampleKind::Session, took: None, cors: false })
        }
        _ => None,
    }
}

/// Whether an `Attempt` made in that state is a reconnect: all are but those of the first connecting.
pub fn is_reconnect(state: State) -> bool {
    !matches!(state, State::Disconnected | State::Connecting)
}

fn is_cors(reason: Option<&Reason>) -> bool {
    reason.is_some_and(|reason| reason.category() == Category::Cors)
}

/// Whether the reason is about this machine or what a person did, so that it says nothing about the endpoint.
fn is_ours(reason: &Reason) -> bool {
    matches!(reason.code, Code::Asked | Code::Paused | Code::Offline | Code::Woke | Code::TaskPanicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::PongBy;

    #[track_caller]
    fn check(kind: Kind, body: &EventBody, expected: Option<(SampleKind, Option<u64>, bool)>) {
        let got = read(kind, body).map(|reading| {
            (reading.what, reading.took.map(|took| u64::try_from(took.as_millis()).unwrap()), reading.cors)
        });
        assert_eq!(got, expected);
    }

    fn lost(code: Code) -> EventBody {
        EventBody::State {
            from: State::Connected,
            to: State::Reconnecting,
            reason: Some(Reason::new(code)),
            attempt: 0,
        }
    }

    #[test]
    fn a_round_trip_is_a_latency_and_a_lost_session_a_failure() {
        check(
            Kind::WebSocket,
            &EventBody::Pong { rtt: Duration::from_millis(7), by: PongBy::Frame },
            Some((SampleKind::Ping, Some(7), false)),
        );
        check(Kind::WebSocket, &lost(Code::ClosedAbnormally), Some((SampleKind::Session, None, false)));
    }

    #[test]
    fn what_this_machine_or_a_person_did_is_no_failure_of_the_endpoint() {
        check(Kind::WebSocket, &lost(Code::Offline), None);
        check(Kind::WebSocket, &lost(Code::Asked), None);
    }

    #[test]
    fn only_attempts_after_the_first_connecting_are_reconnects() {
        assert!(!is_reconnect(State::Connecting) && !is_reconnect(State::Disconnected));
        assert!(is_reconnect(State::Reconnecting) && is_reconnect(State::CorsError));
    }
}
