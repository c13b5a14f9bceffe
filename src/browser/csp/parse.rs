//! From a header's value to policies: [parse a serialized CSP list](https://w3c.github.io/webappsec-csp/#parse-serialized-policy-list),
//! and the source lists in it.

use super::{Directive, DirectiveName, Disposition, HostPart, HostSource, Policy, PortPart, Source, firefox};
use crate::browser::{Browser, dialect};

/// Every policy of one header's value. What each says nothing about is left out of it, the policy itself never.
pub fn parse_list(browser: Browser, list: &str, disposition: Disposition) -> Vec<Policy> {
    list.split(',').map(|policy| parse(browser, policy, disposition)).collect()
}

/// [Parse a serialized CSP](https://w3c.github.io/webappsec-csp/#parse-serialized-policy).
fn parse(browser: Browser, serialized: &str, disposition: Disposition) -> Policy {
    let mut policy = Policy {
        disposition,
        connect: None,
        upgrade_insecure_requests: false,
        block_all_mixed_content: false,
        opaque_origin: false,
    };
    let is_whitespace = |character| dialect::csp::is_whitespace(browser, character);
    let (mut connect, mut default, mut sandboxed) = (None, None, false);
    let (mut connect_seen, mut default_seen) = (false, false);
    // Step 2.
    for token in serialized.split(';') {
        // Steps 2.1 to 2.3.
        let token = token.trim_matches(is_whitespace);
        let (name, value) = token.split_once(is_whitespace).unwrap_or((token, ""));
        let value = value.trim_matches(is_whitespace);
        let directive = |name| {
            let value = value.to_owned();
            Some(Directive { name, sources: source_list(browser, &value), value })
        };
        let readable = value.bytes().all(|byte| is_whitespace(char::from(byte)) || byte.is_ascii_graphic());
        // Step 2.4: names know no case. Step 2.5: only the first of a name counts, and whether one that can't be read is
        // a first one differs.
        if !readable && !dialect::csp::unreadable_directive_counts(browser) {
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "connect-src" if !connect_seen => {
                connect_seen = true;
                connect = if readable { directive(DirectiveName::ConnectSrc) } else { None };
            }
            "default-src" if !default_seen => {
                default_seen = true;
                default = if readable { directive(DirectiveName::DefaultSrc) } else { None };
            }
            "upgrade-insecure-requests" if disposition == Disposition::Enforce => {
                policy.upgrade_insecure_requests |= readable;
            }
            "block-all-mixed-content" if disposition == Disposition::Enforce => {
                policy.block_all_mixed_content |= readable;
            }
            "sandbox" if disposition == Disposition::Enforce && !sandboxed => {
                sandboxed = true;
                let same = value.split(is_whitespace).any(|flag| flag.eq_ignore_ascii_case("allow-same-origin"));
                policy.opaque_origin = readable && !same;
            }
            _ => {}
        }
    }
    // [Fallback list](https://w3c.github.io/webappsec-csp/#directive-fallback-list) of connect-src.
    policy.connect = connect.or(default);
    policy
}

/// [Parse a source list](https://w3c.github.io/webappsec-csp/#grammardef-serialized-source-list): what is no source expression
/// is ignored.
fn source_list(browser: Browser, value: &str) -> Vec<Source> {
    let tokens =
        value.split(|character| dialect::csp::is_whitespace(browser, character)).filter(|token| !token.is_empty());
    match browser {
        Browser::Firefox => firefox::source_list(tokens),
        Browser::Chrome | Browser::Safari => tokens.filter_map(|token| source_expression(browser, token)).collect(),
    }
}

/// [source-expression](https://w3c.github.io/webappsec-csp/#grammardef-source-expression), less the keywords, nonces and hashes
/// that no URL matches: Chromium's and WebKit's grammar, which are one in all but details.
fn source_expression(browser: Browser, token: &str) -> Option<Source> {
    if token == "*" {
        return Some(Source::Star);
    }
    if token.eq_ignore_ascii_case("'self'") {
        return Some(Source::Own);
    }
    let (mut rest, mut scheme) = (token, None);
    if let Some((before, after)) = token.split_once([':', '/'])
        && token.as_bytes().get(before.len()) == Some(&b':')
    {
        if after.is_empty() {
            return scheme_part(before).map(Source::Scheme);
        }
        if let Some(after) = after.strip_prefix('/') {
            rest = after.strip_prefix('/')?;
            scheme = Some(scheme_part(before)?);
        }
    }
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let host = host_part(browser, &rest[..end])?;
    let rest = &rest[end..];
    let (port, rest) = match rest.strip_prefix(':') {
        None => (PortPart::Default, rest),
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (port_part(&rest[..end])?, &rest[end..])
        }
    };
    if scheme.is_none() && host == HostPart::Any && !dialect::csp::star_takes_port(browser) {
        return None;
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    Some(Source::Host(HostSource { scheme, host, port, path: dialect::csp::percent_decode(browser, path) }))
}

/// [scheme-part](https://w3c.github.io/webappsec-csp/#grammardef-scheme-part).
pub(super) fn scheme_part(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let valid = bytes.next().is_some_and(|first| first.is_ascii_alphabetic()) && bytes.all(is_scheme_byte);
    valid.then(|| text.to_ascii_lowercase())
}

pub(super) fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

pub(super) fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// [host-part](https://w3c.github.io/webappsec-csp/#grammardef-host-part).
fn host_part(browser: Browser, text: &str) -> Option<HostPart> {
    if text == "*" {
        return Some(HostPart::Any);
    }
    let (labels, wildcard) = match text.strip_prefix("*.") {
        Some(labels) => (labels, true),
        None => (text, false),
    };
    let lax = dialect::csp::host_may_end_in_dot(browser);
    if wildcard && labels.is_empty() && dialect::csp::bare_wildcard_is_any(browser) {
        return Some(HostPart::Any);
    }
    let checked = if lax { labels.strip_suffix('.').unwrap_or(labels) } else { labels };
    let valid = checked.split('.').all(|label| !label.is_empty() && label.bytes().all(is_host_byte));
    let name = labels.to_ascii_lowercase();
    valid.then_some(if wildcard { HostPart::Under(name) } else { HostPart::Is(name) })
}

/// [port-part](https://w3c.github.io/webappsec-csp/#grammardef-port-part).
fn port_part(text: &str) -> Option<PortPart> {
    match text {
        "" => None,
        "*" => Some(PortPart::Any),
        digits => digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| PortPart::Is(digits.to_owned())),
    }
}
