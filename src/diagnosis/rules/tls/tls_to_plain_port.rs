//! `wss://` or `https://` to a port that does not speak TLS.

use super::super::reach::{WHO, answers_otherwise, program};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::TlsToPlainPort, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let broke_off = matches!(facts.code(), Some(Code::ConnectionReset | Code::ConnectionClosed));
    if facts.code() != Some(Code::TlsProtocol) && !(broke_off && facts.detail() == "tls") {
        return Fit::No;
    }
    let (host, port) = (facts.url.host_str().unwrap_or_default(), facts.port());
    if answers_otherwise(facts) {
        let summary =
            format!("Port {port} of {} answers plain HTTP, not the TLS hello of {}://.", host, facts.url.scheme());
        return Fit::Fits(Match::new(0.97, summary).sign("the same request without TLS is answered"));
    }
    if program(facts).is_some() {
        return Fit::No;
    }
    let summary =
        format!("{host} does not answer the TLS hello on port {port} with TLS: it looks like a port without it.");
    match facts.asked(Ask::OtherTls) {
        None => Fit::CantTell(Match::new(0.8, summary).asks(&WHO)),
        Some(_) => Fit::CantTell(Match::new(0.6, summary)),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let port = facts.port();
    let plain = if facts.url.scheme() == "wss" { "ws" } else { "http" };
    let mut fixes = vec![Fix::any(format!(
        "Switch TLS on for port {port}, or connect to the port that has it; {plain}:// is right on development hosts alone."
    ))];
    fixes.extend(super::switched_on(facts));
    fixes
}
