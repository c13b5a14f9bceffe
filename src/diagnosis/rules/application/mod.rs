//! What the application itself does wrong, whoever asks: it raises, it has no such resource, it doesn't know its own name.

mod channel_layer_down;
mod host_not_allowed;
mod not_found;
mod server_cannot_websocket;
mod server_exception;

use crate::diagnosis::Facts;
use crate::diagnosis::rule::Rule;
use crate::watch::Code;

pub(super) const RULES: &[Rule] = &[
    server_exception::RULE,
    channel_layer_down::RULE,
    server_cannot_websocket::RULE,
    host_not_allowed::RULE,
    not_found::RULE,
];

/// The status of the answer that decided, and whether the page's script could read it.
fn answer(facts: &Facts<'_>) -> Option<(u16, bool)> {
    let readable = match facts.code()? {
        Code::Status | Code::AuthRequired | Code::HandshakeStatus | Code::BadRequest => true,
        Code::MissingAllowOriginHeader | Code::PreflightMissingAllowOriginHeader | Code::PreflightInvalidStatus => {
            false
        }
        _ => return None,
    };
    Some((facts.status()?, readable))
}
