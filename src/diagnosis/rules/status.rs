//! What an HTTP status means, by what else the answer says: shared by requests, handshakes and answers that CORS hid.

use super::socketio;
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;
use crate::watch::meaning::names_the_origin;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    match code {
        Code::Status
        | Code::HandshakeStatus
        | Code::AuthRequired
        | Code::OriginRefused
        | Code::RateLimited
        | Code::UnexpectedProxyAuth => meaning(facts, facts.status()?),
        _ => None,
    }
}

/// The cause behind a status. `None`: the status alone is no fault that has a name.
pub(super) fn meaning(facts: &Facts<'_>, status: u16) -> Option<Finding> {
    let (host, body) = (facts.host(), facts.body());
    let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
    let answered = format!("{host} answered {}", status_words(status));
    let one = |cause, confidence, why: &str| Some(Finding::new(cause, confidence, format!("{answered}{why}.")));
    match status {
        400 if says(&[
            "plain http request was sent to https port",
            "client sent an http request to an https server",
        ]) =>
        {
            one(CauseId::PlainHttpToTlsPort, 0.98, ": plain HTTP was sent to a TLS port")
        }
        400 | 496 if says(&["no required ssl certificate", "client certificate"]) => {
            one(CauseId::ClientCertificateRequired, 0.97, ": it wants a client certificate")
        }
        400 | 403 if says(&["not an accepted origin", "disallowed cors origin"]) || origin_named(facts, &body) => {
            one(CauseId::OriginNotAllowed, 0.95, &format!(": the origin {} is not in its list", facts.origin()))
        }
        401 => unauthorised(facts, &answered),
        407 => one(CauseId::ProxyAuthenticationRequired, 0.9, ": a proxy on the way wants credentials"),
        // A session's own limit, not a proxy's.
        413 if socketio::outsized(facts).is_some() => None,
        413 => one(CauseId::BodyTooLarge, 0.95, ": the body is larger than it takes"),
        429 => one(CauseId::TooManyConnections, 0.93, &retry(facts, ": too many requests or connections")),
        502 => one(CauseId::BackendDown, 0.93, ": the proxy is up, and what stands behind it does not answer"),
        503 => Some(unavailable(facts, &answered, &body)),
        504 => one(CauseId::BackendTimeout, 0.95, ": the proxy gave up waiting for what stands behind it"),
        _ => None,
    }
}

/// Whether the answer says that the origin is the matter, in a few words rather than somewhere on a page.
fn origin_named(facts: &Facts<'_>, body: &str) -> bool {
    facts.code() == Some(Code::OriginRefused) || (!facts.is_html() && body.len() < 1024 && names_the_origin(body))
}

fn unauthorised(facts: &Facts<'_>, answered: &str) -> Option<Finding> {
    let scheme = facts.header("www-authenticate").and_then(|value| value.split([' ', ',']).next())?;
    let summary = format!("{answered}: HTTP authentication ({scheme}) stands in front of it.");
    (!scheme.eq_ignore_ascii_case("bearer")).then(|| Finding::new(CauseId::HttpAuthRequired, 0.95, summary))
}

fn unavailable(facts: &Facts<'_>, answered: &str, body: &str) -> Finding {
    let server = facts.server();
    if facts.header("retry-after").is_some() || body.contains("maintenance") {
        let why = retry(facts, ": it is out of service for now");
        return Finding::new(CauseId::ServiceUnavailable, 0.9, format!("{answered}{why}."))
            .or(CauseId::BackendDown, 0.1);
    }
    // nginx's own page: its backend's being down would be 502, so that 503 is its request or connection limit.
    if (server.contains("nginx") || server.contains("openresty")) && body.contains("<center>nginx") {
        let why = "nginx's own page: its limit_req or limit_conn refuses by 503";
        return Finding::new(CauseId::ProxyRateLimit503, 0.75, format!("{answered}, {why}."))
            .or(CauseId::ServiceUnavailable, 0.3);
    }
    if body.contains("no server is available") || server.contains("apache") || server.contains("haproxy") {
        let why = "the proxy is up, and nothing behind it is";
        return Finding::new(CauseId::BackendDown, 0.9, format!("{answered}: {why}."));
    }
    Finding::new(CauseId::ServiceUnavailable, 0.6, format!("{answered}.")).or(CauseId::BackendDown, 0.5)
}

/// With the time that the server names.
fn retry(facts: &Facts<'_>, why: &str) -> String {
    match facts.header("retry-after") {
        Some(after) if after.bytes().all(|byte| byte.is_ascii_digit()) && !after.is_empty() => {
            format!("{why}; it asks to come back in {after} s")
        }
        Some(after) => format!("{why}; it asks to come back at {after}"),
        None => why.to_owned(),
    }
}
