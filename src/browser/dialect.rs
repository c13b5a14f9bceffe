//! The one place where Chrome, Firefox and Safari differ in what they do. Words are in [`console`](super::console).
//!
//! Each function names the evidence: *seen* means recorded from Chromium 156, Firefox 153 esr and WebKitGTK 2.50 (whose
//! WebCore Safari shares, and whose network layer it does not).

pub mod cookies;
pub mod csp;

use std::time::Duration;

use url::Url;

use super::{Api, Browser, Fault, Page, origin};
use crate::wire::{Exchange, NetError};

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

/// How a preflight's permission is kept. Seen; the caps are from the sources (`preflight_result.cc`,
/// `nsCORSListenerProxy.cpp`, `CrossOriginPreflightResultCache.cpp`).
pub fn permission_rules(browser: Browser) -> PermissionRules {
    let firefox = browser == Browser::Firefox;
    let longest = Duration::from_secs(match browser {
        Browser::Chrome => 7200,
        Browser::Firefox => 86_400,
        Browser::Safari => 600,
    });
    PermissionRules {
        longest,
        digits_alone: firefox,
        add_up: firefox,
        wildcards: !firefox,
        by_credentials: firefox,
        cleared_by_failure: firefox,
        of_tainted_origin: firefox,
    }
}

/// See [`permission_rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own that a browser has or has not")]
pub struct PermissionRules {
    /// `Access-Control-Max-Age` counts up to this.
    pub longest: Duration,
    /// An age that is not all digits means: not kept; else: kept for the default.
    pub digits_alone: bool,
    /// A new answer adds to the earlier ones of its URL; else it takes their place.
    pub add_up: bool,
    /// A `*` in the answer covers later requests too.
    pub wildcards: bool,
    /// Requests with and without credentials have permissions apart; else those with them serve both.
    pub by_credentials: bool,
    /// A request that the CORS check or the network refuses takes the permissions of its URL along.
    pub cleared_by_failure: bool,
    /// They are kept under the page's origin after a redirect that took it away; else there are none then.
    pub of_tainted_origin: bool,
}

/// Whether headers that make a preflight necessary count from the first request on, be it one at home, also where a redirect
/// takes them off (`Authorization`). Seen: Firefox alone.
pub fn remembers_unsafe_headers(browser: Browser) -> bool {
    browser == Browser::Firefox
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

/// What a redirect status with an empty `Location` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyLocation {
    /// An ordinary answer.
    None,
    /// A redirect that leads nowhere: the request fails.
    Invalid,
    /// A redirect to the same URL, as the standard has it.
    Same,
}

/// Seen: an ordinary answer in Chromium, followed 20 times in Firefox, a failure without a word in WebKitGTK.
pub fn empty_location(browser: Browser) -> EmptyLocation {
    match browser {
        Browser::Chrome => EmptyLocation::None,
        Browser::Firefox => EmptyLocation::Same,
        Browser::Safari => EmptyLocation::Invalid,
    }
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

/// Whether repeated, differing `Location`, `Content-Length` and `Content-Disposition` fields fail the answer. Seen: all but
/// WebKit(GTK), which takes the last.
pub fn refuses_repeated_framing(browser: Browser) -> bool {
    browser != Browser::Safari
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

/// `Accept` of a navigation. Seen in Chromium and Firefox; Safari's is known.
pub fn accept_page(browser: Browser) -> &'static str {
    match browser {
        Browser::Chrome => {
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,\
             application/signed-exchange;v=b3;q=0.7"
        }
        Browser::Firefox | Browser::Safari => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
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

/// How long an EventSource waits before it connects again, where no stream has said. Known of Blink, Gecko and WebCore by
/// their sources.
pub fn reconnection_time(browser: Browser) -> Duration {
    match browser {
        Browser::Chrome | Browser::Safari => Duration::from_secs(3),
        Browser::Firefox => Duration::from_secs(5),
    }
}

/// What a `retry` field makes of it; `None`: nothing. Seen: an empty one brings Chromium's default back; Firefox waits half a
/// second at least (and, by its source, three weeks at most).
pub fn new_reconnection_time(browser: Browser, value: &str) -> Option<Duration> {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let given = match value {
        "" if browser != Browser::Firefox => return Some(reconnection_time(browser)),
        "" => Some(0),
        digits => digits.parse::<u64>().ok(),
    };
    match browser {
        Browser::Chrome | Browser::Safari => given.map(Duration::from_millis),
        Browser::Firefox => Some(Duration::from_millis(given.unwrap_or(u64::MAX).clamp(500, 1_800_000_000))),
    }
}

/// The headers that a script reads of a `data:` URL. Seen: Firefox tells `fetch()` the length.
pub fn headers_of_data(browser: Browser, api: Api) -> Vec<String> {
    let length = (browser == Browser::Firefox && api == Api::Fetch).then(|| "content-length".to_owned());
    length.into_iter().chain(["content-type".to_owned()]).collect()
}

/// Whether an EventSource that did not open tries again. Seen: after a failure of the network Chromium and WebKit do, and
/// WebKit not after too many redirects. Firefox does at home, after failures that may pass; abroad every failure is one of
/// CORS to it.
pub fn event_source_tries_again(browser: Browser, fault: &Fault, foreign: bool) -> bool {
    match (browser, fault) {
        (
            Browser::Chrome | Browser::Safari,
            Fault::Net(_) | Fault::UnsafePort { .. } | Fault::InvalidRedirect | Fault::BlobGone,
        ) => true,
        (Browser::Chrome, Fault::BrokenData) => true,
        (
            Browser::Chrome,
            Fault::UnsafeRedirect | Fault::TooManyRedirects | Fault::RepeatedHeader { .. } | Fault::UnexpectedProxyAuth,
        ) => true,
        (Browser::Firefox, Fault::Net(error)) if !foreign => may_pass(error),
        _ => false,
    }
}

/// Whether an EventSource tries again after its open stream broke. Known of Firefox by its source; seen in Chromium.
pub fn stream_tries_again(browser: Browser, error: &NetError) -> bool {
    browser != Browser::Firefox || may_pass(error)
}

/// The failures after which Gecko's `EventSourceImpl::OnStopRequest` connects again.
fn may_pass(error: &NetError) -> bool {
    matches!(
        error,
        NetError::ConnectionRefused
            | NetError::ConnectTimeout
            | NetError::Timeout { .. }
            | NetError::ConnectionReset { .. }
            | NetError::ConnectionClosed { .. }
            | NetError::EmptyResponse
            | NetError::IncompleteBody
            | NetError::IncompleteChunks
            | NetError::ContentDecoding
            | NetError::ProxyConnectionFailed
    )
}

/// Whether `new EventSource` throws where a policy stops it. Seen: WebKit does on a Content-Security-Policy.
pub fn event_source_throws(browser: Browser, fault: &Fault) -> bool {
    browser == Browser::Safari && fault.code() == "ContentSecurityPolicy"
}

/// Whether an EventSource is announced with the first byte of its body, or its end, rather than with the head. Seen: Firefox
/// alone.
pub fn opens_with_the_body(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether an EventSource's URL may not have a username. Seen in Chromium: not, unless the page is of that origin and has the
/// same. The others send it.
pub fn refuses_userinfo_in_event_source(page: &Page, url: &Url) -> bool {
    let login = |url: &Url| (url.username().to_owned(), url.password().map(str::to_owned));
    page.browser == Browser::Chrome
        && login(url) != (String::new(), None)
        && !(page.is_same_origin(url) && login(&page.url) == login(url))
}

/// Where an EventSource connects next, by the exchanges of its last connection; `None`: where it did. Seen: Chromium goes where
/// the answer came from, as the standard has it. Known by their sources: Firefox after permanent redirects alone, WebKit never.
pub fn next_connection(browser: Browser, exchanges: &[Exchange]) -> Option<Url> {
    match browser {
        Browser::Chrome => exchanges.last().filter(|last| last.result.is_ok()).map(|last| last.request.url.clone()),
        Browser::Firefox => exchanges
            .windows(2)
            .rfind(|pair| matches!(pair[0].status(), Some(301 | 308)))
            .map(|pair| pair[1].request.url.clone()),
        Browser::Safari => None,
    }
}

/// Whether an XMLHttpRequest whose body breaks fails. Seen: all of them, but for a broken chunk in WebKitGTK, where it is the
/// end. Our own bound is no browser's.
pub fn broken_body_fails_xhr(browser: Browser, error: &NetError) -> bool {
    match error {
        NetError::BodyTooLarge { .. } => false,
        NetError::InvalidChunks => browser != Browser::Safari,
        _ => true,
    }
}
