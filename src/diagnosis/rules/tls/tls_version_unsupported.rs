//! The server speaks only TLS 1.0 or 1.1.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::TlsVersionUnsupported, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::TlsVersion) {
        return Fit::No;
    }
    let host = facts.url.host_str().unwrap_or_default();
    Fit::Fits(Match::new(0.95, format!("{host} offers no TLS version that browsers still speak (TLS 1.2 and 1.3).")))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any("Switch on TLS 1.2 and TLS 1.3 on the server: browsers have given up the older versions."),
        Fix::at("nginx", "In the server.", "ssl_protocols TLSv1.2 TLSv1.3;"),
        Fix::at("apache", "In the virtual host.", "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        Fix::at("haproxy", "On the bind line.", "bind :443 ssl crt /etc/haproxy/site.pem ssl-min-ver TLSv1.2"),
        Fix::at(
            "caddy",
            "In the site; TLS 1.2 is the least that it takes anyway.",
            "tls {\n    protocols tls1.2 tls1.3\n}",
        ),
        Fix::at(
            "node-socketio",
            "In the options of the https server.",
            "https.createServer({ key, cert, minVersion: \"TLSv1.2\" }, app);",
        ),
    ]
}
