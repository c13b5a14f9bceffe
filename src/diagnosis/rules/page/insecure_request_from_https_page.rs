//! An https page asks for `http://`.

use super::super::tls::{in_page, switched_on, with_tls};
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::InsecureRequestFromHttpsPage, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    super::mixed(facts, false)
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let secure = with_tls(facts);
    let text = format!("Ask for {secure}: the endpoint needs TLS, its own or a proxy's.");
    let mut fixes = vec![Fix::at("any", text, in_page(facts, &secure))];
    fixes.extend(switched_on(facts));
    fixes
}
