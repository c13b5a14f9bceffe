//! Another application answers the path with a page of its own: the fallback of a single-page application.

use super::{is_html, opens_session, own, path_not_proxied, sign};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::watch::Code;
use crate::wire::{Ask, Exchange, Purpose};

pub(super) const RULE: Rule = Rule { cause: CauseId::PathServedByOtherApp, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() || own(facts).any(opens_session) {
        return Fit::No;
    }
    let page =
        own(facts).rev().filter_map(Exchange::response).find(|response| response.status == 200 && is_html(response));
    let Some(page) = page else { return no_session(facts) };
    let summary =
        format!("{} answers with a web page of its own: another application serves that path.", facts.place());
    let found = |confidence| Match::new(confidence, summary.clone()).sign(sign(page)).sign("the answer is HTML");
    let same = facts.asked(Ask::NoSuchPath).map(|asked| {
        asked.response().is_some_and(|other| other.status == 200 && other.body == page.body && !page.body.is_empty())
    });
    match (facts.kind, same) {
        (_, Some(true)) => Fit::Fits(found(0.95).sign("a path that nobody has is answered by the same page")),
        (Kind::SocketIo, Some(false)) => Fit::Fits(found(0.9)),
        (Kind::WebSocket, Some(false)) => Fit::Fits(found(0.7)),
        (Kind::SocketIo | Kind::WebSocket, None) => Fit::Fits(found(0.85).asks(&[Ask::NoSuchPath])),
        (Kind::Http, Some(false)) if facts.code() == Some(Code::BodyMismatch) => Fit::Fits(found(0.6)),
        (Kind::Http, Some(false)) => Fit::CantTell(found(0.2)),
        (Kind::Http, None) => Fit::CantTell(found(0.4).asks(&[Ask::NoSuchPath])),
    }
}

/// What answers is no page, and no Engine.IO either.
fn no_session(facts: &Facts<'_>) -> Fit {
    let other = own(facts)
        .rev()
        .find(|exchange| exchange.request.purpose != Purpose::Handshake && exchange.status() == Some(200));
    let Some(response) = other.and_then(Exchange::response).filter(|_| facts.kind == Kind::SocketIo) else {
        return Fit::No;
    };
    let summary = format!(
        "{} answers 200 with what no Engine.IO server says: another application serves that path.",
        facts.place()
    );
    Fit::Fits(Match::new(0.82, summary).sign(sign(response)).sign("no session is opened"))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    path_not_proxied::fixes(facts)
}
