//! Firefox's grammar of source expressions: it keeps the words that say nothing about URLs, because its console names the
//! directive by what was understood of it, and it reads hosts, ports and paths in its own way.

use super::parse::{is_host_byte, is_scheme_byte};
use super::{HostPart, HostSource, PortPart, Source};
use crate::browser::{Browser, dialect};

/// Hosts and paths longer than this are no sources.
const CUTOFF: usize = 512;

/// Keywords, as they are written back. `'self'` and `'none'` apart.
const KEYWORDS: [&str; 6] = [
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'wasm-unsafe-eval'",
    "'unsafe-hashes'",
    "'strict-dynamic'",
    "'report-sample'",
];

/// A source list; `'none'` stands in it where nothing else does.
pub(super) fn source_list<'a>(tokens: impl Iterator<Item = &'a str>) -> Vec<Source> {
    let mut sources = Vec::new();
    for token in tokens.filter(|token| !token.eq_ignore_ascii_case("'none'")) {
        match source_expression(token) {
            // Said twice, it counts once.
            Some(Source::Word(word)) if word == "'unsafe-inline'" && sources.contains(&Source::Word(word.clone())) => {}
            Some(source) => sources.push(source),
            None => {}
        }
    }
    if sources.iter().all(|source| *source == Source::Word("'report-sample'".into())) && sources.len() < 2 {
        sources.insert(0, Source::Word("'none'".into()));
    }
    sources
}

fn source_expression(token: &str) -> Option<Source> {
    if token.eq_ignore_ascii_case("'self'") {
        return Some(Source::Own);
    }
    if let Some(keyword) = KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(token)) {
        return Some(Source::Word(keyword.to_owned()));
    }
    if let Some(word) = nonce_or_hash(token) {
        return Some(Source::Word(word));
    }
    if token == "*" {
        return Some(Source::Star);
    }
    let (mut rest, mut scheme) = (token, None);
    let end = token.bytes().position(|byte| !is_scheme_byte(byte)).unwrap_or(token.len());
    if token.starts_with(|first: char| first.is_ascii_alphabetic())
        && let Some(after) = token[end..].strip_prefix(':')
        // A digit or a star: it was a host, and this is its port.
        && !after.starts_with(|next: char| next.is_ascii_digit() || next == '*')
    {
        let name = token[..end].to_ascii_lowercase();
        if after.is_empty() {
            return Some(Source::Scheme(name));
        }
        rest = after.strip_prefix("//")?;
        scheme = Some(name);
    }
    host_source(scheme, rest).map(Source::Host)
}

/// `'nonce-…'` and `'sha256-…'`, with a base64 value.
fn nonce_or_hash(token: &str) -> Option<String> {
    let inner = token.strip_prefix('\'')?.strip_suffix('\'')?;
    let (algorithm, value) = inner.split_once('-')?;
    let digits = value.strip_suffix('=').unwrap_or(value);
    let digits = digits.strip_suffix('=').unwrap_or(digits);
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    if digits.is_empty() || !digits.bytes().all(base64) {
        return None;
    }
    let algorithm = algorithm.to_ascii_lowercase();
    match algorithm.as_str() {
        "nonce" => Some(format!("'nonce-{value}'")),
        "sha256" | "sha384" | "sha512" => Some(format!("'{algorithm}-{}'", value.replace('-', "+").replace('_', "/"))),
        _ => None,
    }
}

fn host_source(scheme: Option<String>, text: &str) -> Option<HostSource> {
    let (host, rest) = host_part(text)?;
    let (port, rest) = match rest.strip_prefix(':') {
        None => (PortPart::Default, rest),
        Some(after) => match after.strip_prefix('*') {
            Some(rest) => (PortPart::Any, rest),
            None => {
                let end = after.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
                if end == 0 {
                    return None;
                }
                (PortPart::Is(after[..end].to_owned()), &after[end..])
            }
        },
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    is_path(path).then(|| HostSource { scheme, host, port, path: dialect::csp::percent_decode(Browser::Firefox, path) })
}

/// The host, and what follows it.
fn host_part(text: &str) -> Option<(HostPart, &str)> {
    let (labels, wildcard) = match text.strip_prefix('*') {
        // Before a path it is none.
        Some(rest) if rest.is_empty() || rest.starts_with(':') => return Some((HostPart::Any, rest)),
        Some(rest) => (rest.strip_prefix('.')?, true),
        None => (text, false),
    };
    let end = labels.find([':', '/', '?', '#']).unwrap_or(labels.len());
    let (name, rest) = labels.split_at(end);
    let valid =
        name.len() <= CUTOFF && name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_host_byte));
    let name = name.to_ascii_lowercase();
    valid.then_some((if wildcard { HostPart::Under(name) } else { HostPart::Is(name) }, rest))
}

/// Nothing, or a slash and segments of `pchar`; never two slashes at its start.
fn is_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return path.is_empty() };
    if rest.starts_with('/') || CUTOFF < rest.len() {
        return false;
    }
    let bytes = rest.as_bytes();
    let escaped = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => escaped(at),
        b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'=' | b':'
        | b'@' => true,
        byte => byte.is_ascii_alphanumeric(),
    })
}
