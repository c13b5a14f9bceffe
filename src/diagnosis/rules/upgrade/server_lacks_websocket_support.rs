//! uvicorn without a WebSocket library takes an upgrade for an ordinary GET.

use super::Refused;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerLacksWebsocketSupport, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = Refused::of(facts).filter(|refused| refused.status == 404) else { return Fit::No };
    let is_starlette = facts.body().contains("{\"detail\":\"not found\"}") || facts.server().contains("uvicorn");
    if !is_starlette {
        return Fit::No;
    }
    // uvicorn itself refuses an upgrade with 403, whatever the path; a proxy puts its own name into the answer.
    let direct = facts.server().contains("uvicorn") && facts.header("via").is_none();
    let confidence = if direct { 0.85 } else { 0.4 };
    let summary = format!(
        "{}, its ordinary answer: it took the upgrade for a GET, as uvicorn does without a WebSocket library.",
        refused.answered()
    );
    let found = Match::new(confidence, summary).sign("404 from uvicorn to an upgrade").asks(&[Ask::NoSuchPath]);
    if direct { Fit::Fits(found) } else { Fit::CantTell(found) }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Give the server what speaks WebSocket, and let every proxy before it pass Upgrade and Connection on.",
        ),
        Fix::at(
            "fastapi",
            "uvicorn needs a WebSocket library: websockets or wsproto.",
            "pip install 'uvicorn[standard]'",
        ),
    ]
}
