//! A check's record as the steps that a person follows: name resolution, connection, TLS, each request, the browser's rules.

use std::time::Duration;

use crate::diagnosis::{About, Facts, session_words, words};
use crate::profile::{Kind, Profile};
use crate::watch::{
    Category, CheckReport, ClosedBy, Code, NamespaceChange, Outcome, SocketChange, SocketStep, Stuck, TransportStep,
};
use crate::wire::{Exchange, Phase, Purpose};

/// How a step came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Pass,
    Warn,
    Fail,
    Skip,
}

impl Came {
    /// Stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub came: Came,
    pub took: Option<Duration>,
    pub detail: String,
    /// Of which exchange, from 0.
    pub exchange: Option<usize>,
}

/// All steps in order.
pub fn steps(profile: &Profile, report: &CheckReport, facts: &Facts<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, exchange) in report.exchanges.iter().enumerate() {
        let decides = index + 1 == report.exchanges.len();
        let before = steps.len();
        of_exchange(&mut steps, index, exchange, decides.then_some(report));
        // Of a Socket.IO connection's further requests only what is not as with the first.
        if profile.kind == Kind::SocketIo && 0 < index {
            let shown: Vec<Step> =
                steps.drain(before..).filter(|step| step.came == Came::Fail || is_request(step)).collect();
            steps.extend(shown);
        }
    }
    of_connection(&mut steps, report);
    of_remarks(&mut steps, facts, About::Cookie);
    of_remarks(&mut steps, facts, About::Bearer);
    of_browser(&mut steps, profile, report);
    of_remarks(&mut steps, facts, About::LocalNetwork);
    of_socket(&mut steps, profile, report);
    of_objective(&mut steps, profile, report);
    of_remarks(&mut steps, facts, About::Unknowable);
    steps
}

fn of_exchange(steps: &mut Vec<Step>, index: usize, exchange: &Exchange, decided: Option<&CheckReport>) {
    if exchange.request.purpose == Purpose::SignIn {
        return steps.push(of_sign_in(index, exchange, decided));
    }
    let failed = exchange.result.as_ref().err();
    let failed_in = failed.map(crate::wire::NetError::phase);
    let mut push = |name, phase: &[Phase], took: Option<Duration>, applies: bool, detail: String| {
        let came = match failed_in {
            Some(at) if phase.contains(&at) => Came::Fail,
            _ if took.is_some() => Came::Pass,
            _ => Came::Skip,
        };
        if applies || came == Came::Fail {
            let detail = match (came, failed) {
                (Came::Fail, Some(error)) => error.to_string(),
                _ => detail,
            };
            steps.push(Step { name, came, took, detail, exchange: Some(index) });
        }
    };
    let phases = exchange.phases;
    let host = exchange.request.url.host_str().unwrap_or_default();
    let peer = exchange.peer.map(|peer| peer.to_string()).unwrap_or_default();
    let literal = phases.dns.is_none();
    let address = exchange.peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
    push("dns", &[Phase::Dns], phases.dns, true, if literal { format!("{host} needs none") } else { address });
    push("connect", &[Phase::Connect], phases.connect, true, peer);
    let proxy = exchange.proxy.clone().unwrap_or_default();
    push("proxy", &[Phase::Proxy], phases.proxy, exchange.proxy.is_some(), proxy);
    let secure = matches!(exchange.request.url.scheme(), "https" | "wss");
    let tls = exchange.tls.as_ref().map(|tls| {
        let parts = [tls.version.as_deref(), tls.cipher.as_deref(), tls.alpn.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    push("tls", &[Phase::Tls], phases.tls, secure, tls.unwrap_or_default());
    let name = match exchange.request.purpose {
        Purpose::Actual => "request",
        Purpose::Preflight => "preflight",
        Purpose::Handshake => "upgrade",
        Purpose::SignIn => "login",
        Purpose::Asked(ask) => ask.code(),
    };
    let took = match (phases.first_byte, phases.body) {
        (Some(first), Some(body)) => Some(first + body),
        (first, body) => first.or(body),
    };
    let mut detail = exchange.status().map(words::status_words).unwrap_or_default();
    if exchange.request.purpose == Purpose::Preflight {
        detail = format!("{} {detail}", exchange.request.method);
    }
    push(name, &[Phase::Request, Phase::FirstByte, Phase::Body], took, true, detail);
    // The answer came, and what it says is the fault.
    let refused = decided.and_then(|report| report.reason.as_ref()).filter(|reason| {
        matches!(
            reason.code,
            Code::Status
                | Code::AuthRequired
                | Code::RateLimited
                | Code::OriginRefused
                | Code::BodyMismatch
                | Code::HandshakeStatus
                | Code::HandshakeInvalid
        )
    });
    // Of a Socket.IO connection it may be a packet within a good answer that refuses.
    let refused = refused
        .filter(|reason| reason.code != Code::AuthRequired || exchange.status().is_none_or(|status| 400 <= status));
    if let (Some(reason), Some(step)) = (refused, steps.last_mut().filter(|_| failed.is_none())) {
        step.came = Came::Fail;
        if matches!(reason.code, Code::BodyMismatch | Code::HandshakeInvalid) {
            step.detail = format!("{}; {}", step.detail, words::phrase(reason));
        }
    }
}

/// A step of the login, whole.
fn of_sign_in(index: usize, exchange: &Exchange, decided: Option<&CheckReport>) -> Step {
    let request = &exchange.request;
    let refused = decided.and_then(|report| report.reason.as_ref()).filter(|reason| reason.code == Code::LoginFailed);
    let (came, what) = match (&exchange.result, refused) {
        (Err(error), _) => (Came::Fail, error.to_string()),
        (Ok(_), Some(reason)) => (Came::Fail, words::phrase(reason)),
        (Ok(response), None) => (Came::Pass, words::status_words(response.status)),
    };
    let detail = format!("{} {}: {what}", request.method, request.url.path());
    Step { name: "login", came, took: exchange.phases.total, detail, exchange: Some(index) }
}

fn is_request(step: &Step) -> bool {
    matches!(step.name, "request" | "preflight" | "upgrade")
}

/// What a Socket.IO connection came to.
fn of_connection(steps: &mut Vec<Step>, report: &CheckReport) {
    for SocketStep { what, .. } in &report.steps {
        let (name, came, took, detail) = match what {
            SocketChange::Transport { transport, step } => {
                let (came, took) = match step {
                    TransportStep::Opened { took, .. } | TransportStep::Upgraded { took } => (Came::Pass, Some(*took)),
                    TransportStep::Stuck { why: Stuck::NotWanted, .. } => (Came::Pass, None),
                    TransportStep::Stuck { .. } | TransportStep::FellBack { .. } => (Came::Warn, None),
                    TransportStep::Probing => continue,
                };
                ("transport", came, took, session_words::step(*transport, step))
            }
            SocketChange::Namespace { namespace, change } => {
                let detail = session_words::namespace(namespace, change);
                match change {
                    NamespaceChange::Joined { took, .. } => ("namespace", Came::Pass, Some(*took), detail),
                    NamespaceChange::Refused { reason, .. } => {
                        ("namespace", Came::Fail, None, format!("{detail}: {}", words::phrase(reason)))
                    }
                    NamespaceChange::Left { by: ClosedBy::Server } => ("namespace", Came::Fail, None, detail),
                    NamespaceChange::Left { .. } => continue,
                }
            }
        };
        steps.push(Step { name, came, took, detail, exchange: None });
    }
}

/// What stands beside the verdict.
fn of_remarks(steps: &mut Vec<Step>, facts: &Facts<'_>, about: About) {
    for remark in facts.remarks().into_iter().filter(|remark| remark.about == about) {
        let came = match about {
            About::Cookie | About::Bearer | About::LocalNetwork => Came::Warn,
            // No program can look at it.
            About::Unknowable => Came::Skip,
        };
        steps.push(Step { name: about.code(), came, took: None, detail: remark.text, exchange: None });
    }
}

/// The browser's own rules: they apply between a page and another origin.
fn of_browser(steps: &mut Vec<Step>, profile: &Profile, report: &CheckReport) {
    let refusal = report.reason.as_ref().filter(|reason| {
        matches!(reason.category(), Category::Cors | Category::MixedContent) && reason.code != Code::OriginRefused
            || matches!(reason.code, Code::UnsafePort | Code::ContentSecurityPolicy)
    });
    let step = |came, detail| Step { name: "browser", came, took: None, detail, exchange: None };
    match refusal {
        Some(reason) => steps.push(step(Came::Fail, words::phrase(reason))),
        None if report.outcome == Outcome::Unknown || report.exchanges.is_empty() => {}
        None if profile.kind == Kind::WebSocket => {}
        None if report.reason.as_ref().is_some_and(|reason| reason.code == Code::LoginFailed) => {}
        None if matches!(report.outcome, Outcome::Up | Outcome::Degraded) || report.status.is_some() => {
            steps.push(step(Came::Pass, "the page's script can read the answer".to_owned()));
        }
        None => steps.push(step(Came::Skip, String::new())),
    }
}

/// What came after a WebSocket had opened.
fn of_socket(steps: &mut Vec<Step>, profile: &Profile, report: &CheckReport) {
    if report.status != Some(101) || profile.kind == Kind::Http {
        return;
    }
    let (came, detail) = match (&report.reason, &report.close) {
        (Some(reason), _) if report.outcome == Outcome::Down => (Came::Fail, words::phrase(reason)),
        (_, Some(facts)) => (Came::Pass, format!("closed with {}", facts.script.code)),
        (_, None) => (Came::Pass, "stayed open".to_owned()),
    };
    if report.reason.as_ref().is_some_and(|reason| reason.code == Code::HandshakeInvalid) {
        return;
    }
    steps.push(Step { name: "open", came, took: None, detail, exchange: None });
}

fn of_objective(steps: &mut Vec<Step>, profile: &Profile, report: &CheckReport) {
    let Some(total) = report.latency() else { return };
    let limit = crate::profile::format_duration(profile.objective.latency);
    let (came, detail) = if report.outcome == Outcome::Degraded {
        (Came::Warn, format!("slower than {limit}"))
    } else {
        (Came::Pass, format!("within {limit}"))
    };
    steps.push(Step { name: "latency", came, took: Some(total), detail, exchange: None });
}
