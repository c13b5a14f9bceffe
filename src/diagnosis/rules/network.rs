//! The forward proxy.

use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let (host, port) = (facts.url.host_str().unwrap_or_default(), facts.port());
    let one = |cause, confidence, summary: String| Some(Finding::new(cause, confidence, summary));
    match code {
        Code::ProxyConnectionFailed => {
            one(CauseId::ProxyUnreachable, 0.95, format!("The proxy{} can't be reached.", proxy_name(facts)))
        }
        Code::ProxyAuthRequired => one(
            CauseId::ProxyAuthenticationRequired,
            0.97,
            format!("The proxy{} wants credentials (407).", proxy_name(facts)),
        ),
        Code::TunnelRefused => tunnel(facts, host, port),
        Code::SocksRefused => one(
            CauseId::ForwardProxyBlocksConnect,
            0.6,
            format!("The SOCKS proxy{} refused to connect to {host}:{port}.", proxy_name(facts)),
        ),
        Code::Timeout if facts.detail() == "proxy" => {
            one(CauseId::ProxyUnreachable, 0.9, format!("{host} was not reached: the proxy did not answer in time."))
        }
        _ => None,
    }
}

/// The proxy in use, with a space before it.
fn proxy_name(facts: &Facts<'_>) -> String {
    facts.last().and_then(|last| last.proxy.as_ref()).map(|proxy| format!(" {proxy}")).unwrap_or_default()
}

fn tunnel(facts: &Facts<'_>, host: &str, port: u16) -> Option<Finding> {
    let status = facts.status().unwrap_or(0);
    let summary = format!("The proxy{} refused the tunnel to {host}:{port} with {status}.", proxy_name(facts));
    Some(match status {
        407 => Finding::new(CauseId::ProxyAuthenticationRequired, 0.97, summary),
        502 | 504 => Finding::new(CauseId::ForwardProxyBlocksConnect, 0.4, summary)
            .or(CauseId::ConnectionRefused, 0.3)
            .or(CauseId::DnsFailure, 0.2),
        503 => Finding::new(CauseId::ForwardProxyBlocksConnect, 0.5, summary).or(CauseId::DnsFailure, 0.3),
        _ => Finding::new(CauseId::ForwardProxyBlocksConnect, 0.93, summary),
    })
}
