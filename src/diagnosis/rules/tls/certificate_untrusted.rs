//! The certificate's issuer is not in the trust store, or it can't be used for another reason.

use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CertificateUntrusted, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let of = |confidence, is| super::certificate(facts, confidence, is, |_| String::new());
    match facts.code() {
        Some(Code::CertUntrusted) => {
            super::certificate(facts, 0.95, "has an issuer that is not trusted", |leaf| format!(" ({})", leaf.issuer))
        }
        Some(Code::CertRevoked) => of(0.5, "has been revoked by its issuer"),
        Some(Code::CertInvalid) => of(0.5, "can't be used as a server's certificate"),
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
