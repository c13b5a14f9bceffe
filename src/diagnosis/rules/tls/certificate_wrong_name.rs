//! The certificate is for other names.

use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CertificateWrongName, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match facts.code() {
        Some(Code::CertWrongName) => {
            super::certificate(facts, 0.97, "is for other names", |leaf| format!(" ({})", names(&leaf.names)))
        }
        _ => Fit::No,
    }
}

/// A few names, for a sentence.
fn names(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = if shown.len() < names.len() { " …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = facts.url.host_str().unwrap_or_default();
    let mut fixes =
        vec![Fix::any(format!("Issue a certificate that has the name {name}, or use one of its names in the URL."))];
    fixes.extend(super::installed());
    fixes
}
