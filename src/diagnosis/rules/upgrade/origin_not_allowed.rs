//! The page's origin is not in the list that guards the WebSocket.

use super::{ORIGINS, Refused};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginNotAllowed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = Refused::of(facts) else { return Fit::No };
    let origin = facts.origin();
    let answered = refused.answered();
    if refused.names_the_origin() {
        let summary = match refused.status {
            101 => format!("{answered} {origin}: “{}”.", facts.detail()),
            _ => format!("{answered}: it does not accept the origin {origin}."),
        };
        return Fit::Fits(Match::new(0.96, summary).sign("it names the origin").asks(&ORIGINS[..3]));
    }
    if !matches!(refused.status, 400 | 401 | 403) || !refused.is_wordless() || refused.origin_is_fine() {
        return Fit::No;
    }
    if let Some(ask) = refused.let_in_from() {
        let other = facts.asked(ask).and_then(|exchange| exchange.request.headers.first_str("origin"));
        let other = other.map_or("no origin".to_owned(), |origin| format!("Origin: {origin}"));
        let summary = format!("{answered} to the page's origin {origin}, and opens the socket to {other}.");
        return Fit::Fits(Match::new(0.95, summary).sign(format!("101 to {other}")));
    }
    // Without a word from the server, another status than 403 is rather of something else.
    if refused.status != 403 {
        return Fit::No;
    }
    if refused.is_daphne() && refused.nowhere() == Some(403) {
        let summary =
            format!("{answered} whatever the path is: its origin check refuses {origin} before it looks for a route.");
        return Fit::Fits(Match::new(0.9, summary).sign("403, not 500, where no route is"));
    }
    if refused.page_is_known() == Some(false) {
        let summary =
            format!("{answered} and no reason; its ordinary answers do not allow the page's origin either, {origin}.");
        return Fit::Fits(Match::new(0.75, summary).sign("no Access-Control-Allow-Origin for the page"));
    }
    let asks = [ORIGINS.as_slice(), &[Ask::OtherSlash, Ask::PlainGet, Ask::NoSuchPath]].concat();
    let asked = refused.nowhere().is_some();
    Fit::CantTell(if facts.is_cross_origin() {
        let summary = format!("{answered} and no reason; the page is of another origin, {origin}.");
        Match::new(if asked { 0.45 } else { 0.6 }, summary).asks(&asks)
    } else {
        Match::new(0.25, format!("{answered} and no reason; the page is of its own origin.")).asks(&asks)
    })
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let told = match facts.reason.and_then(|reason| reason.close) {
        Some(close) => format!(" (it says so by closing with {close})"),
        None => String::new(),
    };
    let port = match facts.page.port() {
        None => " (browsers leave the scheme's own port, 443 or 80, out)",
        Some(_) => "",
    };
    let text = format!(
        "Add the origin {} to the server's list of allowed origins{told}: scheme, host and port exactly so{port}, without a \
         slash at its end.",
        facts.origin()
    );
    std::iter::once(Fix::any(text)).chain(origins::named(facts)).collect()
}
