//! [Content Security Policy](https://w3c.github.io/webappsec-csp/), as far as it decides about a script's connections:
//! `connect-src` and what stands in for it, `upgrade-insecure-requests`, `block-all-mixed-content` and `sandbox`. Every
//! other directive is read over.
//!
//! Invariant: parsing never fails. What a browser does not understand it ignores, and each ignores something else:
//! [`dialect::csp`](super::dialect::csp) says what.

mod firefox;
mod parse;
mod source;

use url::Url;

use super::console::Remark;
use super::dialect::csp::{Asker, Check, checks};
use super::{Fault, Page, dialect};

pub use parse::parse_list;
pub use source::{HostPart, HostSource, PortPart, Source};

/// [Disposition](https://w3c.github.io/webappsec-csp/#policy-disposition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// From `Content-Security-Policy`: refuses.
    Enforce,
    /// From `Content-Security-Policy-Report-Only`: only says so.
    Report,
}

/// One [policy](https://w3c.github.io/webappsec-csp/#content-security-policy-object), as its browser understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub disposition: Disposition,
    /// The directive that governs connections; `None`: the policy says nothing about them.
    pub connect: Option<Directive>,
    pub upgrade_insecure_requests: bool,
    pub block_all_mixed_content: bool,
    /// `sandbox` without `allow-same-origin`: the page's origin is opaque.
    pub opaque_origin: bool,
}

/// `connect-src`, or `default-src` in its stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    pub name: DirectiveName,
    /// The value as written, without whitespace at its ends.
    pub value: String,
    pub sources: Vec<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectiveName {
    ConnectSrc,
    DefaultSrc,
}

impl DirectiveName {
    pub fn word(self) -> &'static str {
        match self {
            Self::ConnectSrc => "connect-src",
            Self::DefaultSrc => "default-src",
        }
    }
}

impl Directive {
    /// As Chromium's console has it: the name in lower case, the value as written.
    pub fn written(&self) -> String {
        format!("{} {}", self.name.word(), self.value)
    }

    /// As Firefox's console has it: what its parser made of the value, on a page of this URL.
    pub fn serialized(&self, page: &Url) -> String {
        let mut out = self.name.word().to_owned();
        if self.sources.is_empty() {
            out.push_str(" 'none'");
        }
        for source in &self.sources {
            out.push(' ');
            source.serialize(page.scheme(), &mut out);
        }
        out
    }

    /// Whether `*` stands in it.
    pub fn has_star(&self) -> bool {
        self.sources.contains(&Source::Star)
    }

    /// [Does url match source list in origin with redirect
    /// count?](https://w3c.github.io/webappsec-csp/#match-url-to-source-list)
    fn matches(&self, page: &Page, url: &Url, redirected: bool) -> bool {
        self.sources.iter().any(|source| source.matches(page, url, redirected))
    }
}

impl Policy {
    /// [Does request violate policy?](https://w3c.github.io/webappsec-csp/#does-request-violate-policy) for a request whose
    /// effective directive is `connect-src`. `redirected`: `url` is not the one that the script gave.
    pub fn violates(&self, page: &Page, url: &Url, redirected: bool) -> Option<&Directive> {
        let directive = self.connect.as_ref()?;
        if directive.matches(page, url, redirected) {
            return None;
        }
        // The promise of an upgrade counts for the upgraded URL.
        let promised = self.upgrade_insecure_requests && self.disposition == Disposition::Enforce;
        if promised
            && dialect::csp::sees_promised_upgrade(page.browser)
            && directive.matches(page, &upgraded(url), redirected)
        {
            return None;
        }
        Some(directive)
    }
}

/// The same URL under the secure scheme; unchanged where its scheme has none.
pub fn upgraded(url: &Url) -> Url {
    let mut out = url.clone();
    let secure = match url.scheme() {
        "http" => "https",
        "ws" => "wss",
        _ => return out,
    };
    // From one special scheme to another: can't fail. A port that stands in the URL stays.
    let _ = out.set_scheme(secure);
    out
}

/// [Main fetch](https://fetch.spec.whatwg.org/#concept-main-fetch), steps 5 to 7, in the browser's order: what the page's
/// policies say of `url`, and whether they upgrade it. `redirected`: it is not the one that the script gave.
pub fn ask(page: &Page, asker: Asker, url: &mut Url, redirected: bool, remarks: &mut Vec<Remark>) -> Option<Fault> {
    let mut upgraded = false;
    for check in checks(page.browser, asker) {
        if *check == Check::Upgrade {
            if let Some(secure) = page.upgrade(url) {
                remarks.push(Remark::Upgraded { url: std::mem::replace(url, secure) });
                upgraded = true;
            }
            continue;
        }
        if *check == Check::Again && !upgraded {
            continue;
        }
        let violations = violations(page, *check, url, redirected);
        let refusal = refusal(page, &violations);
        remarks.extend(violations.into_iter().map(Remark::Violation));
        if refusal.is_some() {
            return refusal;
        }
    }
    None
}

/// A policy that a request violated, by its place in the page's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub policy: usize,
    /// Of the request at that point: redirects followed.
    pub url: Url,
}

/// [Should request be blocked by Content Security Policy?](https://w3c.github.io/webappsec-csp/#should-block-request) and
/// [Report Content Security Policy violations for request](https://w3c.github.io/webappsec-csp/#report-for-request), as far as
/// `check` goes: every policy that `url` violates, all of them asked.
pub fn violations(page: &Page, check: Check, url: &Url, redirected: bool) -> Vec<Violation> {
    let asked = |disposition| match check {
        Check::All | Check::Again => true,
        Check::Report => disposition == Disposition::Report,
        Check::Enforce => disposition == Disposition::Enforce,
        Check::Upgrade => false,
    };
    let violated = |policy: &Policy| asked(policy.disposition) && policy.violates(page, url, redirected).is_some();
    let places = page.policies.iter().enumerate().filter(|(_, policy)| violated(policy));
    places.map(|(policy, _)| Violation { policy, url: url.clone() }).collect()
}

/// The refusal that the first enforced policy among them means.
pub fn refusal(page: &Page, violations: &[Violation]) -> Option<Fault> {
    violations.iter().find_map(|violation| {
        let policy = page.policies.get(violation.policy)?;
        let directive = policy.connect.as_ref()?.written();
        (policy.disposition == Disposition::Enforce).then_some(Fault::ContentSecurityPolicy { directive })
    })
}

#[cfg(test)]
mod tests;
