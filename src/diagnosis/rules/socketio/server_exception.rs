//! A connect handler that raises: Flask-SocketIO answers the CONNECT with nothing then, and goes on.

use super::{opened, slow_connect_handler};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerException, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if opened(facts).is_none()
        || !slow_connect_handler::answers_nothing(facts)
        || slow_connect_handler::hangs_in_connect(facts)
    {
        return Fit::No;
    }
    let summary = format!(
        "{} opened the session and never answered its CONNECT: so does a connect handler that raises, or one that takes longer than the check.",
        facts.host()
    );
    Fit::Fits(Match::new(0.65, summary).sign("CONNECT unanswered"))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Read the server's log at that time: it names the exception in the connect handler, if there is one; else look for what the handler waits for.",
    )]
}
