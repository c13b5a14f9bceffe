//! What each browser writes to its console, word for word, computed from the fault and the facts.
//!
//! Chromium 156, Firefox 153 esr and WebKitGTK 2.50; WebCore's lines are Safari's too, those of WebKitGTK's network layer are
//! not, and stand in for them.

mod chrome;
mod firefox;
mod safari;

use url::Url;

use super::{Browser, Fault, Misuse, Mode, Page};
use crate::wire::WireResponse;

/// The lines, in order, and which of them tells the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console {
    pub lines: Vec<String>,
    reason: usize,
}

impl Console {
    /// These lines, of which the first tells the reason.
    pub fn new(lines: Vec<String>) -> Self {
        Self { lines, reason: 0 }
    }

    /// The line with the reason.
    pub fn reason(&self) -> Option<&str> {
        self.lines.get(self.reason).map(String::as_str)
    }
}

/// A fetch that has come to its end, as the console needs it.
#[derive(Clone, Debug)]
pub struct Failing<'a> {
    pub page: &'a Page,
    /// What the script asked for.
    pub first: &'a Url,
    /// Where it ended, redirects followed.
    pub url: &'a Url,
    pub mode: Mode,
    pub fault: Option<&'a Fault>,
    /// The last answer that came.
    pub response: Option<&'a WireResponse>,
    /// That answer was a redirect.
    pub redirects: bool,
    /// And the script's mode is to follow.
    pub follows: bool,
    /// It was the preflight that failed.
    pub preflight: bool,
    /// What the request's `Origin` says by now.
    pub origin: String,
    /// Where the last answer came from.
    pub answered: &'a Url,
    /// Anything went out at all.
    pub sent: bool,
    /// CORS (or opacity) is in play.
    pub foreign: bool,
}

/// The lines of a fetch.
pub fn of_fetch(failing: &Failing<'_>) -> Console {
    Console::new(match failing.page.browser {
        Browser::Chrome => chrome::fetch(failing),
        Browser::Firefox => firefox::fetch(failing),
        Browser::Safari => safari::fetch(failing),
    })
}

/// The lines of a WebSocket that did not open.
pub fn of_handshake(page: &Page, url: &Url, fault: &Fault) -> Console {
    Console::new(match page.browser {
        Browser::Chrome => chrome::handshake(page, url, fault),
        Browser::Firefox => firefox::handshake(url, fault),
        Browser::Safari => safari::handshake(page, url, fault),
    })
}

/// The text of the exception that `fetch` throws.
pub fn fetch_exception(browser: Browser, what: &str) -> String {
    match browser {
        Browser::Chrome => format!("Failed to execute 'fetch' on 'Window': {what}"),
        Browser::Firefox => format!("Window.fetch: {what}"),
        Browser::Safari => what.to_owned(),
    }
}

/// The text of the exception that `new WebSocket` throws.
pub fn websocket_exception(browser: Browser, misuse: &Misuse) -> String {
    match browser {
        Browser::Chrome => format!("Failed to construct 'WebSocket': {}", chrome::misuse(misuse)),
        Browser::Firefox => "An invalid or illegal string was specified".to_owned(),
        Browser::Safari => "The string did not match the expected pattern.".to_owned(),
    }
}
