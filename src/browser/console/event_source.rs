//! The lines of an EventSource, beside those of the fetch under it.

use url::Url;

use super::{Console, Failing};
use crate::browser::{Api, Browser, Fault, Invalid, Mode, Page};
use crate::wire::NetError;

/// An answer of status 200 that is no event stream.
pub fn of_refused_stream(browser: Browser, fault: &Fault) -> Vec<String> {
    let line = match (browser, fault) {
        (Browser::Chrome | Browser::Safari, Fault::HandshakeInvalid(Invalid::EventStreamType { value })) => format!(
            "EventSource's response has a MIME type (\"{value}\") that is not \"text/event-stream\". Aborting the \
             connection."
        ),
        (Browser::Chrome, Fault::HandshakeInvalid(Invalid::EventStreamCharset { value })) => {
            format!("EventSource's response has a charset (\"{value}\") that is not UTF-8. Aborting the connection.")
        }
        _ => return Vec::new(),
    };
    vec![line]
}

/// A charset that is not UTF-8, which WebKit alone tells of and takes.
pub fn of_odd_charset(charset: &str) -> String {
    format!(
        "EventSource's response has a charset (\"{charset}\") that is not UTF-8. The response will be decoded as UTF-8."
    )
}

/// A connection that is given up before it opened, with the lines of its fetch. `url`: as Firefox knows it.
pub fn of_given_up(browser: Browser, url: &Url, fault: &Fault, mut console: Console) -> Console {
    if browser == Browser::Firefox {
        let line = format!("Firefox can’t establish a connection to the server at {url}.");
        if fault.code() == "ContentSecurityPolicy" {
            // The violation is reported from a task of its own.
            console.prepend(vec![line], true);
        } else {
            console.append(Console::new(vec![line]), false);
        }
    }
    console
}

/// An answer whose body broke before its first byte, to a browser that waits for that.
pub fn of_answer_without_body(page: &Page, foreign: bool, url: &Url, fault: &Fault) -> Vec<String> {
    super::of_fetch(&Failing {
        api: Api::EventSource,
        page,
        first: url,
        url,
        mode: Mode::Cors,
        fault: Some(fault),
        response: None,
        redirects: false,
        follows: true,
        preflight: false,
        after_preflight: false,
        origin: &page.origin(),
        answered: url,
        sent: true,
        foreign,
        remarks: &[],
        refused_at_once: false,
    })
    .lines
}

/// A stream that was open and broke; whether the browser comes `again`.
pub fn of_broken_stream(browser: Browser, url: &Url, error: &NetError, again: bool) -> Vec<String> {
    match browser {
        // Our own bounds are no browser's.
        Browser::Chrome if matches!(error, NetError::BodyTooLarge { .. } | NetError::Timeout { .. }) => Vec::new(),
        Browser::Chrome => vec![format!("Failed to load resource: {}", error.code())],
        Browser::Firefox if !again => {
            vec![format!("The connection to {url} was interrupted while the page was loading.")]
        }
        Browser::Firefox | Browser::Safari => Vec::new(),
    }
}
