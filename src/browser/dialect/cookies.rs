//! Where the browsers differ about cookies.
//!
//! WebKitGTK keeps its cookies in libsoup's jar, Safari in CFNetwork's: what is marked *libsoup* was seen there, and is known
//! of Safari only by its documents, if at all.

use url::{Host, Url};

use crate::browser::cookie::SameSite;
use crate::browser::{Browser, origin};

/// What becomes of cookies of other sites than the page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThirdParty {
    /// They are sent and stored like any other.
    Sent,
    /// They are kept in a jar for each top-level site, so that a cookie set elsewhere is not there.
    Partitioned,
    /// There are none.
    Blocked,
}

/// Seen: Chrome (as set up by default) sends them, Firefox partitions, WebKit's tracking prevention blocks.
pub fn third_party(browser: Browser) -> ThirdParty {
    match browser {
        Browser::Chrome => ThirdParty::Sent,
        Browser::Firefox => ThirdParty::Partitioned,
        Browser::Safari => ThirdParty::Blocked,
    }
}

/// Whether a redirect by another site leaves what follows without cookies. Seen: WebKitGTK, which doesn't take back that it
/// blocked them.
pub fn third_party_stays(browser: Browser) -> bool {
    browser == Browser::Safari
}

/// Whether a site ends where the scheme does (http and https of one host are two). Seen: Chromium alone.
pub fn is_schemeful(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether a redirect by another site makes what follows cross-site. Seen: Firefox alone.
pub fn redirects_count(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// `SameSite`, where a cookie doesn't say. Seen: Chromium takes Lax, Firefox None; libsoup takes Lax, which blocking third
/// parties leaves nothing to.
pub fn effective(browser: Browser, same_site: Option<SameSite>) -> SameSite {
    match (same_site, browser) {
        (Some(same_site), _) => same_site,
        (None, Browser::Firefox) => SameSite::None,
        (None, Browser::Chrome | Browser::Safari) => SameSite::Lax,
    }
}

/// Whether `SameSite=None` without `Secure` is dropped. Seen: not by WebKitGTK (nor, by its documents, by Safari).
pub fn none_needs_secure(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether `Secure` cookies may be set and sent. Seen: http on this machine counts as secure in Chromium and Firefox.
pub fn may_be_secure(browser: Browser, url: &Url) -> bool {
    url.scheme() == "https" || (browser != Browser::Safari && origin::is_loopback(url))
}

/// Whether name prefixes are looked at. Seen: not by libsoup; Safari is documented to know `__Host-` and `__Secure-`.
pub fn knows_prefixes(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether `__Host-` wants `Path=/` spelled out. Seen: Chromium; in Firefox a path that comes to `/` will do.
pub fn host_prefix_wants_path(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether a `__Host-` cookie may have a `Domain` that is the host itself and nothing wider. Seen: in Chromium an address may, in
/// Firefox `localhost` too.
pub fn host_prefix_takes_domain(browser: Browser, url: &Url) -> bool {
    browser != Browser::Chrome || !matches!(url.host(), Some(Host::Domain(_)))
}

/// Whether `Partitioned` means anything. Seen: Chromium and Firefox.
pub fn knows_partitioned(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// What a `Set-Cookie` without `=` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nameless {
    /// A value without a name.
    IsValue,
    /// A name without a value; one without a name is dropped.
    IsName,
}

/// Seen: a value without a name, but in Firefox 153.
pub fn nameless(browser: Browser) -> Nameless {
    match browser {
        Browser::Chrome | Browser::Safari => Nameless::IsValue,
        Browser::Firefox => Nameless::IsName,
    }
}

/// Whether a value without a name may hold `=`, which reads like a name where it arrives. Seen: not in Chromium.
pub fn nameless_takes_equals(browser: Browser) -> bool {
    browser != Browser::Chrome
}

/// Whether a control character (a tab apart) drops the cookie.
pub fn minds_control_characters(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether a tab within a name or a value drops the cookie. Seen: Chromium.
pub fn minds_tabs(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether the later one of `Max-Age` and `Expires` counts, rather than `Max-Age`. Seen: libsoup.
pub fn later_lifetime_counts(browser: Browser) -> bool {
    browser == Browser::Safari
}

/// Whether `Max-Age=+5` is a number. Seen: Chromium.
pub fn max_age_takes_plus(browser: Browser) -> bool {
    browser == Browser::Chrome
}

/// Whether whatever follows a minus in `Max-Age` is a negative number. Known from Gecko's source.
pub fn minus_alone_is_over(browser: Browser) -> bool {
    browser == Browser::Firefox
}

/// Whether `Expires` is meant by the clock of the answer's `Date`. Seen: Chromium and Firefox.
pub fn minds_server_clock(browser: Browser) -> bool {
    browser != Browser::Safari
}

/// Whether the cookies of an answer to a WebSocket handshake are stored. Seen: Chromium's network drops the answer of a
/// handshake that fails, but for 401.
pub fn keeps_of_handshake(browser: Browser, status: u16, opened: bool) -> bool {
    match browser {
        Browser::Chrome => opened || status == 401,
        Browser::Firefox | Browser::Safari => keeps_of_answer(browser, status),
    }
}

/// Whether the cookies of an answer with that status are stored. Seen: Firefox leaves 407 to its proxy code.
pub fn keeps_of_answer(browser: Browser, status: u16) -> bool {
    browser != Browser::Firefox || status != 407
}

/// Whether an answer's cookies are stored though its head is found wanting. Seen: WebKitGTK alone.
pub fn keeps_of_broken_answer(browser: Browser) -> bool {
    browser == Browser::Safari
}

/// Whether plain http leaves `Secure` cookies alone. Seen: not libsoup.
pub fn leaves_secure_alone(browser: Browser) -> bool {
    browser != Browser::Safari
}
