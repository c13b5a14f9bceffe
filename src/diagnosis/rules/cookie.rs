//! A sign-in that the server doesn't see, because the browser didn't keep its cookie, or doesn't send it.

use crate::browser::cookie::{Excluded, Lost, Why};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Finding, Severity, Warning, fixes};
use crate::watch::meaning::state_for;
use crate::watch::{Code, State};

/// A refusal for want of credentials, and a cookie that could have held them.
pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let host = facts.host();
    let refused = match (code, facts.status()) {
        (Code::AuthRequired | Code::Status | Code::HandshakeStatus, Some(status @ (401 | 403))) => {
            format!("{host} answered {}", status_words(status))
        }
        (Code::Closed, _) if facts.reason.is_some_and(|reason| state_for(reason) == State::AuthRequired) => {
            let close = facts.reason.and_then(|reason| reason.close).unwrap_or(1008);
            format!("{host} closed with {close}")
        }
        _ => return None,
    };
    let lost = facts.beside.cookies.iter().max_by(|a, b| {
        // The earliest of the likeliest.
        likelihood(facts, a).total_cmp(&likelihood(facts, b)).then(b.exchange.cmp(&a.exchange))
    })?;
    let summary = format!("{refused}, and the cookie {} is {}: {}.", lost.name, lost.lost.word(), lost.why.words());
    Some(Finding::new(cause_of(lost.why), likelihood(facts, lost), summary))
}

/// How likely it is that the refusal comes of it: by the name, where that says what it is for. Else a cookie that was there
/// before counts more than one that comes with the refusal.
fn likelihood(facts: &Facts<'_>, lost: &Excluded) -> f32 {
    let name = lost.name.to_ascii_lowercase();
    let is_session = ["sess", "sid", "auth", "token", "jwt", "login"].iter().any(|part| name.contains(part))
        && !name.contains("csrf")
        && !name.contains("xsrf");
    match is_session {
        true => 0.88,
        false if lost.lost == Lost::NotSent || lost.exchange + 1 < facts.exchanges.len() => 0.5,
        false => 0.35,
    }
}

/// Each cookie that stayed behind: what comes next lacks it.
pub(super) fn warnings(facts: &Facts<'_>) -> Vec<Warning> {
    let cookies = facts.beside.cookies.iter();
    cookies
        .map(|lost| Warning {
            cause: cause_of(lost.why),
            severity: if 0.8 < likelihood(facts, lost) { Severity::Medium } else { Severity::Low },
            text: format!("The cookie {} is {}: {}.", lost.name, lost.lost.word(), lost.why.words()),
            fixes: fixes::for_cause(cause_of(lost.why), facts),
        })
        .collect()
}

/// Where no cause has the rule's name, what comes of it: there is no session.
pub(in crate::diagnosis) fn cause_of(why: Why) -> CauseId {
    match why {
        Why::SameSite(_) | Why::Redirected(_) => CauseId::SamesiteBlocksCookie,
        Why::NoneInsecure | Why::PartitionedInsecure => CauseId::SamesiteNoneWithoutSecure,
        Why::Secure | Why::ReplacesSecure => CauseId::SecureCookieOverHttp,
        Why::Domain => CauseId::CookieDomainMismatch,
        Why::Path => CauseId::CookiePathMismatch,
        Why::ThirdParty
        | Why::Partition
        | Why::Prefix
        | Why::Empty
        | Why::TooLong
        | Why::Characters(_)
        | Why::Expired => CauseId::SessionMissing,
    }
}
