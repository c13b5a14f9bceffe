//! A value that must never be shown: no `Debug` text, no `Display`, no `Serialize`.
//!
//! Whoever needs the bytes says [`Secret::expose`], which is easy to find; whoever writes text that may hold one passes it
//! through [`Redactor`].

use std::fmt;
use std::sync::Arc;

use super::jwt;

/// A secret's value, looked up for use. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Replaces the known secrets in text and bytes that are about to leave the program's memory.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Each secret, plain and percent-encoded; the longest first, so that one inside another can't leave its rest.
    needles: Vec<Needle>,
}

/// A secret, and what stands in its place: of a token, when it ends, which is no secret and often the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Needle {
    secret: Secret,
    shown: Option<Arc<str>>,
}

impl Needle {
    fn expose(&self) -> &str {
        self.secret.expose()
    }

    fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(REDACTED)
    }
}

impl Redactor {
    /// A redactor for these secrets. Values shorter than four bytes are left out: they would tear up ordinary text.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut needles = Vec::new();
        for secret in secrets {
            if secret.expose().len() < 4 {
                continue;
            }
            let shown: Option<Arc<str>> = jwt::mark(secret.expose()).map(Into::into);
            let encoded: String = url::form_urlencoded::byte_serialize(secret.expose().as_bytes()).collect();
            let spaced = encoded.replace('+', "%20");
            for form in [encoded, spaced] {
                if form != secret.expose() {
                    needles.push(Needle { secret: Secret::new(form), shown: shown.clone() });
                }
            }
            needles.push(Needle { secret, shown });
        }
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.expose().len()));
        needles.dedup();
        Self { needles }
    }

    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with every secret replaced.
    pub fn text<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let mut out = std::borrow::Cow::Borrowed(text);
        for needle in &self.needles {
            if out.contains(needle.expose()) {
                out = std::borrow::Cow::Owned(out.replace(needle.expose(), needle.shown()));
            }
        }
        out
    }

    /// The same for bytes that may not be text.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for needle in &self.needles {
            let shown = needle.shown().as_bytes();
            let needle = needle.expose().as_bytes();
            if memchr::memmem::find(&out, needle).is_none() {
                continue;
            }
            let mut replaced = Vec::with_capacity(out.len());
            let mut rest = 0;
            for at in memchr::memmem::find_iter(&out, needle) {
                replaced.extend_from_slice(&out[rest..at]);
                replaced.extend_from_slice(shown);
                rest = at + needle.len();
            }
            replaced.extend_from_slice(&out[rest..]);
            out = replaced;
        }
        out
    }
}

impl Redactor {
    /// The first `limit` bytes of `bytes` with every secret replaced, also one that the limit would cut in two.
    pub fn preview(&self, bytes: &[u8], limit: usize) -> Box<[u8]> {
        let longest = self.needles.first().map_or(0, |needle| needle.expose().len());
        let window = &bytes[..bytes.len().min(limit.saturating_add(longest))];
        let mut out = if self.needles.is_empty() { window.to_vec() } else { self.bytes(window) };
        out.truncate(limit);
        out.into()
    }

    /// For bytes that were cut already: as [`Redactor::bytes`], and what stands at their end and may be the beginning of a
    /// secret (four bytes of it or more) goes, too.
    pub fn cut_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = self.bytes(bytes);
        let beginning = |out: &[u8]| {
            self.needles.iter().find_map(|needle| {
                let needle = needle.expose().as_bytes();
                (4..needle.len()).rev().find(|length| out.ends_with(&needle[..*length]))
            })
        };
        if let Some(length) = beginning(&out) {
            out.truncate(out.len() - length);
            out.extend_from_slice(REDACTED.as_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "Secret(…)");
    }

    #[test]
    fn secrets_go_from_text_and_bytes_plain_and_percent_encoded() {
        let redactor = Redactor::new([Secret::new("a b/c=")]);
        assert_eq!(redactor.text("x a b/c= y a+b%2Fc%3D z a%20b%2Fc%3D"), "x [redacted] y [redacted] z [redacted]");
        assert_eq!(redactor.bytes(b"\xff a b/c= \xfe"), b"\xff [redacted] \xfe");
    }

    #[test]
    fn a_secret_that_a_cut_goes_through_is_gone_all_the_same() {
        let redactor = Redactor::new([Secret::new("hunter22")]);
        assert_eq!(&*redactor.preview(b"abc hunter22 def", 8), b"abc [red");
        assert_eq!(&*redactor.preview(b"abc hunter22 def", 100), b"abc [redacted] def");
        assert_eq!(redactor.cut_bytes(b"abc hunte"), b"abc [redacted]");
        assert_eq!(redactor.cut_bytes(b"abc hun"), b"abc hun");
    }
}
