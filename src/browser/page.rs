//! The page whose script asks, and what the program that stands in for its browser can do.

use url::Url;

use super::cookie::Jar;
use super::csp::{self, Disposition, Policy};
use super::permissions::Permissions;
use super::{Browser, dialect, origin};

/// The page that runs the script: its origin is the request's origin, its scheme decides about mixed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub url: Url,
    /// Whose rules and words.
    pub browser: Browser,
    /// What the program's network can undo.
    pub abilities: Abilities,
    /// The page's Content Security Policies, enforced ones first.
    pub policies: Vec<Policy>,
}

impl Page {
    /// A page of this program's.
    pub fn new(url: Url, browser: Browser) -> Self {
        Self { url, browser, abilities: Abilities::default(), policies: Vec::new() }
    }

    /// The page with these values of `Content-Security-Policy` and `Content-Security-Policy-Report-Only`, as its browser
    /// reads them.
    pub fn with_csp(mut self, enforced: Option<&str>, report_only: Option<&str>) -> Self {
        let lists = [(enforced, Disposition::Enforce), (report_only, Disposition::Report)];
        let given = lists.into_iter().filter_map(|(list, disposition)| Some((list?, disposition)));
        self.policies =
            given.flat_map(|(list, disposition)| csp::parse_list(self.browser, list, disposition)).collect();
        self
    }

    /// The page's origin as a header has it: `https://app.test:8443`, or `null`.
    pub fn origin(&self) -> String {
        if self.is_sandboxed() { "null".to_owned() } else { origin::serialize(&self.url) }
    }

    /// Its `sandbox` takes the page its own origin: it is foreign even to the server that it came from.
    pub fn is_sandboxed(&self) -> bool {
        self.policies.iter().any(|policy| policy.opaque_origin)
    }

    /// Whether a URL has the page's origin.
    pub fn is_same_origin(&self, url: &Url) -> bool {
        !self.is_sandboxed() && origin::same_origin(&self.url, url)
    }

    /// [Upgrade request to a potentially trustworthy
    /// URL](https://w3c.github.io/webappsec-upgrade-insecure-requests/#upgrade-request), for a script's request: the secure URL
    /// that goes out in its stead, where one of the policies says so.
    pub fn upgrade(&self, url: &Url) -> Option<Url> {
        let wanted = matches!(url.scheme(), "http" | "ws")
            && self.policies.iter().any(|policy| policy.upgrade_insecure_requests)
            && !(origin::is_loopback(url) && dialect::csp::upgrade_spares_loopback(self.browser, url.scheme()));
        wanted.then(|| csp::upgraded(url))
    }
}

/// Where the network can't undo what a browser offers, the offer is left out, because a server would take it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Every content coding that the browser offers (gzip, deflate, br, zstd). Without: `Accept-Encoding: identity`.
    pub codings: bool,
    /// permessage-deflate, which browsers always offer. Without: no `Sec-WebSocket-Extensions`.
    pub deflate: bool,
}

impl Default for Abilities {
    /// What this program's network undoes.
    fn default() -> Self {
        Self { codings: true, deflate: true }
    }
}

/// What the browser carries from one request of a page to the next. A machine takes it at its start and gives it back at its
/// end, changed by what the answers said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub cookies: Cookies,
    /// What answers set.
    pub jar: Jar,
    /// What preflights permitted.
    pub permissions: Permissions,
}

impl From<Cookies> for Memory {
    fn from(cookies: Cookies) -> Self {
        Self { cookies, ..Self::default() }
    }
}

/// The cookies that a profile gives, beside those of the [`Jar`], whose rules they don't follow: they are sent as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cookies {
    #[default]
    None,
    /// One `Cookie` value for every URL of that host, as a host-only cookie with `Path=/` would be sent.
    Given { host: String, value: String },
}

impl Cookies {
    /// The cookie that a profile gives for its endpoint.
    pub fn given(endpoint: &Url, value: impl Into<String>) -> Self {
        match endpoint.host_str() {
            Some(host) => Self::Given { host: host.to_ascii_lowercase(), value: value.into() },
            None => Self::None,
        }
    }

    /// The `Cookie` value for a request to `url`, where credentials go with it.
    pub fn for_url(&self, url: &Url) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Given { host, value } => (url.host_str() == Some(host.as_str())).then_some(value.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_cookie_goes_to_its_host_alone() {
        let url = |text: &str| Url::parse(text).unwrap();
        let cookies = Cookies::given(&url("wss://API.test:8443/ws"), "sid=1");
        assert_eq!(cookies.for_url(&url("https://api.test/login")), Some("sid=1"));
        assert_eq!(cookies.for_url(&url("https://evil.test/")), None);
    }
}
