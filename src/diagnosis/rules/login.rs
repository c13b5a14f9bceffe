//! A profile's login that came to nothing.

use crate::diagnosis::{CauseId, Facts, Finding, words};
use crate::watch::Code;
use crate::watch::signin::Refusal;
use crate::wire::Purpose;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let reason = facts.reason.filter(|_| code == Code::LoginFailed)?;
    // A session's handshake is none of its steps.
    let step = facts.last().filter(|last| last.request.purpose == Purpose::SignIn);
    let place = step.map_or_else(|| facts.host(), |step| step.request.url.to_string());
    let summary = format!("{place}: {}.", words::phrase(reason));
    let finding = |cause, confidence| Finding::new(cause, confidence, summary.clone());
    let name = CauseId::LoginFailed;
    Some(match Refusal::of(reason) {
        _ if reason.status == Some(429) => finding(CauseId::TooManyConnections, 0.9),
        _ if reason.status.is_some_and(|status| 500 <= status) => finding(CauseId::ServerException, 0.6).or(name, 0.3),
        Some(Refusal::TokenRefused) => finding(CauseId::CsrfFailed, 0.95).or(name, 0.1),
        Some(Refusal::TokenMissing) => finding(CauseId::CsrfFailed, 0.6).or(name, 0.5),
        Some(Refusal::FormAgain) => finding(name, 0.95),
        Some(Refusal::FormRefused) => finding(name, 0.9),
        Some(Refusal::CookieMissing | Refusal::CookieRefused | Refusal::SignedOut) => {
            finding(name, 0.8).or(CauseId::SessionMissing, 0.5)
        }
        Some(Refusal::FormMissing | Refusal::FormInsecure) | None => finding(name, 0.7),
    })
}
