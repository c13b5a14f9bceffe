//! Cookies that the browser doesn't keep or doesn't send: one rule a cause, and what is common to them.

use super::Denied;
use crate::browser::cookie::{Excluded, Lost, Why};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::session::said;
use crate::diagnosis::{CauseId, Facts, Fix, Severity};
use crate::watch::{CheckReport, Code};

pub(super) const SAMESITE_BLOCKS: Rule = Rule {
    cause: CauseId::SamesiteBlocksCookie,
    look: |facts| look(CauseId::SamesiteBlocksCookie, facts),
    fixes: |facts| samesite_blocks(facts),
};
pub(super) const SAMESITE_NONE: Rule = Rule {
    cause: CauseId::SamesiteNoneWithoutSecure,
    look: |facts| look(CauseId::SamesiteNoneWithoutSecure, facts),
    fixes: |facts| {
        let text = format!("Set {} with Secure too, over https.", named(facts, CauseId::SamesiteNoneWithoutSecure));
        with_stacks(text, CROSS_SITE)
    },
};
pub(super) const SECURE: Rule = Rule {
    cause: CauseId::SecureCookieOverHttp,
    look: |facts| look(CauseId::SecureCookieOverHttp, facts),
    fixes: |facts| secure(facts),
};
pub(super) const DOMAIN: Rule = Rule {
    cause: CauseId::CookieDomainMismatch,
    look: |facts| look(CauseId::CookieDomainMismatch, facts),
    fixes: |facts| {
        let (name, host) = (named(facts, CauseId::CookieDomainMismatch), facts.url.host_str().unwrap_or_default());
        with_stacks(
            format!("Leave Domain out of {name}, or write {host} or its parent domain there."),
            &[
                ("django-channels", "In settings.py.", "SESSION_COOKIE_DOMAIN = None"),
                ("flask-socketio", "In the configuration.", "app.config[\"SESSION_COOKIE_DOMAIN\"] = None"),
                ("fastapi", "Without domain.", "COOKIE.pop(\"domain\", None)   # what set_cookie is given"),
            ],
        )
    },
};
pub(super) const PATH: Rule = Rule {
    cause: CauseId::CookiePathMismatch,
    look: |facts| look(CauseId::CookiePathMismatch, facts),
    fixes: |facts| {
        with_stacks(
            format!("Set {} with Path=/, and let no proxy rewrite it.", named(facts, CauseId::CookiePathMismatch)),
            &[
                ("django-channels", "In settings.py.", "SESSION_COOKIE_PATH = \"/\""),
                ("flask-socketio", "In the configuration.", "app.config[\"SESSION_COOKIE_PATH\"] = \"/\""),
                (
                    "fastapi",
                    "With the path of the whole host.",
                    "COOKIE[\"path\"] = \"/\"   # what set_cookie is given",
                ),
                (
                    "nginx",
                    "In the location that sets it, in the place of the other proxy_cookie_path.",
                    "proxy_cookie_path ~^/.*$ /;",
                ),
            ],
        )
    },
};

/// Advice for every server, then by stack: its name, a sentence, a line.
type ByStack = [(&'static str, &'static str, &'static str)];

const CROSS_SITE: &ByStack = &[
    (
        "django-channels",
        "In settings.py, with Django's CSRF check left on.",
        "SESSION_COOKIE_SAMESITE = \"None\"\nSESSION_COOKIE_SECURE = True",
    ),
    (
        "flask-socketio",
        "With a CSRF check on every form.",
        "app.config.update(SESSION_COOKIE_SAMESITE=\"None\", SESSION_COOKIE_SECURE=True)",
    ),
    (
        "fastapi",
        "With a CSRF check on every route that changes something.",
        "app.add_middleware(SessionMiddleware, secret_key=SECRET, same_site=\"none\", https_only=True)",
    ),
    (
        "node-socketio",
        "With express-session, and a CSRF check.",
        "app.use(session({ secret, cookie: { sameSite: \"none\", secure: true } }));",
    ),
];

/// Whether a cookie that stayed behind by that cause made the server refuse; or would, next time.
pub(super) fn look(cause: CauseId, facts: &Facts<'_>) -> Fit {
    let lost = facts.beside.cookies.iter().filter(|lost| cause_of(lost.why) == cause);
    let Some(lost) = lost.max_by(|a, b| {
        // The earliest of the likeliest.
        likelihood(facts, a).total_cmp(&likelihood(facts, b)).then(b.exchange.cmp(&a.exchange))
    }) else {
        return Fit::No;
    };
    let likelihood = likelihood(facts, lost);
    let what = format!("the cookie {} is {}: {}.", lost.name, lost.lost.word(), lost.why.words());
    let sign = format!("{} is {}", lost.name, lost.lost.word());
    if let Some(denied) = Denied::of(facts).filter(|denied| !denied.by_http_scheme()) {
        // It says that nobody is signed in, or nothing: here is why.
        let of_session =
            matches!(said::meaning(&denied.words), None | Some(CauseId::SessionMissing | CauseId::AuthRequired));
        let likelihood = if 0.8 <= likelihood && of_session { 0.94 } else { likelihood };
        let found = Match::new(likelihood, format!("{}, and {what}", denied.answered)).sign(sign);
        return if 0.8 <= likelihood { Fit::Fits(found) } else { Fit::CantTell(found) };
    }
    let host = facts.host();
    if facts.code() == Some(Code::LoginFailed) {
        return Fit::Fits(Match::new(0.92, format!("{host}: the sign-in comes to nothing: {what}")).sign(sign));
    }
    // A session that begins anew with each connection was never kept.
    let anew = facts.attempts.iter().filter(|attempt| sets(attempt, &lost.name)).count();
    if facts.reason.is_none() && 1 < anew && anew == facts.attempts.len() && 0.8 <= likelihood {
        let summary = format!("{host} sets a new session with every answer, for {what}");
        return Fit::Fits(Match::new(0.9, summary).sign(format!("{} set {anew} times", lost.name)));
    }
    let severity = if 0.8 < likelihood { Severity::Medium } else { Severity::Low };
    Fit::Warns(severity, Match::new(likelihood, format!("The {}", what.trim_start_matches("the "))).sign(sign))
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

/// An answer of that check sets a cookie of that name.
fn sets(check: &CheckReport, name: &str) -> bool {
    let answers = check.exchanges.iter().filter_map(|exchange| exchange.response());
    answers
        .flat_map(|answer| answer.headers.all("set-cookie"))
        .any(|cookie| cookie.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'=')))
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

/// The cookie in question, for a sentence.
fn named(facts: &Facts<'_>, cause: CauseId) -> String {
    facts.lost_by(cause).map_or_else(|| "the session's cookie".to_owned(), |lost| format!("the cookie {}", lost.name))
}

fn with_stacks(text: String, stacks: &ByStack) -> Vec<Fix> {
    let by_stack = stacks.iter().map(|(stack, text, snippet)| Fix::at(stack, *text, *snippet));
    std::iter::once(Fix::any(text)).chain(by_stack).collect()
}

fn samesite_blocks(facts: &Facts<'_>) -> Vec<Fix> {
    with_stacks(
        format!(
            "Serve the page and {} from one site; else set {} with SameSite=None and Secure, and guard every route that changes something against cross-site requests.",
            facts.url.host_str().unwrap_or_default(),
            named(facts, CauseId::SamesiteBlocksCookie)
        ),
        CROSS_SITE,
    )
}

fn secure(facts: &Facts<'_>) -> Vec<Fix> {
    let secure = match facts.url.scheme() {
        "ws" => "wss",
        "http" => "https",
        other => other,
    };
    with_stacks(
        format!(
            "Use {secure}:// for {}: {} is Secure and travels over TLS alone.",
            facts.url.host_str().unwrap_or_default(),
            named(facts, CauseId::SecureCookieOverHttp)
        ),
        &[
            (
                "django-channels",
                "On a development host that has plain http alone, let SESSION_COOKIE_SECURE follow DEBUG.",
                "SESSION_COOKIE_SECURE = not DEBUG",
            ),
            (
                "flask-socketio",
                "On a development host that has plain http alone, let SESSION_COOKIE_SECURE follow the debug mode.",
                "app.config[\"SESSION_COOKIE_SECURE\"] = not app.debug",
            ),
            (
                "fastapi",
                "On a development host that has plain http alone, let Secure follow the debug mode.",
                "COOKIE[\"secure\"] = not app.debug   # what set_cookie is given",
            ),
        ],
    )
}
