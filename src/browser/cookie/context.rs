//! In whose company a request goes out: whether its URL is of the page's site, and whose jar it reads.

use url::Url;

use super::super::dialect::cookies as dialect;
use super::super::{Browser, Page, origin};
use super::as_http;

/// What a request's surroundings decide about its cookies, for sending and for setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub(super) browser: Browser,
    /// `Secure` cookies may be set and sent.
    pub(super) trustworthy: bool,
    /// A `__Host-` cookie may name the host itself as its `Domain`.
    pub(super) takes_own_domain: bool,
    /// [Cross-site](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.2), for what is sent.
    pub(super) cross_site: bool,
    /// The same for what is set, where the way to the URL doesn't count.
    pub(super) cross_site_set: bool,
    /// A cross-site URL was on the way, and nothing else makes it cross-site.
    pub(super) redirected: bool,
    /// Another site than the page's, whatever the schemes.
    pub(super) third_party: bool,
    /// The page's site, which partitioned cookies are kept by.
    pub(super) partition: String,
}

impl Context {
    /// Of a script's request on `page`, that went by `way` and now asks for the last URL of it. `ws` and `wss` count as `http`
    /// and `https`.
    pub fn of_request(page: &Page, way: &[Url]) -> Self {
        let browser = page.browser;
        let opaque = page.origin() == "null";
        let cross = |url: &Url| {
            let same = if dialect::is_schemeful(browser) { origin::same_site } else { origin::schemelessly_same_site };
            opaque || !same(&page.url, url)
        };
        let (last, before) = match way.split_last() {
            Some((last, before)) => (last, before),
            None => (&page.url, way),
        };
        let abroad = |url: &Url| !origin::schemelessly_same_site(&page.url, url);
        let third_party = abroad(last) || (dialect::third_party_stays(browser) && before.iter().any(abroad));
        let cross_site_set = cross(last);
        let redirected = !cross_site_set && dialect::redirects_count(browser) && before.iter().any(cross);
        Self {
            browser,
            trustworthy: dialect::may_be_secure(browser, &as_http(last)),
            takes_own_domain: dialect::host_prefix_takes_domain(browser, last),
            cross_site: cross_site_set || redirected,
            cross_site_set,
            redirected,
            third_party: opaque || third_party,
            partition: if opaque { page.origin() } else { origin::site(&page.url) },
        }
    }

    /// Of a person's navigation to `url`.
    pub fn of_navigation(browser: Browser, url: &Url) -> Self {
        Self {
            browser,
            trustworthy: dialect::may_be_secure(browser, &as_http(url)),
            takes_own_domain: dialect::host_prefix_takes_domain(browser, url),
            cross_site: false,
            cross_site_set: false,
            redirected: false,
            third_party: false,
            partition: origin::site(url),
        }
    }
}
