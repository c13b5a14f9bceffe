//! A HAR → drafts: each request that a page's script made, with what came of it, and the messages of its WebSockets.
//!
//! Read as a stream: the file may have any size. Strings are cut, entries and messages counted beyond the first, depth held.
//! A file that breaks off gives what was whole, and where it ended.
//!
//! [HAR 1.2](http://www.softwareishard.com/blog/har-12-spec/), with the fields that browsers add: `_resourceType`,
//! `_webSocketMessages`, `_error`.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use super::bounded::{Bounded, MAX_STRING, Stop};
use super::request::{Raw, kind_of};
use super::{Intake, MAX_SEEN, Missing, Seen, SeenMessage, problem, warning};
use crate::profile::model::{JsonSetting, Kind};

/// The most entries that are read; more are counted.
const MAX_ENTRIES: u64 = 200_000;
/// The most messages that are kept of one WebSocket.
const MAX_MESSAGES: usize = 100;
/// The most headers of one request or answer.
const MAX_HEADERS: usize = 200;
/// The most pages.
const MAX_PAGES: usize = 1_000;

/// Reads a HAR.
pub fn read_har(source: impl Read) -> Intake {
    let mut state = Reading::default();
    let mut bounded = Bounded::new(source);
    let outcome = {
        let mut json = serde_json::Deserializer::from_reader(&mut bounded);
        Root(&mut state).deserialize(&mut json)
    };
    let Reading { mut intake, entries, has_credentials, creator, .. } = state;
    if let Err(error) = outcome {
        let at = format!("after {entries} whole entries, at about byte {}", bounded.offset);
        let message = match (bounded.stop, error.classify()) {
            (Some(Stop::Depth), _) => format!("the HAR nests too deep {at}: no browser writes so"),
            (None, serde_json::error::Category::Eof) => format!("the HAR breaks off {at}: it was not saved whole"),
            (None, serde_json::error::Category::Io) => format!("the HAR can't be read {at}: {error}"),
            (None, _) => format!("the HAR is damaged {at}: {error}"),
        };
        intake.problems.push(problem(message, Some("export it again; what was whole is here")));
    } else if entries == 0 {
        intake
            .problems
            .push(problem("the HAR has no requests", Some("open the network panel before the page is loaded")));
    }
    if !has_credentials && creator.contains("WebInspector") && !intake.drafts.is_empty() {
        intake.problems.push(warning(
            "the HAR has neither cookies nor tokens: the browser takes them out",
            Some("give them as secrets, or export it \"with sensitive data\""),
        ));
    }
    intake
}

#[derive(Default)]
struct Reading {
    intake: Intake,
    entries: u64,
    pages: HashMap<String, Url>,
    creator: String,
    has_credentials: bool,
}

/// The document: `{"log": {…}}`.
struct Root<'s>(&'s mut Reading);
struct Log<'s>(&'s mut Reading);
struct Entries<'s>(&'s mut Reading);

macro_rules! seed {
    ($name:ident, $method:ident) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

seed!(Root, deserialize_map);
seed!(Log, deserialize_map);
seed!(Entries, deserialize_seq);

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a HAR, which is an object with a `log`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "log" {
                map.next_value_seed(Log(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the HAR's `log`, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "creator" => self.0.creator = map.next_value::<Creator>()?.name.unwrap_or_default(),
                "pages" => {
                    let pages = map.next_value::<Few<PageEntry, MAX_PAGES>>()?.items;
                    // Chromium writes the page's address as its title.
                    let of = |page: PageEntry| Some((page.id?, Url::parse(&page.title?).ok()?));
                    self.0.pages.extend(pages.into_iter().filter_map(of));
                }
                "entries" => map.next_value_seed(Entries(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the HAR's `entries`, which is a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.0.entries < MAX_ENTRIES {
            let Some(entry) = seq.next_element::<Entry>()? else { return Ok(()) };
            self.0.entries += 1;
            self.0.take(entry);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            self.0.intake.skip(&format!("entries beyond the first {MAX_ENTRIES}"));
        }
        Ok(())
    }
}

/// A list of which the first are kept.
struct Few<T, const MOST: usize> {
    items: Vec<T>,
}

impl<T, const MOST: usize> Default for Few<T, MOST> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kept<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Kept<T, MOST> {
            type Value = Few<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Few::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while items.len() < MOST {
                    let Some(item) = seq.next_element()? else { return Ok(Few { items }) };
                    items.push(item);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Few { items })
            }
        }
        deserializer.deserialize_any(Kept(PhantomData))
    }
}

#[derive(Deserialize)]
struct Creator {
    name: Option<String>,
}

#[derive(Deserialize)]
struct PageEntry {
    id: Option<String>,
    title: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    pageref: Option<String>,
    #[serde(rename = "startedDateTime")]
    started: Option<String>,
    time: Option<f64>,
    request: Request,
    response: Option<Response>,
    #[serde(rename = "_resourceType")]
    resource: Option<String>,
    #[serde(rename = "_webSocketMessages", default)]
    messages: Few<Message, MAX_MESSAGES>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    method: String,
    url: String,
    #[serde(default)]
    headers: Few<Pair, MAX_HEADERS>,
    #[serde(rename = "postData")]
    body: Option<Body>,
}

#[derive(Deserialize)]
struct Body {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<i64>,
    #[serde(default)]
    headers: Few<Pair, MAX_HEADERS>,
    content: Option<Content>,
    #[serde(rename = "_error")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "mimeType")]
    kind: Option<String>,
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    direction: Option<String>,
    time: Option<f64>,
    opcode: Option<i64>,
    data: Option<String>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let is_it = |pair: &&Pair| pair.name.eq_ignore_ascii_case(name);
        self.headers.items.iter().find(is_it).map(|pair| pair.value.as_str())
    }
}

impl Entry {
    /// Why no profile is made of it.
    fn skipped(&self) -> Option<&'static str> {
        const LOADED: &str = "what the page loads by itself (documents, scripts, styles, images, fonts)";
        let request = &self.request;
        let scheme = request.url.split(':').next().unwrap_or_default();
        if !["http", "https", "ws", "wss"].contains(&scheme) {
            return Some("addresses that are no server's (data:, blob:, extensions)");
        }
        let preflight = request.method == "OPTIONS" && request.header("access-control-request-method").is_some();
        let kind = self.resource.as_deref().or_else(|| request.header("sec-fetch-dest"));
        match kind {
            Some("preflight") => return Some("preflights: a check makes them by itself"),
            _ if preflight => return Some("preflights: a check makes them by itself"),
            Some("xhr" | "fetch" | "websocket" | "eventsource" | "ping" | "beacon" | "empty") => return None,
            Some("other") | None => {}
            Some(_) => return Some(LOADED),
        }
        let accepts = |what: &str| request.header("accept").is_some_and(|accept| accept.contains(what));
        let by_script = scheme.starts_with("ws")
            || !matches!(request.method.as_str(), "GET" | "HEAD" | "")
            || ["origin", "x-requested-with", "authorization"].iter().any(|name| request.header(name).is_some())
            || accepts("json")
            || accepts("event-stream")
            || self
                .response
                .as_ref()
                .and_then(|response| response.content.as_ref()?.kind.as_deref())
                .is_some_and(|kind| kind.contains("json"));
        (!by_script).then_some(LOADED)
    }
}

impl Reading {
    fn take(&mut self, entry: Entry) {
        let signed = ["cookie", "authorization"].iter().any(|name| entry.request.header(name).is_some());
        self.has_credentials |= signed;
        if let Some(why) = entry.skipped() {
            return self.intake.skip(why);
        }
        let page = entry.pageref.as_ref().and_then(|id| self.pages.get(id)).cloned();
        let Entry { started, time, request, response, messages, .. } = entry;
        let mut raw = Raw {
            method: Some(request.method).filter(|method| !method.is_empty()),
            headers: request.headers.items.into_iter().map(|pair| (pair.name, pair.value)).collect(),
            from_page: true,
            ..Raw::get(&request.url)
        };
        // `Referer` may be cut to the origin by the page's policy; the title is the whole address.
        let origin = raw.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
        raw.page = page.filter(|page| origin.is_none_or(|(_, origin)| *origin == page.origin().ascii_serialization()));
        if let Some(text) = request.body.and_then(|body| body.text) {
            if MAX_STRING <= text.len() {
                raw.missing.push(Missing::Value { of: "the body, which is too long to be kept".into() });
            } else {
                raw.body = Some(text);
            }
        }
        raw.seen = seen(started, time, response, messages.items);
        let is_socketio = Url::parse(&raw.url).is_ok_and(|url| kind_of(&url) == Kind::SocketIo);
        if !is_socketio {
            raw.send = first_sent(&raw.seen.messages);
        }
        match raw.into_draft() {
            Ok(mut draft) => {
                if is_socketio {
                    join_namespaces(&mut draft);
                }
                self.intake.push(draft);
            }
            Err(error) => self.intake.problems.push(warning(error.message, error.hint.as_deref())),
        }
    }
}

/// What the page sent before it heard anything.
fn first_sent(messages: &[SeenMessage]) -> Vec<String> {
    let before = messages.iter().take_while(|message| message.outgoing && message.is_text).take(10);
    before.filter(|message| message.data.len() < MAX_SEEN).map(|message| message.data.clone()).collect()
}

/// The namespaces that were joined, and with what: `40/admin,{"token":"…"}`.
fn join_namespaces(draft: &mut super::Draft) {
    let joins = draft
        .seen
        .messages
        .iter()
        .filter(|message| message.outgoing)
        .filter_map(|message| message.data.strip_prefix("40"));
    let mut namespaces: Vec<String> = Vec::new();
    let mut auth = None;
    for join in joins {
        let (namespace, rest) = match join.strip_prefix('/') {
            Some(named) => named.split_once(',').map_or((join, ""), |(name, rest)| (&join[..=name.len()], rest)),
            None => ("/", join),
        };
        if !namespaces.iter().any(|known| known == namespace) {
            namespaces.push(namespace.to_owned());
        }
        auth = auth.or_else(|| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(rest).ok());
    }
    if !namespaces.is_empty() {
        draft.profile.socketio.namespaces = namespaces;
    }
    let host = draft.profile.url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let mut names = super::secrets::Names::of(&host);
    names.found = std::mem::take(&mut draft.secrets);
    for (name, value) in auth.into_iter().flatten() {
        let setting = match value.as_str() {
            Some(text) if super::secrets::is_secret_name(&name) => JsonSetting::Secret(names.name(&name, text)),
            _ => JsonSetting::Value(value),
        };
        draft.profile.socketio.auth.push((name, setting));
    }
    draft.secrets = names.found;
}

fn seen(at: Option<String>, time: Option<f64>, response: Option<Response>, messages: Vec<Message>) -> Seen {
    let took = time.filter(|time| (0.0..1e10).contains(time)).map(|time| Duration::from_secs_f64(time / 1e3));
    let mut seen = Seen { times: 1, at, took, ..Seen::default() };
    if let Some(response) = response {
        seen.status = response.status.and_then(|status| u16::try_from(status).ok()).filter(|status| 0 < *status);
        seen.error = response.error.filter(|error| !error.is_empty());
        let pairs = response.headers.items.into_iter();
        // What signs a person in is not kept of answers.
        seen.headers = pairs
            .filter(|pair| !pair.name.eq_ignore_ascii_case("set-cookie"))
            .map(|pair| (pair.name, pair.value))
            .collect();
        let body = response.content.filter(|content| content.encoding.is_none()).and_then(|content| content.text);
        seen.body = body.map(cut);
    }
    let message = |message: Message| {
        let is_text = message.opcode == Some(1);
        let outgoing = message.direction.as_deref() == Some("send");
        SeenMessage { outgoing, is_text, data: cut(message.data.unwrap_or_default()), at: message.time }
    };
    seen.messages = messages.into_iter().map(message).collect();
    seen
}

/// The beginning.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(MAX_SEEN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
