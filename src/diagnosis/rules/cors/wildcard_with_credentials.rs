//! `Access-Control-Allow-Origin: *` on a request with credentials.

use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::WildcardWithCredentials, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !matches!(facts.code(), Some(Code::WildcardOriginNotAllowed | Code::PreflightWildcardOriginNotAllowed)) {
        return Fit::No;
    }
    let (host, origin) = (facts.host(), facts.origin());
    let summary = format!(
        "{host} allows any origin (*), and the page {origin} sends credentials: browsers want the origin itself."
    );
    Fit::Fits(Match::new(0.98, summary).sign("Access-Control-Allow-Origin: *"))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!(
        "Answer the specific origin {origin} with Access-Control-Allow-Credentials: true and Vary: Origin, for origins in a list; or send no credentials."
    ))];
    fixes.extend(origins::named(facts));
    fixes
}
