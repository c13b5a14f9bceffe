//! A person's way to a page: an address that is typed in, or a form that is sent, up to the page that it ends with. Cookies
//! are first-party all along.
//!
//! The fields and their order are Chromium 156's and Firefox 153's as recorded; Safari's are as for a script's request.

use bytes::Bytes;
use url::Url;

use super::cookie::{Context, Jar};
use super::redirect::{self, Location};
use super::{Abilities, Browser, Fault, Page, dialect, http, origin, port, sent};
use crate::base::Wall;
use crate::wire::{Exchange, Headers, Purpose, WireRequest};

/// One navigation under way.
#[derive(Clone, Debug)]
pub struct Navigation {
    browser: Browser,
    /// Where it is now.
    url: Url,
    /// The page that it began on; `None`: an address was typed in.
    from: Option<Url>,
    /// What a form sends, urlencoded; `None`: nothing is sent (any more).
    form: Option<Bytes>,
    /// Fields of a script that sends the form in the page's stead.
    extra: Vec<(String, String)>,
    hops: usize,
    /// [Sec-Fetch-Site](https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header), the worst on the way.
    site: &'static str,
    /// An answer set a cookie that is not stored.
    lost_cookie: bool,
}

impl Navigation {
    /// To an address that is typed in.
    pub fn to(browser: Browser, url: Url) -> Self {
        Self { browser, url, from: None, form: None, extra: Vec::new(), hops: 0, site: "none", lost_cookie: false }
    }

    /// A form of the page `from` is sent by POST to `url`. `extra`: fields beside a browser's own, as a script sends them.
    pub fn submit(
        browser: Browser,
        from: Url,
        url: Url,
        fields: &[(String, String)],
        extra: Vec<(String, String)>,
    ) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let form = Some(Bytes::from(form.finish()));
        Self { form, extra, from: Some(from), site: "same-origin", ..Self::to(browser, url) }
    }

    /// Where it is: at its end, the page's URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether an answer on the way set a cookie that the browser does not store.
    pub fn has_lost_a_cookie(&self) -> bool {
        self.lost_cookie
    }

    /// What goes out next.
    pub fn request(&mut self, jar: &mut Jar, now: Wall) -> WireRequest {
        let mut url = self.url.clone();
        url.set_fragment(None);
        if let Some(from) = &self.from {
            self.site = match self.site {
                "same-origin" if origin::same_origin(from, &url) => "same-origin",
                "same-origin" | "same-site" if origin::same_site(from, &url) => "same-site",
                _ => "cross-site",
            };
        }
        let cookie = jar.retrieve(&Context::of_navigation(self.browser, &url), &url, now, 0).field;
        let headers = self.fields(&url, cookie.as_deref());
        let (method, body) = match &self.form {
            Some(form) => ("POST", form.clone()),
            None => ("GET", Bytes::new()),
        };
        WireRequest { purpose: Purpose::SignIn, method: method.into(), url, headers, body }
    }

    /// What came of it. True: it goes on with the next [`Navigation::request`]; false: this is the page.
    ///
    /// # Errors
    /// The network's failure, or a redirect that no browser follows.
    pub fn on_exchange(&mut self, exchange: &mut Exchange, jar: &mut Jar, now: Wall) -> Result<bool, Fault> {
        http::read(self.browser, exchange).map_err(Fault::Net)?;
        let response = exchange.result.as_ref().map_err(|error| Fault::Net(error.clone()))?;
        let context = Context::of_navigation(self.browser, &self.url);
        let received = jar.receive(&context, &self.url, &response.headers, now, 0);
        self.lost_cookie |= !received.excluded.is_empty();
        let next = match redirect::location_url(self.browser, response, &self.url) {
            Location::None => return Ok(false),
            Location::Invalid => return Err(Fault::InvalidRedirect),
            Location::Url(next) => *next,
        };
        if !matches!(next.scheme(), "http" | "https") {
            return Err(Fault::UnsafeRedirect);
        }
        if let Some(port) = port::bad_port(self.browser, &next) {
            return Err(Fault::UnsafePort { port });
        }
        self.hops += 1;
        if redirect::MAX_REDIRECTS < self.hops {
            return Err(Fault::TooManyRedirects);
        }
        if self.form.is_some() && redirect::becomes_get(response.status, "POST") {
            self.form = None;
            self.extra.clear();
        }
        self.url = next;
        Ok(true)
    }

    fn fields(&self, url: &Url, cookie: Option<&[u8]>) -> Headers {
        let mut out = Headers::new();
        for name in order(self.browser) {
            match (*name, cookie) {
                ("Cookie", Some(cookie)) => out.push(*name, cookie),
                ("Cookie", None) => {}
                _ => {
                    if let Some(value) = self.field(name, url) {
                        out.push(*name, value);
                    }
                }
            }
            if *name == "Content-Type" {
                self.extra.iter().for_each(|(name, value)| out.push(name.as_str(), value));
            }
        }
        out
    }

    fn field(&self, name: &str, url: &Url) -> Option<String> {
        let browser = self.browser;
        let form = self.form.as_ref();
        if name.starts_with("sec-ch-") || name.starts_with("Sec-Fetch-") {
            // Secure URLs alone are told.
            return origin::is_potentially_trustworthy(url).then(|| self.told(name).to_owned());
        }
        let fixed = match name {
            "Host" => return Some(sent::host(url).to_owned()),
            "Content-Length" => return form.map(|form| form.len().to_string()),
            "Origin" => return form.and_then(|_| self.origin(url)),
            "Referer" => return sent::referrer(&Page::new(self.from.clone()?, browser), url),
            "Content-Type" => form.map(|_| "application/x-www-form-urlencoded")?,
            "Cache-Control" => form.map(|_| "max-age=0")?,
            "User-Agent" => dialect::user_agent(browser),
            "Accept" => dialect::accept_page(browser),
            "Accept-Encoding" if Abilities::default().codings => dialect::accept_encoding(browser, url),
            "Accept-Encoding" => "identity",
            "Accept-Language" => dialect::accept_language(browser),
            "Upgrade-Insecure-Requests" => "1",
            "Priority" => "u=0, i",
            _ => "keep-alive",
        };
        Some(fixed.to_owned())
    }

    /// Hints, and [fetch metadata](https://w3c.github.io/webappsec-fetch-metadata/).
    fn told(&self, name: &str) -> &'static str {
        match name {
            "sec-ch-ua" => sent::BRANDS,
            "sec-ch-ua-mobile" => "?0",
            "sec-ch-ua-platform" => sent::PLATFORM,
            "Sec-Fetch-Site" => self.site,
            "Sec-Fetch-Mode" => "navigate",
            // A person typed it, or clicked.
            "Sec-Fetch-User" => "?1",
            _ => "document",
        }
    }

    /// [Append a request `Origin` header](https://fetch.spec.whatwg.org/#append-a-request-origin-header), by the default
    /// referrer policy.
    fn origin(&self, url: &Url) -> Option<String> {
        let from = self.from.as_ref()?;
        let downgrade = from.scheme() == "https" && url.scheme() != "https";
        let tainted = 0 < self.hops && self.site != "same-origin";
        Some(if downgrade || tainted { "null".to_owned() } else { origin::serialize(from) })
    }
}

/// Names of the fields of a typed address or a sent form, in order. After a redirect Chromium and Firefox move some; a server
/// can't mind.
fn order(browser: Browser) -> &'static [&'static str] {
    match browser {
        Browser::Chrome => &[
            "Host",
            "Connection",
            "Content-Length",
            "Cache-Control",
            "sec-ch-ua",
            "sec-ch-ua-mobile",
            "sec-ch-ua-platform",
            "Upgrade-Insecure-Requests",
            "Content-Type",
            "User-Agent",
            "Origin",
            "Accept",
            "Sec-Fetch-Site",
            "Sec-Fetch-Mode",
            "Sec-Fetch-User",
            "Sec-Fetch-Dest",
            "Referer",
            "Accept-Encoding",
            "Accept-Language",
            "Cookie",
        ],
        Browser::Firefox => &[
            "Host",
            "User-Agent",
            "Accept",
            "Accept-Language",
            "Accept-Encoding",
            "Content-Type",
            "Content-Length",
            "Origin",
            "Connection",
            "Referer",
            "Cookie",
            "Upgrade-Insecure-Requests",
            "Sec-Fetch-Dest",
            "Sec-Fetch-Mode",
            "Sec-Fetch-Site",
            "Sec-Fetch-User",
            "Priority",
        ],
        Browser::Safari => &[
            "Host",
            "Content-Type",
            "Origin",
            "Accept-Encoding",
            "Cookie",
            "Connection",
            "Upgrade-Insecure-Requests",
            "Accept",
            "User-Agent",
            "Referer",
            "Content-Length",
            "Accept-Language",
            "Sec-Fetch-Dest",
            "Sec-Fetch-Mode",
            "Sec-Fetch-Site",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HttpVersion, NetError, Phases, Transfer, WireResponse};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn answer(request: WireRequest, status: u16, fields: &[(&str, &str)]) -> Exchange {
        let response = WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers: fields.iter().copied().collect(),
            body: Bytes::new(),
            body_size: 0,
            transfer: Transfer::plain(0),
        };
        Exchange {
            request,
            result: Ok(response),
            phases: Phases::default(),
            peer: None,
            tried: Vec::new(),
            tls: None,
            proxy: None,
        }
    }

    /// A form sent from `from` to `to`, redirected by each of `hops`: every request as method, URL, Origin, Referer, site and
    /// cookie, with what came of the last.
    #[track_caller]
    fn check(from: &str, to: &str, hops: &[(u16, &str)], expected: &[&str]) {
        let mut jar = Jar::default();
        jar.set_from_navigation(Browser::Chrome, &url(to), b"csrf=1; SameSite=Strict", Wall(0)).unwrap();
        let fields = [("user name".to_owned(), "a&b".to_owned())];
        let mut going = Navigation::submit(Browser::Chrome, url(from), url(to), &fields, Vec::new());
        let mut told = Vec::new();
        let mut hops = hops.iter();
        loop {
            let request = going.request(&mut jar, Wall(0));
            let field = |name| request.headers.joined(name).unwrap_or_else(|| "-".into());
            let (origin, referer, site) = (field("origin"), field("referer"), field("sec-fetch-site"));
            told.push(format!("{} {} {origin} {referer} {site} {}", request.method, request.url, field("cookie")));
            assert_eq!(request.method == "POST", &*request.body == b"user+name=a%26b");
            let mut exchange = match hops.next() {
                Some((status, to)) => answer(request, *status, &[("Location", to), ("Set-Cookie", "sid=2")]),
                None => answer(request, 200, &[]),
            };
            match going.on_exchange(&mut exchange, &mut jar, Wall(0)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    told.push(fault.code().to_owned());
                    break;
                }
            }
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn a_form_is_sent_from_its_page_and_its_redirect_followed_with_the_new_cookie() {
        check(
            "https://a.test/login?next=/",
            "https://a.test/login",
            &[(302, "/home")],
            &[
                "POST https://a.test/login https://a.test https://a.test/login?next=/ same-origin csrf=1",
                "GET https://a.test/home - https://a.test/login?next=/ same-origin csrf=1; sid=2",
            ],
        );
    }

    #[test]
    fn a_form_that_is_sent_on_to_another_site_loses_its_origin() {
        check(
            "https://a.test/login",
            "https://a.test/login",
            &[(307, "https://b.test/in")],
            &[
                "POST https://a.test/login https://a.test https://a.test/login same-origin csrf=1",
                "POST https://b.test/in null https://a.test/ cross-site -",
            ],
        );
    }

    #[test]
    fn redirects_that_no_browser_follows_end_it() {
        for (to, code) in [
            ("file:///etc/passwd", "net::ERR_UNSAFE_REDIRECT"),
            ("http://[", "net::ERR_INVALID_REDIRECT"),
            ("http://a.test:25/", "net::ERR_UNSAFE_PORT"),
        ] {
            let first = "POST http://a.test/ http://a.test http://a.test/ - csrf=1";
            check("http://a.test/", "http://a.test/", &[(302, to)], &[first, code]);
        }
        let mut going = Navigation::to(Browser::Chrome, url("http://a.test/"));
        let mut jar = Jar::default();
        let mut on = || {
            let mut exchange = answer(going.request(&mut jar, Wall(0)), 302, &[("Location", "/")]);
            going.on_exchange(&mut exchange, &mut jar, Wall(0))
        };
        assert!((0..redirect::MAX_REDIRECTS).all(|_| on() == Ok(true)));
        assert_eq!(on(), Err(Fault::TooManyRedirects));
        let mut failed = answer(going.request(&mut jar, Wall(0)), 200, &[]);
        failed.result = Err(NetError::ConnectionRefused);
        assert_eq!(going.on_exchange(&mut failed, &mut jar, Wall(0)), Err(Fault::Net(NetError::ConnectionRefused)));
    }

    #[test]
    fn the_fields_stand_in_each_browsers_order() {
        let names = |browser| {
            let mut going = Navigation::to(browser, url("http://127.0.0.1/"));
            let request = going.request(&mut Jar::default(), Wall(0));
            request.headers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(Browser::Chrome),
            "Host Connection sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform Upgrade-Insecure-Requests User-Agent Accept \
             Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-User Sec-Fetch-Dest Accept-Encoding Accept-Language"
        );
        assert_eq!(
            names(Browser::Firefox),
            "Host User-Agent Accept Accept-Language Accept-Encoding Connection Upgrade-Insecure-Requests Sec-Fetch-Dest \
             Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Priority"
        );
    }
}
