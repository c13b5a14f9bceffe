//! The certificate is signed by itself.

use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CertificateSelfSigned, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match facts.code() {
        Some(Code::CertSelfSigned) => {
            super::certificate(facts, 0.97, "is signed by itself: no browser trusts it", |_| String::new())
        }
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(
        "Install a certificate of a public issuer, with its intermediates (fullchain), or trust your own issuer on every client (ca_file in the profile).",
    )];
    fixes.extend(super::installed());
    fixes
}
