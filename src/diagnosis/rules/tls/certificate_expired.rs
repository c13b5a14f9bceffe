//! The certificate's time is over.

use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CertificateExpired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match facts.code() {
        Some(Code::CertExpired) => {
            super::certificate(facts, 0.98, "has expired", |leaf| format!(" on {}", super::day(leaf.not_after)))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = facts.url.host_str().unwrap_or_default();
    let mut fixes = vec![Fix::any(format!(
        "Renew the certificate of {name} and reload the server; let the renewal run by itself."
    ))];
    fixes.extend(super::installed());
    fixes
}
