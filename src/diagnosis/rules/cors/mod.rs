//! CORS: which side of the agreement is missing, and whose configuration holds the other origin.

mod cors_headers_missing;
mod credentials_not_allowed;
mod duplicate_cors_headers;
mod error_response_without_cors;
mod localhost_127_mismatch;
mod origin_not_allowed;
mod origin_port_mismatch;
mod origin_scheme_mismatch;
mod preflight_header_not_allowed;
mod preflight_method_not_allowed;
mod preflight_options_405;
mod wildcard_with_credentials;

use url::{Host, Url};

use super::authentication::session_missing;
use crate::diagnosis::Facts;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::profile::model::Kind;
use crate::watch::Code;
use crate::watch::meaning::names_the_origin;
use crate::wire::{Ask, Exchange, Purpose, WireRequest, WireResponse};

pub(super) const RULES: &[Rule] = &[
    duplicate_cors_headers::RULE,
    wildcard_with_credentials::RULE,
    credentials_not_allowed::RULE,
    localhost_127_mismatch::RULE,
    origin_scheme_mismatch::RULE,
    origin_port_mismatch::RULE,
    origin_not_allowed::RULE,
    cors_headers_missing::RULE,
    error_response_without_cors::RULE,
    preflight_options_405::RULE,
    preflight_method_not_allowed::RULE,
    preflight_header_not_allowed::RULE,
];

/// What tells which origins the server's list has.
const LIST: [Ask; 5] = [Ask::TwinHost, Ask::TwinScheme, Ask::SpelledPort, Ask::NoOrigin, Ask::Preflight];

/// How the answer leaves the page's origin out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Left {
    /// It says so.
    Refused,
    /// Somebody there knows CORS, and gives this origin no leave.
    Unlisted,
    /// Nobody there knows CORS.
    Bare,
    /// It allows another one.
    Other(String),
}

/// `None`: it isn't the origin that the check fails by, as far as the answer shows. Raw WebSockets are judged elsewhere.
fn left(facts: &Facts<'_>) -> Option<Left> {
    // That a login page has no CORS headers is not what is wrong.
    if facts.kind == Kind::WebSocket || is_no_session(facts) || session_missing::login_page(facts).is_some() {
        return None;
    }
    match facts.code()? {
        Code::MissingAllowOriginHeader | Code::PreflightMissingAllowOriginHeader => match facts.response() {
            None => Some(Left::Bare),
            Some(_) if says_so(facts) => Some(Left::Refused),
            Some(response) if 400 <= response.status => None,
            Some(response) if knows_cors(response) || asked_knows(facts) => Some(Left::Unlisted),
            Some(_) => Some(Left::Bare),
        },
        Code::AllowOriginMismatch | Code::PreflightAllowOriginMismatch => Some(Left::Other(facts.detail().to_owned())),
        Code::OriginRefused => Some(Left::Refused),
        Code::Status | Code::HandshakeStatus if says_so(facts) => Some(Left::Refused),
        _ => None,
    }
}

/// Whether what answered the opening of a Socket.IO session is no Engine.IO server: leave to read it would mend nothing.
fn is_no_session(facts: &Facts<'_>) -> bool {
    let opens =
        |request: &WireRequest| request.method == "GET" && !request.url.query_pairs().any(|(name, _)| name == "sid");
    facts.kind == Kind::SocketIo
        && facts.status() == Some(200)
        && facts.last().is_some_and(|last| opens(&last.request))
        && !facts.body().contains("\"sid\"")
}

/// Whether the answer's body names the origin as what it refuses: Engine.IO in Python, Starlette, Spring; or in a few words of
/// its own, rather than somewhere on a page.
fn says_so(facts: &Facts<'_>) -> bool {
    let body = facts.body();
    let known = ["not an accepted origin", "disallowed cors origin", "invalid cors request"];
    matches!(facts.status(), Some(400 | 403))
        && (known.iter().any(|words| body.contains(words))
            || !facts.is_html() && body.len() < 1024 && names_the_origin(&body))
}

/// Whether the answer shows that somebody there knows CORS.
fn knows_cors(response: &WireResponse) -> bool {
    let varies = response
        .headers
        .joined("vary")
        .is_some_and(|vary| vary.split(',').any(|name| name.trim().eq_ignore_ascii_case("origin")));
    varies || response.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("access-control-allow-"))
}

/// Whether an answer to what was asked besides shows it.
fn asked_knows(facts: &Facts<'_>) -> bool {
    let shows = |response: &WireResponse| {
        knows_cors(response) || String::from_utf8_lossy(&response.body).to_ascii_lowercase().contains("disallowed cors")
    };
    LIST.iter().filter_map(|ask| facts.asked(*ask)?.response()).any(shows)
}

/// Whether the origin that was asked from has leave.
fn allows(exchange: &Exchange) -> bool {
    let Some(response) = exchange.response() else { return false };
    if matches!(exchange.request.url.scheme(), "ws" | "wss") {
        return response.status == 101;
    }
    let origin = exchange.request.headers.first_str("origin");
    let allowed = response.headers.first_str("access-control-allow-origin").map(str::trim);
    allowed.is_some() && (allowed == origin || allowed == Some("*"))
}

/// The origins that the answer itself names, or that are in the list that Flask-CORS sends to who has no origin.
fn named(facts: &Facts<'_>, left: &Left) -> Vec<String> {
    if let Left::Other(origin) = left {
        return vec![origin.clone()];
    }
    let unasked = facts.asked(Ask::NoOrigin).and_then(Exchange::response);
    let list = unasked.and_then(|response| response.headers.joined("access-control-allow-origin")).unwrap_or_default();
    list.split([',', ' ']).map(str::trim).filter(|one| one.contains("://")).take(32).map(str::to_owned).collect()
}

/// By what alone an origin differs from the page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twin {
    /// `localhost` and `127.0.0.1`.
    Host,
    Scheme,
    /// It spells the scheme's own port.
    Port,
}

impl Twin {
    fn ask(self) -> Ask {
        match self {
            Self::Host => Ask::TwinHost,
            Self::Scheme => Ask::TwinScheme,
            Self::Port => Ask::SpelledPort,
        }
    }
}

fn twin_of(page: &Url, origin: &str) -> Option<Twin> {
    let other = Url::parse(origin).ok()?;
    let same_host = other.host() == page.host();
    let same_scheme = other.scheme() == page.scheme();
    let same_port = other.port_or_known_default() == page.port_or_known_default();
    let spells =
        other.port().is_none() && matches!(origin.trim_end_matches('/').rsplit_once(':'), Some((_, "80" | "443")));
    match (same_host, same_scheme, same_port) {
        (true, true, true) if spells => Some(Twin::Port),
        (true, false, _) if same_port || other.port() == page.port() => Some(Twin::Scheme),
        (false, true, true) if is_loopback(other.host()) && is_loopback(page.host()) => Some(Twin::Host),
        _ => None,
    }
}

fn is_loopback(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The origin that has leave and differs from the page's by that alone.
fn in_its_stead(facts: &Facts<'_>, left: &Left, twin: Twin) -> Option<String> {
    let named = named(facts, left).into_iter().find(|origin| twin_of(&facts.page, origin) == Some(twin));
    named.or_else(|| {
        let asked = facts.asked(twin.ask()).filter(|exchange| allows(exchange))?;
        asked.request.headers.first_str("origin").map(str::to_owned)
    })
}

/// Any such origin.
fn has_twin(facts: &Facts<'_>, left: &Left) -> bool {
    [Twin::Host, Twin::Scheme, Twin::Port].into_iter().any(|twin| in_its_stead(facts, left, twin).is_some())
}

/// The rule of one such difference; `likely` before it is known.
fn by_twin(facts: &Facts<'_>, twin: Twin, likely: f32, why: &str) -> Fit {
    let Some(left) = left(facts) else { return Fit::No };
    let (host, origin) = (facts.host(), facts.origin());
    if let Some(other) = in_its_stead(facts, &left, twin) {
        let summary = format!("{host} allows {other}, and the page is {origin}: {why}.");
        return Fit::Fits(Match::new(0.97, summary).sign(format!("{other} has leave")));
    }
    if matches!(left, Left::Other(_)) || likely == 0.0 || facts.asked(twin.ask()).is_some() || has_twin(facts, &left) {
        return Fit::No;
    }
    let summary = format!("The list of {host} may have an origin that differs from {origin} by little: {why}.");
    Fit::CantTell(Match::new(likely, summary).asks(&[twin.ask()]))
}

/// Whether what was refused is the preflight.
fn is_preflight(facts: &Facts<'_>) -> bool {
    facts.last().is_some_and(|last| last.request.purpose == Purpose::Preflight)
}

/// A field of the preflight's answer, for a sentence.
fn listed(facts: &Facts<'_>, name: &str) -> String {
    match facts.response().and_then(|response| response.headers.joined(name)) {
        Some(value) if !value.is_empty() => format!("it lists {value}"),
        _ => "it lists none".to_owned(),
    }
}

/// What the preflight asked leave for and did not get, for a line of configuration.
fn asked_for(facts: &Facts<'_>) -> String {
    let field = |name: &str| facts.last().and_then(|last| last.request.headers.first_str(name));
    let asked = match facts.code() {
        Some(Code::PreflightInvalidStatus) => {
            let headers = facts.body().contains("headers");
            field(if headers { "access-control-request-headers" } else { "access-control-request-method" })
        }
        _ => Some(facts.detail()),
    };
    asked.unwrap_or_default().chars().filter(|one| one.is_ascii_graphic() && !"\"'\\".contains(*one)).collect()
}
