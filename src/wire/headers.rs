//! Header fields as they were on the wire: names in their own case, in order, repeated ones kept apart.

use crate::base::secret::Redactor;

/// A list of header fields. Values are bytes: a server may send any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Box<str>, Box<[u8]>)>);

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<Box<str>>, value: impl AsRef<[u8]>) {
        self.0.push((name.into(), value.as_ref().into()));
    }

    /// Replaces the first field of that name and drops its repetitions, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value: Box<[u8]> = value.as_ref().into();
        let mut placed = false;
        self.0.retain_mut(|(n, v)| {
            if !n.eq_ignore_ascii_case(name) {
                return true;
            }
            if placed {
                return false;
            }
            placed = true;
            v.clone_from(&value);
            true
        });
        if !placed {
            self.0.push((name.into(), value));
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Every value of that name, in order. Names compare without case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }

    /// The first value of that name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
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
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy that may be recorded.
    pub fn redacted(&self, redactor: &Redactor) -> Self {
        Self(self.0.iter().map(|(name, value)| (name.clone(), redactor.bytes(value).into())).collect())
    }
}

impl<N: Into<Box<str>>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.as_ref().into())).collect())
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
    fn set_replaces_the_first_and_drops_the_rest() {
        let mut got = headers(&[("a", "1"), ("b", "2"), ("A", "3")]);
        got.set("a", "9");
        assert_eq!(got, headers(&[("a", "9"), ("b", "2")]));
        got.set("c", "4");
        assert_eq!(got.first_str("c"), Some("4"));
    }
}
