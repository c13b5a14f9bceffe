//! What each browser writes to its console, word for word, computed from the fault and the facts.
//!
//! Chromium 156, Firefox 153 esr and WebKitGTK 2.50; WebCore's lines are Safari's too, those of WebKitGTK's network layer are
//! not, and stand in for them.

mod chrome;
mod event_source;
mod firefox;
pub mod heard;
mod safari;

pub use event_source::{of_answer_without_body, of_broken_stream, of_given_up, of_odd_charset, of_refused_stream};
use url::Url;

use super::cookie::Note;
use super::csp::{Disposition, Violation};
use super::websocket::Loss;
use super::{Api, ApiMisuse, Browser, Fault, Misuse, Mode, Page};
use crate::wire::{NetError, WireResponse};

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

    /// Puts lines that came before; what was the reason stays it, where it is a reason more than a note.
    pub fn prepend(&mut self, mut before: Vec<String>, is_reason: bool) {
        if is_reason && !self.lines.is_empty() {
            self.reason += before.len();
        }
        before.append(&mut self.lines);
        self.lines = before;
    }

    /// Puts lines that came later; whether their reason is the better one.
    pub fn append(&mut self, mut later: Self, outweighs: bool) {
        if (self.lines.is_empty() || outweighs) && !later.lines.is_empty() {
            self.reason = self.lines.len() + later.reason;
        }
        self.lines.append(&mut later.lines);
    }

    /// Adds the line that tells the reason.
    pub fn conclude(&mut self, line: String) {
        self.reason = self.lines.len();
        self.lines.push(line);
    }

    /// The line with the reason.
    pub fn reason(&self) -> Option<&str> {
        self.lines.get(self.reason).map(String::as_str)
    }
}

/// What the console says on the way, before the end is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A policy of the page was violated; an enforced one ended it, a report-only one did not.
    Violation(Violation),
    /// `upgrade-insecure-requests` took a secure URL in the stead of this one.
    Upgraded { url: Url },
    /// A cookie was stored, or was not; Firefox alone has words for it.
    Cookie(Note),
    /// A preflight's answer let `Authorization` pass by `*` alone, which Firefox warns of.
    Wildcard { url: Url },
}

/// A fetch that has come to its end, as the console needs it.
#[derive(Clone, Debug)]
pub struct Failing<'a> {
    /// Which interface asked.
    pub api: Api,
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
    /// It was the request itself, right after a preflight that went over the network.
    pub after_preflight: bool,
    /// What the request's `Origin` says by now.
    pub origin: &'a str,
    /// Where the last answer came from.
    pub answered: &'a Url,
    /// Anything went out at all.
    pub sent: bool,
    /// CORS (or opacity) is in play.
    pub foreign: bool,
    pub remarks: &'a [Remark],
    /// The page's policy stopped it in the API itself, not in the loader under it.
    pub refused_at_once: bool,
}

/// The lines of a fetch.
pub fn of_fetch(failing: &Failing<'_>) -> Console {
    let end = match failing.page.browser {
        Browser::Chrome => chrome::fetch(failing),
        Browser::Firefox => firefox::fetch(failing),
        Browser::Safari => safari::fetch(failing),
    };
    let mut console = composed(failing.page, failing.remarks, failing.fault, end);
    // Of the two lines that Firefox has then, the one about CORS is the reason.
    if failing.page.browser == Browser::Firefox
        && failing.fault == Some(&Fault::Net(NetError::InvalidStatusLine))
        && console.reason + 1 < console.lines.len()
    {
        console.reason += 1;
    }
    console
}

/// The line of a WebSocket that had opened and was lost, where there is one.
pub fn of_loss(browser: Browser, url: &Url, loss: Loss) -> Option<String> {
    match browser {
        Browser::Chrome => chrome::loss(url, loss),
        Browser::Firefox => Some(firefox::loss(url)),
        Browser::Safari => Some(safari::loss(url, loss)),
    }
}

/// The lines of a WebSocket's opening handshake; `fault`: why it did not open.
pub fn of_handshake(page: &Page, url: &Url, remarks: &[Remark], fault: Option<&Fault>) -> Console {
    let end = match (fault, page.browser) {
        (None, _) => Vec::new(),
        (Some(fault), Browser::Chrome) => chrome::handshake(page, url, fault),
        (Some(fault), Browser::Firefox) => firefox::handshake(url, fault),
        (Some(fault), Browser::Safari) => safari::handshake(page, url, fault),
    };
    composed(page, remarks, fault, end)
}

/// Remarks and end in the order in which they are shown. The reason is the line of the policy that ended it, else the first
/// line of the end, else the first remark that is no report.
fn composed(page: &Page, remarks: &[Remark], fault: Option<&Fault>, end: Vec<String>) -> Console {
    let by_policy = matches!(fault, Some(Fault::ContentSecurityPolicy { .. }));
    let (mut lines, mut policy, mut first_hard) = (Vec::new(), None, None);
    for remark in remarks {
        let Some(line) = line(page, remark) else { continue };
        if by_policy && policy.is_none() && is_enforced(page, remark) {
            policy = Some(lines.len());
        }
        // A report explains nothing, unless there is no other line.
        if first_hard.is_none() && (is_enforced(page, remark) || !matches!(remark, Remark::Violation(_))) {
            first_hard = Some(lines.len());
        }
        // What is said again these two show once, with a count.
        if page.browser == Browser::Chrome || !lines.contains(&line) {
            lines.push(line);
        }
    }
    let first_of_end = if fault == Some(&Fault::MixedContent) && page.browser == Browser::Firefox {
        // Reports are queued there, and come after what is said at once.
        let at = lines.len().saturating_sub(trailing(page, remarks));
        let mut end = end.into_iter();
        lines.splice(at..at, end.next());
        lines.extend(end);
        at
    } else {
        let at = lines.len();
        lines.extend(end);
        at
    };
    if page.browser == Browser::Firefox {
        lines.iter_mut().for_each(cut);
    }
    let reason = policy.unwrap_or(if first_of_end < lines.len() { first_of_end } else { first_hard.unwrap_or(0) });
    Console { lines, reason }
}

/// Firefox shows a thousand characters of a line. Seen.
fn cut(line: &mut String) {
    const SHOWN: usize = 1000;
    if SHOWN < line.len()
        && let Some((at, _)) = line.char_indices().nth(SHOWN)
    {
        line.truncate(at);
    }
}

fn is_enforced(page: &Page, remark: &Remark) -> bool {
    let Remark::Violation(violation) = remark else { return false };
    page.policies.get(violation.policy).is_some_and(|policy| policy.disposition == Disposition::Enforce)
}

/// How many of the lines are about the last URL.
fn trailing(page: &Page, remarks: &[Remark]) -> usize {
    let Some(Remark::Violation(last)) = remarks.last() else { return 0 };
    let about = |remark: &&Remark| matches!(remark, Remark::Violation(one) if one.url == last.url);
    let mut lines: Vec<_> = remarks.iter().filter(about).filter_map(|remark| line(page, remark)).collect();
    lines.dedup();
    lines.len()
}

fn line(page: &Page, remark: &Remark) -> Option<String> {
    match (remark, page.browser) {
        (Remark::Upgraded { url }, Browser::Firefox) => Some(firefox::upgraded(url)),
        (Remark::Cookie(note), Browser::Firefox) => Some(firefox::cookie(note)),
        (Remark::Wildcard { url }, Browser::Firefox) => Some(firefox::wildcard(url)),
        (Remark::Upgraded { .. } | Remark::Cookie(_) | Remark::Wildcard { .. }, Browser::Chrome | Browser::Safari) => {
            None
        }
        (Remark::Violation(violation), browser) => {
            let policy = page.policies.get(violation.policy)?;
            let directive = policy.connect.as_ref()?;
            Some(match browser {
                Browser::Chrome => chrome::violation(policy.disposition, directive, &violation.url),
                Browser::Firefox => firefox::violation(page, policy.disposition, directive, &violation.url),
                Browser::Safari => safari::violation(policy.disposition, directive, &violation.url),
            })
        }
    }
}

/// A URL of more than 1,024 characters without its middle, as Chromium and WebKit write it.
pub fn elided(url: &Url) -> String {
    let text = url.as_str();
    if text.len() <= 1024 {
        return text.to_owned();
    }
    // A serialized URL is ASCII, but for what a hostile scheme may hold.
    let (start, end) = (text.get(..511), text.get(text.len() - 510..));
    format!("{}...{}", start.unwrap_or_default(), end.unwrap_or_default())
}

/// A subprotocol as Chromium and WebKit quote it: what is not printable ASCII as UTF-16, `\u0009`.
fn quoted(protocol: &str) -> String {
    let mut out = String::with_capacity(protocol.len());
    for unit in protocol.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\\') => out.push_str("\\\\"),
            Ok(byte @ b' '..=b'~') => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04X}")),
        }
    }
    out
}

/// The text of the exception that `fetch` throws for what is no URL.
pub fn unparsable_exception(browser: Browser, text: &str) -> String {
    match browser {
        Browser::Chrome => fetch_exception(browser, &format!("Failed to parse URL from {text}")),
        Browser::Firefox => fetch_exception(browser, &format!("{text} is not a valid URL.")),
        Browser::Safari => "URL is not valid or contains user credentials.".to_owned(),
    }
}

/// The text of the exception that `fetch` throws.
pub fn fetch_exception(browser: Browser, what: &str) -> String {
    match browser {
        Browser::Chrome => format!("Failed to execute 'fetch' on 'Window': {what}"),
        Browser::Firefox => format!("Window.fetch: {what}"),
        Browser::Safari => what.to_owned(),
    }
}

/// The line about a header that XMLHttpRequest does not let a script set.
pub fn refused_header(browser: Browser, name: &str) -> String {
    match browser {
        Browser::Chrome | Browser::Safari => format!("Refused to set unsafe header \"{name}\""),
        Browser::Firefox => format!("Attempt to set a forbidden header was denied: {name}"),
    }
}

/// The text of the exception that `XMLHttpRequest` or `new EventSource` throws.
pub fn misuse_exception(browser: Browser, api: Api, misuse: &ApiMisuse) -> String {
    match (browser, misuse) {
        (Browser::Chrome, _) => chrome::api_misuse(api, misuse),
        (Browser::Firefox | Browser::Safari, ApiMisuse::ForbiddenMethod { .. }) => "The operation is insecure.".into(),
        (Browser::Firefox, _) => "An invalid or illegal string was specified".into(),
        (Browser::Safari, _) => "The string did not match the expected pattern.".into(),
    }
}

/// The text of the exception that a function of XMLHttpRequest throws for a character beyond ISO-8859-1.
pub fn not_bytes_exception(browser: Browser, function: &str) -> String {
    match browser {
        Browser::Chrome => {
            format!("Failed to execute '{function}' on 'XMLHttpRequest': String contains non ISO-8859-1 code point.")
        }
        Browser::Firefox => format!("XMLHttpRequest.{function}: Cannot convert the argument to ByteString"),
        Browser::Safari => "The string contains invalid characters.".into(),
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
