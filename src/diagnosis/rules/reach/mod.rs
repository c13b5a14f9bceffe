//! Whether a connection comes about at all, and who answers on it.

mod connect_timeout;
mod connection_closed;
mod connection_refused;
mod connection_reset;
mod dns_failure;
mod port_held_by_other_program;
mod read_timeout;

use crate::diagnosis::rule::Rule;
use crate::diagnosis::{Facts, banner};
use crate::watch::Code;
use crate::wire::{Ask, Exchange, NetError};

pub(super) const RULES: &[Rule] = &[
    dns_failure::RULE,
    connection_refused::RULE,
    connect_timeout::RULE,
    port_held_by_other_program::RULE,
    connection_reset::RULE,
    connection_closed::RULE,
    read_timeout::RULE,
];

/// What tells who is on a port that does not answer as it should.
pub(super) const WHO: [Ask; 2] = [Ask::Banner, Ask::OtherTls];

/// The same of an upgrade that breaks off: where an ordinary GET is answered, the way is open.
fn who(facts: &Facts<'_>) -> &'static [Ask] {
    if facts.is_websocket() { &[Ask::PlainGet, Ask::Banner, Ask::OtherTls] } else { &WHO }
}

/// Whether an ordinary GET is answered where the upgrade is not.
fn answers_a_get(facts: &Facts<'_>) -> bool {
    facts.is_websocket() && facts.asked(Ask::PlainGet).is_some_and(|plain| plain.response().is_some())
}

/// The host's name, without its port.
fn name<'a>(facts: &Facts<'a>) -> &'a str {
    facts.url.host_str().unwrap_or_default()
}

/// Whether the connection broke off before the socket was open, and before an answer.
fn broke_off(facts: &Facts<'_>) -> bool {
    matches!(facts.code(), Some(Code::ConnectionReset | Code::ConnectionClosed | Code::EmptyResponse))
        && !matches!(facts.detail(), "open" | "body" | "proxy")
}

/// The program on the port, by what it says; `None`: it says nothing, or was not asked.
pub(super) fn program(facts: &Facts<'_>) -> Option<String> {
    let said = facts.asked(Ask::Banner)?.response()?;
    banner::program(&said.body)
}

/// Whether the same request is answered in HTTP, with TLS where it was without, or the other way round.
pub(super) fn answers_otherwise(facts: &Facts<'_>) -> bool {
    facts.asked(Ask::OtherTls).is_some_and(|exchange| exchange.response().is_some())
}

/// Whether the port that was asked without TLS speaks it: it has a certificate, or an opinion on versions.
pub(super) fn speaks_tls(facts: &Facts<'_>) -> bool {
    let spoke =
        |exchange: &Exchange| exchange.tls.is_some() || exchange.error().is_some_and(|error| error.speaks_tls());
    !facts.is_tls() && facts.asked(Ask::OtherTls).is_some_and(spoke)
}

/// Whether one of the host's addresses gave no answer to the connection request, whatever the others said.
fn one_hangs(facts: &Facts<'_>) -> bool {
    let tried = facts.last().map(|last| &*last.tried).unwrap_or_default();
    tried.iter().any(|attempt| attempt.error == Some(NetError::ConnectTimeout))
}
