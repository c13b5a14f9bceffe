//! TLS: versions, certificates, and ports that have it where it isn't expected, or the other way round.

mod certificate_expired;
mod certificate_not_yet_valid;
mod certificate_self_signed;
mod certificate_untrusted;
mod certificate_wrong_name;
mod client_certificate_required;
mod plain_http_to_tls_port;
mod tls_to_plain_port;
mod tls_version_unsupported;

use url::Url;

use crate::base::Wall;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{Facts, Fix};
use crate::profile::model::Kind;
use crate::wire::CertFacts;

pub(super) const RULES: &[Rule] = &[
    plain_http_to_tls_port::RULE,
    tls_to_plain_port::RULE,
    tls_version_unsupported::RULE,
    client_certificate_required::RULE,
    certificate_expired::RULE,
    certificate_not_yet_valid::RULE,
    certificate_wrong_name::RULE,
    certificate_self_signed::RULE,
    certificate_untrusted::RULE,
];

/// The certificate of the endpoint is so; `facts_of`: what of it shows that.
fn certificate(facts: &Facts<'_>, confidence: f32, is: &str, facts_of: impl FnOnce(&CertFacts) -> String) -> Fit {
    let leaf = facts.last().and_then(|last| last.tls.as_ref()).and_then(|tls| tls.chain.first());
    let shown = leaf.map(facts_of).unwrap_or_default();
    let host = facts.url.host_str().unwrap_or_default();
    Fit::Fits(Match::new(confidence, format!("The certificate of {host} {is}{shown}.")))
}

/// Its date, without the time.
fn day(at: Wall) -> String {
    at.to_string().chars().take(10).collect()
}

/// Where each server takes its certificate from.
fn installed() -> [Fix; 4] {
    const WITH: &str = "The certificate with its intermediates, and its key.";
    [
        Fix::at("nginx", WITH, "ssl_certificate     fullchain.pem;\nssl_certificate_key privkey.pem;"),
        Fix::at("apache", WITH, "SSLCertificateFile    fullchain.pem\nSSLCertificateKeyFile privkey.pem"),
        Fix::at(
            "haproxy",
            "The certificate, its intermediates and its key in one file.",
            "bind :443 ssl crt /etc/haproxy/site.pem",
        ),
        Fix::at(
            "caddy",
            "For a public name Caddy gets and renews one by itself; else:",
            "tls fullchain.pem privkey.pem",
        ),
    ]
}

/// How each server speaks TLS on the endpoint's port.
pub(super) fn switched_on(facts: &Facts<'_>) -> [Fix; 6] {
    let (port, name) = (facts.port(), facts.url.host_str().unwrap_or_default());
    let keys = "ssl_certificate     fullchain.pem;\nssl_certificate_key privkey.pem;";
    [
        Fix::at("nginx", "In place of the server's listen.", format!("listen {port} ssl;\n{keys}")),
        Fix::at(
            "apache",
            "In the virtual host of that port.",
            "SSLEngine on\nSSLCertificateFile    fullchain.pem\nSSLCertificateKeyFile privkey.pem",
        ),
        Fix::at("haproxy", "In the frontend.", format!("bind :{port} ssl crt /etc/haproxy/site.pem")),
        Fix::at(
            "caddy",
            "A site with a name has TLS by itself.",
            format!("https://{name}:{port} {{\n    reverse_proxy 127.0.0.1:8000\n}}"),
        ),
        Fix::at(
            "fastapi",
            "Where no proxy stands before uvicorn.",
            format!("uvicorn app:app --port {port} --ssl-certfile fullchain.pem --ssl-keyfile privkey.pem"),
        ),
        Fix::at(
            "node-socketio",
            "Where no proxy stands before Node.",
            format!("https.createServer({{ key, cert }}, app).listen({port});"),
        ),
    ]
}

/// The endpoint's URL with TLS.
pub(super) fn with_tls(facts: &Facts<'_>) -> Url {
    let mut url = facts.url.clone();
    // A port that is spelled stays; the scheme's own is the other scheme's own then. Neither can fail between these.
    let _ = match facts.url.scheme() {
        "ws" => url.set_scheme("wss"),
        "http" => url.set_scheme("https"),
        _ => Ok(()),
    };
    url
}

/// The page's line that asks there.
pub(super) fn in_page(facts: &Facts<'_>, url: &Url) -> String {
    match facts.kind {
        Kind::WebSocket => format!("new WebSocket(\"{url}\");"),
        Kind::SocketIo => format!("io(\"{url}\");"),
        Kind::Http => format!("fetch(\"{url}\");"),
    }
}
