//! The header fields that a browser adds to what the script asked for, in its order and its letters' case.
//!
//! Chrome's order is that of its HTTP/1.1 requests; Firefox's likewise. Safari's network layer orders by a hash, so that its
//! order here is one of several. HTTP/2 has neither `Host` nor `Connection`: the network leaves them out there.

use url::{Position, Url};

use super::{Api, Browser, Mode, Page, dialect, origin};
use crate::wire::Headers;

/// Chrome's `sec-ch-ua`.
pub(super) const BRANDS: &str = "\"Chromium\";v=\"156\", \"Google Chrome\";v=\"156\", \"Not=A?Brand\";v=\"24\"";
/// Its `sec-ch-ua-platform`.
pub(super) const PLATFORM: &str = "\"Linux\"";
/// About how many fields there are.
const FIELDS: usize = 16;

/// What decides the fields of one request.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    pub api: Api,
    pub page: &'a Page,
    pub url: &'a Url,
    pub method: &'a str,
    /// What the script set, in order.
    pub script: &'a [(String, Vec<u8>)],
    /// Length of the body; `None`: none.
    pub body: Option<usize>,
    /// The `Origin` field.
    pub origin: Option<&'a str>,
    pub cookie: Option<&'a [u8]>,
    pub mode: Mode,
    /// Every URL on the way, this one included.
    pub way: &'a [Url],
    /// For a preflight: `Access-Control-Request-Method` and `-Headers`.
    pub preflight: Option<(&'a str, Option<&'a str>)>,
}

/// [Sec-Fetch-Site](https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header): the worst of the URLs on the way.
pub fn sec_fetch_site(page: &Page, way: &[Url]) -> &'static str {
    if page.is_sandboxed() {
        return "cross-site";
    }
    let page = &page.url;
    let mut site = "same-origin";
    for url in way {
        if origin::same_origin(page, url) {
            continue;
        }
        if !origin::same_site(page, url) {
            return "cross-site";
        }
        site = "same-site";
    }
    site
}

/// The `Referer` under the default policy,
/// [strict-origin-when-cross-origin](https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer).
pub fn referrer(page: &Page, url: &Url) -> Option<String> {
    let same_origin = page.is_same_origin(url);
    let page = &page.url;
    if !matches!(page.scheme(), "http" | "https") {
        return None;
    }
    if same_origin {
        // Without username, password and fragment.
        return Some([page.scheme(), "://", &page[Position::BeforeHost..Position::AfterQuery]].concat());
    }
    if origin::is_potentially_trustworthy(page) && !origin::is_potentially_trustworthy(url) {
        return None;
    }
    Some([page.scheme(), "://", host(page), "/"].concat())
}

/// The `Host` field: the port only where it is not the scheme's own.
pub fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Every field, in order.
pub fn headers(sent: &Sent<'_>) -> Headers {
    let mut out = Headers::with_capacity(FIELDS);
    match sent.page.browser {
        Browser::Chrome => chrome(sent, &mut out),
        Browser::Firefox => firefox(sent, &mut out),
        Browser::Safari => safari(sent, &mut out),
    }
    out
}

impl Sent<'_> {
    /// A field that the script may set in the browser's stead, else the browser's.
    fn own(&self, out: &mut Headers, name: &str, default: &str) {
        if !self.scripted(out, name) {
            out.push(name, default);
        }
    }

    /// The script's field of that name, if it set one.
    fn scripted(&self, out: &mut Headers, name: &str) -> bool {
        let Some((written, value)) = self.script.iter().find(|(written, _)| written.eq_ignore_ascii_case(name)) else {
            return false;
        };
        out.push(written.as_str(), value);
        true
    }

    /// What the script set beyond the fields that have their own place.
    fn rest(&self, out: &mut Headers) {
        const PLACED: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];
        if self.api == Api::EventSource {
            return;
        }
        for (name, value) in self.script {
            if !PLACED.iter().any(|placed| placed.eq_ignore_ascii_case(name)) {
                out.push(name.as_str(), value);
            }
        }
    }

    fn length(&self, out: &mut Headers) {
        match self.body {
            Some(length) => out.push("Content-Length", length.to_string()),
            None if matches!(self.method, "POST" | "PUT") => out.push("Content-Length", "0"),
            None => {}
        }
    }

    fn coding(&self, out: &mut Headers) {
        let offer = if self.page.abilities.codings {
            dialect::accept_encoding(self.page.browser, self.url)
        } else {
            "identity"
        };
        out.push("Accept-Encoding", offer);
    }

    fn asked(&self, out: &mut Headers) {
        if let Some((method, names)) = self.preflight {
            out.push("Access-Control-Request-Method", method);
            if let Some(names) = names {
                out.push("Access-Control-Request-Headers", names);
            }
        }
    }

    fn origin(&self, out: &mut Headers) {
        if let Some(origin) = self.origin {
            out.push("Origin", origin);
        }
    }

    fn referer(&self, out: &mut Headers) {
        if let Some(referrer) = referrer(self.page, self.url) {
            out.push("Referer", referrer);
        }
    }

    fn cookie(&self, out: &mut Headers) {
        if let Some(cookie) = self.cookie {
            out.push("Cookie", cookie);
        }
    }

    /// [Fetch metadata](https://w3c.github.io/webappsec-fetch-metadata/), which only secure URLs are told: these, of site,
    /// mode and destination.
    fn metadata(&self, out: &mut Headers, order: &[&str]) {
        if !origin::is_potentially_trustworthy(self.url) {
            return;
        }
        for name in order {
            match *name {
                "Sec-Fetch-Site" => out.push(name, sec_fetch_site(self.page, self.way)),
                "Sec-Fetch-Mode" => out.push(name, self.mode.word()),
                _ => out.push(name, "empty"),
            }
        }
    }
}

fn chrome(sent: &Sent<'_>, out: &mut Headers) {
    let browser = sent.page.browser;
    out.push("Host", host(sent.url));
    out.push("Connection", "keep-alive");
    if sent.preflight.is_some() {
        out.push("Accept", "*/*");
        sent.asked(out);
        sent.origin(out);
        out.push("User-Agent", dialect::user_agent(browser));
        // Seen: the mode goes to insecure URLs too.
        out.push("Sec-Fetch-Mode", sent.mode.word());
        sent.metadata(out, &["Sec-Fetch-Site", "Sec-Fetch-Dest"]);
        sent.referer(out);
        sent.coding(out);
        out.push("Accept-Language", dialect::accept_language(browser));
        return;
    }
    let hints = origin::is_potentially_trustworthy(sent.url);
    let stream = sent.api == Api::EventSource;
    if stream {
        out.push("Pragma", "no-cache");
        sent.scripted(out, "Cache-Control");
    }
    sent.length(out);
    if hints {
        out.push("sec-ch-ua-platform", PLATFORM);
    }
    sent.own(out, "User-Agent", dialect::user_agent(browser));
    if stream {
        sent.scripted(out, "Accept");
    }
    if hints {
        out.push("sec-ch-ua", BRANDS);
    }
    sent.scripted(out, "Content-Type");
    if hints {
        out.push("sec-ch-ua-mobile", "?0");
    }
    sent.rest(out);
    if !stream {
        sent.own(out, "Accept", "*/*");
    }
    sent.origin(out);
    sent.metadata(out, &["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"]);
    if stream {
        sent.scripted(out, "Last-Event-ID");
    }
    sent.referer(out);
    sent.coding(out);
    sent.own(out, "Accept-Language", dialect::accept_language(browser));
    sent.cookie(out);
}

fn firefox(sent: &Sent<'_>, out: &mut Headers) {
    let browser = sent.page.browser;
    out.push("Host", host(sent.url));
    sent.own(out, "User-Agent", dialect::user_agent(browser));
    sent.own(out, "Accept", "*/*");
    sent.own(out, "Accept-Language", dialect::accept_language(browser));
    sent.coding(out);
    sent.asked(out);
    if sent.api == Api::EventSource {
        sent.scripted(out, "Last-Event-ID");
    }
    sent.referer(out);
    sent.scripted(out, "Content-Type");
    sent.rest(out);
    if sent.preflight.is_none() {
        sent.length(out);
    }
    sent.origin(out);
    out.push("Connection", "keep-alive");
    sent.cookie(out);
    sent.metadata(out, &["Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"]);
    if sent.api != Api::EventSource {
        out.push("Priority", "u=4");
        return;
    }
    out.push("Pragma", "no-cache");
    sent.scripted(out, "Cache-Control");
}

fn safari(sent: &Sent<'_>, out: &mut Headers) {
    let browser = sent.page.browser;
    out.push("Host", host(sent.url));
    sent.scripted(out, "Content-Type");
    sent.origin(out);
    sent.asked(out);
    sent.coding(out);
    sent.cookie(out);
    out.push("Connection", "keep-alive");
    sent.rest(out);
    if sent.api == Api::EventSource {
        sent.scripted(out, "Cache-Control");
        sent.scripted(out, "Last-Event-ID");
    }
    sent.own(out, "Accept", "*/*");
    sent.own(out, "User-Agent", dialect::user_agent(browser));
    sent.referer(out);
    if sent.preflight.is_none() {
        sent.length(out);
    }
    sent.own(out, "Accept-Language", dialect::accept_language(browser));
    sent.metadata(out, &["Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn page(text: &str) -> Page {
        Page::new(url(text), Browser::Chrome)
    }

    #[test]
    fn the_referrer_is_whole_at_home_an_origin_abroad_and_none_on_a_downgrade() {
        let page = page("https://u:p@app.test/a?b#c");
        assert_eq!(referrer(&page, &url("https://app.test/x")).as_deref(), Some("https://app.test/a?b"));
        assert_eq!(referrer(&page, &url("https://api.test/x")).as_deref(), Some("https://app.test/"));
        assert_eq!(referrer(&page, &url("http://api.test/x")), None);
    }

    /// Names of the fields, in order.
    #[track_caller]
    fn order(browser: Browser, url: &str, preflight: bool, expected: &str) {
        let page = Page::new(Url::parse("https://app.test/").unwrap(), browser);
        let script = [("X-Test".to_owned(), b"1".to_vec()), ("Content-Type".to_owned(), b"application/json".to_vec())];
        let sent = Sent {
            api: Api::Fetch,
            page: &page,
            url: &Url::parse(url).unwrap(),
            method: if preflight { "OPTIONS" } else { "POST" },
            script: if preflight { &[] } else { &script },
            body: (!preflight).then_some(2),
            origin: Some("https://app.test"),
            cookie: (!preflight).then_some(b"sid=1"),
            mode: Mode::Cors,
            way: &[],
            preflight: preflight.then_some(("POST", Some("content-type,x-test"))),
        };
        let names: Vec<String> = headers(&sent).iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn chromes_fields_stand_in_its_order_and_case() {
        order(
            Browser::Chrome,
            "https://api.test/",
            false,
            "Host Connection Content-Length sec-ch-ua-platform User-Agent sec-ch-ua Content-Type sec-ch-ua-mobile X-Test \
             Accept Origin Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Cookie",
        );
        order(
            Browser::Chrome,
            "https://api.test/",
            true,
            "Host Connection Accept Access-Control-Request-Method Access-Control-Request-Headers Origin User-Agent \
             Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-Dest Referer Accept-Encoding Accept-Language",
        );
    }

    #[test]
    fn an_insecure_url_is_told_neither_hints_nor_metadata() {
        order(
            Browser::Chrome,
            "http://api.test/",
            false,
            "Host Connection Content-Length User-Agent Content-Type X-Test Accept Origin Accept-Encoding Accept-Language \
             Cookie",
        );
    }

    #[test]
    fn firefoxs_fields_stand_in_its_order() {
        order(
            Browser::Firefox,
            "https://api.test/",
            false,
            "Host User-Agent Accept Accept-Language Accept-Encoding Referer Content-Type X-Test Content-Length Origin \
             Connection Cookie Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Priority",
        );
    }

    #[test]
    fn an_event_stream_is_asked_for_in_chromes_own_order() {
        let page = Page::new(url("https://app.test/"), Browser::Chrome);
        let script = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache"), ("Last-Event-ID", "1")]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let sent = Sent {
            api: Api::EventSource,
            page: &page,
            url: &url("https://api.test/"),
            method: "GET",
            script: &script,
            body: None,
            origin: Some("https://app.test"),
            cookie: None,
            mode: Mode::Cors,
            way: &[],
            preflight: None,
        };
        let names: Vec<String> = headers(&sent).iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(
            names.join(" "),
            "Host Connection Pragma Cache-Control sec-ch-ua-platform User-Agent Accept sec-ch-ua sec-ch-ua-mobile Origin \
             Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Last-Event-ID Referer Accept-Encoding Accept-Language"
        );
    }

    #[test]
    fn one_foreign_hop_makes_it_cross_site() {
        let page = page("https://app.test/");
        let site = |urls: &[&str]| {
            let urls: Vec<Url> = urls.iter().map(|text| url(text)).collect();
            sec_fetch_site(&page, &urls)
        };
        assert_eq!(site(&["https://app.test/x"]), "same-origin");
        assert_eq!(site(&["https://www.app.test/x", "https://app.test/"]), "same-site");
        assert_eq!(site(&["https://b.test/x", "https://app.test/"]), "cross-site");
    }
}
