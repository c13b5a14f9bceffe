//! A script's own calls → drafts: `fetch()`, `XMLHttpRequest`, `new WebSocket()`, `new EventSource()`, axios, `io()`; as devtools copy
//! them and as they stand in a page's source.

use std::time::Duration;

use url::Url;

use super::js::{Js, arguments};
use super::request::Raw;
use super::secrets::{Names, is_placeholder, is_secret_name};
use super::{Draft, Intake, Missing, problem};
use crate::profile::model::{Credentials, JsonSetting, Kind, Profile, Transport};

/// The most calls that are read of one text.
const MAX_CALLS: usize = 200;

/// Which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Fetch,
    Open,
    WebSocket,
    EventSource,
    Io,
    Axios,
}

const CALLS: [(&str, Call); 6] = [
    ("fetch(", Call::Fetch),
    (".open(", Call::Open),
    ("new WebSocket(", Call::WebSocket),
    ("new EventSource(", Call::EventSource),
    ("io(", Call::Io),
    ("axios", Call::Axios),
];

/// Whether the text holds such a call.
pub(super) fn is_one(text: &str) -> bool {
    calls(text).next().is_some()
}

/// Each call with where its arguments begin.
fn calls(text: &str) -> impl Iterator<Item = (Call, usize, &str)> {
    let mut found: Vec<(Call, usize, &str)> = Vec::new();
    for (words, call) in CALLS {
        for (at, _) in text.match_indices(words).take(MAX_CALLS) {
            // `prefetch(` and `studio(` are other names.
            let before = text[..at].chars().next_back();
            let part_of_name = |c: char| c.is_alphanumeric() || "_$".contains(c);
            if !words.starts_with('.') && before.is_some_and(part_of_name) {
                continue;
            }
            let after = &text[at + words.len()..];
            let (method, inside) = match call {
                Call::Axios => match after.split_once('(') {
                    Some(("", _)) => ("", at + words.len() + 1),
                    Some((method, _)) if method.len() < 10 && method.starts_with('.') => {
                        (method.trim_start_matches('.'), at + words.len() + method.len() + 1)
                    }
                    _ => continue,
                },
                _ => ("", at + words.len()),
            };
            found.push((call, inside, method));
        }
    }
    found.sort_by_key(|(_, at, _)| *at);
    found.truncate(MAX_CALLS);
    found.into_iter()
}

/// Reads all calls of the text.
pub fn read(text: &str) -> Intake {
    let mut intake = Intake::default();
    let all: Vec<_> = calls(text).collect();
    for (index, (call, at, method)) in all.iter().enumerate() {
        let (values, length) = arguments(&text[*at..]);
        let end = all.get(index + 1).map_or(text.len(), |(_, next, _)| *next);
        let after = text.get(at + length..end).unwrap_or_default();
        match draft(*call, method, &values, after) {
            Ok(draft) => intake.push(draft),
            Err(error) => intake.problems.push(error),
        }
    }
    if all.is_empty() {
        intake
            .problems
            .push(problem("no fetch(), XMLHttpRequest, WebSocket, EventSource or io() is in this script", None));
    }
    intake
}

fn draft(call: Call, method: &str, values: &[Js], after: &str) -> Result<Draft, crate::base::Problem> {
    let mut raw = Raw { from_page: true, ..Raw::default() };
    let options = match (call, values) {
        (Call::Open, [Js::Text(verb), url, ..]) => {
            raw.method = Some(verb.clone());
            take_url(&mut raw, url);
            take_xhr(&mut raw, after);
            None
        }
        (Call::Axios, [options @ Js::Object(_)]) => {
            options.get("url").into_iter().for_each(|url| take_url(&mut raw, url));
            Some(options)
        }
        (Call::Axios, [url, rest @ ..]) => {
            take_url(&mut raw, url);
            let verb = method.to_ascii_uppercase();
            if ["POST", "PUT", "PATCH"].contains(&verb.as_str()) {
                rest.first().into_iter().for_each(|body| take_body(&mut raw, body));
            }
            let options = rest.iter().rev().find(|value| matches!(value, Js::Object(_)));
            raw.method = (!verb.is_empty()).then_some(verb);
            options.filter(|options| rest.len() > 1 || raw.body.is_none() && options.get("headers").is_some())
        }
        (Call::Io, [options @ Js::Object(_)]) => Some(options),
        (_, [url, rest @ ..]) => {
            take_url(&mut raw, url);
            rest.first()
        }
        (Call::Io, []) => None,
        _ => return Err(problem("a call without an address", Some("copy the whole call"))),
    };
    match call {
        Call::WebSocket => {
            raw.kind = Some(if raw.url.contains("EIO=") { Kind::SocketIo } else { Kind::WebSocket });
            match options {
                Some(Js::Text(protocol)) => raw.protocols.push(protocol.clone()),
                Some(Js::Array(all)) => raw.protocols.extend(all.iter().filter_map(Js::text).map(str::to_owned)),
                _ => {}
            }
            take_sends(&mut raw, after);
            // A page's script may write https: for a WebSocket.
            if let Some(rest) = raw.url.strip_prefix("http") {
                raw.url = format!("ws{rest}");
            }
        }
        Call::EventSource => {
            raw.headers.push(("Accept".into(), "text/event-stream".into()));
            if options.and_then(|options| options.get("withCredentials")) == Some(&Js::Bool(true)) {
                raw.credentials = Some(Credentials::Include);
            }
        }
        Call::Fetch | Call::Open | Call::Axios | Call::Io => {
            if let Some(options) = options {
                take_options(&mut raw, options);
            }
        }
    }
    if raw.url.starts_with('/') || raw.url.is_empty() {
        let of_page = raw.page.as_ref().and_then(|page| page.join(&raw.url).ok());
        match (of_page, call) {
            (Some(url), _) => raw.url = url.into(),
            (None, _) => {
                return Err(problem(
                    format!(
                        "the script asks for `{}`, which is relative to its page",
                        raw.url.chars().take(80).collect::<String>()
                    ),
                    Some("write the page's address before it"),
                ));
            }
        }
    }
    if call == Call::Io { socketio(raw, options) } else { raw.into_draft() }
}

fn take_url(raw: &mut Raw, url: &Js) {
    match url {
        Js::Text(text) => raw.url.clone_from(text),
        Js::Unknown(text) => {
            // What a template names first is most often the server's address.
            raw.url = text.trim_matches('`').to_owned();
            raw.missing.push(Missing::Value { of: format!("the address, which the script computes: {text}") });
        }
        _ => {}
    }
}

fn take_body(raw: &mut Raw, body: &Js) {
    raw.body = match body {
        Js::Null => None,
        Js::Text(text) => Some(text.clone()),
        Js::Unknown(text) => {
            raw.missing.push(Missing::Value { of: format!("the body, which the script computes: {text}") });
            None
        }
        // What axios is given as an object it sends as JSON.
        value => {
            raw.headers.push(("Content-Type".into(), "application/json".into()));
            value.json().map(|json| json.to_string())
        }
    };
}

fn take_options(raw: &mut Raw, options: &Js) {
    if let Some(method) = options.get("method").and_then(Js::text) {
        raw.method = Some(method.to_owned());
    }
    if let Some(Js::Object(headers)) = options.get("headers").or(options.get("extraHeaders")) {
        for (name, value) in headers {
            match value {
                Js::Text(value) => raw.headers.push((name.clone(), value.clone())),
                Js::Number(value) => raw.headers.push((name.clone(), value.to_string())),
                Js::Unknown(text) if is_secret_name(name) => raw.headers.push((name.clone(), format!("<{text}>"))),
                Js::Unknown(text) => {
                    raw.missing
                        .push(Missing::Value { of: format!("the header {name}, which the script computes: {text}") });
                }
                _ => {}
            }
        }
    }
    if let Some(body) = options.get("body").or(options.get("data")) {
        take_body(raw, body);
    }
    raw.credentials = match (options.get("credentials").and_then(Js::text), options.get("withCredentials")) {
        (Some("include"), _) | (None, Some(Js::Bool(true))) => Some(Credentials::Include),
        (Some("omit"), _) => Some(Credentials::Omit),
        (Some("same-origin"), _) | (None, Some(Js::Bool(false))) => Some(Credentials::SameOrigin),
        _ => raw.credentials,
    };
    let is_page = |url: &Url| matches!(url.scheme(), "http" | "https");
    raw.page = options.get("referrer").and_then(Js::text).and_then(|text| Url::parse(text).ok()).filter(is_page);
}

/// What is set on an XMLHttpRequest after it was opened.
fn take_xhr(raw: &mut Raw, after: &str) {
    for (at, words) in after.match_indices(".setRequestHeader(").take(100) {
        let (values, _) = arguments(&after[at + words.len()..]);
        match values.as_slice() {
            [Js::Text(name), Js::Text(value), ..] => raw.headers.push((name.clone(), value.clone())),
            [Js::Text(name), Js::Unknown(text), ..] if is_secret_name(name) => {
                raw.headers.push((name.clone(), format!("<{text}>")));
            }
            [Js::Text(name), ..] => raw.missing.push(Missing::Value { of: format!("the header {name}") }),
            _ => {}
        }
    }
    let is_set = after.split("withCredentials").nth(1).is_some_and(|rest| {
        rest.trim_start().strip_prefix('=').is_some_and(|value| value.trim_start().starts_with("true"))
    });
    raw.credentials = Some(if is_set { Credentials::Include } else { Credentials::SameOrigin });
    if let Some((_, rest)) = after.split_once(".send(") {
        arguments(rest).0.first().into_iter().for_each(|body| take_body(raw, body));
    }
}

/// What is sent on a WebSocket, where it stands there in plain.
fn take_sends(raw: &mut Raw, after: &str) {
    for (at, words) in after.match_indices(".send(").take(20) {
        if let Some(Js::Text(text)) = arguments(&after[at + words.len()..]).0.first() {
            raw.send.push(text.clone());
        }
    }
}

/// `io(url, options)`: the path of the address is a namespace, the server's own path an option.
fn socketio(mut raw: Raw, options: Option<&Js>) -> Result<Draft, crate::base::Problem> {
    let get = |name: &str| options.and_then(|options| options.get(name));
    let mut namespace = "/".to_owned();
    if let Ok(mut url) = Url::parse(&raw.url) {
        namespace = url.path().to_owned();
        url.set_path("/");
        if let Some(Js::Object(query)) = get("query") {
            let plain = query.iter().filter_map(|(name, value)| Some((name, value.text()?)));
            url.query_pairs_mut().extend_pairs(plain);
        }
        raw.url = url.into();
    }
    raw.kind = Some(Kind::SocketIo);
    let mut draft = raw.into_draft()?;
    let profile = &mut draft.profile;
    profile.socketio.namespaces = vec![namespace];
    if let Some(path) = get("path").and_then(Js::text).filter(|path| path.starts_with('/')) {
        profile.socketio.path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    }
    if let Some(Js::Array(all)) = get("transports") {
        let word = |one: Transport| all.iter().position(|value| value.text() == Some(one.word())).map(|at| (at, one));
        let mut found: Vec<_> = Transport::ALL.into_iter().filter_map(word).collect();
        found.sort();
        if !found.is_empty() {
            profile.socketio.transports = found.into_iter().map(|(_, one)| one).collect();
        }
    }
    take_reconnect(profile, options);
    let host = profile.url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let mut names = Names::of(&host);
    names.found = std::mem::take(&mut draft.secrets);
    match get("auth") {
        Some(Js::Object(fields)) => {
            for (name, value) in fields {
                let setting = auth_value(name, value, &mut names, &mut draft.missing);
                draft.profile.socketio.auth.push((name.clone(), setting));
            }
        }
        Some(Js::Unknown(text)) => {
            draft.missing.push(Missing::Value { of: format!("auth, which the script computes: {text}") });
        }
        _ => {}
    }
    draft.secrets = names.found;
    Ok(draft)
}

fn auth_value(name: &str, value: &Js, names: &mut Names, missing: &mut Vec<Missing>) -> JsonSetting {
    let secret = is_secret_name(name);
    match value {
        Js::Text(text) if secret && !is_placeholder(text) => JsonSetting::Secret(names.name(name, text)),
        Js::Unknown(_) | Js::Text(_) if secret => {
            let bare = names.bare(name);
            missing.push(Missing::Secret { name: bare.clone(), of: format!("`auth.{name}`") });
            JsonSetting::Secret(bare)
        }
        value => match value.json() {
            Some(json) => JsonSetting::Value(json),
            None => {
                missing.push(Missing::Value { of: format!("`auth.{name}`, which the script computes") });
                JsonSetting::Value(serde_json::Value::Null)
            }
        },
    }
}

fn take_reconnect(profile: &mut Profile, options: Option<&Js>) {
    let number = |name: &str| match options?.get(name)? {
        Js::Number(value) if (0.0..=86_400_000.0).contains(value) => Some(*value),
        _ => None,
    };
    let span = |value: f64| Duration::from_millis(value as u64);
    if let Some(attempts) = number("reconnectionAttempts") {
        profile.reconnect.attempts = attempts as u32;
    }
    if let Some(delay) = number("reconnectionDelay").filter(|delay| 1.0 <= *delay) {
        profile.reconnect.delay = span(delay);
        profile.reconnect.delay_max = profile.reconnect.delay_max.max(profile.reconnect.delay);
    }
    if let Some(most) = number("reconnectionDelayMax") {
        profile.reconnect.delay_max = span(most).max(profile.reconnect.delay);
    }
    if let Some(jitter) = number("randomizationFactor").filter(|jitter| *jitter <= 1.0) {
        profile.reconnect.jitter = jitter;
    }
    if let Some(timeout) = number("timeout").filter(|timeout| 100.0 <= *timeout) {
        profile.timeout = span(timeout);
    }
}
