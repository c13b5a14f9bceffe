//! CORS: which side of the agreement is missing, and whose configuration holds the other origin.

use url::{Host, Url};

use super::status;
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;
use crate::wire::{Purpose, WireResponse};

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let (host, origin) = (facts.host(), facts.origin());
    match code {
        Code::MissingAllowOriginHeader | Code::PreflightMissingAllowOriginHeader => Some(missing(facts)),
        Code::AllowOriginMismatch | Code::PreflightAllowOriginMismatch => Some(mismatch(facts, facts.detail())),
        Code::InvalidAllowOriginValue | Code::PreflightInvalidAllowOriginValue => Some(no_origin(facts)),
        Code::MultipleAllowOriginValues | Code::PreflightMultipleAllowOriginValues => Some(multiple(facts)),
        Code::WildcardOriginNotAllowed | Code::PreflightWildcardOriginNotAllowed => Some(Finding::new(
            CauseId::WildcardWithCredentials,
            0.98,
            format!(
                "{host} allows any origin (*), and the page {origin} sends credentials: browsers want the origin itself."
            ),
        )),
        Code::InvalidAllowCredentials | Code::PreflightInvalidAllowCredentials => Some(Finding::new(
            CauseId::CredentialsNotAllowed,
            0.97,
            match facts.detail() {
                "" => format!(
                    "The page {origin} sends credentials, and {host} does not answer Access-Control-Allow-Credentials: true."
                ),
                value => format!(
                    "The page {origin} sends credentials, and {host} answers Access-Control-Allow-Credentials: {value}, not true."
                ),
            },
        )),
        Code::PreflightInvalidStatus => Some(preflight_status(facts)),
        Code::PreflightDisallowedRedirect => None,
        Code::MethodDisallowedByPreflightResponse | Code::InvalidAllowMethodsPreflightResponse => {
            Some(method(facts, code))
        }
        Code::HeaderDisallowedByPreflightResponse | Code::InvalidAllowHeadersPreflightResponse => {
            Some(header(facts, code))
        }
        _ => None,
    }
}

/// Whether the answer shows that somebody there knows CORS, and did not like this origin.
fn knows_cors(response: &WireResponse) -> bool {
    let varies = response
        .headers
        .joined("vary")
        .is_some_and(|vary| vary.split(',').any(|name| name.trim().eq_ignore_ascii_case("origin")));
    varies || response.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("access-control-allow-"))
}

/// No `Access-Control-Allow-Origin`: none at all, none for this origin, or none on errors.
fn missing(facts: &Facts<'_>) -> Finding {
    let (host, origin) = (facts.host(), facts.origin());
    let preflight = facts.last().is_some_and(|last| last.request.purpose == Purpose::Preflight);
    let Some(response) = facts.response() else {
        return Finding::new(CauseId::CorsHeadersMissing, 0.5, format!("{host} sends no CORS headers to {origin}."));
    };
    let status = response.status;
    let body = facts.body();
    if body.contains("not an accepted origin") || body.contains("disallowed cors origin") {
        return Finding::new(
            CauseId::OriginNotAllowed,
            0.98,
            format!("{host} answered {}: the origin {origin} is not in its list.", status_words(status)),
        );
    }
    if preflight && matches!(status, 405 | 501) {
        return Finding::new(
            CauseId::PreflightOptions405,
            0.95,
            format!(
                "{host} answered the preflight (OPTIONS) with {}: the route takes no OPTIONS.",
                status_words(status)
            ),
        )
        .or(CauseId::CorsHeadersMissing, 0.5);
    }
    if 400 <= status {
        return error_without_cors(facts, status, preflight);
    }
    let what = if preflight { "answers the preflight" } else { "answers" };
    if knows_cors(response) {
        return near_misses(
            facts,
            Finding::new(
                CauseId::OriginNotAllowed,
                0.85,
                format!("{host} {what}, and gives the origin {origin} no leave: it is not in the server's list."),
            )
            .or(CauseId::CorsHeadersMissing, 0.15),
        );
    }
    near_misses(
        facts,
        Finding::new(
            CauseId::CorsHeadersMissing,
            0.8,
            format!("{host} {what} without any CORS header: the page {origin} may not read the answer."),
        )
        .or(CauseId::OriginNotAllowed, 0.4),
    )
}

/// What a list that lacks this origin probably has in its stead.
fn near_misses(facts: &Facts<'_>, finding: Finding) -> Finding {
    let mut finding = finding;
    if is_loopback_name(facts.page.host()) {
        finding = finding.or(CauseId::Localhost127Mismatch, 0.25);
    }
    if facts.page.port().is_none() {
        finding = finding.or(CauseId::OriginPortMismatch, 0.2);
    }
    finding.or(CauseId::OriginSchemeMismatch, 0.15)
}

/// An error that the page can't read. What failed first comes first where the status says it by itself.
fn error_without_cors(facts: &Facts<'_>, status: u16, preflight: bool) -> Finding {
    let (host, origin) = (facts.host(), facts.origin());
    let words = status_words(status);
    let behind = status::meaning(facts, status);
    let unreadable = format!("the answer has no CORS headers, so the page {origin} sees a CORS error instead");
    match behind {
        Some(behind) if matches!(status, 407 | 413 | 429 | 502..=504) => {
            let summary = format!("{}; {unreadable}.", behind.summary.trim_end_matches('.'));
            let mut finding = Finding::new(behind.cause, behind.confidence.min(0.85), summary);
            finding.others = behind.others;
            finding.or(CauseId::ErrorResponseWithoutCors, 0.7)
        }
        behind => {
            let what = if preflight { "the preflight with " } else { "" };
            let finding = Finding::new(
                CauseId::ErrorResponseWithoutCors,
                0.8,
                format!("{host} answered {what}{words}, and {unreadable}."),
            )
            .or(CauseId::CorsHeadersMissing, if preflight { 0.6 } else { 0.4 });
            match behind {
                Some(behind) => finding.or(behind.cause, 0.55),
                None => finding,
            }
        }
    }
}

/// `Access-Control-Allow-Origin` names another origin: by how much it differs.
fn mismatch(facts: &Facts<'_>, allowed: &str) -> Finding {
    let (host, origin) = (facts.host(), facts.origin());
    let says = |why: &str| format!("{host} allows {allowed}, and the page is {origin}: {why}.");
    let page = &facts.page;
    let Ok(other) = Url::parse(allowed) else {
        return Finding::new(CauseId::OriginNotAllowed, 0.9, says("another origin"));
    };
    let same_host = other.host() == page.host();
    let same_port = other.port_or_known_default() == page.port_or_known_default();
    let default_ports = other.port().is_none() && page.port().is_none();
    if same_host && other.scheme() == page.scheme() && same_port {
        let why = if names_default_port(allowed, &other) {
            return Finding::new(
                CauseId::OriginPortMismatch,
                0.97,
                says("browsers leave the scheme's own port out of the origin"),
            );
        } else if allowed.ends_with('/') {
            "an origin has no slash at its end"
        } else {
            "origins are compared letter by letter"
        };
        return Finding::new(CauseId::OriginNotAllowed, 0.95, says(why));
    }
    if same_host && other.scheme() != page.scheme() && (same_port || default_ports || other.port() == page.port()) {
        return Finding::new(CauseId::OriginSchemeMismatch, 0.97, says("the scheme differs"));
    }
    if is_loopback_name(other.host()) && is_loopback_name(page.host()) && !same_host {
        let finding = Finding::new(
            CauseId::Localhost127Mismatch,
            0.95,
            says("localhost and 127.0.0.1 are the same machine and two origins"),
        );
        return if same_port { finding } else { finding.or(CauseId::OriginNotAllowed, 0.4) };
    }
    if same_host {
        return Finding::new(CauseId::OriginNotAllowed, 0.9, says("the port differs"))
            .or(CauseId::OriginPortMismatch, 0.4);
    }
    Finding::new(CauseId::OriginNotAllowed, 0.95, says("another origin"))
}

/// Whether the text spells the port that its scheme has anyway.
fn names_default_port(text: &str, parsed: &Url) -> bool {
    parsed.port().is_none()
        && (text.trim_end_matches('/').ends_with(":443") || text.trim_end_matches('/').ends_with(":80"))
}

fn is_loopback_name(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A value that is no origin at all.
fn no_origin(facts: &Facts<'_>) -> Finding {
    let (host, origin, value) = (facts.host(), facts.origin(), facts.detail());
    let why = if value.is_empty() {
        "is empty".to_owned()
    } else if facts.page.host_str().is_some_and(|name| value.starts_with(name)) {
        format!("is “{value}”, without its scheme")
    } else {
        format!("is “{value}”, which is no origin")
    };
    Finding::new(
        CauseId::OriginNotAllowed,
        0.85,
        format!("The Access-Control-Allow-Origin of {host} {why}; the page is {origin}."),
    )
}

/// Several values: two layers that each add one, or one that sends its whole list.
fn multiple(facts: &Facts<'_>) -> Finding {
    let (host, value) = (facts.host(), facts.detail());
    let fields = facts.response().map_or(1, |response| response.headers.all("access-control-allow-origin").count());
    let mut listed = value.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty());
    let first = listed.next();
    let repeated = first.is_some_and(|first| listed.any(|one| one == first || one == "*" || first == "*"));
    if 1 < fields || repeated {
        return Finding::new(
            CauseId::DuplicateCorsHeaders,
            0.97,
            format!(
                "{host} sends Access-Control-Allow-Origin more than once ({value}): two layers each add CORS headers."
            ),
        );
    }
    Finding::new(
        CauseId::OriginNotAllowed,
        0.6,
        format!(
            "{host} sends its whole list of origins ({value}): only the page's own, {}, may stand there.",
            facts.origin()
        ),
    )
    .or(CauseId::DuplicateCorsHeaders, 0.4)
}

/// The preflight has CORS headers and a status that is none of success.
fn preflight_status(facts: &Facts<'_>) -> Finding {
    let (host, body) = (facts.host(), facts.body());
    let status = facts.status().unwrap_or(0);
    let answered = format!("{host} answered the preflight (OPTIONS) with {}", status_words(status));
    if body.contains("disallowed cors headers") || body.contains("disallowed cors method") {
        let (cause, what) = if body.contains("disallowed cors method") {
            (CauseId::PreflightMethodNotAllowed, "the method is")
        } else {
            (CauseId::PreflightHeaderNotAllowed, "a header is")
        };
        return Finding::new(cause, 0.95, format!("{answered}: {what} not in its list."));
    }
    match status {
        404 | 405 | 501 => {
            Finding::new(CauseId::PreflightOptions405, 0.93, format!("{answered}: the route takes no OPTIONS."))
        }
        401 | 403 => Finding::new(
            CauseId::PreflightOptions405,
            0.5,
            format!("{answered}: it asks the preflight for credentials, which browsers never send with it."),
        )
        .or(CauseId::AuthRequired, 0.45),
        _ => match status::meaning(facts, status) {
            Some(behind) => {
                let mut finding =
                    Finding::new(behind.cause, 0.8, format!("{answered}: the request itself never goes out."));
                finding.others = behind.others;
                finding
            }
            None => Finding::new(CauseId::PreflightOptions405, 0.5, format!("{answered}, which is no success.")),
        },
    }
}

/// A field of the preflight's answer, for a sentence.
fn listed(facts: &Facts<'_>, name: &str) -> String {
    match facts.response().and_then(|response| response.headers.joined(name)) {
        Some(value) if !value.is_empty() => format!("it lists {value}"),
        _ => "it lists none".to_owned(),
    }
}

fn method(facts: &Facts<'_>, code: Code) -> Finding {
    let (host, name) = (facts.host(), "access-control-allow-methods");
    if code == Code::InvalidAllowMethodsPreflightResponse {
        let summary =
            format!("{host} answers the preflight with a list of methods that can't be read ({}).", facts.detail());
        return Finding::new(CauseId::PreflightMethodNotAllowed, 0.9, summary);
    }
    let summary =
        format!("{host} does not allow the method {} in its preflight: {}.", facts.detail(), listed(facts, name));
    Finding::new(CauseId::PreflightMethodNotAllowed, 0.97, summary)
}

fn header(facts: &Facts<'_>, code: Code) -> Finding {
    let (host, name) = (facts.host(), "access-control-allow-headers");
    if code == Code::InvalidAllowHeadersPreflightResponse {
        let summary =
            format!("{host} answers the preflight with a list of headers that can't be read ({}).", facts.detail());
        return Finding::new(CauseId::PreflightHeaderNotAllowed, 0.9, summary);
    }
    let summary =
        format!("{host} does not allow the header {} in its preflight: {}.", facts.detail(), listed(facts, name));
    Finding::new(CauseId::PreflightHeaderNotAllowed, 0.97, summary)
}
