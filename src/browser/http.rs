//! What a browser's HTTP/1 reader makes of an answer that is not as RFC 9112 has it: refused, or read in its own way. Comes
//! before every other rule, as the network's layer does in browsers.
//!
//! Chrome: [`http_stream_parser.cc`](https://chromium.googlesource.com/chromium/src/+/main/net/http/http_stream_parser.cc) and
//! [`http_response_headers.cc`](https://chromium.googlesource.com/chromium/src/+/main/net/http/http_response_headers.cc).
//! Firefox: [`nsHttpTransaction`](https://searchfox.org/mozilla-central/source/netwerk/protocol/http/nsHttpTransaction.cpp) and
//! [`nsHttpResponseHead`](https://searchfox.org/mozilla-central/source/netwerk/protocol/http/nsHttpResponseHead.cpp). WebKitGTK:
//! libsoup's [`soup-headers.c`](https://gitlab.gnome.org/GNOME/libsoup/-/blob/master/libsoup/soup-headers.c), which stands in
//! for Safari's.

use super::headers::normalize_value;
use super::{Browser, dialect};
use crate::wire::{Exchange, Headers, HttpVersion, NetError, Purpose, WireResponse};

/// The largest head that WebKitGTK reads, in bytes.
const SAFARI_HEAD: usize = 64 * 1024;

const BLANKS: [char; 2] = [' ', '\t'];

/// Makes the answer what that browser reads.
///
/// # Errors
/// What it refuses the answer with.
pub fn read(browser: Browser, exchange: &mut Exchange) -> Result<(), NetError> {
    let Exchange { request, result, .. } = exchange;
    let Ok(response) = result else { return Ok(()) };
    if response.version == HttpVersion::H2 {
        return Ok(());
    }
    match browser {
        Browser::Chrome => {
            let secure = matches!(request.url.scheme(), "https" | "wss");
            chrome(response, secure, request.url.port().is_none())
        }
        Browser::Firefox => firefox(response, &request.method),
        Browser::Safari => safari(response, request.purpose),
    }
}

/// The field that may stand once and stands twice, with different values; where that is a fault.
pub fn repeated(browser: Browser, response: &WireResponse) -> Option<&'static str> {
    if !dialect::refuses_repeated_framing(browser) {
        return None;
    }
    let headers = &response.headers;
    let chunked = headers.all("transfer-encoding").any(|value| value.trim_ascii().eq_ignore_ascii_case(b"chunked"));
    let names = ["Content-Length", "Content-Disposition", "Location"];
    names.into_iter().skip(usize::from(chunked)).find(|name| {
        let mut values = headers.all(name).map(normalize_value);
        let first = values.next();
        values.any(|value| Some(value) != first)
    })
}

fn chrome(response: &mut WireResponse, secure: bool, default_port: bool) -> Result<(), NetError> {
    let quirks = response.transfer.quirks;
    if quirks.unfinished_head && secure {
        return Err(NetError::HeadersTruncated);
    }
    // HTTP/0.9 is left on default ports, and for radio servers.
    if (quirks.no_status_line || quirks.icy) && (secure || !quirks.icy) && !default_port {
        return Err(NetError::InvalidHttpResponse);
    }
    if quirks.icy {
        response.headers = Headers::new();
        response.status = 200;
    }
    if quirks.nul {
        return Err(NetError::InvalidHttpResponse);
    }
    if has_spaced(&response.headers) {
        let headers = std::mem::take(&mut response.headers);
        response.headers = headers.iter().map(|(name, value)| (name.trim_end_matches(BLANKS), value)).collect();
    }
    Ok(())
}

fn firefox(response: &mut WireResponse, method: &str) -> Result<(), NetError> {
    let quirks = response.transfer.quirks;
    // It looks for HTTP/1, HTTP/2 or ICY; all else is HTTP/0.9, which PUT does not take.
    if quirks.no_status_line || quirks.odd_version {
        if method == "PUT" {
            return Err(NetError::InvalidHttpResponse);
        }
        response.status = 200;
        response.headers = Headers::new();
        return Ok(());
    }
    if quirks.odd_status || 999 < response.status {
        return Err(NetError::InvalidStatusLine);
    }
    if quirks.nul {
        return Err(NetError::InvalidHttpResponse);
    }
    drop_spaced(response);
    Ok(())
}

fn safari(response: &mut WireResponse, purpose: Purpose) -> Result<(), NetError> {
    let quirks = response.transfer.quirks;
    if quirks.cut_line && !quirks.no_status_line {
        return Err(NetError::ConnectionClosed { phase: crate::wire::Phase::FirstByte });
    }
    let strange = quirks.no_status_line || quirks.no_status || quirks.odd_status || quirks.odd_version || quirks.nul;
    if strange || quirks.odd_length || !(100..1000).contains(&response.status) {
        return Err(NetError::InvalidHttpResponse);
    }
    let size: usize = response.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if SAFARI_HEAD < size {
        return Err(NetError::HeadersTooLarge { limit: SAFARI_HEAD });
    }
    // A refused handshake is read to its end, by the last of the lengths it was given.
    if purpose == Purpose::Handshake && response.status != 101 {
        let last = response.headers.all("content-length").last().and_then(|value| std::str::from_utf8(value).ok());
        let longer = last.and_then(|value| value.trim().parse().ok()).is_some_and(|length: u64| {
            1 < response.headers.all("content-length").count() && response.transfer.sent_size < length
        });
        if longer || response.transfer.error == Some(NetError::IncompleteBody) {
            return Err(NetError::ConnectionClosed { phase: crate::wire::Phase::Body });
        }
    }
    drop_spaced(response);
    Ok(())
}

/// Takes away fields with a blank before their colon, which are none there.
fn drop_spaced(response: &mut WireResponse) {
    if has_spaced(&response.headers) {
        let headers = std::mem::take(&mut response.headers);
        response.headers = headers.iter().filter(|(name, _)| !name.ends_with(BLANKS)).collect();
    }
}

fn has_spaced(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| name.ends_with(BLANKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Phases, Quirks, Transfer, WireRequest};

    /// What each browser makes of an answer with these quirks: status and number of fields, or the error's code.
    #[track_caller]
    fn check(url: &str, method: &str, status: u16, quirks: Quirks, expected: [&str; 3]) {
        let got = Browser::ALL.map(|browser| {
            let mut exchange = Exchange {
                request: WireRequest {
                    purpose: Purpose::Actual,
                    method: method.into(),
                    url: url.parse().unwrap(),
                    headers: Headers::new(),
                    body: Default::default(),
                },
                result: Ok(WireResponse {
                    version: HttpVersion::Http11,
                    status,
                    reason: String::new(),
                    headers: [("A", "b"), ("C ", "d")].into_iter().collect(),
                    body: Default::default(),
                    body_size: 0,
                    transfer: Transfer { quirks, ..Transfer::default() },
                }),
                phases: Phases::default(),
                peer: None,
                tried: Vec::new(),
                tls: None,
                proxy: None,
            };
            match read(browser, &mut exchange) {
                Ok(()) => exchange.result.map(|it| format!("{} {}", it.status, it.headers.len())).unwrap(),
                Err(error) => error.key().to_owned(),
            }
        });
        assert_eq!(got, expected, "{quirks:?}");
    }

    #[test]
    fn a_good_head_is_read_and_a_blank_before_the_colon_is_chromes_alone() {
        check("http://a.test:81/", "GET", 200, Quirks::default(), ["200 2", "200 1", "200 1"]);
    }

    #[test]
    fn each_quirk_is_taken_or_refused_as_seen() {
        let none = Quirks::default();
        let invalid = "invalid_http_response";
        let port = "http://a.test:81/";
        let bare = Quirks { no_status_line: true, ..none };
        check(port, "GET", 200, bare, [invalid, "200 0", invalid]);
        check(port, "PUT", 200, bare, [invalid, invalid, invalid]);
        check("http://a.test/", "GET", 200, bare, ["200 2", "200 0", invalid]);
        check(port, "GET", 200, Quirks { icy: true, ..none }, ["200 0", "200 1", "200 1"]);
        check(port, "GET", 200, Quirks { no_status: true, ..none }, ["200 2", "200 1", invalid]);
        check(port, "GET", 200, Quirks { odd_status: true, ..none }, ["200 2", "invalid_status_line", invalid]);
        check(port, "GET", 200, Quirks { odd_version: true, ..none }, ["200 2", "200 0", invalid]);
        check(port, "GET", 200, Quirks { nul: true, ..none }, [invalid, invalid, invalid]);
        check(port, "GET", 99, none, ["99 2", "99 1", invalid]);
        check(port, "GET", 1000, none, ["1000 2", "invalid_status_line", invalid]);
        check(port, "GET", 200, Quirks { odd_length: true, ..none }, ["200 2", "200 1", invalid]);
        let cut = Quirks { unfinished_head: true, ..none };
        check(port, "GET", 200, cut, ["200 2", "200 1", "200 1"]);
        check("https://a.test/", "GET", 200, cut, ["headers_truncated", "200 1", "200 1"]);
        let within_a_line = Quirks { cut_line: true, ..cut };
        check(port, "GET", 200, within_a_line, ["200 2", "200 1", "connection_closed"]);
    }
}
