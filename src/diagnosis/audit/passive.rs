//! What the answers to the page's own requests show: cookies' flags, caching, TLS.

use super::findings::Finding;
use super::trials::{Grant, Seen, Surface, Trial};
use crate::browser::origin;
use crate::diagnosis::{CauseId, Facts, Fix, Severity};
use crate::wire::{Exchange, WireResponse};

/// Cookies that carry a session, by what their names hold.
const SESSIONS: [&str; 6] = ["sess", "sid", "auth", "token", "jwt", "login"];

/// A certificate that ends sooner than this is told of, in days.
const SOON: i64 = 21;

pub(super) fn look(facts: &Facts<'_>, seen: &[Seen], found: &mut Vec<Finding>) {
    let own = facts.exchanges.iter().copied();
    for exchange in own.clone() {
        cookies(facts, exchange, found);
    }
    caching(facts, seen, found);
    if let Some(exchange) = own.clone().find(|exchange| exchange.tls.is_some()) {
        tls(facts, exchange, found);
    }
    if !facts.is_tls() && !origin::is_loopback(facts.url) {
        found.push(note(
            "not-encrypted",
            Severity::Medium,
            format!(
                "{} is reached without TLS: whoever sits on the network reads and changes what is sent.",
                facts.host()
            ),
            facts.url.scheme().to_owned(),
            vec![Fix::any("Serve it over https and wss.")],
        ));
    }
}

fn note(id: &'static str, severity: Severity, text: String, evidence: String, fixes: Vec<Fix>) -> Finding {
    Finding { id, severity, surface: None, trial: None, text, evidence, fixes }
}

fn cookies(facts: &Facts<'_>, exchange: &Exchange, found: &mut Vec<Finding>) {
    let Some(response) = exchange.response() else { return };
    for field in response.headers.all("set-cookie") {
        let field = String::from_utf8_lossy(field);
        let mut parts = field.split(';').map(str::trim);
        let name = parts.next().and_then(|pair| pair.split_once('=')).map_or("", |(name, _)| name.trim());
        let rest: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        let has = |flag: &str| rest.iter().any(|part| part == flag);
        let of_a_session = SESSIONS.iter().any(|word| name.to_ascii_lowercase().contains(word));
        let shown = format!("Set-Cookie: {name}=…; {}", rest.join("; "));
        let (host, secure) = (facts.host(), has("secure"));
        if has("samesite=none") && !secure {
            found.push(note(
                CauseId::SamesiteNoneWithoutSecure.as_str(),
                Severity::Medium,
                format!("{host} sets {name} with SameSite=None and without Secure: browsers drop it."),
                shown.clone(),
                vec![Fix::any(format!("Add Secure to {name}, and serve it over https."))],
            ));
        } else if facts.is_tls() && !secure {
            found.push(note(
                "cookie-without-secure",
                if of_a_session { Severity::Medium } else { Severity::Low },
                format!("{host} sets {name} without Secure: it goes out over plain http too."),
                shown.clone(),
                vec![Fix::any(format!("Add Secure to {name}."))],
            ));
        }
        if of_a_session && !has("httponly") {
            found.push(note(
                "cookie-without-httponly",
                Severity::Medium,
                format!("{host} sets {name} without HttpOnly: a script that slipped into the page can read it."),
                shown,
                vec![Fix::any(format!("Add HttpOnly to {name}."))],
            ));
        }
    }
}

/// An answer that depends on `Origin` and may be kept has to say so. Polling's answers are of one session each.
fn caching(facts: &Facts<'_>, seen: &[Seen], found: &mut Vec<Finding>) {
    let surface = Surface::Get;
    let of = |trial| seen.iter().find(|one| one.surface == surface && one.trial == trial);
    let (Some(own), Some(other)) = (of(Trial::Own), of(Trial::Arbitrary)) else { return };
    let (Some(answer), Some(to_other)) = (own.exchange.response(), other.exchange.response()) else { return };
    let allowed = |response: &WireResponse| response.headers.joined("access-control-allow-origin");
    if allowed(answer) == allowed(to_other) || other.grant == Grant::Unknown {
        return;
    }
    let varies = |response: &WireResponse| {
        let vary = response.headers.joined("vary").unwrap_or_default();
        vary.split(',').any(|name| matches!(name.trim().to_ascii_lowercase().as_str(), "origin" | "*"))
    };
    let cache =
        |response: &WireResponse| response.headers.joined("cache-control").unwrap_or_default().to_ascii_lowercase();
    let is_kept = |response: &WireResponse| {
        let cache = cache(response);
        !["no-store", "private", "no-cache"].iter().any(|word| cache.contains(word))
            && (cache.contains("max-age") || cache.contains("public") || response.headers.contains("expires"))
    };
    let kept = [answer, to_other].into_iter().any(|response| is_kept(response) && !varies(response));
    // A refusal that says nothing of how long it holds does no harm.
    if varies(answer) && !kept {
        return;
    }
    let cache = cache(answer);
    let (id, severity, then) = if kept {
        (
            "allow-origin-cached",
            Severity::Medium,
            "caches hand one origin's answer to another, which its browser refuses",
        )
    } else {
        ("vary-origin-missing", Severity::Low, "a cache in between may hand one origin's answer to another")
    };
    found.push(Finding {
        id,
        severity,
        surface: Some(surface),
        trial: None,
        text: format!("{} answers each origin in its own way and doesn't say Vary: Origin: {then}.", facts.host()),
        evidence: format!("Cache-Control: {}", if cache.is_empty() { "none" } else { &cache }),
        fixes: vec![
            Fix::any("Send Vary: Origin with every answer, to requests without an Origin too."),
            Fix::at("nginx", "Where nginx adds the CORS headers.", "add_header Vary Origin always;"),
        ],
    });
}

fn tls(facts: &Facts<'_>, exchange: &Exchange, found: &mut Vec<Finding>) {
    let Some(tls) = &exchange.tls else { return };
    let Some(cert) = tls.chain.first() else { return };
    let days = (cert.not_after.0 - facts.at.0) / 86_400_000_000;
    if (0..SOON).contains(&days) {
        found.push(note(
            "certificate-expires-soon",
            if days < 7 { Severity::High } else { Severity::Medium },
            format!("The certificate of {} ends in {days} days.", facts.host()),
            format!("not after {}", cert.not_after),
            vec![Fix::any("Renew it, and let the renewal run by itself.")],
        ));
    }
}
