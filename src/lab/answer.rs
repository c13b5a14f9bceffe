//! Which answer a script gives to a request: the same for HTTP/1.1, HTTP/2 and a refused WebSocket. No I/O.

use std::time::Duration;

use base64::Engine as _;

use super::conn::Head;
use super::script::{Need, Script};
use super::shared::{Shared, Standing};
use super::socketio;

/// An answer, before it is put on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub status: u16,
    pub reason: String,
    /// Header lines in order, without `Content-Length` and `Connection`, which the wire's form decides.
    pub lines: Vec<Vec<u8>>,
    pub body: Body,
    /// Before the head.
    pub wait: Duration,
}

/// An answer's body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Bytes(Vec<u8>),
    /// So many times the letter x.
    Filler(u64),
}

impl Body {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Filler(size) => *size,
        }
    }
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Answer(Answer),
    /// Open the WebSocket, after so long.
    Open {
        wait: Duration,
    },
    /// Let the path's Socket.IO server answer, after so long.
    SocketIo {
        wait: Duration,
    },
    /// Close the connection without a word.
    Hangup,
}

/// A plain-text answer of the lab itself.
pub(super) fn plain(status: u16, text: &str) -> Answer {
    let lines = vec![b"Content-Type: text/plain; charset=utf-8".to_vec()];
    let body = Body::Bytes(text.as_bytes().to_vec());
    Answer { status, reason: reason_of(status).to_owned(), lines, body, wait: Duration::ZERO }
}

/// The answer to `head` under `script`.
pub(super) fn decide(script: &Script, head: &Head, shared: &Shared) -> Verdict {
    let socket = head.wants_upgrade() && !script.socket.ignored;
    let (standing, number) = shared.count(script, head.path(), !socketio::is_within(head));
    let wait = script.wait + jitter(script, number);
    if standing == Standing::Down {
        return Verdict::Hangup;
    }
    if head.is_preflight()
        && let Some(answer) = preflight(script, head)
    {
        return Verdict::Answer(Answer { wait, ..answer });
    }
    let mut extra = Vec::new();
    let refusal = match standing {
        Standing::Limited { retry } => {
            extra.push(format!("Retry-After: {}", retry.as_secs().max(1)).into_bytes());
            Some((429, "too many requests"))
        }
        Standing::FailFirst => Some((503, "not yet")),
        Standing::Serve | Standing::Down => None,
    };
    let refusal = refusal.or_else(|| {
        let need = script.need.as_ref().filter(|need| !satisfied(need, head, shared))?;
        extra.extend(challenge(need));
        Some((401, "credentials are missing or wrong"))
    });
    let refusal = refusal.or_else(|| {
        let open = script.allow.is_empty() || script.allow.iter().any(|origin| origin == "any" || origin == "*");
        let refused = socket && !open && allowed(script, head.header("origin")).is_none();
        refused.then_some((403, "origin not allowed"))
    });
    match refusal {
        Some((status, text)) => {
            let mut answer = plain(status, text);
            answer.lines.extend(extra);
            answer.lines.extend(cors_lines(script, head, status));
            answer.wait = wait;
            Verdict::Answer(answer)
        }
        None if socketio::is_path(head.path()) && script.status.is_none() && script.raw.is_none() => {
            Verdict::SocketIo { wait }
        }
        None if socket && script.status.is_none_or(|status| status == 101) && script.raw.is_none() => {
            Verdict::Open { wait }
        }
        None => Verdict::Answer(Answer { wait, ..scripted(script, head) }),
    }
}

/// The answer that the script spells out.
fn scripted(script: &Script, head: &Head) -> Answer {
    let redirect = location(script, head);
    let status = match (script.status, &redirect) {
        (Some(status), _) => status,
        (None, Some(_)) => 302,
        (None, None) => 200,
    };
    let mut lines: Vec<Vec<u8>> = script.lines.iter().map(|line| fill(line, head)).collect();
    lines.extend(redirect.map(|to| format!("Location: {to}").into_bytes()));
    if !script.bare {
        if !lines.iter().any(|line| line.to_ascii_lowercase().starts_with(b"content-type")) {
            lines.push(b"Content-Type: text/plain; charset=utf-8".to_vec());
        }
        lines.extend(cors_lines(script, head, status));
    }
    let body = match (&script.body, script.size) {
        (_, Some(size)) => Body::Filler(size),
        (Some(body), None) => Body::Bytes(fill(body, head)),
        (None, None) if script.reflect => Body::Bytes(head.raw.clone()),
        (None, None) => Body::Bytes(format!("{status} {}\n", reason_of(status)).into_bytes()),
    };
    let reason = script.reason.clone().unwrap_or_else(|| reason_of(status).to_owned());
    Answer { status, reason, lines, body, wait: Duration::ZERO }
}

/// What OPTIONS gets as a preflight: as the script spells it, or as a server with this CORS configuration answers.
fn preflight(script: &Script, head: &Head) -> Option<Answer> {
    let mut lines: Vec<Vec<u8>> = script.options_lines.iter().map(|line| fill(line, head)).collect();
    if script.options.is_none() && lines.is_empty() {
        allowed(script, head.header("origin"))?;
        lines.push(format!("Access-Control-Allow-Methods: {}", head.header("access-control-request-method")).into());
        if head.headers.contains("access-control-request-headers") {
            let asked = head.header("access-control-request-headers");
            lines.push(format!("Access-Control-Allow-Headers: {asked}").into());
        }
        lines.extend(cors_lines(script, head, 204));
    }
    let status = script.options.unwrap_or(204);
    let body = if status == 204 { Vec::new() } else { format!("{status} {}\n", reason_of(status)).into_bytes() };
    let reason = reason_of(status).to_owned();
    Some(Answer { status, reason, lines, body: Body::Bytes(body), wait: Duration::ZERO })
}

/// `Access-Control-Allow-Origin`'s value for this origin; `None`: not allowed, or no CORS configuration.
fn allowed(script: &Script, origin: &str) -> Option<String> {
    let listed = |word: &str| script.allow.iter().any(|allowed| allowed == word);
    match origin {
        "" => None,
        _ if listed("*") => Some("*".to_owned()),
        _ if listed("any") || listed(origin) => Some(origin.to_owned()),
        _ => None,
    }
}

pub(super) fn cors_lines(script: &Script, head: &Head, status: u16) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    if script.bare_errors && 400 <= status {
        return lines;
    }
    if let Some(origin) = allowed(script, head.header("origin")) {
        lines.push(format!("Access-Control-Allow-Origin: {origin}").into_bytes());
        if origin != "*" {
            lines.push(b"Access-Control-Allow-Credentials: true".to_vec());
            lines.push(b"Vary: Origin".to_vec());
        }
    }
    lines
}

fn satisfied(need: &Need, head: &Head, shared: &Shared) -> bool {
    match need {
        Need::Session => cookie(head, super::login::COOKIE) == Some(shared.session()),
        Need::Bearer(token) => head.header("authorization") == format!("Bearer {token}"),
        Need::Basic(pair) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            head.header("authorization") == format!("Basic {encoded}")
        }
        Need::Query(name, value) => {
            url::form_urlencoded::parse(head.query().as_bytes()).any(|(key, got)| key == *name && got == *value)
        }
    }
}

fn challenge(need: &Need) -> Option<Vec<u8>> {
    match need {
        Need::Session | Need::Query(..) => None,
        Need::Bearer(_) => Some(b"WWW-Authenticate: Bearer realm=\"lab\"".to_vec()),
        Need::Basic(_) => Some(b"WWW-Authenticate: Basic realm=\"lab\"".to_vec()),
    }
}

/// A cookie of the request.
pub(super) fn cookie(head: &Head, name: &str) -> Option<String> {
    let values = head.headers.all("cookie").filter_map(|value| std::str::from_utf8(value).ok());
    values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Where to, if anywhere: `to`, or the same path with one hop less.
fn location(script: &Script, head: &Head) -> Option<String> {
    let left = match (script.hops, &script.to) {
        (None, to) => return to.clone(),
        (Some(0), to) => return to.clone(),
        (Some(hops), _) => hops,
    };
    let next = if left == u32::MAX { "loop".to_owned() } else { (left - 1).to_string() };
    let query: Vec<String> = head
        .query()
        .split('&')
        .map(|pair| if pair.starts_with("hops=") { format!("hops={next}") } else { pair.to_owned() })
        .collect();
    Some(format!("{}?{}", head.path(), query.join("&")))
}

/// Replaces `{origin}`, `{host}`, `{method}`, `{acrm}` and `{acrh}` by what the request says.
pub(super) fn fill(text: &[u8], head: &Head) -> Vec<u8> {
    if memchr::memchr(b'{', text).is_none() {
        return text.to_vec();
    }
    let origin = if head.headers.contains("origin") { head.header("origin") } else { "null" };
    let words = [
        ("{origin}", origin),
        ("{host}", head.header("host")),
        ("{method}", &head.method),
        ("{acrm}", head.header("access-control-request-method")),
        ("{acrh}", head.header("access-control-request-headers")),
    ];
    words.iter().fold(text.to_vec(), |text, (word, value)| {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = &text[..];
        while let Some(at) = memchr::memmem::find(rest, word.as_bytes()) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(value.as_bytes());
            rest = &rest[at + word.len()..];
        }
        out.extend_from_slice(rest);
        out
    })
}

/// The `number`th delay of a deterministic sequence: mostly near the low end, with a long tail.
fn jitter(script: &Script, number: u64) -> Duration {
    let Some((low, high)) = script.jitter else { return Duration::ZERO };
    // The generator is seeded anew for each request, so that the n-th is the same whoever asks.
    let mut rng = fastrand::Rng::with_seed(script.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
    low + (high - low).mul_f64(rng.f64().powi(3))
}

pub(super) fn reason_of(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Status")
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    /// Status and header lines of what a script answers to a request with these headers.
    #[track_caller]
    fn check(query: &str, request: &str, expected: &str) {
        let (first, headers) = request.split_once('\n').unwrap_or((request, ""));
        let head = Head {
            method: first.to_owned(),
            target: format!("/p?{query}"),
            headers: headers.lines().filter_map(|line| line.split_once(": ")).collect(),
            ..Head::default()
        };
        let got = match decide(&parse(query).unwrap(), &head, &Shared::new()) {
            Verdict::Answer(answer) => {
                let lines = answer.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
                let mut out = vec![answer.status.to_string()];
                out.extend(lines.filter(|line| !line.starts_with("Content-Type")));
                out.join("\n")
            }
            other => format!("{other:?}"),
        };
        assert_eq!(got, expected);
    }

    const UPGRADE: &str = "GET\nConnection: Upgrade\nUpgrade: websocket\nOrigin: http://a";

    #[test]
    fn a_listed_origin_is_let_in_and_another_is_not() {
        let lines = "200\nAccess-Control-Allow-Origin: http://a\nAccess-Control-Allow-Credentials: true\nVary: Origin";
        check("allow=http://a", "GET\nOrigin: http://a", lines);
        check("allow=http://a", "GET\nOrigin: http://b", "200");
        check("allow=*", "GET\nOrigin: http://b", "200\nAccess-Control-Allow-Origin: *");
        check("allow=http://a", UPGRADE, "Open { wait: 0ns }");
        check("allow=http://b", UPGRADE, "403");
    }

    #[test]
    fn errors_may_lack_the_cors_headers() {
        check("allow=*&status=500&bare-errors", "GET\nOrigin: http://b", "500");
        check("allow=*&status=500", "GET\nOrigin: http://b", "500\nAccess-Control-Allow-Origin: *");
    }

    #[test]
    fn a_preflight_is_answered_as_scripted_or_as_configured() {
        let preflight = "OPTIONS\nOrigin: http://a\nAccess-Control-Request-Method: PUT";
        check("options=405", preflight, "405");
        check("oh=Access-Control-Allow-Methods:+{acrm}", preflight, "204\nAccess-Control-Allow-Methods: PUT");
        check("allow=*", preflight, "204\nAccess-Control-Allow-Methods: PUT\nAccess-Control-Allow-Origin: *");
        check("status=418", preflight, "418");
    }

    #[test]
    fn redirects_count_down_to_the_end() {
        check("hops=2", "GET", "302\nLocation: /p?hops=1");
        check("hops=0", "GET", "200");
        check("hops=loop&status=307", "GET", "307\nLocation: /p?hops=loop&status=307");
        check("hops=0&to=http://b/", "GET", "302\nLocation: http://b/");
    }

    #[test]
    fn a_missing_credential_is_refused_with_its_challenge() {
        check("need=bearer:x", "GET", "401\nWWW-Authenticate: Bearer realm=\"lab\"");
        check("need=bearer:x", "GET\nAuthorization: Bearer x", "200");
        check("need=query:token=x&token=x", UPGRADE, "Open { wait: 0ns }");
        check("need=session", UPGRADE, "401");
    }

    #[test]
    fn jitter_is_the_same_sequence_for_the_same_seed() {
        let script = parse("jitter=10ms..90ms&seed=7").unwrap();
        let first: Vec<Duration> = (0..5).map(|number| jitter(&script, number)).collect();
        let again: Vec<Duration> = (0..5).map(|number| jitter(&script, number)).collect();
        assert_eq!(first, again);
        assert!(first.iter().all(|wait| (10..=90).contains(&wait.as_millis())), "{first:?}");
        assert!(first.windows(2).any(|pair| pair[0] != pair[1]), "{first:?}");
    }
}
