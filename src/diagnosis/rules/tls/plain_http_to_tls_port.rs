//! `ws://` or `http://` to a port that has TLS.

use super::super::reach::{WHO, program, speaks_tls};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::PlainHttpToTlsPort, look, fixes };

/// What servers answer, lower case: nginx, Go, Apache, Tomcat.
const SAID: [&str; 4] = [
    "plain http request was sent to https port",
    "client sent an http request to an https server",
    "speaking plain http to an ssl-enabled server port",
    "this combination of host and port requires tls",
];

fn look(facts: &Facts<'_>) -> Fit {
    if facts.is_tls() {
        return Fit::No;
    }
    let (host, port) = (facts.host(), facts.port());
    let body = facts.body();
    if let (Some(400), Some(said)) = (facts.status(), SAID.iter().find(|said| body.contains(**said))) {
        let answered = status_words(400);
        return Fit::Fits(
            Match::new(0.98, format!("{host} answered {answered}: plain HTTP was sent to a TLS port.")).sign(*said),
        );
    }
    let by_its_end = matches!(
        facts.code(),
        Some(Code::EmptyResponse | Code::ConnectionClosed | Code::ConnectionReset | Code::InvalidHttpResponse)
    );
    if !by_its_end || matches!(facts.detail(), "open" | "body" | "proxy") || program(facts).is_some() {
        return Fit::No;
    }
    if speaks_tls(facts) {
        let summary = format!("Port {port} speaks TLS, and {}:// sent it plain HTTP.", facts.url.scheme());
        return Fit::Fits(Match::new(0.97, summary).sign("the port answers a TLS hello"));
    }
    if facts.asked(Ask::OtherTls).is_some() {
        return Fit::No;
    }
    let confidence = match (facts.code(), port) {
        (Some(Code::InvalidHttpResponse), 443 | 8443 | 9443) => 0.85,
        (Some(Code::InvalidHttpResponse), _) => 0.5,
        (_, 443 | 8443 | 9443) => 0.5,
        (..) => 0.3,
    };
    let summary = format!("{host} does not answer in HTTP; a TLS port does so to {}://.", facts.url.scheme());
    Fit::CantTell(Match::new(confidence, summary).asks(&WHO))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let secure = super::with_tls(facts);
    vec![Fix::at("any", format!("Use {}:// for this port.", secure.scheme()), super::in_page(facts, &secure))]
}
