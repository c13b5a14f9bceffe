//! Where the three browsers read and match a Content Security Policy in their own way.
//!
//! Seen in Chromium 156, Firefox 153 esr and WebKitGTK 2.50; what no case shows is from their sources: Blink's
//! `csp_source.cc` and `content_security_policy.cc`, Gecko's `nsCSPUtils.cpp` and `nsCSPParser.cpp`, WebCore's
//! `ContentSecurityPolicySource.cpp` and `ContentSecurityPolicySourceList.cpp`.

use url::Url;

use crate::browser::Browser;
use crate::browser::csp::PortPart;

/// What is done before a request goes out, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Every policy, enforced ones first, is asked about the URL.
    All,
    /// Those that only report.
    Report,
    /// Those that are enforced.
    Enforce,
    /// `upgrade-insecure-requests` is carried out.
    Upgrade,
    /// Every policy once more, where there was an upgrade.
    Again,
}

/// Seen in Chromium: `fetch()` asks once before anything else, and the loader under every API asks again, the report-only
/// policies before the upgrade and the enforced ones after it; a redirect is upgraded before anyone is asked. Firefox asks
/// after the rules about modes, before the upgrade, and again after one; WebKit asks once, after it.
pub fn checks(browser: Browser, asker: Asker) -> &'static [Check] {
    use Check::{Again, All, Enforce, Report, Upgrade};
    match (browser, asker) {
        (Browser::Chrome, Asker::Fetch) => &[All],
        (Browser::Chrome, Asker::Api) | (Browser::Safari, Asker::Loader) => &[],
        (Browser::Chrome, Asker::Loader) => &[Report, Upgrade, Enforce],
        (Browser::Chrome, Asker::Redirect) => &[Upgrade, Report, Enforce],
        (Browser::Firefox, Asker::Fetch | Asker::Api) => &[],
        (Browser::Firefox, Asker::Loader | Asker::Redirect | Asker::Socket) => &[All, Upgrade, Again],
        (Browser::Chrome, Asker::Socket) | (Browser::Safari, _) => &[Upgrade, All],
    }
}

/// Who asks whether a connection may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// `fetch()`, for the URL that the script gave.
    Fetch,
    /// XMLHttpRequest and EventSource, likewise.
    Api,
    /// What is under all three, after the API's own rules.
    Loader,
    /// The same, for where an answer sends it.
    Redirect,
    /// `new WebSocket`.
    Socket,
}

/// Whether `upgrade-insecure-requests` leaves loopback alone. Seen: Chromium does, Firefox for `http:` and not for `ws:`;
/// WebKit's source makes no such exception.
pub fn upgrade_spares_loopback(browser: Browser, scheme: &str) -> bool {
    match browser {
        Browser::Chrome => true,
        Browser::Firefox => scheme == "http",
        Browser::Safari => false,
    }
}

/// Whether a redirect asks the policies before its other rules. Seen: Firefox does but for a same-origin request sent abroad,
/// WebKit but for a scheme that is not the network's and for userinfo; Chromium's own layers have refused userinfo and the mode by then.
pub fn redirect_asks_first(browser: Browser, same_origin_abroad: bool, next: &Url) -> bool {
    match browser {
        Browser::Chrome => false,
        Browser::Firefox => !same_origin_abroad,
        Browser::Safari => {
            matches!(next.scheme(), "http" | "https") && next.username().is_empty() && next.password().is_none()
        }
    }
}

/// Whether a redirect to a scheme that is not the network's is asked about at all. Seen: not in WebKit.
pub fn asks_about_schemes(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether `'self'` matches nothing on a page that its `sandbox` took the origin. Seen in WebKit alone, and not for sockets.
pub fn sandbox_has_no_self(browser: Browser, scheme: &str) -> bool {
    browser == Browser::Safari && !matches!(scheme, "ws" | "wss")
}

/// What parts a policy's words. Seen: in WebKit a vertical tab too.
pub fn is_whitespace(browser: Browser, character: char) -> bool {
    matches!(character, '\t' | '\n' | '\x0c' | '\r' | ' ') || (browser == Browser::Safari && character == '\x0b')
}

/// Whether a policy that promises the upgrade lets pass what the upgraded URL may: Firefox alone, which asks before it
/// upgrades.
pub fn sees_promised_upgrade(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether a fetch that `block-all-mixed-content` forbids is put down to it. Seen: Firefox alone has a line of its own.
pub fn names_block_all_mixed_content(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether a directive with characters beyond ASCII, which none of them obeys, is the first of its name all the same, so that
/// a later one is ignored as well. Seen: Chromium alone.
pub fn unreadable_directive_counts(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether `*:8080`, without a scheme, is a source. Seen: not in WebKit, which drops it.
pub fn star_takes_port(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether a host may end in a dot: `api.test.`. Seen in Chromium, in WebKit's source; Firefox's parser refuses it.
pub fn host_may_end_in_dot(browser: Browser) -> bool {
    browser != Browser::Firefox
}

/// Whether `*.` is any host. WebKit's source; seen: not in Chromium.
pub fn bare_wildcard_is_any(browser: Browser) -> bool {
    browser == Browser::Safari
}

/// The schemes that `*` is good for: the network's and the page's own; in Firefox all but the local ones. Seen.
pub fn star_matches(browser: Browser, page: &str, scheme: &str) -> bool {
    match browser {
        Browser::Firefox => !matches!(scheme, "blob" | "data" | "filesystem"),
        Browser::Chrome | Browser::Safari => matches!(scheme, "http" | "https" | "ws" | "wss") || scheme == page,
    }
}

/// How well a part of a source expression fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Exact,
    /// Written so that any fits.
    Any,
    /// Only as the secure counterpart of what is written.
    Upgrade,
}

/// [scheme-part matches](https://w3c.github.io/webappsec-csp/#match-schemes). Seen: where the standard takes `https` for `ws`,
/// WebKit alone does, and `http` too; that `http` covers `ws` no browser holds.
pub fn scheme_part_matches(browser: Browser, pattern: &str, scheme: &str) -> Option<Fit> {
    match (pattern, scheme) {
        (pattern, scheme) if pattern == scheme => Some(Fit::Exact),
        ("http", "https") | ("ws", "wss") => Some(Fit::Upgrade),
        ("ws", "http" | "https") | ("wss", "https") if browser == Browser::Safari => Some(Fit::Upgrade),
        _ => None,
    }
}

/// [port-part matches](https://w3c.github.io/webappsec-csp/#port-part-match), for a source of `scheme`.
///
/// Seen: Firefox compares the digits as text (`017082` is no port of any URL), the others numbers.
pub fn port_part_matches(browser: Browser, scheme: &str, pattern: &PortPart, url: &Url) -> Option<Fit> {
    if *pattern == PortPart::Any {
        return Some(Fit::Any);
    }
    let secure = url.port() == Some(443) || (url.port().is_none() && default_port(url.scheme()) == Some(443));
    if browser == Browser::Firefox {
        if *pattern == PortPart::Default && url.port().is_none() {
            return Some(Fit::Any);
        }
        let written = match pattern {
            PortPart::Is(digits) => digits.clone(),
            PortPart::Default | PortPart::Any => default_port(scheme).map_or_else(String::new, |port| port.to_string()),
        };
        let asked = url.port().or(default_port(url.scheme())).map_or_else(String::new, |port| port.to_string());
        let same = written == asked;
        return (same || (written == "80" && asked == "443")).then_some(if same { Fit::Exact } else { Fit::Upgrade });
    }
    let number = match pattern {
        PortPart::Is(_) => Some(pattern.number()?),
        PortPart::Default | PortPart::Any => None,
    };
    if number == url.port() {
        return Some(if number.is_none() { Fit::Any } else { Fit::Exact });
    }
    if secure && (number == Some(80) || (scheme == "http" && matches!(number, None | Some(443)))) {
        return Some(Fit::Upgrade);
    }
    // One is written, the other is the scheme's own.
    (number.or(url.port()) == default_port(url.scheme()) && (number.is_none() || url.port().is_none()))
        .then_some(Fit::Exact)
}

/// Whether scheme and port fit together. Seen: Chromium wants both or neither to be upgraded.
pub fn upgrade_together(browser: Browser, scheme: Fit, port: Fit) -> bool {
    if browser != Browser::Chrome || (scheme != Fit::Upgrade && port != Fit::Upgrade) {
        return true;
    }
    scheme == Fit::Upgrade && matches!(port, Fit::Upgrade | Fit::Any)
}

/// `'self'`, hosts being the same: the page's own scheme and port, or a secure scheme or WebSocket beside it. Seen in all
/// three for `ws` and `wss`.
pub fn own_scheme_and_port_match(browser: Browser, page: &Url, url: &Url) -> bool {
    let (own, asked) = (page.scheme(), url.scheme());
    match browser {
        Browser::Chrome => {
            let ports = page.port() == url.port() || (page.port().is_none() && url.port() == default_port(own));
            ports && (own == asked || own == "http" || matches!(asked, "https" | "wss"))
        }
        Browser::Firefox => {
            let schemes = own == asked || matches!((own, asked), ("http", "https" | "ws" | "wss") | ("https", "wss"));
            schemes && port_part_matches(browser, own, &own_port(page), url).is_some()
        }
        Browser::Safari => {
            let schemes = own == asked || matches!(asked, "https" | "wss") || (own == "http" && asked == "ws");
            schemes && port_part_matches(browser, own, &own_port(page), url).is_some()
        }
    }
}

fn own_port(page: &Url) -> PortPart {
    page.port().map_or(PortPart::Default, |port| PortPart::Is(port.to_string()))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    }
}

/// A path as it is compared. Seen in Chromium: bytes that are no UTF-8 are taken one character each, so that `%E9` is
/// `%C3%A9`; not in WebKit; Firefox's source takes all so.
pub fn percent_decode(browser: Browser, path: &str) -> String {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    match String::from_utf8(bytes) {
        Ok(text) if browser != Browser::Firefox || text.is_ascii() => text,
        Ok(text) => text.bytes().map(char::from).collect(),
        Err(error) if browser == Browser::Safari => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    }
}
