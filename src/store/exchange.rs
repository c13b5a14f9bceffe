//! The stored form of an exchange: the request, its answer or failure, and what was seen on the way.
//!
//! Invariant: headers and bodies are cut at a [`Bound`] when the form is made; an unknown word never fails the whole.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use url::Url;

use super::detail::{Bound, PhasesForm, micros};
use crate::base::Wall;
use crate::wire::{
    Attempt, CertFacts, Exchange, Headers, HttpVersion, NetError, Phase, Purpose, Quirks, TlsFacts, Transfer,
    WireRequest, WireResponse,
};

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
    /// Absent: as many as `body_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_after_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_error: Option<ErrorForm>,
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

const VERSIONS: [HttpVersion; 3] = [HttpVersion::Http10, HttpVersion::Http11, HttpVersion::H2];

impl ExchangeForm {
    pub(super) fn of(exchange: &Exchange, bound: Bound) -> Self {
        let (response, error) = match &exchange.result {
            Ok(response) => (Some(ResponseForm::of(response, bound)), None),
            Err(error) => (None, Some(ErrorForm::of(error))),
        };
        Self {
            purpose: exchange.request.purpose.code().into(),
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
        let purpose = Purpose::from_code(&self.purpose)?;
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
            sent_size: Some(response.transfer.sent_size).filter(|sent| *sent != response.body_size),
            body_after_us: response.transfer.body_after.and_then(|after| u64::try_from(after.as_micros()).ok()),
            body_error: response.transfer.error.as_ref().map(ErrorForm::of),
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
            transfer: Transfer {
                sent_size: self.sent_size.unwrap_or(self.body_size),
                body_after: self.body_after_us.map(Duration::from_micros),
                error: self.body_error.map(ErrorForm::error),
                quirks: Quirks::default(),
            },
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
            "invalid_status_line" => NetError::InvalidStatusLine,
            "headers_truncated" => NetError::HeadersTruncated,
            "incomplete_body" => NetError::IncompleteBody,
            "incomplete_chunks" => NetError::IncompleteChunks,
            "invalid_chunks" => NetError::InvalidChunks,
            "content_decoding" => NetError::ContentDecoding,
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
