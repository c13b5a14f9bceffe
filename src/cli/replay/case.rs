//! A case as it is typed: one JSON object, each mistake told with the field that it is in.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::browser::{self, Browser, Credentials, Interface, Mode, Redirect};

/// The most requests of `before`, and the most cookies, of one case.
const LIST: usize = 1000;
/// The longest wait of one case, in milliseconds.
const WAIT: f64 = 3_600_000.0;

/// One line of the input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) page: String,
    #[serde(default, deserialize_with = "browser")]
    pub(super) browser: Browser,
    pub(super) csp: Option<String>,
    pub(super) csp_report_only: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub(super) before: Vec<Before>,
    #[serde(default, deserialize_with = "list")]
    pub(super) cookies: Vec<Cookie>,
    #[serde(default)]
    pub(super) api: Api,
    pub(super) url: String,
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default)]
    pub(super) headers: Fields,
    pub(super) body: Option<String>,
    #[serde(default, deserialize_with = "mode")]
    pub(super) mode: Mode,
    #[serde(default, deserialize_with = "credentials")]
    pub(super) credentials: Credentials,
    #[serde(default, deserialize_with = "redirect")]
    pub(super) redirect: Redirect,
    #[serde(default)]
    pub(super) protocols: Vec<String>,
    #[serde(default, deserialize_with = "milliseconds")]
    pub(super) observe_ms: f64,
}

/// A request that the page made before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    #[serde(default)]
    pub(super) api: Api,
    pub(super) url: String,
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default)]
    pub(super) headers: Fields,
    pub(super) body: Option<String>,
    #[serde(default, deserialize_with = "mode")]
    pub(super) mode: Mode,
    #[serde(default, deserialize_with = "credentials")]
    pub(super) credentials: Credentials,
    #[serde(default, deserialize_with = "redirect")]
    pub(super) redirect: Redirect,
    #[serde(default)]
    pub(super) protocols: Vec<String>,
    #[serde(default, deserialize_with = "milliseconds")]
    pub(super) observe_ms: f64,
    /// After it.
    #[serde(default, deserialize_with = "milliseconds")]
    pub(super) wait_ms: f64,
}

/// A cookie that the jar holds before the first request: as if a navigation to `url` had set it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cookie {
    pub(super) url: String,
    pub(super) set_cookie: String,
}

/// Which of the four ways from a page to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Api {
    #[default]
    Fetch,
    Xhr,
    EventSource,
    WebSocket,
}

impl Api {
    /// In the browser's terms.
    pub(super) fn interface(self) -> Interface {
        match self {
            Self::Fetch => Interface::Http(browser::Api::Fetch),
            Self::Xhr => Interface::Http(browser::Api::Xhr),
            Self::EventSource => Interface::Http(browser::Api::EventSource),
            Self::WebSocket => Interface::WebSocket,
        }
    }
}

/// What the script sets, in its order: an object, or a list of pairs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list of pairs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(pair) = list.next_element()? {
                    fields.push(pair);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

/// Why a line is no case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The line's `id`, where that much could be read.
    pub(super) id: Option<String>,
    /// Names the field, and what to change.
    pub(super) error: String,
}

impl Case {
    /// Reads one line.
    pub(super) fn read(line: &[u8]) -> Result<Self, Refusal> {
        let refuse = |id: Option<&str>, error: String| Refusal { id: id.map(str::to_owned), error };
        let value: Value =
            serde_json::from_slice(line).map_err(|error| refuse(None, format!("the line is no JSON: {error}")))?;
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        if !value.is_object() {
            return Err(refuse(None, "the line is no JSON object: write one case a line, as {\"id\": ...}".into()));
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let what = error.inner().to_string();
            // A field that is missing or unknown is named by the text itself.
            let text =
                if path == "." || what.contains(&format!("`{path}`")) { what } else { format!("{path}: {what}") };
            refuse(id.as_deref(), text)
        })
    }
}

fn get() -> String {
    "GET".into()
}

/// One of these words.
fn word<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    all: [T; 3],
    word: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    let written = String::deserialize(deserializer)?;
    all.into_iter().find(|one| word(*one) == written).ok_or_else(|| {
        let [a, b, c] = all.map(word);
        de::Error::custom(format!("{written:?} is none of {a}, {b}, {c}"))
    })
}

fn browser<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Browser, D::Error> {
    word(deserializer, Browser::ALL, Browser::word)
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    word(deserializer, Mode::ALL, Mode::word)
}

fn credentials<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Credentials, D::Error> {
    word(deserializer, Credentials::ALL, Credentials::word)
}

fn redirect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Redirect, D::Error> {
    word(deserializer, Redirect::ALL, Redirect::word)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let given = f64::deserialize(deserializer)?;
    if (0.0..=WAIT).contains(&given) {
        Ok(given)
    } else {
        Err(de::Error::custom(format!("{given} is not 0 to {WAIT}")))
    }
}

fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.len() <= LIST { Ok(list) } else { Err(de::Error::custom(format!("more than {LIST} entries"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(line: &str, id: Option<&str>, expected: &str) {
        let refusal = Case::read(line.as_bytes()).unwrap_err();
        assert_eq!(refusal.id.as_deref(), id, "{line}");
        assert!(refusal.error.contains(expected), "{line}: {}", refusal.error);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let case = Case::read(br#"{"id": "a", "page": "http://app.test/", "url": "http://api.test/"}"#).unwrap();
        assert_eq!((case.api, case.browser, case.method.as_str()), (Api::Fetch, Browser::Chrome, "GET"));
        assert_eq!((case.mode, case.credentials), (Mode::Cors, Credentials::SameOrigin));
        assert_eq!((case.redirect, case.body, case.csp), (Redirect::Follow, None, None));
        assert_eq!(case.headers, Fields::default());
    }

    #[test]
    fn headers_are_an_object_or_a_list_of_pairs() {
        for headers in [r#"{"B": "1", "A": "2"}"#, r#"[["B", "1"], ["A", "2"]]"#] {
            let line = format!(r#"{{"id": "a", "page": "p", "url": "u", "headers": {headers}}}"#);
            let case = Case::read(line.as_bytes()).unwrap();
            assert_eq!(case.headers.0, [("B".into(), "1".into()), ("A".into(), "2".into())]);
        }
    }

    #[test]
    fn each_mistake_names_its_field() {
        refused("nonsense", None, "no JSON");
        refused("[1]", None, "no JSON object");
        refused(r#"{"page": "p", "url": "u"}"#, None, "missing field `id`");
        refused(r#"{"id": 7, "page": "p", "url": "u"}"#, None, "id: invalid type: integer `7`, expected a string");
        refused(r#"{"id": "a", "page": "p"}"#, Some("a"), "missing field `url`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "colour": 1}"#, Some("a"), "unknown field `colour`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "method": null}"#, Some("a"), "method: invalid type");
        refused(r#"{"id": "a", "page": "p", "url": "u", "api": "ftp"}"#, Some("a"), "api: unknown variant `ftp`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "mode": "navigate"}"#, Some("a"), "mode: \"navigate\" is none");
        refused(r#"{"id": "a", "page": "p", "url": "u", "headers": {"X": 1}}"#, Some("a"), "headers.X: invalid type");
        refused(r#"{"id": "a", "page": "p", "url": "u", "observe_ms": -1}"#, Some("a"), "observe_ms: -1 is not 0 to");
        let before = r#"{"id": "a", "page": "p", "url": "u", "before": [{"url": "u"}, {"url": "u", "page": "p"}]}"#;
        refused(before, Some("a"), "before[1].page: unknown field `page`");
    }
}
