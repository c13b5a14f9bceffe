//! What an HTTP status means, by what else the answer says: shared by requests, handshakes and answers that CORS hid.

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
        429 => one(CauseId::TooManyConnections, 0.93, &retry(facts, ": too many requests or connections")),
        _ => None,
    }
}

/// Whether the answer says that the origin is the matter, in a few words rather than somewhere on a page.
fn origin_named(facts: &Facts<'_>, body: &str) -> bool {
    facts.code() == Some(Code::OriginRefused) || (!facts.is_html() && body.len() < 1024 && names_the_origin(body))
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
