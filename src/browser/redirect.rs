//! [HTTP-redirect fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch), as far as it is rules about one answer.

use std::borrow::Cow;

use url::Url;

use super::dialect::EmptyLocation;
use super::{Browser, dialect, headers};
use crate::wire::WireResponse;

/// How many redirects are followed; the next one fails.
pub const MAX_REDIRECTS: usize = 20;

/// [Redirect status](https://fetch.spec.whatwg.org/#redirect-status).
pub fn is_redirect_status(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// What an answer's `Location` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// No redirect: the answer is the answer.
    None,
    /// A value that is no URL.
    Invalid,
    Url(Box<Url>),
}

/// Whether an answer is a redirect, be it one that leads nowhere.
pub fn is_redirect(browser: Browser, response: &WireResponse) -> bool {
    location(browser, response).is_some()
}

/// The `Location` that counts.
fn location(browser: Browser, response: &WireResponse) -> Option<&[u8]> {
    // Step 1.
    if !is_redirect_status(response.status) {
        return None;
    }
    // Step 2.
    let value = response.headers.first("location")?;
    (!value.is_empty() || dialect::empty_location(browser) != EmptyLocation::None).then_some(value)
}

/// [Location URL](https://fetch.spec.whatwg.org/#concept-response-location-url) of an answer to a request for `current`.
pub fn location_url(browser: Browser, response: &WireResponse, current: &Url) -> Location {
    let Some(value) = location(browser, response) else { return Location::None };
    if value.is_empty() && dialect::empty_location(browser) == EmptyLocation::Invalid {
        return Location::Invalid;
    }
    // Step 3: bytes that are no UTF-8 are taken one character each, and percent-encoded by the URL parser.
    let text = match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => headers::isomorphic_decode(value),
    };
    let Ok(mut url) = current.join(&text) else { return Location::Invalid };
    // Step 4: the fragment goes on where the location has none of its own.
    if url.fragment().is_none() {
        url.set_fragment(current.fragment());
    }
    Location::Url(Box::new(url))
}

/// Whether following turns the method into GET and drops the body:
/// [step 12](https://fetch.spec.whatwg.org/#http-redirect-fetch).
pub fn becomes_get(status: u16, method: &str) -> bool {
    (matches!(status, 301 | 302) && method == "POST") || (status == 303 && !matches!(method, "GET" | "HEAD"))
}

/// [Request-body-header name](https://fetch.spec.whatwg.org/#request-body-header-name): goes with the body.
pub fn is_body_header(name: &str) -> bool {
    ["content-encoding", "content-language", "content-location", "content-type"]
        .iter()
        .any(|body| body.eq_ignore_ascii_case(name))
}

/// Schemes of which no redirect may be followed at all, whatever the request's mode.
pub fn is_unsafe_target(url: &Url) -> bool {
    matches!(url.scheme(), "data" | "file" | "filesystem" | "blob" | "about" | "javascript")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Headers, HttpVersion};

    #[track_caller]
    fn check(status: u16, location: Option<&str>, expected: Option<&str>) {
        let response = WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers: location.map(|value| ("Location", value)).into_iter().collect::<Headers>(),
            body: Default::default(),
            body_size: 0,
            transfer: crate::wire::Transfer::default(),
        };
        let current = Url::parse("https://api.test/a/b#frag").unwrap();
        let got = match location_url(Browser::Chrome, &response, &current) {
            Location::None => None,
            Location::Invalid => Some("invalid".to_owned()),
            Location::Url(url) => Some(url.to_string()),
        };
        assert_eq!(got.as_deref(), expected);
    }

    #[test]
    fn a_location_is_relative_and_inherits_the_fragment() {
        check(302, Some("c"), Some("https://api.test/a/c#frag"));
        check(302, Some("//b.test/x#y"), Some("https://b.test/x#y"));
        check(307, Some("http://["), Some("invalid"));
    }

    #[test]
    fn without_a_location_or_a_redirect_status_the_answer_stands() {
        check(302, None, None);
        check(302, Some(""), None);
        check(304, Some("/x"), None);
    }

    #[test]
    fn post_becomes_get_and_put_stays_unless_303() {
        assert!(becomes_get(301, "POST") && becomes_get(303, "PUT"));
        assert!(!becomes_get(307, "POST") && !becomes_get(302, "PUT") && !becomes_get(303, "HEAD"));
    }
}
