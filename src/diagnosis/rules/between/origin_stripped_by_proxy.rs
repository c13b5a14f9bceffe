//! The proxy takes the Origin out: the application can't answer to what it does not see.

use super::{handshake, is_of_the_proxy, is_proxied, opens_session, own, text};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::{Ask, Exchange, WireResponse};

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginStrippedByProxy, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() || !facts.is_cross_origin() {
        return Fit::No;
    }
    if let Some(polled) = own(facts).find(|exchange| opens_session(exchange)).and_then(Exchange::response) {
        return of_polling(facts, polled);
    }
    let Some(refused) = handshake(facts).and_then(Exchange::response) else { return Fit::No };
    let body = text(refused);
    let summary = format!(
        "{} refuses the upgrade whatever the Origin is, and none at all: the proxy before it may take it out.",
        facts.host()
    );
    if matches!(refused.status, 400 | 403)
        && ["missing origin", "origin header is missing", "no origin", "origin required"]
            .iter()
            .any(|it| body.contains(it))
    {
        return Fit::Fits(Match::new(0.92, summary).sign("it says that the Origin is missing, and it was sent"));
    }
    // A page of its own: the application was not asked.
    if refused.status != 403 || !is_proxied(refused) || is_of_the_proxy(refused) {
        return Fit::No;
    }
    let asks = [Ask::NoOrigin, Ask::OwnOrigin, Ask::ForeignOrigin];
    if asks.iter().all(|ask| facts.asked_status(*ask) == Some(403)) {
        return Fit::CantTell(Match::new(0.45, summary).sign("403 to every origin, and to none"));
    }
    if asks.iter().any(|ask| facts.asked(*ask).is_some_and(|asked| asked.status() != Some(403))) {
        return Fit::No;
    }
    Fit::CantTell(Match::new(0.3, summary).asks(&asks))
}

/// python-engineio answers with `Access-Control-Allow-Credentials` alone where no Origin came, and with 400 where it
/// doesn't like the one that came.
fn of_polling(facts: &Facts<'_>, polled: &WireResponse) -> Fit {
    let has = |name: &str| polled.headers.contains(name);
    if has("access-control-allow-origin") || !has("access-control-allow-credentials") || has("vary") {
        return Fit::No;
    }
    let summary = format!(
        "{} opens a session as if no Origin had come, and any foreign one is let in likewise: the proxy before it takes the Origin {} out.",
        facts.host(),
        facts.origin()
    );
    let sign = "200 with Access-Control-Allow-Credentials and no Access-Control-Allow-Origin";
    match facts.asked(Ask::ForeignOrigin) {
        Some(foreign) if opens_session(foreign) => {
            Fit::Fits(Match::new(0.93, summary).sign(sign).sign("the same to an origin that no list has"))
        }
        Some(_) => Fit::No,
        None => Fit::Fits(Match::new(0.7, summary).sign(sign).asks(&[Ask::ForeignOrigin])),
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Let the proxy pass the Origin on: the application has to see it to allow it, and to refuse foreign ones.",
        ),
        Fix::at(
            "nginx",
            "nginx passes it on by itself: take out the line that empties it, or set it to what came.",
            "proxy_set_header Origin $http_origin;",
        ),
        Fix::at("apache", "Take it out.", "# RequestHeader unset Origin"),
        Fix::at("haproxy", "Take it out.", "# http-request del-header Origin"),
        Fix::at("caddy", "Take it out.", "# header_up -Origin"),
    ]
}
