//! What the script's [close event](https://websockets.spec.whatwg.org/#closeevent) says, whatever the wire said.

use crate::browser::Browser;
use crate::wire::Breach;

/// How a connection that had opened came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// A close frame came from the server (first, or in answer to ours), and the closing handshake was completed. `code` is
    /// `None` where the frame was empty.
    Closed { code: Option<u16>, reason: &'a str },
    /// A close frame came, and then the connection was reset in the place of an end.
    ClosedAndReset { code: Option<u16>, reason: &'a str },
    /// The stream ended, or was reset, without a close frame from the server: also where ours was never answered.
    Cut,
    /// The server broke the protocol, and the browser failed the connection.
    Violated,
}

/// What ended a connection that had opened, other than a close frame and the stream's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The server broke the protocol.
    Breach(Breach),
    /// The connection was reset.
    Reset,
}

/// The event's three fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseEvent {
    pub code: u16,
    pub reason: String,
    pub clean: bool,
}

/// No close frame: [RFC 6455, section 7.1.5](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5).
const ABNORMAL: u16 = 1006;
/// An empty close frame.
const NO_STATUS: u16 = 1005;

/// [The WebSocket connection is closed](https://websockets.spec.whatwg.org/#eventdef-websocket-close) for a socket that had
/// opened.
pub fn script_close(browser: Browser, ending: Ending<'_>) -> CloseEvent {
    match ending {
        // Seen by its source: Chromium alone minds how the connection ends behind the close frame.
        Ending::ClosedAndReset { code, reason } => {
            let event = script_close(browser, Ending::Closed { code, reason });
            CloseEvent { clean: event.clean && browser != Browser::Chrome, ..event }
        }
        Ending::Closed { code: None, .. } => CloseEvent { code: NO_STATUS, reason: String::new(), clean: true },
        Ending::Closed { code: Some(code), reason } if passes(browser, code) => {
            CloseEvent { code, reason: reason.to_owned(), clean: true }
        }
        Ending::Closed { .. } | Ending::Cut | Ending::Violated => {
            CloseEvent { code: ABNORMAL, reason: String::new(), clean: false }
        }
    }
}

/// Whether a code that the server sends reaches the script as it is. Seen: Chromium refuses the three that are never on the
/// wire, Firefox none, WebKitGTK all that RFC 6455 doesn't define.
fn passes(browser: Browser, code: u16) -> bool {
    match browser {
        Browser::Chrome => !matches!(code, 1005 | 1006 | 1015),
        Browser::Firefox => true,
        Browser::Safari => matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999),
    }
}

/// What the script sees of a socket that never opened. `tls`: it was the certificate or the TLS handshake.
///
/// `None` where no close event comes: the constructor threw, or the refusal fires `error` alone (a Content Security Policy in
/// Chromium, a bad port in WebKit).
pub fn never_opened(browser: Browser, fault: &crate::browser::Fault) -> Option<CloseEvent> {
    use crate::browser::Fault;
    use crate::wire::Phase;
    let code = match fault {
        Fault::MixedContent | Fault::ContentSecurityPolicy { .. } | Fault::SyntaxError(_) | Fault::TypeError(_) => {
            return None;
        }
        Fault::UnsafePort { .. } if browser == Browser::Safari => return None,
        Fault::Net(error) if browser == Browser::Firefox && error.phase() == Phase::Tls => 1015,
        _ => ABNORMAL,
    };
    Some(CloseEvent { code, reason: String::new(), clean: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(browser: Browser, ending: Ending<'_>, code: u16, reason: &str, clean: bool) {
        assert_eq!(script_close(browser, ending), CloseEvent { code, reason: reason.into(), clean }, "{ending:?}");
    }

    #[test]
    fn a_close_frame_reaches_the_script_and_a_cut_is_1006() {
        check(Browser::Chrome, Ending::Closed { code: Some(1008), reason: "token" }, 1008, "token", true);
        check(Browser::Chrome, Ending::Closed { code: None, reason: "" }, 1005, "", true);
        check(Browser::Chrome, Ending::Cut, 1006, "", false);
        check(Browser::Firefox, Ending::Violated, 1006, "", false);
    }

    #[test]
    fn reserved_codes_differ_by_browser() {
        let sent = |code| Ending::Closed { code: Some(code), reason: "x" };
        check(Browser::Chrome, sent(1006), 1006, "", false);
        check(Browser::Firefox, sent(1006), 1006, "x", true);
        check(Browser::Chrome, sent(5000), 5000, "x", true);
        check(Browser::Safari, sent(1012), 1006, "", false);
    }
}
