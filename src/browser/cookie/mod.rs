//! Cookies by [RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis), with what the three browsers
//! make of them: what an answer's `Set-Cookie` stores, what a request's `Cookie` holds, and why something is missing.
//!
//! Section numbers are draft 20's. Where the browsers differ, [`dialect::cookies`](super::dialect::cookies) says how and how
//! it is known.

mod context;
mod date;
mod domain;
mod excluded;
mod explain;
mod jar;
mod parse;
mod prefix;
mod trail;

use std::borrow::Cow;

use url::Url;

pub use context::Context;
pub use excluded::{Excluded, Lost, Note, Part, Remark, What, Why};
pub use explain::left_out;
pub use jar::{Jar, Received, Retrieved};
pub use parse::SameSite;
pub use trail::Trail;

/// The names in a `Cookie` field, in order; empty for a cookie without a name.
pub fn names(field: &[u8]) -> Vec<String> {
    let pairs = field.split(|byte| *byte == b';');
    pairs
        .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => as_text(pair[..at].trim_ascii()),
            None => String::new(),
        })
        .collect()
}

/// The URL as the jar knows it, to which `ws` is `http`.
fn as_http(url: &Url) -> Cow<'_, Url> {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return Cow::Borrowed(url),
    };
    let mut url = url.clone();
    // From one special scheme to another: can't fail.
    let _ = url.set_scheme(scheme);
    Cow::Owned(url)
}

/// Bytes as a person reads them: UTF-8, else one character a byte.
fn as_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests;
