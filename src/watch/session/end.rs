//! How a session ended, and why.

use super::Open;
use crate::base::Moment;
use crate::watch::{CloseFacts, ClosedBy, Code, EventBody, Reason, ScriptClose};
use crate::wire::NetError;

pub(super) fn closed(facts: CloseFacts, open: &Open, now: Moment) -> EventBody {
    EventBody::Closed { facts, open_for: now.mono.saturating_duration_since(open.since) }
}

/// What stands in the record where we hang up: with a code, as a page's script that closes; without, as one whose
/// connection just broke.
pub(super) fn facts_of_ours(code: Option<u16>) -> CloseFacts {
    let facts = CloseFacts::unclean(ClosedBy::Client, "");
    match code {
        Some(code) => {
            CloseFacts { code: Some(code), script: ScriptClose { code, clean: true, ..facts.script }, ..facts }
        }
        None => facts,
    }
}

/// Why an open connection ended.
pub fn reason_of_end(facts: &CloseFacts, error: Option<&NetError>) -> Reason {
    match (facts.code, error) {
        (_, Some(error @ (NetError::WebSocketProtocol { .. } | NetError::MessageTooLarge { .. }))) => {
            Reason::from(error)
        }
        (Some(code), _) => Reason::new(Code::Closed).with_close(code).with_detail(&facts.reason),
        // A close frame without a code reads as 1005.
        (None, None) if facts.script.clean => Reason::new(Code::Closed).with_close(1005),
        (None, Some(error)) => {
            Reason::new(Code::ClosedAbnormally).with_close(facts.script.code).with_detail(error.key())
        }
        (None, None) => Reason::new(Code::ClosedAbnormally).with_close(facts.script.code),
    }
}

/// Whether the reason is one that comes after the server had accepted.
pub(super) fn ends_an_accepted_connection(reason: &Reason) -> bool {
    matches!(
        reason.code,
        Code::Closed | Code::ExpectedMessageMissing | Code::Silent | Code::WebSocketProtocol | Code::MessageTooLarge
    )
}
