//! Real servers with one known fault each, or none: `tests/cases/stacks/scenarios.json` says what each is and what `wirewatch check`
//! has to name. An area a file; its servers stand in the folder of its name.
//!
//! The profile leaves `stack` out: what serves the endpoint has to be seen.

#![allow(dead_code, reason = "what one area doesn't need another does")]

pub mod asgi;
pub mod flask;
pub mod node;
mod proxies;
mod variants;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Sources of the servers of an area.
pub fn sources(area: &str) -> String {
    format!("{}/tests/real/scenarios/{area}", env!("CARGO_MANIFEST_DIR"))
}

/// One of the list, its addresses moved to where its server really listens.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub id: String,
    pub expected: Value,
    /// As listed, the ports replaced.
    given: Value,
    ca: Option<PathBuf>,
    stack: Option<&'static str>,
    timeout: String,
}

impl Scenario {
    /// Of the list.
    #[track_caller]
    pub fn named(id: &str) -> Self {
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/stacks/scenarios.json");
        let list: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(list).unwrap()).unwrap();
        let found = list.into_iter().find(|one| one["id"] == id);
        Self::of(found.unwrap_or_else(|| panic!("{id} is not in the list")))
    }

    /// One that is not in the list, written in its words.
    pub fn of(mut given: Value) -> Self {
        let fields = given.as_object_mut().unwrap();
        fields.remove("wire");
        let expected = fields.remove("expected").unwrap();
        Self {
            id: given["id"].as_str().unwrap().to_owned(),
            expected,
            given,
            ca: None,
            stack: None,
            timeout: "5s".to_owned(),
        }
    }

    /// The port of its `url`, as listed.
    pub fn listed_port(&self) -> u16 {
        let url = url::Url::parse(self.given["url"].as_str().unwrap()).unwrap();
        url.port_or_known_default().unwrap()
    }

    /// Its server listens on `port`, wherever the list names that of its `url`.
    pub fn on(self, port: u16) -> Self {
        let listed = self.listed_port();
        self.moved(listed, port)
    }

    /// What the list has on `listed` stands on `port`: a page, a login, a proxy, too.
    pub fn moved(mut self, listed: u16, port: u16) -> Self {
        let text = self.given.to_string().replace(&format!(":{listed}"), &format!(":{port}"));
        self.given = serde_json::from_str(&text).unwrap();
        if self.given["own"] == true {
            // The page is the endpoint's own.
            self.given["page"] = json!(format!("http://localhost:{port}"));
        }
        self
    }

    /// The issuer that its `tls.ca` stands for.
    pub fn with_ca(mut self, file: &Path) -> Self {
        self.ca = Some(file.to_owned());
        self
    }

    /// The profile names its stack.
    pub fn with_stack(mut self, stack: &'static str) -> Self {
        self.stack = Some(stack);
        self
    }

    /// The same, its fault mended.
    pub fn mended(mut self) -> Self {
        self.expected = json!({ "healthy": true, "cause": "ok", "category": "none", "fix_contains": [] });
        self
    }

    /// In place of five seconds.
    pub fn with_timeout(mut self, timeout: &str) -> Self {
        timeout.clone_into(&mut self.timeout);
        self
    }

    /// The same with a field changed.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.given[field] = value;
        self
    }

    /// The profile's file. A JSON string is a TOML one.
    fn profile(&self) -> String {
        let given = &self.given;
        let api = given["api"].as_str().unwrap();
        let mut lines = vec![
            format!("name = {}", given["id"]),
            format!("kind = \"{api}\""),
            format!("url = {}", given["url"]),
            format!("page = {}", given["page"]),
            format!("timeout = \"{}\"", self.timeout),
        ];
        lines.extend(self.stack.map(|stack| format!("stack = \"{stack}\"")));
        lines.extend(given.get("observe_s").map(|seconds| format!("observe = \"{seconds}s\"")));
        for (key, value) in given["http"].as_object().into_iter().flatten() {
            lines.push(format!("request.{key} = {}", toml(value)));
        }
        for (key, value) in given["socketio"].as_object().into_iter().flatten() {
            lines.extend(match key.as_str() {
                "namespace" => Some(format!("socketio.namespaces = [{value}]")),
                "eio" => Some(format!("socketio.protocol = {value}")),
                _ if value.is_null() => None,
                _ => Some(format!("socketio.{key} = {}", toml(value))),
            });
        }
        for (key, value) in given["websocket"].as_object().into_iter().flatten() {
            lines.push(match key.as_str() {
                "answer_app_ping" => {
                    r#"websocket.answers = [{ when = '"type":\s*"ping"', send = '{"type":"pong"}' }]"#.to_owned()
                }
                "ping" => "websocket.ping = \"500ms\"".to_owned(),
                _ => format!("websocket.{key} = {}", toml(value)),
            });
        }
        if let Some(bytes) = given["send_bytes"].as_u64() {
            let text = "x".repeat(usize::try_from(bytes).unwrap());
            lines.push(match api {
                "socketio" => {
                    let namespace = &given["socketio"]["namespace"];
                    format!("socketio.emit = [{{ namespace = {namespace}, event = \"message\", data = [\"{text}\"] }}]")
                }
                _ => format!("websocket.send = [\"{text}\"]"),
            });
        }
        if let Some(login) = given.get("login") {
            lines.push(format!("auth.login = {}", toml(login)));
            // Who signs in means the session's cookie to go along.
            if given["http"].get("credentials").is_none() {
                lines.push("request.credentials = \"include\"".to_owned());
            }
        }
        lines.extend(given.get("cookie").map(|cookie| format!("auth.cookie = {cookie}")));
        lines.extend(given.get("resolve").map(|list| format!("network.resolve = {}", toml(list))));
        lines.push(format!("network.proxy = {}", given.get("proxy").map_or("\"none\"".to_owned(), Value::to_string)));
        lines.extend(self.ca.as_ref().map(|file| format!("network.ca_file = \"{}\"", file.display())));
        lines.join("\n")
    }

    /// What `wirewatch check` says of it.
    #[track_caller]
    pub fn check(&self) -> Value {
        self.check_by(&[])
    }

    /// With more words on the command line.
    #[track_caller]
    pub fn check_by(&self, more: &[&str]) -> Value {
        let home = TempDir::new().unwrap();
        let file = home.path().join("profile.toml");
        std::fs::write(&file, self.profile()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command.arg("check").arg(&file).args(["--json", "--observe", "500ms"]).args(more);
        for flag in ["repeat", "concurrent"] {
            if let Some(times) = self.given.get(flag) {
                command.arg(format!("--{flag}")).arg(times.to_string());
            }
        }
        command.env("WIREWATCH_CONFIG_DIR", home.path()).env("WIREWATCH_DATA_DIR", home.path());
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}:\n{}", self.id, String::from_utf8_lossy(&output.stderr)))
    }

    /// The cause stands first, in its category, with a fix that names what to change; a healthy one is not accused.
    #[track_caller]
    pub fn holds(&self, document: &Value) {
        if let Some(wrong) = self.wrong(document) {
            panic!("{}: {wrong}\n{}", self.id, in_short(document));
        }
    }

    /// As [`Self::holds`], of [`Self::check`].
    #[track_caller]
    pub fn checked(&self) -> Value {
        let document = self.check();
        self.holds(&document);
        document
    }

    /// What is not as expected.
    fn wrong(&self, document: &Value) -> Option<String> {
        let expected = &self.expected;
        let cause = expected["cause"].as_str().unwrap();
        let also = || expected["also_accept"].as_array().into_iter().flatten();
        let works = expected["healthy"] == true || expected["insecure"] == true;
        if document["healthy"] != works {
            return Some(format!("healthy is {}, not {works}", document["healthy"]));
        }
        let fixes = if expected["insecure"] == true {
            let warnings = document["warnings"].as_array().unwrap();
            let warning = warnings.iter().find(|warning| warning["cause"] == cause);
            match warning {
                Some(warning) if warning["severity"] == "high" => &warning["fixes"],
                Some(warning) => return Some(format!("the warning's severity is {}", warning["severity"])),
                None => return Some(format!("no warning names {cause}")),
            }
        } else {
            let grave = document["warnings"].as_array().unwrap().iter().find(|warning| warning["severity"] == "high");
            if let Some(warning) = grave.filter(|_| works) {
                return Some(format!("it warns of {}", warning["cause"]));
            }
            let named = &document["cause"];
            let category = &document["category"];
            if *named != cause && !also().any(|other| other == named || other == category) {
                return Some(format!("the cause is {named}, not {cause}"));
            }
            if *category != expected["category"] && !also().any(|other| other == category || other == named) {
                return Some(format!("the category is {category}, not {}", expected["category"]));
            }
            &document["fixes"]
        };
        let words =
            |fix: &Value| [&fix["text"], &fix["snippet"]].map(|one| one.as_str().unwrap_or_default().to_lowercase());
        let text = fixes.as_array().unwrap().iter().flat_map(words).collect::<Vec<_>>().join("\n");
        let missing = expected["fix_contains"].as_array().unwrap().iter().find(|word| {
            let word = word.as_str().unwrap().to_lowercase();
            !text.contains(&word)
        });
        missing.map(|word| format!("no fix names {word}: {fixes:#}"))
    }
}

/// Of several: all hold. A few at a time, so that none is slow for the others' sake. The documents, in order.
#[track_caller]
pub fn all_hold(scenarios: &[Scenario]) -> Vec<Value> {
    let next = AtomicUsize::new(0);
    let one_after_another = || {
        let mut seen = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = scenarios.get(at) else { return seen };
            seen.push((at, one.check()));
        }
    };
    let mut seen: Vec<(usize, Value)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(one_after_another)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    seen.sort_by_key(|(at, _)| *at);
    let documents: Vec<Value> = seen.into_iter().map(|(_, document)| document).collect();
    let judged = scenarios.iter().zip(&documents).filter_map(|(one, document)| {
        one.wrong(document).map(|what| format!("{}: {what}\n{}", one.id, in_short(document)))
    });
    let wrong: Vec<String> = judged.collect();
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), scenarios.len(), wrong.join("\n\n"));
    documents
}

/// The snippet that the document offers for that stack, word for word.
#[track_caller]
pub fn snippet(document: &Value, stack: &str) -> String {
    let warnings = document["warnings"].as_array().into_iter().flatten();
    let mut fixes = document["fixes"].as_array().into_iter().chain(warnings.filter_map(|one| one["fixes"].as_array()));
    let found = fixes.find_map(|list| list.iter().find(|fix| fix["stack"] == stack && fix["snippet"].is_string()));
    found.unwrap_or_else(|| panic!("no snippet for {stack}: {document:#}"))["snippet"].as_str().unwrap().to_owned()
}

/// What a person looks at first.
fn in_short(document: &Value) -> String {
    let list = |name: &str| document[name].to_string();
    let status = |one: &Value| {
        format!("{} {} -> {}", one["request"]["method"], one["request"]["url"], one["response"]["status"])
    };
    let of = |field: &str| document[field].as_array().into_iter().flatten().map(status).collect::<Vec<_>>();
    let sent = [of("exchanges"), of("asked")].concat();
    format!(
        "cause {} ({}) category {} healthy {}: {}\nothers {}\nwarnings {}\nattempts {}\n{}",
        document["cause"],
        document["confidence"],
        document["category"],
        document["healthy"],
        document["summary"],
        list("other_causes"),
        list("warnings"),
        list("attempts"),
        sent.join("\n")
    )
}

/// JSON as TOML: an object is an inline table.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("\"{key}\" = {}", toml(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
