//! What type an answer is of, as each browser reads `Content-Type`, and which types an event stream may have.

use crate::browser::headers::normalize_value;
use crate::browser::{Browser, Invalid};
use crate::wire::Headers;

/// How much of a body Chromium looks at where it has to guess, in bytes.
pub const SNIFFED: usize = 1024;

/// A type, in lower case, and the `charset` beside it. Both may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mime {
    essence: String,
    charset: String,
}

/// Whether Chromium guesses the type from the body: none given that makes sense, or `text/plain`, which servers say of
/// everything.
pub fn is_sniffed(browser: Browser, headers: &Headers) -> bool {
    browser == Browser::Chrome
        && !headers.first("x-content-type-options").is_some_and(|value| value.eq_ignore_ascii_case(b"nosniff"))
        && matches!(chromium(headers).essence.as_str(), "" | "text/plain")
}

/// [Announce the connection](https://html.spec.whatwg.org/multipage/server-sent-events.html#announce-the-connection) or not:
/// the answer's type is `text/event-stream`. `body` is how it begins, for [`is_sniffed`]. With the type, a charset that the
/// browser warns of.
pub fn check(browser: Browser, headers: &Headers, body: &[u8]) -> Result<Option<String>, Invalid> {
    let mime = match browser {
        Browser::Chrome => {
            let mut mime = chromium(headers);
            if is_sniffed(browser, headers) {
                mime.essence = sniff(&mime.essence, body).to_owned();
            } else if mime.essence.is_empty() {
                mime.essence = "text/plain".to_owned();
            }
            mime
        }
        Browser::Firefox => chromium(headers),
        Browser::Safari => webkit(headers),
    };
    if mime.essence != "text/event-stream" {
        return Err(Invalid::EventStreamType { value: mime.essence });
    }
    if mime.charset.is_empty() || mime.charset.eq_ignore_ascii_case("utf-8") {
        return Ok(None);
    }
    match browser {
        Browser::Chrome => Err(Invalid::EventStreamCharset { value: mime.charset }),
        Browser::Firefox => Ok(None),
        Browser::Safari => Ok(Some(mime.charset)),
    }
}

/// Chromium's `HttpResponseHeaders::GetMimeTypeAndCharset`, and Gecko's, which it stems from: the last type that has a slash
/// counts, in any field and any element of a list; a charset goes on to the next element of the same type.
fn chromium(headers: &Headers) -> Mime {
    let mut mime = Mime::default();
    for value in headers.all("content-type") {
        for element in elements(value) {
            let text: String = normalize_value(element).iter().map(|byte| char::from(*byte)).collect();
            parse_content_type(&text, &mut mime);
        }
    }
    mime
}

/// The elements of a list: between the commas that stand in no quotes.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |byte| {
        let here = std::mem::take(&mut escaped);
        match byte {
            b'"' if !here => quoted = !quoted,
            b'\\' if quoted && !here => escaped = true,
            _ => {}
        }
        *byte == b',' && !quoted
    })
}

/// Chromium's `HttpUtil::ParseContentType`.
fn parse_content_type(text: &str, mime: &mut Mime) {
    if text == "*/*" || !text.contains('/') {
        return;
    }
    let essence = text.split([' ', '\t', ';', '(']).next().unwrap_or_default().to_ascii_lowercase();
    let mut charset = None;
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while !rest.is_empty() {
        rest = rest.trim_start_matches([' ', '\t']);
        let at = rest.find([';', '=']).unwrap_or(rest.len());
        let name = &rest[..at];
        if !rest[at..].starts_with('=') {
            rest = rest.get(at + 1..).unwrap_or_default();
            continue;
        }
        rest = rest[at + 1..].trim_start_matches([' ', '\t']);
        let value = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = unquoted(quoted);
                rest = after.split_once(';').map_or("", |(_, rest)| rest);
                value
            }
            None => {
                let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
                rest = after;
                value.trim_end_matches([' ', '\t']).to_owned()
            }
        };
        if charset.is_none() && name.eq_ignore_ascii_case("charset") {
            charset = Some(value);
        }
    }
    let other = mime.essence != essence;
    mime.essence = essence;
    if charset.is_some() || (other && !mime.charset.is_empty()) {
        mime.charset = charset.unwrap_or_default().to_ascii_lowercase();
    }
}

/// A quoted string's text, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut out, mut escaped) = (String::new(), false);
    for (at, character) in text.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (out, &text[at + 1..]),
            other => {
                out.push(other);
                escaped = false;
            }
        }
    }
    (out, "")
}

/// WebCore's `extractMIMETypeFromMediaType` and `extractCharsetFromMediaType`: the first type counts. Seen: WebKitGTK takes an
/// answer without a type for `application/octet-stream`.
fn webkit(headers: &Headers) -> Mime {
    let Some(value) = headers.all("content-type").last().filter(|value| !value.is_empty()) else {
        return Mime { essence: "application/octet-stream".to_owned(), charset: String::new() };
    };
    let text: String = value.iter().map(|byte| char::from(*byte)).collect();
    let essence = text.trim_start().split([';', ',', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
    let charset = text.to_ascii_lowercase().find("charset").and_then(|at| {
        let rest = text[at + "charset".len()..].trim_start().strip_prefix('=')?;
        let rest = rest.trim_start_matches([' ', '\t', '"', '\'']);
        rest.split([' ', '\t', '"', '\'', ';']).next()
    });
    Mime { essence, charset: charset.unwrap_or_default().to_owned() }
}

/// Chromium's `SniffMimeType`, its common types.
fn sniff(hint: &str, body: &[u8]) -> &'static str {
    let body = &body[..body.len().min(SNIFFED)];
    if hint.is_empty()
        && let Some(html) = sniff_html(body)
    {
        return html;
    }
    let mark = [&b"\xfe\xff"[..], b"\xff\xfe", b"\xef\xbb\xbf"].iter().any(|mark| body.starts_with(mark));
    if hint == "text/plain" && (mark || !body.iter().copied().any(looks_binary)) {
        return "text/plain";
    }
    const MAGIC: [(&[u8], &str); 12] = [
        (b"%PDF-", "application/pdf"),
        (b"%!PS-Adobe-", "application/postscript"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"BM", "image/bmp"),
        (b"\x00\x00\x01\x00", "image/x-icon"),
        (b"PK\x03\x04", "application/zip"),
        (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
        (b"\x1f\x8b\x08", "application/x-gzip"),
        (b"<?xml", "text/xml"),
    ];
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| body.starts_with(magic)) {
        return found;
    }
    if !mark && body.iter().copied().any(looks_binary) { "application/octet-stream" } else { "text/plain" }
}

/// A byte that no text has.
fn looks_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// A tag that only HTML begins with.
fn sniff_html(body: &[u8]) -> Option<&'static str> {
    const TAGS: [&str; 17] = [
        "<!doctype html",
        "<script",
        "<html",
        "<!--",
        "<head",
        "<iframe",
        "<h1",
        "<div",
        "<font",
        "<table",
        "<a",
        "<style",
        "<title",
        "<b",
        "<body",
        "<br",
        "<p",
    ];
    let body = body.trim_ascii_start();
    TAGS.iter()
        .any(|tag| {
            body.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
                && (*tag == "<!--" || body.get(tag.len()).is_some_and(|next| matches!(next, b' ' | b'>')))
        })
        .then_some("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_all(types: &[&str], body: &[u8], expected: [&str; 3]) {
        let headers: Headers = types.iter().map(|value| ("Content-Type", *value)).collect();
        for (browser, expected) in Browser::ALL.into_iter().zip(expected) {
            let got = match check(browser, &headers, body) {
                Ok(None) => "ok".to_owned(),
                Ok(Some(charset)) => format!("ok but {charset}"),
                Err(invalid) => invalid.detail(),
            };
            assert_eq!(got, expected, "{types:?} in {}", browser.word());
        }
    }

    #[test]
    fn parameters_and_case_of_an_event_streams_type_do_not_count() {
        for given in [
            "text/event-stream",
            "TEXT/EVENT-STREAM",
            "text/event-stream ;a",
            "text/event-stream; foo=bar",
            "text/event-stream;charset=\"UTF-8\"",
            "text/event-stream; charset= utf-8",
            "text/event-stream;charset=",
            "text/event-stream,",
        ] {
            check_all(&[given], b"", ["ok"; 3]);
        }
    }

    #[test]
    fn another_charset_is_refused_by_chrome_and_noted_by_safari() {
        let refused = |value: &str| format!("charset {value}");
        check_all(&["text/event-stream; charset=utf8"], b"", [&refused("utf8"), "ok", "ok but utf8"]);
        check_all(&["text/event-stream;Charset=Latin1"], b"", [&refused("latin1"), "ok", "ok but Latin1"]);
        check_all(&["text/event-stream;;charset=x"], b"", [&refused("x"), "ok", "ok but x"]);
        check_all(&["text/event-stream; charset=utf-8; charset=x"], b"", ["ok"; 3]);
        // It goes on to the next element of the same type.
        check_all(&["text/event-stream;charset=x, text/event-stream"], b"", [&refused("x"), "ok", "ok but x,"]);
    }

    #[test]
    fn of_several_types_the_last_counts_and_in_webkit_the_first() {
        check_all(&["text/event-stream, text/html"], b"", ["type text/html", "type text/html", "ok"]);
        check_all(&["text/html, text/event-stream"], b"", ["ok", "ok", "type text/html"]);
        check_all(&["text/html", "text/event-stream"], b"", ["ok"; 3]);
        check_all(&["Text/Html"], b"", ["type text/html"; 3]);
        check_all(&["text/event-streams"], b"", ["type text/event-streams"; 3]);
    }

    #[test]
    fn without_a_type_chrome_looks_at_the_body() {
        let guess = |body: &[u8], expected: &str| {
            check_all(&[], body, [&format!("type {expected}"), "type ", "type application/octet-stream"]);
        };
        guess(b"data: x\n\n", "text/plain");
        guess(b"", "text/plain");
        guess(b"<html>", "text/html");
        guess(b" <!doctype html>", "text/html");
        guess(b"<?xml version=\"1.0\"?>", "text/xml");
        guess(b"%PDF-1.4", "application/pdf");
        guess(b"data: \0", "application/octet-stream");
        guess("\u{feff}data".as_bytes(), "text/plain");
        check_all(&["event-stream"], b"x", ["type text/plain", "type ", "type event-stream"]);
        check_all(&["text/plain"], b"\0", ["type application/octet-stream", "type text/plain", "type text/plain"]);
    }

    proptest::proptest! {
        #[test]
        fn no_value_breaks_the_reading(value in ".{0,40}", list in "[a-z/;,=\"\\\\ ]{0,40}", body: Vec<u8>) {
            for browser in Browser::ALL {
                let headers: Headers = [("Content-Type", value.as_str()), ("content-type", list.as_str())].into_iter().collect();
                let _ = check(browser, &headers, &body);
            }
        }
    }
}
