//! One [source expression](https://w3c.github.io/webappsec-csp/#source-expression), and whether a URL matches it.

use std::fmt::Write as _;

use url::Url;

use crate::browser::{Browser, Page, dialect};

/// What a source list is made of. Schemes, hosts and words are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `*`
    Star,
    /// `'self'`
    Own,
    /// `https:`
    Scheme(String),
    /// `https://*.example.com:443/path`
    Host(HostSource),
    /// A keyword, a nonce or a hash: no URL matches it.
    Word(String),
}

/// [host-source](https://w3c.github.io/webappsec-csp/#grammardef-host-source).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSource {
    /// `None`: the page's.
    pub scheme: Option<String>,
    pub host: HostPart,
    pub port: PortPart,
    /// Percent-decoded, without query and fragment; empty: any.
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPart {
    /// `*`
    Any,
    /// `*.example.com`, without its `*.`
    Under(String),
    Is(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortPart {
    /// None written: the scheme's own.
    Default,
    /// `*`
    Any,
    /// Its digits.
    Is(String),
}

impl PortPart {
    /// The number, where one is written that is a port.
    pub fn number(&self) -> Option<u16> {
        match self {
            Self::Default | Self::Any => None,
            Self::Is(digits) => digits.parse().ok(),
        }
    }
}

impl Source {
    /// [Does url match expression in origin with redirect
    /// count?](https://w3c.github.io/webappsec-csp/#match-url-to-source-expression)
    pub fn matches(&self, page: &Page, url: &Url, redirected: bool) -> bool {
        let browser = page.browser;
        match self {
            // Step 1.
            Self::Star => dialect::csp::star_matches(browser, page.url.scheme(), url.scheme()),
            // Step 2.
            Self::Scheme(scheme) => dialect::csp::scheme_part_matches(browser, scheme, url.scheme()).is_some(),
            // Step 3.
            Self::Host(source) => source.matches(browser, &page.url, url, redirected),
            // Step 4.
            Self::Own => {
                !(page.is_sandboxed() && dialect::csp::sandbox_has_no_self(browser, url.scheme()))
                    && matches_own(browser, &page.url, url)
            }
            Self::Word(_) => false,
        }
    }

    /// As Firefox writes it, on a page of this scheme.
    pub(super) fn serialize(&self, page_scheme: &str, out: &mut String) {
        match self {
            Self::Star => out.push('*'),
            Self::Own => out.push_str("'self'"),
            Self::Scheme(scheme) => {
                let _ = write!(out, "{scheme}:");
            }
            Self::Word(word) => out.push_str(word),
            Self::Host(source) => {
                let scheme = source.scheme.as_deref().unwrap_or(page_scheme);
                let host = match &source.host {
                    HostPart::Any => "*".to_owned(),
                    HostPart::Under(domain) => format!("*.{domain}"),
                    HostPart::Is(host) => host.clone(),
                };
                let port = match &source.port {
                    PortPart::Default => String::new(),
                    PortPart::Any => ":*".to_owned(),
                    PortPart::Is(digits) => format!(":{digits}"),
                };
                let _ = write!(out, "{scheme}://{host}{port}{}", source.path);
            }
        }
    }
}

impl HostSource {
    fn matches(&self, browser: Browser, page: &Url, url: &Url, redirected: bool) -> bool {
        let scheme = self.scheme.as_deref().unwrap_or(page.scheme());
        // Step 3.2.
        let Some(schemes) = dialect::csp::scheme_part_matches(browser, scheme, url.scheme()) else { return false };
        // Step 3.4.
        let Some(ports) = dialect::csp::port_part_matches(browser, scheme, &self.port, url) else { return false };
        // Steps 3.3 and 3.5; a path is not told to who was redirected there.
        dialect::csp::upgrade_together(browser, schemes, ports)
            && host_part_matches(&self.host, url)
            && (redirected || path_part_matches(browser, &self.path, url))
    }
}

/// Step 4 of the match: the page's own origin, over any scheme that is as good.
fn matches_own(browser: Browser, page: &Url, url: &Url) -> bool {
    let Some(own) = page.host_str() else { return page.scheme() == "file" && url.scheme() == "file" };
    url.host_str() == Some(own) && dialect::csp::own_scheme_and_port_match(browser, page, url)
}

/// [host-part matches](https://w3c.github.io/webappsec-csp/#match-hosts).
fn host_part_matches(pattern: &HostPart, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match pattern {
        HostPart::Any => true,
        HostPart::Under(domain) => {
            host.strip_suffix(domain.as_str()).is_some_and(|rest| 1 < rest.len() && rest.ends_with('.'))
        }
        HostPart::Is(name) => host == name,
    }
}

/// [path-part matches](https://w3c.github.io/webappsec-csp/#path-part-match).
fn path_part_matches(browser: Browser, pattern: &str, url: &Url) -> bool {
    // Steps 1 and 2.
    if pattern.is_empty() || (pattern == "/" && url.path().is_empty()) {
        return true;
    }
    let path = dialect::csp::percent_decode(browser, url.path());
    // Steps 3 to 9: whole, or as a directory.
    if pattern.ends_with('/') { path.starts_with(pattern) } else { path == pattern }
}
