//! [Headers](https://fetch.spec.whatwg.org/#headers-class): names and values, the forbidden, the safelisted, the exposed.

use std::borrow::Cow;

use super::{Browser, Credentials, ResponseType, dialect, method};
use crate::wire::Headers;

/// A [token](https://httpwg.org/specs/rfc9110.html#tokens), which header names and methods have to be.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Without [HTTP whitespace](https://fetch.spec.whatwg.org/#http-whitespace) at either end.
pub fn normalize_value(value: &[u8]) -> &[u8] {
    let white = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' ');
    let start = value.iter().position(|byte| !white(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !white(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// [Isomorphic decode](https://infra.spec.whatwg.org/#isomorphic-decode): one character a byte. Borrowed where all is ASCII.
pub fn isomorphic_decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// [Header value](https://fetch.spec.whatwg.org/#header-value): no NUL and no line's end within.
pub fn is_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r'))
}

/// Steps 1 and 2 of [forbidden request-header](https://fetch.spec.whatwg.org/#forbidden-request-header): the names that no
/// script may set in any browser. `name` is in lower case.
pub fn is_forbidden_name(name: &str) -> bool {
    const NAMES: [&str; 21] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    NAMES.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-")
}

/// [Forbidden request-header](https://fetch.spec.whatwg.org/#forbidden-request-header): what a script may not set. It is
/// dropped, without an error. The name may be in any case.
pub fn is_forbidden(browser: Browser, name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    // Steps 1 and 2.
    if is_forbidden_name(&name) || (name == "user-agent" && dialect::drops_user_agent(browser)) {
        return true;
    }
    // Step 3: a method override that names a forbidden method.
    matches!(name.as_str(), "x-http-method" | "x-http-method-override" | "x-method-override")
        && value
            .split(|byte| *byte == b',')
            .any(|one| std::str::from_utf8(normalize_value(one)).is_ok_and(method::is_forbidden))
}

/// [CORS-unsafe request-header byte](https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte).
fn is_unsafe_byte(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || b"\"():<>?@[\\]{}\x7f".contains(&byte)
}

/// [CORS-safelisted request-header](https://fetch.spec.whatwg.org/#cors-safelisted-request-header): goes to another origin
/// without a preflight.
pub fn is_cors_safelisted(browser: Browser, name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    if dialect::is_extra_safelisted(browser, &name, value) {
        return true;
    }
    // Step 1.
    if 128 < value.len() {
        return false;
    }
    if dialect::non_ascii_is_unsafe(browser) && !value.is_ascii() {
        return false;
    }
    // Step 2.
    match name.as_str() {
        "accept" => !value.iter().copied().any(is_unsafe_byte),
        "accept-language" | "content-language" => {
            value.iter().all(|byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(byte))
        }
        "content-type" => !value.iter().copied().any(is_unsafe_byte) && is_safelisted_type(value),
        "range" => is_simple_range(value),
        _ => false,
    }
}

/// Whether the value parses as one of the three MIME types that a form may send. Parameters don't count.
fn is_safelisted_type(value: &[u8]) -> bool {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|safe| normalize_value(essence).eq_ignore_ascii_case(safe.as_bytes()))
}

/// [Parse a single range header value](https://fetch.spec.whatwg.org/#simple-range-header-value) without whitespace, and with
/// its first position given.
fn is_simple_range(value: &[u8]) -> bool {
    let Some(range) = std::str::from_utf8(value).ok().and_then(|value| value.strip_prefix("bytes=")) else {
        return false;
    };
    let Some((first, last)) = range.split_once('-') else { return false };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match (number(first), last.is_empty(), number(last)) {
        (Some(_), true, _) => true,
        (Some(first), false, Some(last)) => first <= last,
        _ => false,
    }
}

/// [CORS-unsafe request-header names](https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names): lower case, sorted,
/// each once.
pub fn cors_unsafe_names<'a>(browser: Browser, list: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
    // Steps 1 to 3.
    let (mut unsafe_names, mut safelisted, mut size) = (Vec::new(), Vec::new(), 0_usize);
    // Step 4.
    for (name, value) in list {
        if is_cors_safelisted(browser, name, value) {
            safelisted.push(name.to_ascii_lowercase());
            size = size.saturating_add(value.len());
        } else {
            unsafe_names.push(name.to_ascii_lowercase());
        }
    }
    // Step 5: too much of the safe is unsafe.
    if 1024 < size {
        unsafe_names.append(&mut safelisted);
    }
    // Step 6.
    unsafe_names.sort();
    unsafe_names.dedup();
    unsafe_names
}

/// [No-CORS-safelisted request-header](https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header).
pub fn is_no_cors_safelisted(browser: Browser, name: &str, value: &[u8]) -> bool {
    ["accept", "accept-language", "content-language", "content-type"].iter().any(|safe| safe.eq_ignore_ascii_case(name))
        && is_cors_safelisted(browser, name, value)
}

/// [CORS non-wildcard request-header name](https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name).
pub fn is_non_wildcard(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization")
}

/// The elements of a comma-separated field, all its lines together, one character a byte; an empty field is one empty element.
pub fn elements<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Cow<'a, str>> {
    let elements = values.flat_map(|value| value.split(|byte| *byte == b','));
    elements.map(|element| isomorphic_decode(normalize_value(element)))
}

/// [Extract header list values](https://fetch.spec.whatwg.org/#extract-header-list-values) of a field that is a list of
/// tokens: `#field-name`, `#method`. Empty elements count for nothing; one that is no token fails the whole: it is the error.
pub fn token_list<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Vec<&'a str>, String> {
    let mut tokens = Vec::new();
    for element in elements(values).filter(|element| !element.is_empty()) {
        match element {
            Cow::Borrowed(token) if is_token(token) => tokens.push(token),
            element => return Err(element.into_owned()),
        }
    }
    Ok(tokens)
}

/// [CORS-safelisted response-header name](https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name), apart from
/// those that the answer lists.
pub fn is_safelisted_response(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
    is_among(name, &NAMES)
}

/// [Forbidden response-header name](https://fetch.spec.whatwg.org/#forbidden-response-header-name).
pub fn is_forbidden_response(name: &str) -> bool {
    is_among(name, &["set-cookie", "set-cookie2"])
}

/// Names compare without case.
fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// The names that a script can read, by the response's type: lower case, sorted. Of a CORS response those that are safe or that
/// it [exposes](https://fetch.spec.whatwg.org/#concept-response-cors-exposed-header-name-list): one bad token empties that list.
pub fn exposed(tainting: ResponseType, credentials: Credentials, response: &Headers) -> Vec<String> {
    let names = response.iter().map(|(name, _)| name).filter(|name| !is_forbidden_response(name));
    let mut exposed: Vec<String> = match tainting {
        ResponseType::Basic => names.map(str::to_ascii_lowercase).collect(),
        ResponseType::Cors => {
            let listed = token_list(response.all("access-control-expose-headers")).unwrap_or_default();
            let any = credentials != Credentials::Include && listed.contains(&"*");
            let readable = |name: &&str| any || is_safelisted_response(name) || is_among(name, &listed);
            names.filter(readable).map(str::to_ascii_lowercase).collect()
        }
        ResponseType::Opaque | ResponseType::OpaqueRedirect => Vec::new(),
    };
    exposed.sort();
    exposed.dedup();
    exposed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn safelisted(name: &str, value: &str, expected: bool) {
        assert_eq!(is_cors_safelisted(Browser::Firefox, name, value.as_bytes()), expected, "{name}: {value}");
    }

    #[test]
    fn the_safelist_goes_by_bytes() {
        safelisted("Accept", "text/html, */*;q=0.1", true);
        safelisted("Accept", "a\"b", false);
        safelisted("accept-language", "de, en;q=0.8", true);
        safelisted("Accept-Language", "de@", false);
        safelisted("Accept", &"a".repeat(128), true);
        safelisted("Accept", &"a".repeat(129), false);
        safelisted("X-Test", "1", false);
        safelisted("DPR", "2", false);
    }

    #[test]
    fn three_content_types_are_safe_whatever_their_parameters() {
        safelisted("content-type", "Text/Plain ; charset=utf-8", true);
        safelisted("content-type", "multipart/form-data;boundary=x", true);
        safelisted("content-type", "application/json", false);
        safelisted("content-type", "text/plain, a", false);
        safelisted("content-type", "text/plain;a=\"b\"", false);
    }

    #[test]
    fn a_range_needs_its_first_position() {
        safelisted("range", "bytes=0-", true);
        safelisted("range", "bytes=3-9", true);
        safelisted("range", "bytes=9-3", false);
        safelisted("range", "bytes=-5", false);
        safelisted("range", "bytes= 0-", false);
    }

    #[test]
    fn chrome_lets_its_old_hints_through() {
        assert!(is_cors_safelisted(Browser::Chrome, "DPR", b"2"));
        assert!(is_cors_safelisted(Browser::Chrome, "Save-Data", b"on"));
        assert!(!is_cors_safelisted(Browser::Chrome, "Save-Data", b"off"));
    }

    #[test]
    fn a_kilobyte_of_safe_values_is_unsafe() {
        let value = "a".repeat(128);
        let many: Vec<(&str, &[u8])> =
            ["accept"; 9].iter().map(|name| (*name, value.as_bytes())).chain([("X-b", &b"1"[..])]).collect();
        assert_eq!(cors_unsafe_names(Browser::Chrome, many.iter().copied()), ["accept", "x-b"]);
        assert_eq!(cors_unsafe_names(Browser::Chrome, many[..8].iter().copied()), Vec::<String>::new());
    }

    #[test]
    fn a_script_may_not_set_what_is_the_browsers() {
        for name in ["Cookie", "Host", "Origin", "Sec-Anything", "Proxy-X", "TE", "Via", "Upgrade"] {
            assert!(is_forbidden(Browser::Firefox, name, b"x"), "{name}");
        }
        assert!(is_forbidden(Browser::Firefox, "X-HTTP-Method-Override", b"GET, track"));
        assert!(!is_forbidden(Browser::Firefox, "X-HTTP-Method-Override", b"PUT"));
        assert!(!is_forbidden(Browser::Firefox, "User-Agent", b"x"));
        assert!(is_forbidden(Browser::Chrome, "User-Agent", b"x"));
    }

    #[test]
    fn one_bad_token_fails_the_list_and_empty_elements_do_not() {
        let list = |values: &[&'static str]| token_list(values.iter().map(|value| value.as_bytes()));
        assert_eq!(list(&["a, ,B", "c"]), Ok(vec!["a", "B", "c"]));
        assert_eq!(list(&["a, b c"]), Err("b c".into()));
        assert_eq!(list(&[]), Ok(Vec::new()));
    }
}
