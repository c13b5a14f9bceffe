//! The certificate's time has not begun, or a clock is wrong.

use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CertificateNotYetValid, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match facts.code() {
        Some(Code::CertNotYetValid) => super::certificate(facts, 0.95, "is not valid yet", |leaf| {
            format!(": only from {}", super::day(leaf.not_before))
        }),
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    let mut fixes =
        vec![Fix::any("Check the clock of this machine and the server's; else wait, or issue the certificate anew.")];
    fixes.extend(super::installed());
    fixes
}
