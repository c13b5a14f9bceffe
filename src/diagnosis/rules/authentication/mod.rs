//! Refusals for want of credentials: none were given, they are not good, they did not get there, or they do not suffice.

mod auth_required;
pub(in crate::diagnosis) mod cookies;
mod csrf_failed;
mod insufficient_permissions;
mod localhost_127_mismatch;
mod login_failed;
pub(super) mod session_missing;
pub(super) mod token;
mod token_expired;
mod token_invalid;
mod token_missing;

use super::between::http_auth_required::is_browsers;
use super::upgrade::Refused;
use crate::diagnosis::Facts;
use crate::diagnosis::rule::Rule;
use crate::diagnosis::words::{close_words, status_words};
use crate::watch::meaning::{names_credentials, names_the_origin, names_the_rate, state_for};
use crate::watch::{Code, State};
use crate::wire::Exchange;

pub(super) const RULES: &[Rule] = &[
    cookies::SAMESITE_BLOCKS,
    cookies::SAMESITE_NONE,
    cookies::SECURE,
    cookies::DOMAIN,
    cookies::PATH,
    session_missing::RULE,
    auth_required::RULE,
    insufficient_permissions::RULE,
    token_missing::RULE,
    token_invalid::RULE,
    token_expired::RULE,
    csrf_failed::RULE,
    login_failed::RULE,
    localhost_127_mismatch::RULE,
];

/// A refusal that may be for want of credentials.
pub(super) struct Denied<'f, 'a> {
    facts: &'f Facts<'a>,
    /// `None`: a close frame, or a Socket.IO packet.
    pub status: Option<u16>,
    /// What the server says of it, lower case.
    pub words: String,
    /// What happened, without an end.
    pub answered: String,
}

impl<'f, 'a> Denied<'f, 'a> {
    pub(super) fn of(facts: &'f Facts<'a>) -> Option<Self> {
        let reason = facts.reason?;
        let host = facts.host();
        let by_packet = reason.status.is_none() && reason.close.is_none();
        match reason.code {
            Code::AuthRequired | Code::NamespaceRefused if by_packet => {
                let words = facts.detail().to_ascii_lowercase();
                let is_auth = reason.code == Code::AuthRequired || names_credentials(&words);
                let answered = format!("{host} refused the namespace: “{}”", facts.detail());
                (is_auth && !names_the_rate(&words)).then_some(Self { facts, status: None, words, answered })
            }
            Code::Closed if state_for(reason) == State::AuthRequired => {
                let words = facts.detail().to_ascii_lowercase();
                let code = reason.close.unwrap_or(1008);
                let told = match facts.detail() {
                    "" => close_words(code).map_or(String::new(), |words| format!(" ({words})")),
                    text => format!(" “{text}”"),
                };
                let answered = format!("{host} accepted the socket and closed it with {code}{told}");
                Some(Self { facts, status: None, words, answered })
            }
            Code::Status | Code::AuthRequired | Code::HandshakeStatus => {
                let status = facts.status()?;
                let to_login = reason.code == Code::AuthRequired && (300..400).contains(&status);
                let words = facts.body();
                let origin = !facts.is_html() && words.len() < 1024 && names_the_origin(&words);
                if !(matches!(status, 401 | 403) || to_login) || origin && status == 403 {
                    return None;
                }
                let what = if facts.is_websocket() { " the WebSocket upgrade with" } else { "" };
                let answered = format!("{host} answered{what} {}", status_words(status));
                Some(Self { facts, status: Some(status), words, answered })
            }
            _ => None,
        }
    }

    /// The server says one of these.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.words.contains(word))
    }

    /// It says that something is not there.
    pub(super) fn says_missing(&self) -> bool {
        self.says(&["missing", "required", "no token", "provide"])
    }

    /// It says that something is there and not good.
    pub(super) fn says_wrong(&self) -> bool {
        self.says(&["invalid", "malformed", "verif", "signature", "not valid", "bad ", "incorrect", "unknown", "wrong"])
    }

    /// It is an upgrade, refused without a word: what else it may be speaks with.
    pub(super) fn wordless(&self) -> Option<Refused<'f, 'a>> {
        Refused::of(self.facts).filter(|refused| refused.status == 403 && refused.is_wordless())
    }

    /// It has no words to go by at all.
    pub(super) fn is_silent(&self) -> bool {
        self.words.is_empty() || self.wordless().is_some()
    }

    /// A scheme of HTTP authentication stands in front.
    pub(super) fn by_http_scheme(&self) -> bool {
        let scheme = self.facts.header("www-authenticate").and_then(|value| value.split([' ', ',']).next());
        self.status == Some(401) && scheme.is_some_and(is_browsers)
    }

    /// The request that was refused carried a cookie.
    pub(super) fn cookie_was_sent(&self) -> bool {
        self.sent("cookie")
    }

    /// The request that was refused carried `Authorization`.
    pub(super) fn bearer_was_sent(&self) -> bool {
        self.sent("authorization")
    }

    fn sent(&self, name: &str) -> bool {
        self.facts.last().is_some_and(|exchange: &Exchange| exchange.request.headers.contains(name))
    }
}
