//! WebSocket upgrades that were refused: whose origin, which path, or what in the application.
//!
//! Many servers answer everything that they don't want by one status without a word. What was asked besides tells it apart:
//! other origins, the path's other slash, a path that nobody has, the same by an ordinary GET.

mod localhost_127_mismatch;
mod origin_missing;
mod origin_not_allowed;
mod origin_port_mismatch;
mod origin_scheme_mismatch;
mod server_lacks_websocket_support;
mod websocket_route_missing;
mod websocket_trailing_slash;

use crate::diagnosis::Facts;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
pub(super) use websocket_route_missing::is_usual;

use crate::watch::meaning::names_the_origin;
use crate::watch::{Code, Reason};
use crate::wire::{Ask, Exchange};

pub(super) const RULES: &[Rule] = &[
    origin_not_allowed::RULE,
    localhost_127_mismatch::RULE,
    origin_scheme_mismatch::RULE,
    origin_port_mismatch::RULE,
    origin_missing::RULE,
    websocket_trailing_slash::RULE,
    websocket_route_missing::RULE,
    server_lacks_websocket_support::RULE,
];

/// The asks that tell whether it is the origin, and which one is let in.
pub(super) const ORIGINS: [Ask; 5] = [Ask::TwinHost, Ask::TwinScheme, Ask::SpelledPort, Ask::NoOrigin, Ask::OwnOrigin];

/// An upgrade that the server refused, or a socket that it closed at once over the origin.
pub(super) struct Refused<'f, 'a> {
    facts: &'f Facts<'a>,
    /// 101: it was accepted, then closed.
    pub status: u16,
}

impl<'f, 'a> Refused<'f, 'a> {
    pub(super) fn of(facts: &'f Facts<'a>) -> Option<Self> {
        if !facts.is_websocket() {
            return None;
        }
        match facts.code()? {
            Code::HandshakeStatus | Code::AuthRequired | Code::OriginRefused if facts.reason?.close.is_none() => {
                Some(Self { facts, status: facts.status()? })
            }
            Code::Closed if facts.reason.is_some_and(closed_over_the_origin) => Some(Self { facts, status: 101 }),
            _ => None,
        }
    }

    /// What happened, without an end.
    pub(super) fn answered(&self) -> String {
        let host = self.facts.host();
        match self.status {
            101 => format!("{host} accepted the socket and closed it over its origin"),
            status => format!("{host} answered the WebSocket upgrade with {}", status_words(status)),
        }
    }

    /// It says nothing by which one could tell why.
    pub(super) fn is_wordless(&self) -> bool {
        let body = self.facts.body();
        !self.names_the_origin() && (body.len() < 64 || self.facts.is_html())
    }

    /// It says that the origin is the matter.
    pub(super) fn names_the_origin(&self) -> bool {
        self.status == 101
            || self.facts.code() == Some(Code::OriginRefused)
            || (!self.facts.is_html() && names_the_origin(&self.facts.body()))
    }

    /// It came from daphne, which has words of its own for a status, and sends no header with it.
    pub(super) fn is_daphne(&self) -> bool {
        self.facts.response().is_some_and(|response| {
            response.headers.is_empty() && matches!(&*response.reason, "Access denied" | "Internal server error")
        })
    }

    /// Whether the server opens the socket to that question, and leaves it open. `None`: it was not asked.
    pub(super) fn opens(&self, ask: Ask) -> Option<bool> {
        self.facts.asked(ask).map(|exchange| exchange.status() == Some(101) && !was_closed(exchange))
    }

    /// The server's ordinary answers allow this page's origin by name. `None`: no such answer, or it says nothing of CORS.
    pub(super) fn page_is_known(&self) -> Option<bool> {
        let response = self.facts.asked(Ask::PlainGet)?.response()?;
        let allowed = response.headers.first_str("access-control-allow-origin");
        let varies = response.headers.joined("vary").is_some_and(|vary| vary.to_ascii_lowercase().contains("origin"));
        match allowed {
            Some(value) => Some(value == self.facts.origin()),
            None => varies.then_some(false),
        }
    }

    /// What it answers where no route is. `None`: it was not asked.
    pub(super) fn nowhere(&self) -> Option<u16> {
        self.facts.asked_status(Ask::NoSuchPath)
    }

    /// Another origin is let in where the page's is not: by which question that was seen.
    pub(super) fn let_in_from(&self) -> Option<Ask> {
        ORIGINS.into_iter().find(|ask| self.opens(*ask) == Some(true))
    }

    /// It is not the origin: the server looks at the path, or lets this page in elsewhere.
    pub(super) fn origin_is_fine(&self) -> bool {
        if self.names_the_origin() {
            return false;
        }
        let elsewhere = match self.is_daphne() {
            // Channels checks the origin before the path, by a list of its own.
            true => self.status == 500 || self.nowhere() == Some(500),
            false => self.page_is_known() == Some(true),
        };
        elsewhere || self.opens(Ask::OtherSlash) == Some(true)
    }
}

fn closed_over_the_origin(reason: &Reason) -> bool {
    matches!(reason.close, Some(1008 | 3003 | 4003 | 4403 | 4000))
        && reason.detail.as_deref().is_some_and(names_the_origin)
}

/// It was closed within the first moments.
pub(super) fn was_closed(exchange: &Exchange) -> bool {
    exchange.response().is_some_and(|response| String::from_utf8_lossy(&response.body).contains("[close "))
}

/// A twin of the page's origin that is let in where the page's own is not.
fn twin(facts: &Facts<'_>, ask: Ask, why: &str) -> Fit {
    let Some(refused) = Refused::of(facts).filter(|refused| refused.opens(ask) == Some(true)) else { return Fit::No };
    let other = facts.asked(ask).and_then(|exchange| exchange.request.headers.first_str("origin")).unwrap_or_default();
    let summary = format!("{}, and lets {other} in: the page is {}, {why}.", refused.answered(), facts.origin());
    Fit::Fits(Match::new(0.97, summary).sign(format!("101 to Origin: {other}")))
}
