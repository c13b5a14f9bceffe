//! Another application answers the path with a page of its own: the fallback of a single-page application.

use super::{is_html, opens_session, own, path_not_proxied, sign};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::watch::Code;
use crate::wire::{Ask, Exchange};

pub(super) const RULE: Rule = Rule { cause: CauseId::PathServedByOtherApp, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() || own(facts).any(opens_session) {
        return Fit::No;
    }
    let page =
        own(facts).rev().filter_map(Exchange::response).find(|response| response.status == 200 && is_html(response));
    let Some(page) = page else { return Fit::No };
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

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    path_not_proxied::fixes(facts)
}
