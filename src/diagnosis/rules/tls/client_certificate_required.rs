//! The server wants a client certificate.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ClientCertificateRequired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let host = facts.url.host_str().unwrap_or_default();
    if facts.code() == Some(Code::ClientCertRequired) {
        return Fit::Fits(Match::new(
            0.97,
            format!("{host} wants a client certificate, and none was given (or not the right one)."),
        ));
    }
    let body = facts.body();
    // nginx takes the connection and says it in a page of its own, HAProxy and Apache too where they are told to.
    let says = ["no required ssl certificate", "client certificate", "ssl certificate error"];
    match facts.status() {
        Some(status @ (400 | 495 | 496)) if says.iter().any(|words| body.contains(words)) => Fit::Fits(Match::new(
            0.97,
            format!("{host} answered {}: it wants a client certificate.", status_words(status)),
        )),
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Give the client certificate and its key in the profile (client_cert, client_key); in the browser, install it for the person.",
        ),
        Fix::at("nginx", "Where not every path is to want a client certificate.", "ssl_verify_client optional;"),
        Fix::at("apache", "Where not every path is to want a client certificate.", "SSLVerifyClient optional"),
    ]
}
