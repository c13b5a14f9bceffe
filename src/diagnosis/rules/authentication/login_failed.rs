//! A profile's login that came to nothing.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix, words};
use crate::watch::Code;
use crate::watch::signin::Refusal;
use crate::wire::Purpose;

pub(super) const RULE: Rule = Rule { cause: CauseId::LoginFailed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(reason) = facts.reason.filter(|reason| reason.code == Code::LoginFailed) else { return Fit::No };
    let summary = format!("{}: {}.", place(facts), words::phrase(reason));
    let confidence = match Refusal::of(reason) {
        _ if reason.status.is_some_and(|status| status == 429 || 500 <= status) => 0.3,
        Some(Refusal::TokenRefused) => 0.1,
        Some(Refusal::TokenMissing) => 0.5,
        Some(Refusal::FormAgain) => 0.95,
        Some(Refusal::FormRefused) => 0.9,
        // A cookie that the browser refused says why by itself.
        Some(Refusal::CookieMissing | Refusal::CookieRefused | Refusal::SignedOut) => 0.78,
        Some(Refusal::FormMissing | Refusal::FormInsecure) | None => 0.7,
    };
    Fit::Fits(Match::new(confidence, summary).sign("the sign-in's own step failed"))
}

/// The step of the sign-in that failed. A session's handshake is none of them.
pub(super) fn place(facts: &Facts<'_>) -> String {
    let step = facts.last().filter(|last| last.request.purpose == Purpose::SignIn);
    step.map_or_else(|| facts.host(), |step| step.request.url.to_string())
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(match facts.reason.and_then(Refusal::of) {
        Some(Refusal::FormMissing) => {
            "Give the profile's `auth.login.url` the page that has the form, and its `fields` the names of the form's inputs; where there is no such page, take `csrf` out."
        }
        Some(Refusal::FormInsecure) => "Let the form's action be https, as its page is.",
        Some(Refusal::CookieMissing | Refusal::CookieRefused | Refusal::SignedOut) => {
            "Sign in by hand with the browser's network panel open and compare: which cookie comes, and whether it is stored (Secure, SameSite, Domain)."
        }
        _ => {
            "Check the name and the password that the profile's `auth.login.fields` give, by hand and in a private window; an account may be locked after many attempts."
        }
    })]
}
