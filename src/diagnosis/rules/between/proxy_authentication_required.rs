//! The forward proxy wants credentials.

use super::own;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::{Exchange, NetError};

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyAuthenticationRequired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let wants = |exchange: &&Exchange| {
        exchange.status() == Some(407)
            || matches!(exchange.error(), Some(NetError::ProxyAuthRequired | NetError::TunnelRefused { status: 407 }))
    };
    let Some(exchange) = own(facts).rev().find(wants) else {
        let told = facts.code() == Some(Code::ProxyAuthRequired);
        return if told { Fit::Fits(Match::new(0.95, "The proxy wants credentials (407).")) } else { Fit::No };
    };
    match &exchange.proxy {
        Some(proxy) => {
            let summary = format!("The proxy {proxy} wants credentials (407).");
            Fit::Fits(Match::new(0.97, summary).sign("407 Proxy Authentication Required"))
        }
        None => {
            let summary = format!("{} answered 407: a proxy on the way wants credentials.", facts.host());
            Fit::Fits(Match::new(0.9, summary).sign("407 Proxy Authentication Required"))
        }
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Give the proxy's user name and password: http://NAME:PASSWORD@proxy:3128 in the settings of whoever connects. A page's script can't give them; the browser or the system has to know them.",
    )]
}
