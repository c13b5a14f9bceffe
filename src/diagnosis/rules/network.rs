//! DNS, TCP, TLS and the forward proxy: the layers below HTTP.

use crate::base::Wall;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;
use crate::wire::CertFacts;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let (host, port) = (facts.url.host_str().unwrap_or_default(), facts.port());
    let one = |cause, confidence, summary: String| Some(Finding::new(cause, confidence, summary));
    match code {
        Code::NameNotResolved => {
            one(CauseId::DnsFailure, 0.97, format!("The name {host} does not resolve: no address is known for it."))
        }
        Code::DnsUnavailable => one(
            CauseId::DnsFailure,
            0.6,
            format!("No name server answers for {host}; it may be this machine's own network."),
        ),
        Code::ConnectionRefused => one(
            CauseId::ConnectionRefused,
            0.97,
            format!("Nothing listens on port {port} of {host}: the server is down, or listens elsewhere."),
        ),
        Code::ConnectTimeout => one(
            CauseId::ConnectTimeout,
            0.95,
            format!("{host} does not answer on port {port} at all: a firewall drops it, or the listen queue is full."),
        ),
        Code::AddressUnreachable => one(
            CauseId::ConnectTimeout,
            0.5,
            format!("There is no way to {host} from here: its address is unreachable."),
        ),
        Code::Timeout => timeout(facts, host),
        Code::ConnectionReset | Code::ConnectionClosed if facts.detail() == "tls" => tls_broken(facts),
        Code::ConnectionReset if facts.detail() != "open" => {
            one(CauseId::ConnectionReset, 0.9, format!("{host} reset the connection instead of answering."))
        }
        Code::EmptyResponse | Code::ConnectionClosed if facts.detail() != "open" => {
            let finding = Finding::new(
                CauseId::ConnectionClosed,
                0.8,
                format!("{host} closed the connection without an answer."),
            );
            Some(if !facts.is_tls() && is_tls_port(port) {
                finding.or(CauseId::PlainHttpToTlsPort, 0.5)
            } else {
                finding
            })
        }
        Code::InvalidHttpResponse => not_http(facts, port),
        Code::TlsProtocol => tls_broken(facts),
        Code::TlsVersion => one(
            CauseId::TlsVersionUnsupported,
            0.95,
            format!("{host} offers no TLS version that browsers still speak (TLS 1.2 and 1.3)."),
        ),
        Code::ClientCertRequired => one(
            CauseId::ClientCertificateRequired,
            0.97,
            format!("{host} wants a client certificate, and none was given (or not the right one)."),
        ),
        Code::CertExpired
        | Code::CertNotYetValid
        | Code::CertWrongName
        | Code::CertSelfSigned
        | Code::CertUntrusted
        | Code::CertRevoked
        | Code::CertInvalid => certificate(facts, code, host),
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
        _ => None,
    }
}

/// The proxy in use, with a space before it.
fn proxy_name(facts: &Facts<'_>) -> String {
    facts.last().and_then(|last| last.proxy.as_ref()).map(|proxy| format!(" {proxy}")).unwrap_or_default()
}

fn is_tls_port(port: u16) -> bool {
    matches!(port, 443 | 8443 | 9443)
}

fn timeout(facts: &Facts<'_>, host: &str) -> Option<Finding> {
    let (cause, what) = match facts.detail() {
        "connect" | "dns" => (CauseId::ConnectTimeout, "did not accept the connection"),
        "tls" => (CauseId::ReadTimeout, "accepted the connection and did not answer the TLS hello"),
        "proxy" => (CauseId::ProxyUnreachable, "was not reached: the proxy did not answer"),
        "body" => (CauseId::ReadTimeout, "began to answer and did not end"),
        "open" => return None,
        _ => (CauseId::ReadTimeout, "accepted the connection and did not answer"),
    };
    Some(Finding::new(cause, 0.9, format!("{host} {what} in time.")))
}

fn not_http(facts: &Facts<'_>, port: u16) -> Option<Finding> {
    let url = facts.url;
    if facts.is_tls() {
        let summary = format!("What answers at {url} does not speak HTTP.");
        return Some(Finding::new(CauseId::PortHeldByOtherProgram, 0.6, summary));
    }
    let confidence = if is_tls_port(port) { 0.85 } else { 0.5 };
    let summary =
        format!("What answers on port {port} does not speak HTTP; a TLS port answers so to {}://.", url.scheme());
    Some(
        Finding::new(CauseId::PlainHttpToTlsPort, confidence, summary)
            .or(CauseId::PortHeldByOtherProgram, 0.9 - confidence),
    )
}

fn tls_broken(facts: &Facts<'_>) -> Option<Finding> {
    let (host, port) = (facts.host(), facts.port());
    let summary =
        format!("{host} does not answer the TLS hello on port {port} with TLS: it looks like a port without it.");
    Some(
        Finding::new(CauseId::TlsToPlainPort, 0.8, summary)
            .or(CauseId::TlsVersionUnsupported, 0.15)
            .or(CauseId::ClientCertificateRequired, 0.1),
    )
}

fn certificate(facts: &Facts<'_>, code: Code, host: &str) -> Option<Finding> {
    let leaf = facts.last().and_then(|last| last.tls.as_ref()).and_then(|tls| tls.chain.first());
    let day = |at: Wall| at.to_string().chars().take(10).collect::<String>();
    let of =
        |text: fn(&CertFacts, &dyn Fn(Wall) -> String) -> String| leaf.map(|leaf| text(leaf, &day)).unwrap_or_default();
    let (cause, confidence, what) = match code {
        Code::CertExpired => (
            CauseId::CertificateExpired,
            0.98,
            format!("has expired{}", of(|leaf, day| format!(" on {}", day(leaf.not_after)))),
        ),
        Code::CertNotYetValid => (
            CauseId::CertificateNotYetValid,
            0.95,
            format!("is not valid yet{}", of(|leaf, day| format!(": only from {}", day(leaf.not_before)))),
        ),
        Code::CertWrongName => (
            CauseId::CertificateWrongName,
            0.97,
            format!("is for other names{}", of(|leaf, _| format!(" ({})", names(&leaf.names)))),
        ),
        Code::CertSelfSigned => {
            (CauseId::CertificateSelfSigned, 0.97, "is signed by itself: no browser trusts it".into())
        }
        Code::CertRevoked => (CauseId::CertificateUntrusted, 0.5, "has been revoked by its issuer".into()),
        Code::CertInvalid => (CauseId::CertificateUntrusted, 0.5, "can't be used as a server's certificate".into()),
        _ => (
            CauseId::CertificateUntrusted,
            0.95,
            format!("has an issuer that is not trusted{}", of(|leaf, _| format!(" ({})", leaf.issuer))),
        ),
    };
    Some(Finding::new(cause, confidence, format!("The certificate of {host} {what}.")))
}

/// A few names, for a sentence.
fn names(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = if shown.len() < names.len() { " …" } else { "" };
    format!("{}{more}", shown.join(", "))
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
