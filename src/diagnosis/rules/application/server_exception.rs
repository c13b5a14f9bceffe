//! The application raised.

use super::answer;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

use super::super::upgrade::Refused;

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerException, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if let Some(refused) = Refused::of(facts).filter(|refused| refused.status == 500) {
        return upgrade(&refused);
    }
    if let Some(reason) = facts.reason.filter(|reason| reason.code == Code::LoginFailed)
        && reason.status.is_some_and(|status| 500 <= status)
    {
        let summary = format!("{}: {}.", facts.host(), crate::diagnosis::words::phrase(reason));
        return Fit::Fits(Match::new(0.6, summary));
    }
    if cut_here_alone(facts) {
        let summary = format!(
            "{} resets the WebSocket upgrade for {}, and answers it elsewhere: what serves that path failed while it took the socket.",
            facts.host(),
            facts.url.path()
        );
        return Fit::Fits(Match::new(0.82, summary).sign("an upgrade elsewhere is answered"));
    }
    let Some((status, readable)) = answer(facts) else { return Fit::No };
    let summary =
        format!("{} answered {}: the application failed; its log says where.", facts.host(), status_words(status));
    match status {
        500 | 501 if readable => Fit::Fits(Match::new(0.9, summary).sign(status_words(status))),
        500 | 501 => Fit::Fits(Match::new(0.55, summary).sign(status_words(status))),
        505..=599 => Fit::CantTell(Match::new(0.5, format!("{} answered {}.", facts.host(), status_words(status)))),
        _ => Fit::No,
    }
}

/// The upgrade was reset, and one to a path that nobody has got an answer.
fn cut_here_alone(facts: &Facts<'_>) -> bool {
    facts.is_websocket()
        && facts.code() == Some(Code::ConnectionReset)
        && facts.detail() != "open"
        && facts.asked(Ask::NoSuchPath).is_some_and(|other| other.response().is_some())
}

fn upgrade(refused: &Refused<'_, '_>) -> Fit {
    let summary = format!("{}: the application failed while it took the socket.", refused.answered());
    match refused.nowhere() {
        // Elsewhere it answers otherwise: this route is there, and fails.
        Some(nowhere) if nowhere != 500 => {
            Fit::Fits(Match::new(0.93, summary).sign(format!("{} elsewhere", status_words(nowhere))))
        }
        Some(_) => Fit::CantTell(Match::new(0.6, summary)),
        None => Fit::CantTell(Match::new(0.6, summary).asks(&[Ask::OtherSlash, Ask::NoSuchPath, Ask::PlainGet])),
    }
}

pub(super) fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(if facts.is_websocket() && facts.stack_or_guess() == Some("django-channels") {
        "Read the server's log at that time: it names the exception behind the 500 (or 1011). With Channels, check that the \
         channel layer's Redis can be reached, and that a route matches the path."
    } else {
        "Read the server's log at that time: it names the exception behind the 500 (or 1011)."
    })];
    if facts.is_websocket() {
        fixes.push(super::channel_layer_down::redis());
    }
    fixes
}
