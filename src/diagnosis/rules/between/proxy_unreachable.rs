//! The forward proxy itself can't be reached.

use super::own;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::{Exchange, NetError, Phase};

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyUnreachable, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let exchange = own(facts).last();
    let name =
        exchange.and_then(|exchange| exchange.proxy.as_deref()).map(|proxy| format!(" {proxy}")).unwrap_or_default();
    match exchange.and_then(Exchange::error) {
        Some(NetError::ProxyConnectionFailed) => {
            Fit::Fits(Match::new(0.97, format!("The proxy{name} can't be reached.")).sign(tried(exchange)))
        }
        Some(NetError::Timeout { phase: Phase::Proxy, .. }) => {
            Fit::Fits(Match::new(0.9, format!("The proxy{name} does not answer.")).sign("no answer to CONNECT in time"))
        }
        _ if facts.code() == Some(Code::ProxyConnectionFailed) => {
            Fit::Fits(Match::new(0.95, format!("The proxy{name} can't be reached.")))
        }
        _ => Fit::No,
    }
}

/// What became of the dialling.
fn tried(exchange: Option<&Exchange>) -> String {
    match exchange.and_then(|exchange| exchange.tried.last()) {
        Some(attempt) => match &attempt.error {
            Some(error) => format!("{}: {error}", attempt.address),
            None => attempt.address.to_string(),
        },
        None => "its name has no address".to_owned(),
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Check the proxy's address in the profile or in the environment (HTTP_PROXY, HTTPS_PROXY), and that the proxy is running; NO_PROXY names the hosts that need none.",
    )]
}
