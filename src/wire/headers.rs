//! Header fields as they were on the wire: names in their own case, in order, repeated ones kept apart.

use std::fmt;

use crate::base::secret::Redactor;

/// A list of header fields. Values are bytes: a server may send any.
///
/// All of it is one buffer: name and value of each field in turn, each behind its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<u8>);

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet, with room for so many fields of usual length.
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(64 * fields))
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        for piece in [name.as_ref().as_bytes(), value.as_ref()] {
            self.0.extend_from_slice(&piece.len().to_ne_bytes());
            self.0.extend_from_slice(piece);
        }
    }

    /// Replaces the first field of that name and drops its repetitions, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        let mut out = Self::new();
        let mut placed = false;
        for (n, v) in self.iter() {
            if !n.eq_ignore_ascii_case(name) {
                out.push(n, v);
            } else if !placed {
                out.push(n, value);
                placed = true;
            }
        }
        if !placed {
            out.push(name, value);
        }
        *self = out;
    }

    pub fn remove(&mut self, name: &str) {
        *self = self.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name)).collect();
    }

    /// Every value of that name, in order. Names compare without case.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The first value of that name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first value of that name where it is UTF-8.
    pub fn first_str(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// [Get](https://fetch.spec.whatwg.org/#concept-header-list-get): all values joined by `, `; `None` where there is none.
    /// Bytes that are not UTF-8 come out as one character each (isomorphic decoding).
    pub fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<String> = self
            .all(name)
            .map(|value| match std::str::from_utf8(value) {
                Ok(value) => value.to_owned(),
                Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
            })
            .collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Name and value of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        // A name came as text.
        self.fields().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (name, behind) = piece(rest)?;
            let (value, behind) = piece(behind)?;
            rest = behind;
            Some((name, value))
        })
    }

    pub fn len(&self) -> usize {
        self.fields().count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy that may be recorded.
    pub fn redacted(&self, redactor: &Redactor) -> Self {
        self.iter().map(|(name, value)| (name, redactor.bytes(value))).collect()
    }
}

/// A piece behind its length, and what follows it.
fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from_ne_bytes(*length))
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut out = Self::new();
        for (name, value) in fields {
            out.push(name, value);
        }
        out
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        fields.iter().copied().collect()
    }

    #[test]
    fn repeated_fields_stay_apart_and_join_in_order() {
        let got = headers(&[("Vary", "a"), ("x", "1"), ("vary", "b")]);
        assert_eq!(got.all("VARY").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(got.joined("vary").as_deref(), Some("a, b"));
        assert_eq!(got.joined("none"), None);
    }

    #[test]
    fn empty_values_join_too() {
        assert_eq!(headers(&[("a", ""), ("a", "b")]).joined("a").as_deref(), Some(", b"));
        assert_eq!(headers(&[("a", "")]).joined("a").as_deref(), Some(""));
    }

    #[test]
    fn whatever_goes_in_comes_out_in_order() {
        let long = [b'v'; 300];
        let fields = [("", &b""[..]), ("a", b"\xff\0"), ("Long", &long), ("A", b"")];
        let mut got: Headers = fields.into_iter().collect();
        assert!(got.iter().eq(fields));
        assert_eq!((got.len(), got.is_empty()), (4, false));
        got.remove("a");
        assert!(got.iter().eq([fields[0], fields[2]]));
    }

    #[test]
    fn set_replaces_the_first_and_drops_the_rest() {
        let mut got = headers(&[("a", "1"), ("b", "2"), ("A", "3")]);
        got.set("a", "9");
        assert_eq!(got, headers(&[("a", "9"), ("b", "2")]));
        got.set("c", "4");
        assert_eq!(got.first_str("c"), Some("4"));
    }
}
