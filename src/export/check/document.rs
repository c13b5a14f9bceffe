//! The document of `check --json`. Field names and words are fixed: programs outside the crate read them.

use std::time::Duration;

use serde::Serialize;

use super::steps::{Step, steps};
use crate::diagnosis::{CauseId, Diagnosis, Facts, diagnose, fixes};
use crate::profile::Profile;
use crate::watch::CheckReport;
use crate::wire::{Exchange, Headers, Phases, command};

/// The most of a body that the document has, in bytes.
const BODY: usize = 4096;

#[derive(Clone, Debug, Serialize)]
pub struct Document<'a> {
    pub target: &'a str,
    pub url: &'a str,
    pub page: String,
    pub browser: &'static str,
    pub healthy: bool,
    pub state: &'static str,
    pub category: &'static str,
    pub cause: Option<&'static str>,
    pub confidence: f32,
    pub summary: String,
    /// What the cause rests on.
    pub evidence: Vec<String>,
    pub console: Option<&'a str>,
    pub checks: Vec<Check>,
    pub other_causes: Vec<OtherCause>,
    pub fixes: Vec<Fix>,
    /// What is amiss though this check didn't fail by it.
    pub warnings: Vec<Warning>,
    pub exchanges: Vec<OneExchange>,
    /// What was asked besides, so that one cause can be told from another: `purpose` says what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<OneExchange>,
    pub commands: Commands,
    /// How a WebSocket ended, as the page's script saw it and as the wire had it.
    pub close: Option<Close<'a>>,
    /// Each connection, where there was more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub outcome: &'static str,
    pub ms: Option<f64>,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
pub struct OtherCause {
    pub cause: &'static str,
    pub confidence: f32,
}

#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    pub stack: &'static str,
    pub text: String,
    pub snippet: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Warning {
    pub cause: &'static str,
    pub severity: &'static str,
    pub text: String,
    pub fixes: Vec<Fix>,
}

#[derive(Clone, Debug, Serialize)]
pub struct OneExchange {
    pub request: Request,
    pub response: Option<Response>,
    pub error: Option<&'static str>,
    pub peer: Option<String>,
    pub proxy: Option<String>,
    pub tls: Option<Tls>,
    pub timing_ms: Timing,
}

#[derive(Clone, Debug, Serialize)]
pub struct Request {
    pub purpose: &'static str,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Response {
    pub version: &'static str,
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub body_size: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tls {
    pub version: Option<String>,
    pub cipher: Option<String>,
    pub alpn: Option<String>,
    pub chain: Vec<Certificate>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub names: Vec<String>,
    pub not_before: String,
    pub not_after: String,
    sha256: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    pub dns: Option<f64>,
    pub connect: Option<f64>,
    pub proxy: Option<f64>,
    pub tls: Option<f64>,
    pub first_byte: Option<f64>,
    pub body: Option<f64>,
    pub total: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Commands {
    pub curl: Option<String>,
    pub websocat: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Close<'a> {
    pub code: u16,
    pub reason: &'a str,
    pub clean: bool,
    pub by: &'static str,
    pub wire_code: Option<u16>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    pub outcome: &'static str,
    pub state: &'static str,
    pub code: Option<&'static str>,
    pub status: Option<u16>,
    pub ms: Option<f64>,
}

/// The whole document; `deciding` is the check that it tells of.
pub fn document<'a>(
    profile: &'a Profile,
    url: &'a str,
    deciding: &'a CheckReport,
    reports: &[CheckReport],
) -> Document<'a> {
    let facts = Facts::of_checks(profile, deciding, reports);
    let diagnosis = diagnose(&facts);
    let healthy = super::is_healthy(&diagnosis, reports);
    let Diagnosis { cause, category, confidence, summary, signs, fixes, others, warnings } = diagnosis;
    let last = deciding.exchanges.last();
    Document {
        target: &profile.name,
        url,
        page: profile.page_url().into(),
        browser: profile.browser.word(),
        healthy,
        state: deciding.state.code(),
        category: category.code(),
        cause: cause.map(CauseId::as_str),
        confidence,
        summary,
        evidence: signs,
        console: deciding.console.as_deref(),
        checks: steps(profile, deciding, &facts).into_iter().map(check).collect(),
        other_causes: others
            .into_iter()
            .map(|(cause, confidence)| OtherCause { cause: cause.as_str(), confidence })
            .collect(),
        fixes: fixes.into_iter().map(fix).collect(),
        warnings: warnings
            .into_iter()
            .map(|warning| Warning {
                cause: warning.cause.as_str(),
                severity: warning.severity.word(),
                text: warning.text,
                fixes: warning.fixes.into_iter().map(fix).collect(),
            })
            .collect(),
        exchanges: deciding.exchanges.iter().map(|exchange| one(exchange)).collect(),
        asked: deciding.further.iter().map(|exchange| one(exchange)).collect(),
        commands: Commands {
            curl: last.map(|exchange| command::curl(&exchange.request)),
            websocat: last.and_then(|exchange| command::websocat(&exchange.request)),
        },
        close: deciding.close.as_ref().map(|facts| Close {
            code: facts.script.code,
            reason: &facts.script.reason,
            clean: facts.script.clean,
            by: facts.by.code(),
            wire_code: facts.code,
        }),
        attempts: if reports.len() < 2 { Vec::new() } else { reports.iter().map(attempt).collect() },
    }
}

fn fix(fix: fixes::Fix) -> Fix {
    Fix { stack: fix.stack, text: fix.text, snippet: fix.snippet }
}

fn check(step: Step) -> Check {
    Check {
        name: step.name,
        outcome: step.came.word(),
        ms: step.took.map(ms),
        detail: step.detail,
        exchange: step.exchange,
    }
}

fn attempt(report: &CheckReport) -> Attempt {
    Attempt {
        outcome: report.outcome.code(),
        state: report.state.code(),
        code: report.reason.as_ref().map(|reason| reason.code.as_str()),
        status: report.status,
        ms: report.phases.total.map(ms),
    }
}

fn one(exchange: &Exchange) -> OneExchange {
    let request = &exchange.request;
    OneExchange {
        request: Request {
            purpose: match request.purpose {
                crate::wire::Purpose::Actual => "request",
                crate::wire::Purpose::Preflight => "preflight",
                crate::wire::Purpose::Handshake => "upgrade",
                crate::wire::Purpose::SignIn => "login",
                crate::wire::Purpose::Asked(ask) => ask.code(),
            },
            method: request.method.clone(),
            url: request.url.to_string(),
            headers: fields(&request.headers),
            body: (!request.body.is_empty()).then(|| text(&request.body)),
        },
        response: exchange.response().map(|response| Response {
            version: response.version.word(),
            status: response.status,
            reason: response.reason.clone(),
            headers: fields(&response.headers),
            body: text(&response.body),
            body_size: response.body_size,
        }),
        error: exchange.error().map(crate::wire::NetError::code),
        peer: exchange.peer.map(|peer| peer.to_string()),
        proxy: exchange.proxy.clone(),
        tls: exchange.tls.as_ref().map(|tls| Tls {
            version: tls.version.clone(),
            cipher: tls.cipher.clone(),
            alpn: tls.alpn.clone(),
            chain: tls
                .chain
                .iter()
                .map(|cert| Certificate {
                    subject: cert.subject.clone(),
                    issuer: cert.issuer.clone(),
                    names: cert.names.clone(),
                    not_before: cert.not_before.to_string(),
                    not_after: cert.not_after.to_string(),
                    sha256: cert.sha256.clone(),
                })
                .collect(),
        }),
        timing_ms: timing(&exchange.phases),
    }
}

fn fields(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(BODY)]).into_owned()
}

fn timing(phases: &Phases) -> Timing {
    Timing {
        dns: phases.dns.map(ms),
        connect: phases.connect.map(ms),
        proxy: phases.proxy.map(ms),
        tls: phases.tls.map(ms),
        first_byte: phases.first_byte.map(ms),
        body: phases.body.map(ms),
        total: phases.total.map(ms),
    }
}

/// To the microsecond.
pub fn ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}
