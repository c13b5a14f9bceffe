//! The forward proxy makes no tunnel to this port, or refuses the request itself.

use super::{own, polls};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::{Ask, Exchange, NetError};

pub(super) const RULE: Rule = Rule { cause: CauseId::ForwardProxyBlocksConnect, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let is_through = |exchange: &&Exchange| {
        exchange.proxy.is_some()
            || matches!(exchange.error(), Some(NetError::TunnelRefused { .. } | NetError::SocksRefused { .. }))
    };
    let Some(through) = own(facts).rev().find(is_through) else { return Fit::No };
    let proxy = through.proxy.as_ref().map(|proxy| format!(" {proxy}")).unwrap_or_default();
    let (name, port) = (facts.url.host_str().unwrap_or_default(), facts.port());
    let refused = own(facts).filter_map(Exchange::error).find_map(|error| match error {
        NetError::TunnelRefused { status } => Some(*status),
        _ => None,
    });
    if let Some(status) = refused {
        let passes = if polls(facts) { ", while plain requests pass it" } else { "" };
        let summary = format!("The proxy{proxy} refused the tunnel to {name}:{port} with {status}{passes}.");
        let sign = format!("CONNECT {name}:{port} was answered {status}");
        return match status {
            407 => Fit::No,
            // It tried, and did not reach it.
            502..=504 if !polls(facts) => match facts.asked(Ask::Direct).map(|direct| direct.response().is_some()) {
                Some(true) => Fit::Fits(Match::new(0.85, summary).sign(sign).sign("without the proxy it is answered")),
                Some(false) => Fit::CantTell(Match::new(0.4, summary).sign(sign)),
                None => Fit::CantTell(Match::new(0.5, summary).sign(sign).asks(&[Ask::Direct])),
            },
            _ => Fit::Fits(Match::new(0.95, summary).sign(sign)),
        };
    }
    if own(facts).filter_map(Exchange::error).any(|error| matches!(error, NetError::SocksRefused { .. })) {
        let summary = format!("The SOCKS proxy{proxy} refused to connect to {name}:{port}.");
        return Fit::Fits(Match::new(0.6, summary).asks(&[Ask::Direct]));
    }
    let Some(response) = through.response().filter(|response| response.status == 403) else { return Fit::No };
    let by_itself = response.headers.contains("x-squid-error")
        || ["squid", "tinyproxy"].iter().any(|name| super::server(response).starts_with(name));
    if !by_itself {
        return Fit::No;
    }
    let summary = format!("The proxy{proxy} itself refuses requests to {name}:{port} with 403.");
    Fit::Fits(Match::new(0.85, summary).sign(super::sign(response)))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let (name, port) = (facts.url.host_str().unwrap_or_default(), facts.port());
    vec![
        Fix::any(format!(
            "Have the proxy allow CONNECT to {name}:{port}, or serve {name} on 443, which is nearly always allowed; until then polling over plain requests is what passes this proxy."
        )),
        Fix::at(
            "squid",
            "In squid.conf, above “http_access deny CONNECT !SSL_ports”.",
            format!(
                "acl websocket_host dstdomain {name}\nacl websocket_port port {port}\nhttp_access allow CONNECT websocket_host websocket_port"
            ),
        ),
        Fix::at("tinyproxy", "In tinyproxy.conf.", format!("ConnectPort {port}")),
    ]
}
