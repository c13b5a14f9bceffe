//! The one place where Chrome, Firefox and Safari differ in what they do. Words are in [`console`](super::console).
//!
//! Each function names the evidence: *seen* means recorded from Chromium 156, Firefox 153 esr and WebKitGTK 2.50 (whose
//! WebCore Safari shares, and whose network layer it does not).

pub mod cookies;
pub mod csp;

use url::Url;

use super::{Api, Browser, origin};
use crate::wire::NetError;

/// Whether `http:` and `ws:` to this machine are free from the mixed-content rule. Seen: WebKit refuses them.
pub fn loopback_is_trustworthy(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Ports that are bad in the standard and open in the browser. Seen in Chromium.
pub fn open_ports(browser: Browser) -> &'static [u16] {
    match browser {
        Browser::Chrome => &[4190, 6679],
        Browser::Firefox | Browser::Safari => &[],
    }
}

/// Request headers that need no permission beside the standard's safelist: client hints from before they were `Sec-`. Seen
/// in Chromium, where they are really sent; names in lower case.
pub fn is_extra_safelisted(browser: Browser, name: &str, value: &[u8]) -> bool {
    if browser != Browser::Chrome {
        return false;
    }
    match name {
        "dpr" | "device-memory" | "width" | "viewport-width" | "rtt" | "downlink" | "ect" | "intervention" => true,
        "save-data" => value.eq_ignore_ascii_case(b"on"),
        _ => false,
    }
}

/// Whether `Access-Control-Allow-Headers: *` covers `Authorization`, which the standard excepts. Seen: all three let it pass,
/// Firefox with a warning that it soon won't.
pub fn wildcard_covers_authorization(_browser: Browser) -> bool {
    true
}

/// Whether `User-Agent` set by a script is dropped. Seen in Chromium; the standard lets it through.
pub fn drops_user_agent(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// What of a preflight's answer is looked at, in order. Seen: Chromium refuses a redirect before all else, WebKit any other
/// status than 200 to 299.
pub fn preflight_order(browser: Browser) -> [PreflightCheck; 3] {
    use PreflightCheck::{Access, Redirect, Status};
    match browser {
        Browser::Chrome => [Redirect, Access, Status],
        Browser::Firefox => [Access, Redirect, Status],
        Browser::Safari => [Status, Access, Redirect],
    }
}

/// One of the three checks of a preflight's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreflightCheck {
    /// The CORS check.
    Access,
    /// 200 to 299.
    Status,
    /// No redirect.
    Redirect,
}

/// Whether a request that needed a preflight keeps needing one after a redirect that took its reason away (PUT, 303, GET).
/// Seen: Firefox and WebKit ask again, Chromium reckons anew.
pub fn preflight_is_sticky(browser: Browser) -> bool {
    browser != Browser::Chrome
}

/// Whether the preflight after a cross-origin redirect says `Origin: null`, as the request after it does in all three. Seen:
/// Firefox sends the page's origin.
pub fn preflight_origin_is_tainted(browser: Browser) -> bool {
    browser != Browser::Firefox
}

/// Whether `Authorization` is taken off at a redirect to another origin. Seen: WebKit keeps it.
pub fn drops_authorization(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether a redirect to a URL with a username is refused outside of CORS too. Seen in Chromium, which excepts
/// XMLHttpRequest; the standard follows.
pub fn refuses_userinfo_always(browser: Browser, api: Api) -> bool {
    browser == Browser::Chrome && api != Api::Xhr
}

/// Whether a redirect status with an empty `Location` is an ordinary answer. Seen: Chromium alone.
pub fn empty_location_is_none(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether a header value with bytes beyond ASCII in `Accept` and its like needs permission. Seen: Firefox alone.
pub fn non_ascii_is_unsafe(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether 407 from a server that is no proxy fails the request. Seen: Chromium alone.
pub fn refuses_proxy_status(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether 101 to a request that asked for no upgrade fails it. Seen: Firefox alone takes it for an answer.
pub fn refuses_unasked_switch(browser: Browser) -> bool {
    browser != Browser::Firefox
}

/// Whether a body that breaks fails the request though the head was good. Seen: a broken chunk in Firefox, which reads it
/// before it hands the head on; else the script has its answer by then.
pub fn broken_body_fails(browser: Browser, error: &NetError) -> bool {
    browser == Browser::Firefox && *error == NetError::InvalidChunks
}

/// Whether repeated, differing `Location` and `Content-Length` fields fail the answer. Seen in Chromium, and in the others
/// every way round.
pub fn refuses_repeated_framing(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// What `new WebSocket` looks at once its URL is one, in order. Seen in Chromium: the page's policies come before the
/// subprotocols, mixed content and the port after them; in Firefox and WebKit: policies before mixed content. The rest of
/// their order is their sources'.
pub fn socket_rules(browser: Browser) -> [SocketRule; 4] {
    use SocketRule::{MixedContent, Policies, Port, Subprotocols};
    match browser {
        Browser::Chrome => [Policies, Subprotocols, MixedContent, Port],
        Browser::Firefox => [Subprotocols, Policies, MixedContent, Port],
        Browser::Safari => [Port, Policies, Subprotocols, MixedContent],
    }
}

/// One of the rules for a new WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRule {
    /// Tokens, each once.
    Subprotocols,
    /// The page's Content Security Policies, and the upgrade.
    Policies,
    MixedContent,
    Port,
}

/// Whether a handshake must answer with one of the subprotocols that were asked for. Seen: Chromium alone; the others, and
/// RFC 6455, let it be absent.
pub fn wants_a_subprotocol(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether `Upgrade` may stand twice, or hold more than `websocket`. Seen: Firefox alone.
pub fn takes_many_upgrades(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether an empty `Sec-WebSocket-Extensions` is let pass. Seen: all but Chromium.
pub fn takes_empty_extensions(browser: Browser) -> bool {
    browser != Browser::Chrome
}

/// Whether a subprotocol in the answer is let pass though none was asked for. Seen: Firefox alone.
pub fn takes_unasked_subprotocol(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether subprotocols are compared without case and the first of several answers counts. Seen: WebKit(GTK) alone.
pub fn takes_loose_subprotocol(browser: Browser) -> bool {
    browser == Browser::Safari
}

/// The newest stable version's `User-Agent`, on a desktop.
pub fn user_agent(browser: Browser) -> &'static str {
    match browser {
        Browser::Chrome => {
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
        }
        Browser::Firefox => "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        Browser::Safari => {
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 \
             Safari/605.1.15"
        }
    }
}

/// `Accept-Language` of an English installation.
pub fn accept_language(browser: Browser) -> &'static str {
    match browser {
        Browser::Chrome | Browser::Safari => "en-US,en;q=0.9",
        Browser::Firefox => "en-US,en;q=0.5",
    }
}

/// The content codings on offer. Seen in Chromium, and known of the others: the newer ones go to secure URLs and to this
/// machine alone, because proxies in between have broken them.
pub fn accept_encoding(browser: Browser, url: &Url) -> &'static str {
    match browser {
        _ if !origin::is_potentially_trustworthy(url) => "gzip, deflate",
        Browser::Chrome | Browser::Firefox => "gzip, deflate, br, zstd",
        Browser::Safari => "gzip, deflate, br",
    }
}
