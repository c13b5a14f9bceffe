//! The route exists with the other form of the path's last slash.

use super::Refused;
use crate::diagnosis::ask::other_slash;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::WebsocketTrailingSlash, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = Refused::of(facts) else { return Fit::No };
    let path = facts.url.path();
    if refused.names_the_origin() || !matches!(refused.status, 300..=399 | 400 | 403 | 404 | 500) {
        return Fit::No;
    }
    let other = other_slash(path);
    let answered = format!("{} for {path}", refused.answered());
    let Some(exchange) = facts.asked(Ask::OtherSlash) else {
        // Django's routes end with a slash.
        let django = refused.status == 500 && facts.stack_or_guess() == Some("django-channels") && !path.ends_with('/');
        let confidence = if django { 0.65 } else { 0.3 };
        return Fit::CantTell(
            Match::new(confidence, format!("{answered}: the route may have the other form of the last slash."))
                .asks(&[Ask::OtherSlash]),
        );
    };
    // Where another origin opens this very path, the path is right.
    if refused.let_in_from().is_some() {
        return Fit::No;
    }
    if exchange.status() == Some(101) {
        let summary = format!("{answered}, and opens {other}: the route has the other form of the last slash.");
        return Fit::Fits(Match::new(0.96, summary).sign(format!("101 at {other}")));
    }
    // Where a route is, another answer comes than where none is.
    match (exchange.status(), refused.nowhere()) {
        (Some(there), Some(nowhere)) if there != refused.status && nowhere == refused.status => {
            let summary = format!("{answered}, as where nothing is, and {there} at {other}: the route is there.");
            Fit::Fits(Match::new(0.7, summary).sign(format!("{there} at {other}")))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let (host, path) = (facts.host(), facts.url.path());
    let other = other_slash(path);
    vec![
        Fix::at(
            "any",
            format!("Connect to {other}: the server's route has the other form of the last slash."),
            format!("new WebSocket(\"{}://{host}{other}\")", facts.url.scheme()),
        ),
        Fix::at(
            "fastapi",
            "Or give the route both forms: Starlette takes a WebSocket's path to the letter.",
            format!("@app.websocket(\"{path}\")\n@app.websocket(\"{other}\")"),
        ),
        Fix::at(
            "django-channels",
            "Or let the route take both forms, in routing.py.",
            format!("re_path(r\"^{}/?$\", Consumer.as_asgi()),", path.trim_matches('/')),
        ),
    ]
}
