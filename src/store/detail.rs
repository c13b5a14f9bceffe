//! The JSON forms in which the history keeps what has no column of its own.
//!
//! Invariants: a form reads back to what it was made from, at microseconds; what may be large is bounded when it is made;
//! an unknown word in a stored form (written by another version) never makes the rest unreadable.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::Wall;
use crate::watch::{CheckReport, CloseFacts, ClosedBy, Code, Outcome, Reason, ScriptClose, State};
use crate::wire::{
    Attempt, CertFacts, Exchange, Headers, HttpVersion, NetError, Phase, Phases, Purpose, TlsFacts, WireRequest,
    WireResponse,
};

/// How much of an exchange is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Bytes of header fields, names and values, of one side.
    pub headers: usize,
    /// Bytes of body of one side.
    pub body: usize,
}

impl Bound {
    /// For the many that an event carries.
    pub(super) const EVENT: Self = Self { headers: 8 * 1024, body: 2 * 1024 };
    /// For one that repeats what the one before said.
    pub(super) const NONE: Self = Self { headers: 0, body: 0 };
    /// For the one last report of a profile: all that an exchange itself keeps.
    pub(super) const REPORT: Self = Self { headers: 256 * 1024, body: 64 * 1024 };
}

pub(super) fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A reason without its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReasonForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<Box<str>>,
}

impl ReasonForm {
    /// `None` where there is nothing beside the code.
    pub(super) fn of(reason: Option<&Reason>) -> Option<Self> {
        let reason = reason?;
        let form = Self { status: reason.status, close: reason.close, detail: reason.detail.clone() };
        (form != Self::default()).then_some(form)
    }

    pub(super) fn reason(form: Option<Self>, code: Option<&str>) -> Option<Reason> {
        let form = form.unwrap_or_default();
        Some(Reason { code: Code::parse(code?)?, status: form.status, close: form.close, detail: form.detail })
    }
}

/// `[dns, connect, proxy, tls, first byte, body]` in microseconds; the total is a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PhasesForm([Option<u64>; 6]);

impl PhasesForm {
    pub(super) fn of(phases: &Phases) -> Self {
        Self(
            [phases.dns, phases.connect, phases.proxy, phases.tls, phases.first_byte, phases.body]
                .map(|took| took.map(micros)),
        )
    }

    pub(super) fn phases(self, total: Option<u64>) -> Phases {
        let [dns, connect, proxy, tls, first_byte, body] = self.0.map(|took| took.map(Duration::from_micros));
        Phases { dns, connect, proxy, tls, first_byte, body, total: total.map(Duration::from_micros) }
    }
}

/// How a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CloseForm {
    code: Option<u16>,
    reason: Box<str>,
    by: Box<str>,
    script_code: u16,
    script_reason: Box<str>,
    clean: bool,
}

impl CloseForm {
    pub(super) fn of(facts: &CloseFacts) -> Self {
        Self {
            code: facts.code,
            reason: facts.reason.clone(),
            by: facts.by.code().into(),
            script_code: facts.script.code,
            script_reason: facts.script.reason.clone(),
            clean: facts.script.clean,
        }
    }

    pub(super) fn facts(self) -> CloseFacts {
        CloseFacts {
            code: self.code,
            reason: self.reason,
            by: ClosedBy::from_code(&self.by).unwrap_or(ClosedBy::Network),
            script: ScriptClose { code: self.script_code, reason: self.script_reason, clean: self.clean },
        }
    }
}

/// A check, beside its columns (outcome, state, reason's code, status, total).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckForm {
    /// Scheduled at, microseconds since 1970.
    s: i64,
    /// Lateness.
    #[serde(default, skip_serializing_if = "is_zero")]
    l: u64,
    p: PhasesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<ReasonForm>,
    #[serde(default, skip_serializing_if = "is_false")]
    preflighted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    console: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<CloseForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<ExchangeForm>,
}

impl CheckForm {
    /// `bound`: `None` leaves the exchanges out.
    pub(super) fn of(report: &CheckReport, bound: Option<Bound>) -> Self {
        let exchanges = match bound {
            Some(bound) => report.exchanges.iter().map(|exchange| ExchangeForm::of(exchange, bound)).collect(),
            None => Vec::new(),
        };
        Self {
            s: report.scheduled.0,
            l: micros(report.lateness),
            p: PhasesForm::of(&report.phases),
            r: ReasonForm::of(report.reason.as_ref()),
            preflighted: report.preflighted,
            console: report.console.clone(),
            close: report.close.as_ref().map(CloseForm::of),
            exchanges,
        }
    }

    pub(super) fn report(self, columns: CheckColumns<'_>) -> CheckReport {
        CheckReport {
            outcome: columns.outcome,
            state: columns.state,
            reason: ReasonForm::reason(self.r, columns.code),
            scheduled: Wall(self.s),
            lateness: Duration::from_micros(self.l),
            phases: self.p.phases(columns.total),
            status: columns.status,
            exchanges: self.exchanges.into_iter().filter_map(ExchangeForm::exchange).map(Arc::new).collect(),
            preflighted: self.preflighted,
            console: self.console,
            close: self.close.map(CloseForm::facts),
        }
    }
}

/// What of a check has columns.
pub(super) struct CheckColumns<'a> {
    pub outcome: Outcome,
    pub state: State,
    pub code: Option<&'a str>,
    pub status: Option<u16>,
    pub total: Option<u64>,
}

/// A profile's whole last report.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReportForm {
    outcome: Box<str>,
    state: Box<str>,
    code: Option<Box<str>>,
    status: Option<u16>,
    total: Option<u64>,
    #[serde(flatten)]
    rest: CheckForm,
}

impl ReportForm {
    pub(super) fn of(report: &CheckReport) -> Self {
        Self {
            outcome: report.outcome.code().into(),
            state: report.state.code().into(),
            code: report.reason.as_ref().map(|reason| reason.code.as_str().into()),
            status: report.status,
            total: report.phases.total.map(micros),
            rest: CheckForm::of(report, Some(Bound::REPORT)),
        }
    }

    pub(super) fn report(self) -> Option<CheckReport> {
        let columns = CheckColumns {
            outcome: Outcome::from_code(&self.outcome)?,
            state: State::from_code(&self.state)?,
            code: self.code.as_deref(),
            status: self.status,
            total: self.total,
        };
        Some(self.rest.report(columns))
    }
}

/// Bytes as text where they are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BytesForm {
    Text(Box<str>),
    Base64 { base64: String },
}

impl BytesForm {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Base64 { base64: STANDARD.encode(bytes) },
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_string().into_bytes(),
            Self::Base64 { base64 } => STANDARD.decode(base64).unwrap_or_default(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Base64 { base64 } => base64.is_empty(),
        }
    }
}

impl Default for BytesForm {
    fn default() -> Self {
        Self::Text("".into())
    }
}

fn headers_form(headers: &Headers, bound: usize) -> Vec<(Box<str>, BytesForm)> {
    let mut room = bound;
    let mut kept = Vec::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let Some(rest) = room.checked_sub(name.len() + value.len()) else { break };
        room = rest;
        kept.push((name.into(), BytesForm::of(value)));
    }
    kept
}

fn headers_back(fields: Vec<(Box<str>, BytesForm)>) -> Headers {
    fields.into_iter().map(|(name, value)| (name, value.bytes())).collect()
}

fn body_form(body: &[u8], bound: usize) -> BytesForm {
    let cut = &body[..body.len().min(bound)];
    // A body that is text stays text where the cut went through a character.
    match std::str::from_utf8(cut) {
        Err(error) if error.error_len().is_none() && cut.len() < body.len() => {
            BytesForm::of(&cut[..error.valid_up_to()])
        }
        _ => BytesForm::of(cut),
    }
}

/// A request and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExchangeForm {
    purpose: Box<str>,
    method: Box<str>,
    url: Box<str>,
    request_headers: Vec<(Box<str>, BytesForm)>,
    #[serde(default, skip_serializing_if = "BytesForm::is_empty")]
    request_body: BytesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<ResponseForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorForm>,
    p: PhasesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tried: Vec<TriedForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<TlsForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxy: Option<Box<str>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ResponseForm {
    version: Box<str>,
    status: u16,
    reason: Box<str>,
    headers: Vec<(Box<str>, BytesForm)>,
    #[serde(default, skip_serializing_if = "BytesForm::is_empty")]
    body: BytesForm,
    body_size: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TriedForm {
    address: SocketAddr,
    took: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorForm>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TlsForm {
    version: Option<String>,
    cipher: Option<String>,
    alpn: Option<String>,
    chain: Vec<CertForm>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CertForm {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: i64,
    not_after: i64,
    self_signed: bool,
    sha256: String,
}

const PURPOSES: [(Purpose, &str); 3] =
    [(Purpose::Actual, "actual"), (Purpose::Preflight, "preflight"), (Purpose::Handshake, "handshake")];
const VERSIONS: [HttpVersion; 3] = [HttpVersion::Http10, HttpVersion::Http11, HttpVersion::H2];

impl ExchangeForm {
    pub(super) fn of(exchange: &Exchange, bound: Bound) -> Self {
        let (response, error) = match &exchange.result {
            Ok(response) => (Some(ResponseForm::of(response, bound)), None),
            Err(error) => (None, Some(ErrorForm::of(error))),
        };
        let purpose = PURPOSES.iter().find(|(purpose, _)| *purpose == exchange.request.purpose);
        Self {
            purpose: purpose.map_or("actual", |(_, word)| word).into(),
            method: exchange.request.method.as_str().into(),
            url: exchange.request.url.as_str().into(),
            request_headers: headers_form(&exchange.request.headers, bound.headers),
            request_body: body_form(&exchange.request.body, bound.body),
            response,
            error,
            p: PhasesForm::of(&exchange.phases),
            total: exchange.phases.total.map(micros),
            peer: exchange.peer,
            tried: exchange
                .tried
                .iter()
                .take(32)
                .map(|tried| TriedForm {
                    address: tried.address,
                    took: micros(tried.took),
                    error: tried.error.as_ref().map(ErrorForm::of),
                })
                .collect(),
            tls: exchange.tls.as_ref().map(TlsForm::of),
            proxy: exchange.proxy.as_deref().map(Into::into),
        }
    }

    /// `None` where the stored form makes no exchange.
    pub(super) fn exchange(self) -> Option<Exchange> {
        let purpose = PURPOSES.iter().find(|(_, word)| **word == *self.purpose)?.0;
        let result = match (self.response, self.error) {
            (Some(response), _) => Ok(response.response()?),
            (None, error) => Err(error?.error()),
        };
        Some(Exchange {
            request: WireRequest {
                purpose,
                method: self.method.into(),
                url: Url::parse(&self.url).ok()?,
                headers: headers_back(self.request_headers),
                body: self.request_body.bytes().into(),
            },
            result,
            phases: self.p.phases(self.total),
            peer: self.peer,
            tried: self
                .tried
                .into_iter()
                .map(|tried| Attempt {
                    address: tried.address,
                    took: Duration::from_micros(tried.took),
                    error: tried.error.map(ErrorForm::error),
                })
                .collect(),
            tls: self.tls.map(TlsForm::facts),
            proxy: self.proxy.map(Into::into),
        })
    }
}

impl ResponseForm {
    fn of(response: &WireResponse, bound: Bound) -> Self {
        Self {
            version: response.version.word().into(),
            status: response.status,
            reason: response.reason.as_str().into(),
            headers: headers_form(&response.headers, bound.headers),
            body: body_form(&response.body, bound.body),
            body_size: response.body_size,
        }
    }

    fn response(self) -> Option<WireResponse> {
        Some(WireResponse {
            version: VERSIONS.into_iter().find(|version| *version.word() == *self.version)?,
            status: self.status,
            reason: self.reason.into(),
            headers: headers_back(self.headers),
            body: self.body.bytes().into(),
            body_size: self.body_size,
        })
    }
}

impl TlsForm {
    fn of(facts: &TlsFacts) -> Self {
        let chain = facts.chain.iter().take(8).map(|cert| CertForm {
            subject: cert.subject.clone(),
            issuer: cert.issuer.clone(),
            names: cert.names.iter().take(64).cloned().collect(),
            not_before: cert.not_before.0,
            not_after: cert.not_after.0,
            self_signed: cert.self_signed,
            sha256: cert.sha256.clone(),
        });
        Self {
            version: facts.version.clone(),
            cipher: facts.cipher.clone(),
            alpn: facts.alpn.clone(),
            chain: chain.collect(),
        }
    }

    fn facts(self) -> TlsFacts {
        let chain = self.chain.into_iter().map(|cert| CertFacts {
            subject: cert.subject,
            issuer: cert.issuer,
            names: cert.names,
            not_before: Wall(cert.not_before),
            not_after: Wall(cert.not_after),
            self_signed: cert.self_signed,
            sha256: cert.sha256,
        });
        TlsFacts { version: self.version, cipher: self.cipher, alpn: self.alpn, chain: chain.collect() }
    }
}

/// A network error by its key and its variant's facts.
#[derive(Debug, Serialize, Deserialize)]
struct ErrorForm {
    key: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    what: Option<Cow<'static, str>>,
}

impl ErrorForm {
    fn of(error: &NetError) -> Self {
        let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let (phase, value, what) = match error {
            NetError::ConnectionReset { phase } | NetError::ConnectionClosed { phase } => (Some(*phase), None, None),
            NetError::Timeout { phase, after } => (Some(*phase), i64::try_from(after.as_micros()).ok(), None),
            NetError::TunnelRefused { status } => (None, Some(i64::from(*status)), None),
            NetError::SocksRefused { reply } => (None, Some(i64::from(*reply)), None),
            NetError::HeadersTooLarge { limit } | NetError::MessageTooLarge { limit } => {
                (None, Some(number(*limit)), None)
            }
            NetError::BodyTooLarge { limit } => (None, i64::try_from(*limit).ok(), None),
            NetError::WebSocketProtocol { what }
            | NetError::LocalResource { what }
            | NetError::Configuration { what } => (None, None, Some(*what)),
            NetError::Os { errno } => (None, Some(i64::from(*errno)), None),
            _ => (None, None, None),
        };
        Self {
            key: error.key().into(),
            phase: phase.map(|phase| phase.code().into()),
            number: value,
            what: what.map(Into::into),
        }
    }

    fn error(self) -> NetError {
        let phase = self.phase.as_deref().and_then(phase_from_code).unwrap_or(Phase::Connect);
        let number = self.number.unwrap_or(0);
        let limit = usize::try_from(number).unwrap_or(0);
        let what = word(self.what.as_deref().unwrap_or("unknown"));
        match &*self.key {
            "name_not_resolved" => NetError::NameNotResolved,
            "dns_unavailable" => NetError::DnsUnavailable,
            "internet_disconnected" => NetError::InternetDisconnected,
            "address_unreachable" => NetError::AddressUnreachable,
            "connection_refused" => NetError::ConnectionRefused,
            "connect_timeout" => NetError::ConnectTimeout,
            "connection_reset" => NetError::ConnectionReset { phase },
            "connection_closed" => NetError::ConnectionClosed { phase },
            "empty_response" => NetError::EmptyResponse,
            "timeout" => NetError::Timeout { phase, after: Duration::from_micros(u64::try_from(number).unwrap_or(0)) },
            "proxy_connection_failed" => NetError::ProxyConnectionFailed,
            "tunnel_refused" => NetError::TunnelRefused { status: u16::try_from(number).unwrap_or(0) },
            "proxy_auth_required" => NetError::ProxyAuthRequired,
            "socks_refused" => NetError::SocksRefused { reply: u8::try_from(number).unwrap_or(0) },
            "tls_protocol" => NetError::TlsProtocol,
            "tls_version" => NetError::TlsVersion,
            "cert_expired" => NetError::CertExpired,
            "cert_not_yet_valid" => NetError::CertNotYetValid,
            "cert_wrong_name" => NetError::CertWrongName,
            "cert_self_signed" => NetError::CertSelfSigned,
            "cert_untrusted" => NetError::CertUntrusted,
            "cert_revoked" => NetError::CertRevoked,
            "cert_invalid" => NetError::CertInvalid,
            "client_cert_required" => NetError::ClientCertRequired,
            "invalid_http_response" => NetError::InvalidHttpResponse,
            "headers_too_large" => NetError::HeadersTooLarge { limit },
            "incomplete_body" => NetError::IncompleteBody,
            "body_too_large" => NetError::BodyTooLarge { limit: u64::try_from(number).unwrap_or(0) },
            "http2_protocol" => NetError::Http2Protocol,
            "websocket_protocol" => NetError::WebSocketProtocol { what },
            "message_too_large" => NetError::MessageTooLarge { limit },
            "local_resource" => NetError::LocalResource { what },
            "configuration" => NetError::Configuration { what },
            _ => NetError::Os { errno: i32::try_from(number).unwrap_or(0) },
        }
    }
}

/// The phase of that stable code.
pub(super) fn phase_from_code(code: &str) -> Option<Phase> {
    [Phase::Dns, Phase::Connect, Phase::Proxy, Phase::Tls, Phase::Request, Phase::FirstByte, Phase::Body, Phase::Open]
        .into_iter()
        .find(|phase| phase.code() == code)
}

/// The most different words that are kept for good.
const WORDS: usize = 256;

/// A stored word as the `'static` one that `NetError` has. They come from a short list in the program, so the few distinct
/// ones are kept for good; a damaged file can't make it more than [`WORDS`].
fn word(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(text) {
        return found;
    }
    if WORDS <= known.len() || 200 < text.len() {
        return "unknown";
    }
    let kept: &'static str = Box::leak(text.into());
    known.insert(kept);
    kept
}
