//! Whether a 101 [completes the handshake](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), in Chromium's order of checks.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Agreed;
use crate::browser::headers::{self, elements};
use crate::browser::{Browser, Invalid, Page, dialect};
use crate::wire::Headers;

/// The `Sec-WebSocket-Accept` that answers `key` (base64, as it was sent):
/// [RFC 6455, section 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2), step 5.4.
pub fn accept_key(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// What a good 101 agrees to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    pub protocol: Option<String>,
    /// permessage-deflate.
    pub deflate: Option<Agreed>,
}

/// What was agreed on, or what is wrong.
pub fn check(page: &Page, key: &str, asked: &[String], response: &Headers) -> Result<Accepted, Invalid> {
    let browser = page.browser;
    upgrade(browser, response)?;
    // Section 4.1, item 4.
    let accept = single(response, "Sec-WebSocket-Accept")?;
    if accept != accept_key(key) {
        return Err(Invalid::Accept);
    }
    // Item 3.
    if !response.contains("connection") {
        return Err(Invalid::Missing { name: "Connection" });
    }
    if !elements(response.all("connection")).any(|token| token.eq_ignore_ascii_case("upgrade")) {
        return Err(Invalid::Connection);
    }
    let protocol = subprotocol(browser, asked, response)?;
    let deflate = extensions(page, response)?;
    Ok(Accepted { protocol, deflate })
}

/// Item 2.
fn upgrade(browser: Browser, response: &Headers) -> Result<(), Invalid> {
    if dialect::takes_many_upgrades(browser) {
        let values: Vec<_> = elements(response.all("upgrade")).collect();
        return match values.iter().any(|value| value.eq_ignore_ascii_case("websocket")) {
            true => Ok(()),
            false if values.is_empty() => Err(Invalid::Missing { name: "Upgrade" }),
            false => Err(Invalid::Upgrade { value: values.join(", ") }),
        };
    }
    let value = single(response, "Upgrade")?;
    if value.eq_ignore_ascii_case("websocket") { Ok(()) } else { Err(Invalid::Upgrade { value: value.into_owned() }) }
}

/// The only element of a field.
fn single<'a>(response: &'a Headers, name: &'static str) -> Result<Cow<'a, str>, Invalid> {
    let mut found = elements(response.all(name));
    match (found.next(), found.next()) {
        (None, _) => Err(Invalid::Missing { name }),
        (Some(value), None) => Ok(value),
        (Some(_), Some(_)) => Err(Invalid::Repeated { name }),
    }
}

/// Item 6.
fn subprotocol(browser: Browser, asked: &[String], response: &Headers) -> Result<Option<String>, Invalid> {
    let mut answered: Vec<String> = elements(response.all("sec-websocket-protocol")).map(Cow::into_owned).collect();
    if dialect::takes_loose_subprotocol(browser) && 1 < response.all("sec-websocket-protocol").count() {
        answered.truncate(1);
    }
    let among = |value: &String| match dialect::takes_loose_subprotocol(browser) {
        true => asked.iter().any(|asked| asked.eq_ignore_ascii_case(value)),
        false => asked.contains(value),
    };
    match answered.as_slice() {
        [] if !asked.is_empty() && dialect::wants_a_subprotocol(browser) => Err(Invalid::SubprotocolMissing),
        [] => Ok(None),
        [_, _, ..] => Err(Invalid::Repeated { name: "Sec-WebSocket-Protocol" }),
        [_] if asked.is_empty() && dialect::takes_unasked_subprotocol(browser) => Ok(None),
        [value] if asked.is_empty() => Err(Invalid::SubprotocolUnasked { value: value.clone() }),
        [value] if !among(value) => Err(Invalid::SubprotocolMismatch { value: value.clone() }),
        [value] => Ok(Some(value.clone())),
    }
}

/// Item 5, and [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692#section-7.1) for the one extension that browsers offer.
fn extensions(page: &Page, response: &Headers) -> Result<Option<Agreed>, Invalid> {
    let mut deflate = None;
    for value in response.all("sec-websocket-extensions") {
        let text = headers::isomorphic_decode(headers::normalize_value(value));
        if text.is_empty() && dialect::takes_empty_extensions(page.browser) {
            continue;
        }
        let Some(list) = parse_extensions(&text) else {
            return Err(Invalid::ExtensionSyntax { value: text.into_owned() });
        };
        for (name, parameters) in list {
            if name != "permessage-deflate" || !page.abilities.deflate {
                return Err(Invalid::ExtensionUnasked { name });
            }
            if deflate.is_some() && page.browser != Browser::Safari {
                return Err(Invalid::DeflateRepeated);
            }
            deflate = Some(deflate_parameters(&parameters).map_err(|what| Invalid::Deflate { what })?);
        }
    }
    Ok(deflate)
}

type Extension = (String, Vec<(String, Option<String>)>);

/// [RFC 6455, section 9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1), a value in quotation marks being a token, too.
fn parse_extensions(text: &str) -> Option<Vec<Extension>> {
    let mut list = Vec::new();
    for element in text.split(',') {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().filter(|name| headers::is_token(name))?.to_owned();
        let mut parameters = Vec::new();
        for part in parts {
            let (key, value) = match part.split_once('=') {
                Some((key, value)) => {
                    let value = value.trim();
                    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                    (key.trim(), Some(bare.to_owned()).filter(|value| headers::is_token(value)))
                }
                None => (part, None),
            };
            if !headers::is_token(key) || (part.contains('=') && value.is_none()) {
                return None;
            }
            parameters.push((key.to_owned(), value));
        }
        list.push((name, parameters));
    }
    Some(list)
}

/// [RFC 7692, section 7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1): the four parameters, each once.
fn deflate_parameters(parameters: &[(String, Option<String>)]) -> Result<Agreed, String> {
    let mut agreed = Agreed::default();
    for (at, (name, value)) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|(before, _)| before == name) {
            return Err(format!("Received duplicate permessage-deflate extension parameter {name}"));
        }
        match (name.as_str(), value) {
            ("server_no_context_takeover", None) => agreed.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => agreed.client_no_context_takeover = true,
            ("client_max_window_bits", None) => return Err("client_max_window_bits must have value".into()),
            ("server_max_window_bits" | "client_max_window_bits", Some(text)) if let Some(bits) = window_bits(text) => {
                let of_server = name.starts_with("server");
                *(if of_server { &mut agreed.server_max_window_bits } else { &mut agreed.client_max_window_bits }) =
                    bits;
            }
            ("server_no_context_takeover" | "client_no_context_takeover", Some(_))
            | ("server_max_window_bits" | "client_max_window_bits", _) => {
                return Err(format!("Received invalid {name} parameter"));
            }
            _ => return Err("Received an unexpected permessage-deflate extension parameter".into()),
        }
    }
    Ok(agreed)
}

/// 8 to 15, without a leading zero.
fn window_bits(text: &str) -> Option<u8> {
    let bits = text.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    (!text.starts_with(['0', '+'])).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str =
        "Upgrade: websocket\nConnection: keep-alive, upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[track_caller]
    fn checked(browser: Browser, asked: &[&str], fields: &str, expected: &str) {
        let headers: Headers =
            fields.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect();
        let mut page = Page::new(Url::parse("https://app.test").unwrap(), browser);
        page.abilities.deflate = true;
        let asked: Vec<String> = asked.iter().map(|&one| one.to_owned()).collect();
        let got = match check(&page, KEY, &asked, &headers) {
            Ok(accepted) => format!("{:?}", accepted.protocol),
            Err(invalid) => format!("{invalid:?}"),
        };
        assert!(got.starts_with(expected), "{got}\nnot {expected}");
    }

    #[test]
    fn the_rfcs_own_key_has_the_rfcs_own_answer() {
        assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_good_101_opens_also_with_more_in_connection() {
        checked(Browser::Chrome, &[], GOOD, "None");
        checked(Browser::Chrome, &["a", "b"], &format!("{GOOD}\nSec-WebSocket-Protocol: b"), "Some(\"b\")");
        checked(Browser::Chrome, &[], &format!("{GOOD}\nSec-WebSocket-Extensions: permessage-deflate"), "None");
    }

    #[test]
    fn each_missing_field_is_named() {
        checked(Browser::Chrome, &[], "", "Missing { name: \"Upgrade\"");
        checked(Browser::Chrome, &[], "Upgrade: websocket", "Missing { name: \"Sec-WebSocket-Accept\"");
        checked(Browser::Chrome, &[], &GOOD.replace("upgrade", "x"), "Connection");
        checked(Browser::Chrome, &[], &GOOD.replace("s3p", "S3p"), "Accept");
    }

    #[test]
    fn subprotocols_are_as_strict_as_the_browser() {
        checked(Browser::Chrome, &["a"], GOOD, "SubprotocolMissing");
        checked(Browser::Firefox, &["a"], GOOD, "None");
        checked(Browser::Chrome, &["a"], &format!("{GOOD}\nSec-WebSocket-Protocol: A"), "SubprotocolMismatch");
        checked(Browser::Safari, &["a"], &format!("{GOOD}\nSec-WebSocket-Protocol: A"), "Some");
        checked(Browser::Chrome, &[], &format!("{GOOD}\nSec-WebSocket-Protocol: a"), "SubprotocolUnasked");
    }

    #[test]
    fn extensions_are_the_one_that_was_offered() {
        let with = |value: &str| format!("{GOOD}\nSec-WebSocket-Extensions: {value}");
        checked(Browser::Chrome, &[], &with("x-foo"), "ExtensionUnasked");
        checked(Browser::Chrome, &[], &with(";;"), "ExtensionSyntax");
        checked(Browser::Chrome, &[], &with(""), "ExtensionSyntax");
        checked(Browser::Firefox, &[], &with(""), "None");
        checked(Browser::Chrome, &[], &with("permessage-deflate; server_max_window_bits=7"), "Deflate");
        checked(Browser::Chrome, &[], &with("permessage-deflate, permessage-deflate"), "DeflateRepeated");
    }
}
