//! What the answers show: each gap once, the gravest first.

use super::passive;
use super::trials::{Grant, Seen, Surface, Trial};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::{CauseId, Facts, Fix, Severity};

/// One thing that is amiss.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable: a cause's id where there is a cause, else a word of the audit's own.
    pub id: &'static str,
    pub severity: Severity,
    pub surface: Option<Surface>,
    pub trial: Option<Trial>,
    /// A sentence, with the real values.
    pub text: String,
    /// What was sent and what came, in short.
    pub evidence: String,
    pub fixes: Vec<Fix>,
}

/// All of them.
pub fn findings(facts: &Facts<'_>, seen: &[Seen]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for surface in Surface::ALL {
        let here: Vec<&Seen> = seen.iter().filter(|one| one.surface == *surface).collect();
        of_surface(facts, *surface, &here, &mut found);
    }
    passive::look(facts, seen, &mut found);
    let mut known = std::collections::HashSet::new();
    // A gap that the request and its preflight both show is one gap.
    let is_socket = |one: &Finding| matches!(one.surface, Some(Surface::WebSocket | Surface::SocketIoWebSocket));
    found.retain(|one| known.insert((one.id, is_socket(one))));
    found.sort_by_key(|one| std::cmp::Reverse(one.severity));
    found
}

fn of_surface(facts: &Facts<'_>, surface: Surface, here: &[&Seen], found: &mut Vec<Finding>) {
    let grant_of = |trial| here.iter().find(|one| one.trial == trial).map_or(Grant::Unknown, |one| one.grant);
    let given = |trial: Trial| grant_of(trial).is_given();
    for one in here {
        let follows = match one.trial {
            Trial::Own | Trial::Arbitrary => false,
            // A comparison of the end alone doesn't look at what stands before it, one of the beginning at what comes after.
            Trial::Dot | Trial::Subdomain => given(Trial::Arbitrary) || given(Trial::Suffix),
            Trial::Port => given(Trial::Arbitrary) || given(Trial::Prefix),
            // Who lets in everybody lets in the neighbours too: said once.
            Trial::Absent | Trial::Null | Trial::Prefix | Trial::Suffix | Trial::Downgraded => given(Trial::Arbitrary),
        };
        if follows || (one.trial == Trial::Own) == one.grant.is_given() || one.grant == Grant::Unknown {
            continue;
        }
        let Some((id, severity, what)) = gap(facts, one) else { continue };
        let origin = one.origin.as_deref().unwrap_or("no origin");
        let mut fixes = Vec::new();
        if one.trial != Trial::Absent {
            fixes.push(Fix::any(format!(
                "Compare the whole origin with a list of exact ones, {} among them: no pattern, no part of it.",
                facts.origin()
            )));
            fixes.extend(origins::named(facts));
        }
        found.push(Finding {
            id,
            severity,
            surface: Some(surface),
            trial: Some(one.trial),
            text: format!("{} {what}.", facts.host()),
            evidence: format!("{}: Origin {origin} → {}", surface.code(), answer(one)),
            fixes,
        });
    }
}

/// How grave it is that this trial was granted (or the page's own was not), and what it means.
fn gap(facts: &Facts<'_>, one: &Seen) -> Option<(&'static str, Severity, String)> {
    let opens = one.grant == Grant::Opens;
    let cookie = one.exchange.request.headers.contains("cookie") || facts.signs_in_by_cookie;
    // What is anybody's to read does little harm.
    let grave = match one.grant {
        Grant::ReadsWithCredentials => true,
        Grant::Opens => cookie,
        Grant::Reads | Grant::Refused | Grant::Unknown => false,
    };
    let pick = |high, low| if grave { high } else { low };
    let does = match one.grant {
        Grant::Opens if cookie => "opens its socket with the person's cookie to",
        Grant::Opens => "opens its socket to",
        Grant::ReadsWithCredentials => "lets the person's data be read by",
        Grant::Reads | Grant::Refused | Grant::Unknown => "lets its answers be read by",
    };
    let origin = one.origin.as_deref().unwrap_or_default();
    Some(match one.trial {
        Trial::Own => (
            CauseId::OriginNotAllowed.as_str(),
            Severity::Low,
            format!("refuses the page itself, {origin}: its people can't use it"),
        ),
        Trial::Absent if opens => (
            "absent-origin-allowed",
            Severity::Low,
            "opens its socket to clients that send no Origin: no browser does that, other programs may connect"
                .to_owned(),
        ),
        Trial::Absent => return None,
        Trial::Arbitrary => {
            let id = match (one.grant, grave) {
                (Grant::Opens, _) => CauseId::OriginNotValidated.as_str(),
                (_, true) => CauseId::ReflectsAnyOriginWithCredentials.as_str(),
                _ => "any-origin-allowed",
            };
            (id, pick(Severity::High, Severity::Low), format!("{does} any site, {origin} for one"))
        }
        Trial::Null => (
            "null-origin-allowed",
            pick(Severity::High, Severity::Medium),
            format!("{does} the origin null, which any site has in a sandboxed frame"),
        ),
        Trial::Prefix => (
            "origin-prefix-matched",
            pick(Severity::High, Severity::Medium),
            format!("{does} {origin}: it compares the beginning alone, and anybody can register such a name"),
        ),
        Trial::Suffix => (
            "origin-suffix-matched",
            pick(Severity::High, Severity::Medium),
            format!("{does} {origin}: it compares the end alone, without the dot"),
        ),
        Trial::Dot => (
            "origin-dot-unescaped",
            pick(Severity::High, Severity::Medium),
            format!("{does} {origin}: a dot in its pattern stands for any letter"),
        ),
        Trial::Subdomain => (
            "any-subdomain-allowed",
            pick(Severity::Medium, Severity::Low),
            format!("{does} every subdomain, {origin} for one: the weakest of them decides"),
        ),
        Trial::Downgraded => (
            "insecure-origin-allowed",
            pick(Severity::Medium, Severity::Low),
            format!("{does} {origin}: whoever sits on the network can be that page"),
        ),
        Trial::Port => (
            "any-port-allowed",
            Severity::Low,
            format!("{does} {origin}: every port of the page's host is as trusted as the page"),
        ),
    })
}

/// The answer in short.
fn answer(one: &Seen) -> String {
    let Some(response) = one.exchange.response() else { return "no answer".to_owned() };
    let mut text = response.status.to_string();
    for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
        if let Some(value) = response.headers.joined(name) {
            text.push_str(&format!(", {name}: {value}"));
        }
    }
    text
}
