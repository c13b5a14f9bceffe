//! The CSRF check refuses a request that changes something.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::{phrase, status_words};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::watch::signin::Refusal;

pub(super) const RULE: Rule = Rule { cause: CauseId::CsrfFailed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(reason) = facts.reason else { return Fit::No };
    if reason.code == Code::LoginFailed {
        let confidence = match Refusal::of(reason) {
            Some(Refusal::TokenRefused) => 0.95,
            Some(Refusal::TokenMissing) => 0.6,
            _ => return Fit::No,
        };
        let summary = format!("{}: {}.", super::login_failed::place(facts), phrase(reason));
        return Fit::Fits(Match::new(confidence, summary).sign("the answer names CSRF"));
    }
    let readable = matches!(reason.code, Code::Status | Code::AuthRequired);
    let hidden = reason.code == Code::MissingAllowOriginHeader;
    match facts.status() {
        Some(status @ (400 | 403)) if (readable || hidden) && facts.body().contains("csrf") => {
            let summary =
                format!("{} answered {}: the CSRF check refused the request.", facts.host(), status_words(status));
            Fit::Fits(Match::new(if readable { 0.95 } else { 0.75 }, summary).sign("the answer names CSRF"))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    vec![
        Fix::any(format!("Send the CSRF token with the request, and name {origin} among the trusted origins.")),
        Fix::at(
            "django-channels",
            "In settings.py; the page sends the value of the cookie csrftoken as the header X-CSRFToken, with credentials: \"include\".",
            format!("CSRF_TRUSTED_ORIGINS = [\"{origin}\"]"),
        ),
        Fix::at(
            "flask-socketio",
            "With Flask-WTF: the page sends the token as the header X-CSRFToken.",
            "csrf = CSRFProtect(app)   # <meta name=\"csrf-token\" content=\"{{ csrf_token() }}\">",
        ),
    ]
}
