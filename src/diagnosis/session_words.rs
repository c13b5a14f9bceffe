//! The words for what a Socket.IO session says of its transport, its namespaces and its signing in. Lengths of time are left
//! to the faces, which write them each in their own way.

use super::words::phrase;
use crate::profile::model::Transport;
use crate::watch::{Code, MessageKind, NamespaceChange, PongBy, Reason, SignInStep, Stuck, TransportStep};

/// A transport's name within a sentence.
pub fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Polling => "polling",
        Transport::WebSocket => "WebSocket",
    }
}

/// What became of the transport; a reason comes beside it.
pub fn step(on: Transport, step: &TransportStep) -> String {
    let name = transport(on);
    match step {
        TransportStep::Opened { revision, upgradable, .. } => {
            let upgrade = match (on, upgradable) {
                (Transport::WebSocket, _) => "",
                (Transport::Polling, true) => ", WebSocket offered",
                (Transport::Polling, false) => ", no upgrade offered",
            };
            format!("Opened over {name}: Engine.IO {revision}{upgrade}")
        }
        TransportStep::Probing => "Upgrade to WebSocket begins".to_owned(),
        TransportStep::Upgraded { .. } => format!("Upgraded to {name}"),
        TransportStep::Stuck { why, reason } => format!("Stays on polling: {}", stuck(*why, reason.as_ref())),
        TransportStep::FellBack { from, .. } => {
            format!("The next attempt begins with {name}, not with {}", transport(*from))
        }
    }
}

/// Why a session stays on polling.
pub fn stuck(why: Stuck, reason: Option<&Reason>) -> String {
    let words = match why {
        Stuck::NotOffered => "the server offers no upgrade",
        Stuck::NotWanted => "WebSocket is left out here",
        Stuck::Refused => {
            return match reason {
                Some(Reason { code: Code::HandshakeStatus, status: Some(status), .. }) => {
                    format!("the upgrade was refused with {status}")
                }
                Some(reason) => format!("the upgrade failed, {}", phrase(reason)),
                None => "the upgrade was refused".to_owned(),
            };
        }
        Stuck::Unanswered => "the upgrade's probe had no answer",
        Stuck::WrongAnswer => "the upgrade's probe was answered wrongly",
        Stuck::Lost => "the WebSocket broke during the upgrade",
    };
    words.to_owned()
}

/// What became of a namespace; a reason comes beside it.
pub fn namespace(name: &str, change: &NamespaceChange) -> String {
    match change {
        NamespaceChange::Joined { recovered: false, .. } => format!("Joined {name}"),
        NamespaceChange::Joined { recovered: true, .. } => format!("Joined {name}, its state recovered"),
        NamespaceChange::Refused { .. } => format!("{name} refused"),
        NamespaceChange::Left { by } => format!("Left {name}, {}", by_whom(*by)),
    }
}

fn by_whom(by: crate::watch::ClosedBy) -> &'static str {
    match by {
        crate::watch::ClosedBy::Server => "closed by the server",
        crate::watch::ClosedBy::Client => "closed by wirewatch",
        crate::watch::ClosedBy::Network => "as the connection was lost",
    }
}

/// A step of signing in.
pub fn sign_in(step: SignInStep) -> &'static str {
    match step {
        SignInStep::Form => "Sign-in form read",
        SignInStep::Submitted => "Sign-in form sent",
        SignInStep::Checked => "Signed-in session checked",
        SignInStep::Expired => "Signed-in session is over; signing in again",
    }
}

/// What a message is, for a cell of a table.
pub fn message_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Event => "event",
        MessageKind::Ack => "acknowledgement",
        MessageKind::AckMissing => "no acknowledgement",
    }
}

/// By what a round trip was measured.
pub fn measured_by(by: PongBy) -> &'static str {
    match by {
        PongBy::Frame => "ping frames",
        PongBy::EnginePing => "Engine.IO pings",
        PongBy::Ack => "acknowledged events",
        PongBy::Post => "polling POSTs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(why: Stuck, reason: Option<Reason>, expected: &str) {
        let got = step(Transport::Polling, &TransportStep::Stuck { why, reason });
        assert_eq!(got, format!("Stays on polling: {expected}"));
    }

    #[test]
    fn a_session_that_stays_on_polling_says_what_the_upgrade_met() {
        check(Stuck::NotOffered, None, "the server offers no upgrade");
        let status = Reason::new(Code::HandshakeStatus).with_status(400);
        check(Stuck::Refused, Some(status), "the upgrade was refused with 400");
        check(Stuck::Refused, Some(Reason::new(Code::ConnectionRefused)), "the upgrade failed, connection refused");
    }
}
