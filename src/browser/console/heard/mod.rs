//! A console's line read back: whose words it is, which URL it is about, which page asked, and what it says by its code.
//!
//! The inverse of this room's other files. `tests/heard.rs` reads every line that was recorded of the three engines, so that
//! what is written here and what is written there can't part.

mod words;

use std::sync::LazyLock;

use url::Url;

use self::words::{HEADS, Head, REASONS, Why};
use crate::base::template::{Holes, Templates, straight};
use crate::browser::{Browser, origin};

/// The longest line that is read, in bytes. Firefox cuts its own at a thousand characters, Chromium elides long URLs.
pub const MOST: usize = 16 << 10;

/// One line of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The line, without what a console puts around it.
    pub line: String,
    /// Who writes so, the likeliest first.
    pub browsers: Vec<Browser>,
    pub asked: Option<Asked>,
    /// What was asked for, or where the redirects had led.
    pub url: Option<Url>,
    /// What the script had asked for, where a redirect led away from it.
    pub first: Option<Url>,
    pub page: Option<Url>,
    /// The page's origin, where the line names no page.
    pub origin: Option<String>,
    pub method: Option<String>,
    /// What it says, as [`Fault::code`](crate::browser::Fault::code) has it; several where the words don't tell them apart,
    /// none where they name no reason.
    pub codes: Vec<String>,
    pub status: Option<u16>,
    /// The value in question: a header's, a method, a header's name, a directive.
    pub value: Option<String>,
    /// It tells of what was refused or failed; else of what was only noted.
    pub is_fatal: bool,
}

/// By which interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    Fetch,
    Xhr,
    EventSource,
    WebSocket,
    /// What a page loads by itself: a font, an image, a script.
    Element,
}

impl Heard {
    /// The origin of the page that asked, as its requests' `Origin` has it.
    pub fn page_origin(&self) -> Option<String> {
        self.origin.clone().or_else(|| self.page.as_ref().map(origin::serialize))
    }

    /// Whether the line says that, perhaps among others.
    pub fn says(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known == code)
    }
}

static HEAD_WORDS: LazyLock<Templates> = LazyLock::new(|| Templates::new(HEADS.iter().map(|head| head.words)));
static REASON_WORDS: LazyLock<Templates> = LazyLock::new(|| Templates::new(REASONS.iter().map(|why| why.words)));

/// Reads one line; `None` where no browser writes so.
pub fn read(line: &str) -> Option<Heard> {
    let line = line.trim();
    let mut end = line.len().min(MOST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let text = straight(&line[..end]).into_owned();
    let head = HEAD_WORDS.first(&text).and_then(|(index, holes)| Some((HEADS.get(index)?, holes)));
    let why = REASON_WORDS.first(&text).and_then(|(index, holes)| Some((REASONS.get(index)?, holes)));
    let request = network(&text);
    let code = net_code(&text);
    if head.is_none() && why.is_none() && request.is_none() && code.is_none() {
        return None;
    }
    let mut heard = Heard {
        line: line[..end].to_owned(),
        browsers: Vec::new(),
        asked: None,
        url: None,
        first: None,
        page: None,
        origin: None,
        method: None,
        codes: Vec::new(),
        status: None,
        value: None,
        is_fatal: true,
    };
    if let Some((head, holes)) = &head {
        heard.take_head(head, holes);
    }
    if let Some((why, holes)) = &why {
        heard.take_why(why, holes, &text);
    }
    if let Some((method, url, rest)) = request {
        heard.take_request(method, url, rest);
    }
    if let Some(code) = code {
        // The names are Chromium's.
        if heard.browsers.is_empty() {
            heard.browsers = vec![Browser::Chrome];
        }
        heard.codes = vec![code.to_owned()];
    }
    heard.status = heard.status.or_else(|| status_after(&text, "Status code: "));
    // A WebSocket's URL is nobody else's.
    let is_socket = heard.url.as_ref().is_some_and(|url| matches!(url.scheme(), "ws" | "wss"));
    if is_socket {
        heard.asked = Some(Asked::WebSocket);
    }
    if text.contains("report-only") || text.contains("Report-Only") || text.contains("[Report Only]") {
        heard.is_fatal = false;
    }
    Some(heard)
}

impl Heard {
    fn take_head(&mut self, head: &Head, holes: &Holes<'_>) {
        let url = |name: &str| holes.get(name).and_then(|text| Url::parse(text).ok());
        self.browsers = head.whose.to_vec();
        self.asked = head.asked.or_else(|| match holes.get("what")? {
            "fetch" => Some(Asked::Fetch),
            "XMLHttpRequest" => Some(Asked::Xhr),
            "resource" => Some(Asked::EventSource),
            _ => Some(Asked::Element),
        });
        self.url = url("url");
        self.first = url("first");
        self.page = url("page");
        let is_origin = |text: &&str| *text == "null" || text.contains("://");
        self.origin = holes.get("origin").filter(is_origin).map(str::to_owned);
        self.value = holes.get("value").map(str::to_owned);
        self.codes = head.codes.iter().map(|code| (*code).to_owned()).collect();
        self.is_fatal = head.is_fatal;
    }

    fn take_why(&mut self, why: &Why, holes: &Holes<'_>, text: &str) {
        let both: Vec<Browser> = why.whose.iter().copied().filter(|one| self.browsers.contains(one)).collect();
        self.browsers = if both.is_empty() { why.whose.to_vec() } else { both };
        if self.codes.is_empty() {
            let spoken = text.contains("Response to preflight request doesn't pass");
            for code in why.codes {
                let is_access = words::ACCESS.contains(code);
                if !(is_access && spoken) {
                    self.codes.push((*code).to_owned());
                }
                // Chromium alone tells a preflight's answer from the response.
                if is_access && (spoken || !self.browsers.contains(&Browser::Chrome)) {
                    self.codes.push(format!("Preflight{code}"));
                }
            }
        }
        let is_origin = |text: &&str| *text == "null" || text.contains("://");
        self.origin = self.origin.take().or_else(|| holes.get("origin").filter(is_origin).map(str::to_owned));
        self.value = holes.get("value").map(str::to_owned).or(self.value.take());
        self.status = holes.get("status").and_then(number).or(why.status);
    }

    fn take_request(&mut self, method: &str, url: Url, rest: &str) {
        self.method = Some(method.to_owned());
        self.url = self.url.take().or(Some(url));
        self.status = self.status.or_else(|| {
            let rest = rest.trim_start();
            match rest.strip_prefix('[') {
                Some(inside) => status_after(inside, " "),
                None => number(rest),
            }
        });
        if self.browsers.is_empty() {
            self.browsers =
                if rest.trim_start().starts_with('[') { vec![Browser::Firefox] } else { vec![Browser::Chrome] };
        }
    }
}

/// `GET https://… 404 (Not Found)`, `POST https://… net::ERR_FAILED`, `GET https://… [HTTP/1.1 404 Not Found 12ms]`: the
/// network's own lines, perhaps with what stands left of them.
fn network(text: &str) -> Option<(&str, Url, &str)> {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let (at, method) = METHODS
        .into_iter()
        .filter_map(|method| {
            let at = text.find(method)?;
            let after = &text[at + method.len()..];
            after.starts_with([' ', '\u{a0}']).then_some((at, method))
        })
        .min()?;
    let after = text[at + method.len()..].trim_start();
    let (url, rest) = after.split_once(char::is_whitespace)?;
    let told = rest.contains("net::ERR_") || rest.contains('[') || number(rest.trim_start()).is_some();
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "ws" | "wss") && told)?;
    Some((method, url, rest))
}

/// `net::ERR_…`, wherever it stands.
fn net_code(text: &str) -> Option<&str> {
    let from = &text[text.find("net::ERR_")?..];
    let end = from.find(|c: char| !(c.is_ascii_alphanumeric() || "_:.".contains(c)));
    Some(from[..end.unwrap_or(from.len())].trim_end_matches(['.', ':']))
}

fn status_after(text: &str, words: &str) -> Option<u16> {
    let (_, after) = text.rsplit_once(words).filter(|_| words != " ").or_else(|| text.split_once(words))?;
    number(after)
}

/// The status that the text begins with.
fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok().filter(|status| (100..1000).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, browser: Browser, asked: Option<Asked>, url: &str, codes: &[&str]) {
        let heard = read(line).unwrap();
        assert_eq!(heard.browsers.first(), Some(&browser), "{line}");
        assert_eq!(heard.asked, asked, "{line}");
        assert_eq!(heard.url.as_ref().map_or("", Url::as_str), url, "{line}");
        assert_eq!(heard.codes, codes, "{line}");
    }

    #[test]
    fn what_stands_around_a_line_does_no_harm() {
        let line = "app.js:12:5 Access to XMLHttpRequest at 'http://localhost:5000/socket.io/?EIO=4&transport=polling&t=x' from origin \
                    'http://localhost:3000' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on \
                    the requested resource.";
        let url = "http://localhost:5000/socket.io/?EIO=4&transport=polling&t=x";
        check(line, Browser::Chrome, Some(Asked::Xhr), url, &["MissingAllowOriginHeader"]);
        assert_eq!(read(line).unwrap().page_origin().as_deref(), Some("http://localhost:3000"));
    }

    #[test]
    fn quotes_that_an_editor_changed_are_read_as_what_they_were() {
        let line = "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at https://a.test/x. \
                    (Reason: header ‘x-key’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS preflight response).";
        for line in [line.to_owned(), line.replace(['‘', '’'], "'")] {
            check(&line, Browser::Firefox, None, "https://a.test/x", &["HeaderDisallowedByPreflightResponse"]);
            assert_eq!(read(&line).unwrap().value.as_deref(), Some("x-key"));
        }
    }

    #[test]
    fn the_networks_own_lines_tell_method_url_and_status() {
        let line = "index.js:9  POST https://a.test/login 401 (Unauthorized)";
        check(line, Browser::Chrome, None, "https://a.test/login", &[]);
        let heard = read(line).unwrap();
        assert_eq!((heard.method.as_deref(), heard.status), (Some("POST"), Some(401)));
        let line = "GET https://a.test/x net::ERR_CONNECTION_REFUSED";
        check(line, Browser::Chrome, None, "https://a.test/x", &["net::ERR_CONNECTION_REFUSED"]);
        assert_eq!(read("GET https://a.test/x [HTTP/1.1 502 Bad Gateway 12ms]").unwrap().status, Some(502));
        assert_eq!(read("POST the letter at https://a.test/ 4 times"), None);
    }

    #[test]
    fn a_sockets_line_is_read_to_its_reason() {
        let line = "WebSocket connection to 'wss://a.test/ws' failed: Error during WebSocket handshake: Unexpected response code: 403";
        check(line, Browser::Chrome, Some(Asked::WebSocket), "wss://a.test/ws", &["HandshakeStatus"]);
        assert_eq!(read(line).unwrap().status, Some(403));
        let line = "WebSocket connection to 'wss://a.test/ws' failed: There was a bad response from the server.";
        check(
            line,
            Browser::Safari,
            Some(Asked::WebSocket),
            "wss://a.test/ws",
            &["HandshakeStatus", "HandshakeInvalid"],
        );
        let line = "Firefox can’t establish a connection to the server at wss://a.test/ws.v1. app.js:3:9";
        check(line, Browser::Firefox, Some(Asked::WebSocket), "wss://a.test/ws.v1", &[]);
    }

    #[test]
    fn a_report_decides_nothing() {
        let line = "Connecting to 'https://a.test/' violates the following Content Security Policy directive: \"connect-src 'self'\". \
                    The policy is report-only, so the violation has been logged but no further action has been taken.";
        let heard = read(line).unwrap();
        assert_eq!((heard.is_fatal, heard.value.as_deref()), (false, Some("connect-src 'self'")));
    }

    #[test]
    fn what_no_browser_writes_is_nothing() {
        for line in ["", "hello", "xhr poll error", "at Object.<anonymous> (app.js:1:1)", "GET / HTTP/1.1"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in "(\\PC|WebSocket connection to '|' failed: |net::ERR_|GET |https://a.test/|Status code: |‘|4){0,30}") {
            let _ = read(&line);
        }
    }
}
