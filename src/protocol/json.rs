//! JSON from the other side, as `JSON.parse` takes it, bounded in depth and in the number of values before it is parsed.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde_json::Value;

use super::{Fault, Limits};

/// serde_json's own bound on nesting is 128.
const DEEPEST: usize = 127;

/// Reads the JSON that begins at byte `at` of what was received.
pub(super) fn parse(text: &str, at: usize, limits: &Limits) -> Result<Value, Fault> {
    let text = match scan(text, at, limits)? {
        Surrogates::None => Cow::Borrowed(text),
        Surrogates::Some => Cow::Owned(without_lone_surrogates(text)),
    };
    serde_json::from_str(&text).map_err(|error| {
        let at = at + offset(&text, error.line(), error.column());
        if error.is_eof() { Fault::JsonCut { at } } else { Fault::Json { at } }
    })
}

/// Whether there are escapes of surrogates.
enum Surrogates {
    None,
    Some,
}

/// Counts what would be allocated, strings skipped.
fn scan(text: &str, at: usize, limits: &Limits) -> Result<Surrogates, Fault> {
    let bytes = text.as_bytes();
    let limit = limits.depth.min(DEEPEST);
    let (mut index, mut depth, mut values, mut surrogates) = (0, 0_usize, 1, Surrogates::None);
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'"' => {
                index += 1;
                while let Some(found) = memchr2(b'"', b'\\', &bytes[index..]) {
                    index += found;
                    if bytes[index] == b'"' {
                        break;
                    }
                    if matches!(bytes.get(index + 1..index + 3), Some(b"ud" | b"uD")) {
                        surrogates = Surrogates::Some;
                    }
                    index = (index + 2).min(bytes.len());
                }
                if bytes.get(index).is_none_or(|byte| *byte != b'"') {
                    break; // The string has no end: for the parser to say.
                }
            }
            b'[' | b'{' => {
                depth += 1;
                values += 1;
                if limit < depth {
                    return Err(Fault::TooDeep { at: at + index, limit });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => (),
        }
        if limits.values < values {
            return Err(Fault::TooManyValues { at: at + index, limit: limits.values });
        }
        index += 1;
    }
    Ok(surrogates)
}

/// `JSON.parse` takes an escape of half a surrogate pair (a text cut within an emoji), serde_json doesn't. It becomes
/// U+FFFD, as it does wherever such a string is shown. No byte moves.
fn without_lone_surrogates(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (half(rest), rest.get(6..).and_then(half)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                kept.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (None, _) if rest.starts_with("\\\\") => 2,
            (None, _) => 1,
        };
        kept.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    kept.push_str(rest);
    kept
}

enum Half {
    High,
    Low,
}

/// Which half of a surrogate pair the escape at the front is, if any.
fn half(text: &str) -> Option<Half> {
    match u16::from_str_radix(text.get(..6)?.strip_prefix("\\u")?, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

/// serde_json counts lines and columns from 1, columns in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
