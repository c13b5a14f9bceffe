//! A case as it is typed: one JSON object, each mistake told with the field that it is in.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::browser::{self, Browser, Credentials, Interface, Mode, Redirect};

/// The most requests of `before`, and the most cookies, of one case.
const LIST: usize = 1000;
/// The longest wait of one case, in milliseconds.
const WAIT: f64 = 3_600_000.0;

/// One line of the input.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) own: Own,
    /// Requests that the page made before.
    pub(super) before: Vec<(Wait, Asked)>,
    pub(super) asked: Asked,
}

/// What a case says beside its request.
#[derive(Debug, Deserialize)]
pub(super) struct Own {
    pub(super) id: String,
    pub(super) page: String,
    #[serde(default, deserialize_with = "browser")]
    pub(super) browser: Browser,
    pub(super) csp: Option<String>,
    pub(super) csp_report_only: Option<String>,
    #[serde(default, deserialize_with = "list")]
    before: Vec<Map<String, Value>>,
    #[serde(default, deserialize_with = "list")]
    pub(super) cookies: Vec<Cookie>,
}

/// The keys of [`Own`].
const OWN: &[&str] = &["id", "page", "browser", "csp", "csp_report_only", "before", "cookies"];

/// What an entry of `before` says beside its request.
#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    /// After it.
    #[serde(default, deserialize_with = "milliseconds")]
    pub(super) wait_ms: f64,
}

/// A request of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
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
        let Value::Object(object) = value else {
            return Err(refuse(None, "the line is no JSON object: write one case a line, as {\"id\": ...}".into()));
        };
        let id = object.get("id").and_then(Value::as_str).map(str::to_owned);
        Self::of(object).map_err(|error| refuse(id.as_deref(), error))
    }

    fn of(object: Map<String, Value>) -> Result<Self, String> {
        let (mut own, asked): (Own, Asked) = both("", object, OWN)?;
        let mut before = Vec::with_capacity(own.before.len());
        for (at, object) in std::mem::take(&mut own.before).into_iter().enumerate() {
            before.push(both(&format!("before[{at}]."), object, &["wait_ms"])?);
        }
        Ok(Self { own, before, asked })
    }
}

/// An object in two parts: its `own` keys, and the request. (serde's `flatten` would lose the paths and the unknown keys.)
fn both<T: DeserializeOwned>(place: &str, object: Map<String, Value>, own: &[&str]) -> Result<(T, Asked), String> {
    let (first, request) = object.into_iter().partition(|(key, _)| own.contains(&key.as_str()));
    Ok((part(place, first, &[])?, part(place, request, own)?))
}

/// `beside`: keys that the object may have as well.
fn part<T: DeserializeOwned>(place: &str, object: Map<String, Value>, beside: &[&str]) -> Result<T, String> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let mut what = error.inner().to_string();
        if what.starts_with("unknown field") {
            what.extend(beside.iter().map(|key| format!(", `{key}`")));
        }
        let path = match error.path().to_string().as_str() {
            "." => place.trim_end_matches('.').to_owned(),
            path => format!("{place}{path}"),
        };
        // A field that is missing or unknown is named by the text itself.
        if path.is_empty() || what.contains(&format!("`{path}`")) { what } else { format!("{path}: {what}") }
    })
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
        let (own, asked) = (case.own, case.asked);
        assert_eq!((asked.api, own.browser, asked.method.as_str()), (Api::Fetch, Browser::Chrome, "GET"));
        assert_eq!((asked.mode, asked.credentials), (Mode::Cors, Credentials::SameOrigin));
        assert_eq!((asked.redirect, asked.body, own.csp), (Redirect::Follow, None, None));
        assert_eq!(asked.headers, Fields::default());
    }

    #[test]
    fn headers_are_an_object_or_a_list_of_pairs() {
        for headers in [r#"{"B": "1", "A": "2"}"#, r#"[["B", "1"], ["A", "2"]]"#] {
            let line = format!(r#"{{"id": "a", "page": "p", "url": "u", "headers": {headers}}}"#);
            let case = Case::read(line.as_bytes()).unwrap();
            assert_eq!(case.asked.headers.0, [("B".into(), "1".into()), ("A".into(), "2".into())]);
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
        let before = r#"{"id": "a", "page": "p", "url": "u", "before": [{"url": "u", "headers": {"X": 1}}]}"#;
        refused(before, Some("a"), "before[0].headers.X: invalid type");
        let before = r#"{"id": "a", "page": "p", "url": "u", "before": [{"url": "u", "wait_ms": -1}]}"#;
        refused(before, Some("a"), "before[0].wait_ms: -1 is not 0 to");
        let before = r#"{"id": "a", "page": "p", "url": "u", "before": [{"wait": 1, "url": "u"}]}"#;
        refused(before, Some("a"), "`observe_ms`, `wait_ms`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "before": [{}]}"#, Some("a"), "before[0]: missing field `url`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "wait_ms": 1}"#, Some("a"), "unknown field `wait_ms`");
        refused(r#"{"id": "a", "page": "p", "url": "u", "cps": ""}"#, Some("a"), "`csp`");
    }
}
