//! What an HTTP status means, by what else the answer says: shared by requests, handshakes and answers that CORS hid.

use super::token::{self, Token};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;
use crate::watch::meaning::{names_credentials, names_the_origin};

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
    if facts.code() == Some(Code::AuthRequired) && (300..400).contains(&status) {
        return one(CauseId::SessionMissing, 0.9, " and leads to the login page: nobody is signed in to it");
    }
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
        400 if says(&["allowed_hosts", "disallowedhost", "invalid http_host", "invalid host header"]) => {
            one(CauseId::HostNotAllowed, 0.97, ": the host name is not in its list")
        }
        400 if says(&["<h1>bad request (400)</h1>"]) => {
            one(CauseId::HostNotAllowed, 0.75, ": Django's page for a host name that is not in ALLOWED_HOSTS")
        }
        401 => Some(unauthorised(facts, &answered)),
        403 if says(&["csrf"]) => one(CauseId::CsrfFailed, 0.93, ": the CSRF check refused the request"),
        403 if names_credentials(&body) && !facts.is_html() => {
            one(CauseId::AuthRequired, 0.8, ": it wants credentials")
        }
        403 if facts.signs_in => one(CauseId::InsufficientPermissions, 0.6, ": signed in, and not allowed")
            .map(|f| f.or(CauseId::AuthRequired, 0.3)),
        403 => one(CauseId::AuthRequired, 0.45, " and does not say why")
            .map(|finding| finding.or(CauseId::OriginNotAllowed, 0.3).or(CauseId::InsufficientPermissions, 0.3)),
        404 => one(CauseId::NotFound, 0.9, &format!(": there is nothing at {}", facts.url.path()))
            .map(|finding| if facts.through_proxy() { finding.or(CauseId::PathNotProxied, 0.3) } else { finding }),
        407 => one(CauseId::ProxyAuthenticationRequired, 0.9, ": a proxy on the way wants credentials"),
        413 => one(CauseId::BodyTooLarge, 0.95, ": the body is larger than it takes"),
        429 => one(CauseId::TooManyConnections, 0.93, &retry(facts, ": too many requests or connections")),
        500 | 501 => one(CauseId::ServerException, 0.9, ": the application failed; its log says where"),
        502 => one(CauseId::BackendDown, 0.93, ": the proxy is up, and what stands behind it does not answer"),
        503 => Some(unavailable(facts, &answered, &body)),
        504 => one(CauseId::BackendTimeout, 0.95, ": the proxy gave up waiting for what stands behind it"),
        505..=599 => one(CauseId::ServerException, 0.5, ""),
        _ => None,
    }
}

/// Whether the answer says that the origin is the matter, in a few words rather than somewhere on a page.
fn origin_named(facts: &Facts<'_>, body: &str) -> bool {
    facts.code() == Some(Code::OriginRefused) || (!facts.is_html() && body.len() < 1024 && names_the_origin(body))
}

fn unauthorised(facts: &Facts<'_>, answered: &str) -> Finding {
    if let Some(scheme) = facts.header("www-authenticate").and_then(|value| value.split([' ', ',']).next())
        && !scheme.eq_ignore_ascii_case("bearer")
    {
        return Finding::new(
            CauseId::HttpAuthRequired,
            0.95,
            format!("{answered}: HTTP authentication ({scheme}) stands in front of it."),
        );
    }
    match token::in_query(facts.url, facts.at) {
        Some(Token::Expired) => {
            return Finding::new(CauseId::TokenExpired, 0.93, format!("{answered}: the token in the URL has expired."));
        }
        Some(Token::Malformed) => {
            return Finding::new(CauseId::TokenInvalid, 0.8, format!("{answered}: the token in the URL is none."));
        }
        Some(Token::Plausible) | None => {}
    }
    let body = facts.body();
    if body.contains("expired") {
        return Finding::new(CauseId::TokenExpired, 0.85, format!("{answered}: the credentials have expired."));
    }
    // Only a cookie belongs to a host name; the others go wherever they are sent.
    let names = facts.loopback_names();
    if let Some((page, endpoint)) = names.filter(|_| facts.signs_in_by_cookie) {
        let why = format!("{page} and {endpoint} are one machine, and their cookies apart");
        return Finding::new(CauseId::Localhost127Mismatch, 0.55, format!("{answered}: {why}."))
            .or(CauseId::SessionMissing, 0.5)
            .or(CauseId::AuthRequired, 0.45);
    }
    if facts.signs_in {
        return Finding::new(
            CauseId::TokenInvalid,
            0.6,
            format!("{answered}: the credentials given are not accepted."),
        )
        .or(CauseId::TokenExpired, 0.4)
        .or(CauseId::SessionMissing, 0.3);
    }
    if body.contains("session") || body.contains("log in") || body.contains("login") {
        return Finding::new(
            CauseId::SessionMissing,
            0.8,
            format!("{answered}: no session, the user is not signed in."),
        )
        .or(CauseId::AuthRequired, 0.5);
    }
    let finding = Finding::new(CauseId::AuthRequired, 0.85, format!("{answered}: no credentials were given."))
        .or(CauseId::SessionMissing, 0.4);
    // A token in a header is asked for by its name; a session's cookie isn't.
    let by_session = facts.header("www-authenticate").is_none();
    if by_session && names.is_some() { finding.or(CauseId::Localhost127Mismatch, 0.35) } else { finding }
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
