//! A Postman collection (v2.0, v2.1) → drafts: folders become groups, variables are filled in, `auth` is inherited.

use std::collections::HashMap;

use serde_json::Value;

use super::request::{Raw, basic};
use super::{Intake, Missing, problem, warning};
use crate::profile::model::Kind;

/// The deepest that variables name each other.
const ROUNDS: usize = 5;
/// The longest text that variables may make.
const MAX_FILLED: usize = 64 << 10;

/// What a folder hands on to what is in it.
#[derive(Clone)]
struct Scope<'c> {
    group: Vec<String>,
    auth: Option<&'c Value>,
    variables: HashMap<&'c str, String>,
}

/// Reads a collection.
pub fn read(text: &str) -> Intake {
    let mut intake = Intake::default();
    // serde_json holds the depth at 128.
    let collection: Value = match serde_json::from_str(text) {
        Ok(collection) => collection,
        Err(error) => {
            intake
                .problems
                .push(problem(format!("the collection is no JSON: {error}"), Some("export it again, as v2.1")));
            return intake;
        }
    };
    // What Postman's API answers has it one level down.
    let root = collection.get("collection").unwrap_or(&collection);
    let Some(items) = root.get("item").and_then(Value::as_array) else {
        let hint = "export a collection as v2.1; environments and v1 have no `item`";
        intake.problems.push(problem("there is no list of requests (`item`) in the collection", Some(hint)));
        return intake;
    };
    let name = root.pointer("/info/name").and_then(Value::as_str);
    let mut scope = Scope { group: Vec::new(), auth: None, variables: HashMap::new() };
    scope.group.extend(name.and_then(level));
    scope.enter(root);
    walk(items, &scope, &mut intake);
    intake
}

/// A group's level can't hold ` / `.
fn level(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let name = name.replace(" / ", " - ").trim().to_owned();
    (!name.is_empty() && name != "/").then_some(name)
}

impl<'c> Scope<'c> {
    /// What a collection or a folder says for all within.
    fn enter(&mut self, node: &'c Value) {
        if let Some(auth) = node.get("auth").filter(|auth| !auth.is_null()) {
            self.auth = Some(auth);
        }
        for variable in node.get("variable").and_then(Value::as_array).into_iter().flatten() {
            let key = variable.get("key").or(variable.get("id")).and_then(Value::as_str);
            if let (Some(key), Some(value)) = (key, variable.get("value")) {
                self.variables.insert(key, plain(value));
            }
        }
    }

    /// The text with its variables; those that nobody defines stay.
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..ROUNDS {
            if !text.contains("{{") {
                break;
            }
            let mut out = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("{{") {
                out.push_str(before);
                let Some((name, after)) = after.split_once("}}") else {
                    out.push_str("{{");
                    rest = after;
                    continue;
                };
                match self.variables.get(name.trim()) {
                    Some(value) if out.len() + value.len() < MAX_FILLED => out.push_str(value),
                    _ => out.extend(["{{", name, "}}"]),
                }
                rest = after;
            }
            out.push_str(rest);
            if out == text {
                break;
            }
            text = out;
        }
        text
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn walk<'c>(items: &'c [Value], scope: &Scope<'c>, intake: &mut Intake) {
    for item in items {
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        let mut scope = scope.clone();
        scope.enter(item);
        if let Some(inside) = item.get("item").and_then(Value::as_array) {
            scope.group.extend(level(name));
            walk(inside, &scope, intake);
        } else if let Some(request) = item.get("request") {
            match draft(name, request, scope) {
                Ok(draft) => intake.push(draft),
                Err(error) => {
                    intake.problems.push(warning(format!("{name}: {}", error.message), error.hint.as_deref()))
                }
            }
        } else {
            intake.skip("items without a request");
        }
    }
}

fn draft<'c>(name: &str, request: &'c Value, mut scope: Scope<'c>) -> Result<super::Draft, crate::base::Problem> {
    // A request may be its address alone.
    let url = match request.get("url").unwrap_or(request) {
        Value::String(url) => url.clone(),
        url => {
            for variable in url.get("variable").and_then(Value::as_array).into_iter().flatten() {
                if let (Some(key), Some(value)) = (variable.get("key").and_then(Value::as_str), variable.get("value")) {
                    scope.variables.insert(key, plain(value));
                }
            }
            url.get("raw").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
    };
    // `:id` in the path is a variable, too.
    let (head, query) = url.split_once('?').map_or((url.as_str(), None), |(head, query)| (head, Some(query)));
    let part = |part: &str| match part.strip_prefix(':').and_then(|name| scope.variables.get(name)) {
        Some(value) => value.clone(),
        None => part.to_owned(),
    };
    let mut url: String = head.split('/').map(part).collect::<Vec<_>>().join("/");
    if let Some(query) = query {
        url = format!("{url}?{query}");
    }
    let mut raw = Raw {
        method: request.get("method").and_then(Value::as_str).map(str::to_owned),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        group: scope.group.clone(),
        ..Raw::get(&scope.fill(&url))
    };
    if raw.url.starts_with("ws") {
        raw.kind = Some(Kind::WebSocket);
    }
    let on = |pair: &&Value| pair.get("disabled").and_then(Value::as_bool) != Some(true);
    for pair in request.get("header").and_then(Value::as_array).into_iter().flatten().filter(on) {
        if let (Some(key), Some(value)) = (pair.get("key").and_then(Value::as_str), pair.get("value")) {
            raw.headers.push((key.to_owned(), scope.fill(&plain(value))));
        }
    }
    take_body(&mut raw, request.get("body"), &scope);
    let own = request.get("auth").filter(|auth| !auth.is_null());
    take_auth(&mut raw, own.or(scope.auth), &scope);
    raw.into_draft()
}

fn take_body(raw: &mut Raw, body: Option<&Value>, scope: &Scope<'_>) {
    let Some(body) = body else { return };
    let has_type = raw.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let mut typed = |kind: &str| {
        if !has_type {
            raw.headers.push(("Content-Type".into(), kind.into()));
        }
    };
    match body.get("mode").and_then(Value::as_str) {
        Some("raw") => {
            let text = scope.fill(body.get("raw").and_then(Value::as_str).unwrap_or_default());
            if body.pointer("/options/raw/language").and_then(Value::as_str) == Some("json") {
                typed("application/json");
            }
            raw.body = Some(text);
        }
        Some("urlencoded") => {
            typed("application/x-www-form-urlencoded");
            let mut out = url::form_urlencoded::Serializer::new(String::new());
            for pair in body.get("urlencoded").and_then(Value::as_array).into_iter().flatten() {
                let text = |key: &str| scope.fill(pair.get(key).and_then(Value::as_str).unwrap_or_default());
                if pair.get("disabled").and_then(Value::as_bool) != Some(true) {
                    out.append_pair(&text("key"), &text("value"));
                }
            }
            raw.body = Some(out.finish());
        }
        Some("graphql") => {
            typed("application/json");
            raw.body = body.get("graphql").map(|query| scope.fill(&query.to_string()));
        }
        Some("formdata" | "file") => raw.missing.push(Missing::Value { of: "the form or file that it sends".into() }),
        _ => {}
    }
}

fn take_auth(raw: &mut Raw, auth: Option<&Value>, scope: &Scope<'_>) {
    let Some(auth) = auth else { return };
    let Some(kind) = auth.get("type").and_then(Value::as_str) else { return };
    // v2.1 has a list of pairs, v2.0 an object.
    let get = |name: &str| match auth.get(kind)? {
        Value::Array(pairs) => {
            let pair = pairs.iter().find(|pair| pair.get("key").and_then(Value::as_str) == Some(name))?;
            Some(scope.fill(&plain(pair.get("value")?)))
        }
        fields => Some(scope.fill(&plain(fields.get(name)?))),
    };
    match kind {
        "bearer" => {
            let token = get("token").unwrap_or_default();
            raw.headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        "basic" => {
            let pair = format!("{}:{}", get("username").unwrap_or_default(), get("password").unwrap_or_default());
            if pair.contains("{{") {
                raw.missing.push(Missing::Value { of: "the user and password".into() });
            } else {
                raw.headers.push(("Authorization".into(), basic(&pair)));
            }
        }
        "apikey" => {
            let (key, value) = (get("key").unwrap_or_default(), get("value").unwrap_or_default());
            if get("in").as_deref() == Some("query") {
                let sign = if raw.url.contains('?') { '&' } else { '?' };
                let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(&key, &value).finish();
                raw.url = format!("{}{sign}{pair}", raw.url);
            } else {
                raw.headers.push((key, value));
            }
        }
        "noauth" => {}
        other => raw.missing.push(Missing::Value { of: format!("the authentication ({other})") }),
    }
}
