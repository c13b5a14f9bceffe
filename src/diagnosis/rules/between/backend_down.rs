//! The proxy is up, and what stands behind it is not.

use super::{answered, answered_words, is_of_the_proxy, server, sign, text, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::WireResponse;

pub(super) const RULE: Rule = Rule { cause: CauseId::BackendDown, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() {
        return Fit::No;
    }
    let found = |response: &WireResponse, confidence, why: &str| {
        let summary = format!("{}: {why}{}.", answered_words(facts, response), unreadable(facts));
        Match::new(confidence, summary).sign(sign(response))
    };
    if let Some((_, response)) = answered(facts, 502) {
        let why = "the proxy is up, and what stands behind it does not answer";
        return Fit::Fits(found(response, 0.93, why));
    }
    let Some((_, response)) = answered(facts, 503) else { return Fit::No };
    // Apache's own page speaks of maintenance whatever the matter is; HAProxy names no server at all.
    let haproxy = text(response).contains("no server is available");
    let apache = server(response).starts_with("apache") && is_of_the_proxy(response);
    if (haproxy || apache) && !response.headers.contains("retry-after") {
        return Fit::Fits(found(response, 0.92, "the proxy is up, and nothing behind it is"));
    }
    Fit::CantTell(found(response, 0.3, "it may be a proxy with nothing behind it"))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let status = facts.status().unwrap_or(502);
    vec![
        Fix::any(format!(
            "Start the application behind the proxy (which answers {status} in its stead), and check the address that the proxy passes on to."
        )),
        Fix::at(
            "nginx",
            "The error log names the address that it could not reach; from a container, 127.0.0.1 is the container itself.",
            "tail -n 20 /var/log/nginx/error.log   # connect() failed (111: Connection refused) while connecting to upstream",
        ),
        Fix::at(
            "apache",
            "The error log names the address. A backend that failed is left alone for a minute unless retry says otherwise.",
            "tail -n 20 /var/log/apache2/error.log   # AH00957: HTTP: attempt to connect to ... failed",
        ),
        Fix::at(
            "haproxy",
            "See which servers of the backend are down, and by which check.",
            "echo \"show servers state\" | socat stdio /run/haproxy/admin.sock",
        ),
    ]
}
