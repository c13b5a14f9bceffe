//! Faults beside the list's, and what works in many shapes: Flask, FastAPI, Express, Socket.IO on Node, `ws`, Django, proxies.
//!
//! `variants/cases.json` has a case a line: `at` names its server (`flask/NAME`, a part of `flask_parts.py`, and so on;
//! `proxy/ID`, a section of the proxies' files), `{}` in a URL is its port, `also` what is as good.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Scenario, all_hold, asgi, flask, node, proxies, snippet, sources};

const NAMES: [&str; 3] = ["api.example.test", "app.example.test", "app.other.test"];

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", sources("variants"))).unwrap()
}

/// The parts of a file, by name; a line `#+ NAME` in one stands for that other.
fn parts(name: &str, mark: &str) -> BTreeMap<String, String> {
    let text = file(name);
    let (head, more) = (format!("{mark}= "), format!("{mark}+ "));
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    let mut own = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(&head) {
            own = Some(name.to_owned());
        } else if let Some(own) = &own {
            let part = parts.entry(own.clone()).or_default();
            part.push_str(line);
            part.push('\n');
        }
    }
    let raw = parts.clone();
    for part in parts.values_mut() {
        while let Some(line) = part.lines().find(|line| line.starts_with(&more)).map(str::to_owned) {
            *part = part.replace(&line, &raw[line.trim_start_matches(&more)]);
        }
    }
    parts
}

/// Running servers. They end when this is dropped.
struct Servers {
    flask: flask::Sites,
    node: node::Sites,
    asgi: asgi::Servers,
    proxies: proxies::Proxies,
}

impl Servers {
    /// Those that the cases name; what stands in `fixes` by their names is in the place of what they have wrong.
    fn start(cases: &[Value], fixes: &BTreeMap<(&str, &str), String>) -> Self {
        let at: BTreeSet<(&str, &str)> = cases.iter().map(place).collect();
        let names = |stack: &str| at.iter().filter(|one| one.0 == stack).map(|one| one.1).collect::<Vec<&str>>();
        let python = parts("flask_parts.py", "#");
        let fixed = |stack: &'static str, name: &str| fixes.get(&(stack, name)).cloned();
        let part = |name: &str| {
            let own = || python.get(name).cloned().unwrap_or_default();
            (name.to_owned(), fixed("flask", name).unwrap_or_else(own))
        };
        let javascript = parts("node_parts.js", "//");
        let site = |name: &str| {
            let code = fixed("node", name).unwrap_or_else(|| javascript[name].clone());
            (name.to_owned(), json!({ "module": node::module(name), "code": code }))
        };
        let applications = parts("fastapi_parts.py", "#");
        let app = |name: &str| {
            let code = fixed("fastapi", name).map(|fix| format!("{}\n{fix}", applications["page"]));
            json!({ "app": name, "code": code.as_ref().unwrap_or(&applications[name]) })
        };
        let mut django: Vec<Value> = serde_json::from_str(&file("django_sites.json")).unwrap();
        django.retain(|site| at.contains(&("django", site["name"].as_str().unwrap())));
        for site in &mut django {
            site["more"] = file("django_more.py").into();
            site["fix"] = fixed("django", site["name"].as_str().unwrap()).into();
        }
        let lines: Map<String, Value> =
            names("proxy").iter().filter_map(|name| Some(((*name).to_owned(), fixed("proxy", name)?.into()))).collect();
        std::thread::scope(|scope| {
            let proxies = scope.spawn(|| proxies::Proxies::start(Some(&names("proxy")), &Value::Object(lines)));
            let apps = names("fastapi").into_iter().map(app).collect();
            let asgi = scope.spawn(move || asgi::Servers::start(&apps, &Value::Array(django)));
            let node = node::Sites::start(&Value::Object(names("node").into_iter().map(site).collect()));
            let flask = flask::Sites::start("threading", &names("flask").into_iter().map(part).collect());
            Self { flask, node, asgi: asgi.join().unwrap(), proxies: proxies.join().unwrap() }
        })
    }

    fn port(&self, case: &Value) -> u16 {
        match place(case) {
            ("flask", name) => self.flask.port(name),
            ("node", name) => self.node.port(name),
            ("proxy", name) => self.proxies.port(name),
            (_, name) => self.asgi.port(name),
        }
    }

    /// The case in the list's words.
    fn scenario(&self, case: &Value) -> Scenario {
        let port = self.port(case).to_string();
        let word = |name: &str, other: &'static str| case[name].as_str().unwrap_or(other).to_owned();
        let (scheme, host, path) = (word("scheme", "http"), word("host", "localhost"), word("url", ""));
        let base = format!("{scheme}://{host}:{port}");
        let api = match (&*scheme, &*path) {
            ("ws", _) => "websocket",
            (_, "") => "socketio",
            _ => "http",
        };
        let page = match case["page"].as_str() {
            Some("own") => base.clone(),
            page => page.unwrap_or("http://localhost:3000").to_owned(),
        };
        let mut given = case.as_object().unwrap().clone();
        given.extend([
            ("url".to_owned(), format!("{base}{path}").into()),
            ("api".to_owned(), api.into()),
            ("page".to_owned(), page.into()),
        ]);
        if api == "socketio" {
            let mut socketio = json!({ "namespace": "/", "path": "/socket.io", "eio": 4 });
            socketio.as_object_mut().unwrap().extend(case["socketio"].as_object().cloned().unwrap_or_default());
            given.insert("socketio".to_owned(), socketio);
        }
        if let Some(bytes) = case["http"]["body"].as_str().and_then(|body| body.strip_prefix('@')) {
            given["http"]["body"] = "x".repeat(bytes.parse().unwrap()).into();
        }
        if let Some(login) = case["login"]["url"].as_str() {
            let url = if login.starts_with('/') {
                format!("http://{host}:{port}{login}")
            } else {
                login.replace("{}", &port)
            };
            given["login"]["url"] = url.into();
        }
        if host.ends_with(".test") {
            given.insert("resolve".to_owned(), json!(NAMES.map(|name| format!("{name}:*:127.0.0.1"))));
        }
        let list = |name: &str| case.get(name).cloned().unwrap_or(json!([]));
        let expected = json!({
            "healthy": case["cause"] == "ok", "insecure": case["insecure"], "cause": case["cause"], "also_accept": list("also"),
            "category": word("category", "none"), "fix_contains": list("fix"),
        });
        given.insert("expected".to_owned(), expected);
        Scenario::of(Value::Object(given)).with_timeout(&word("timeout", "5s"))
    }
}

/// The stack of its server, and its name there.
fn place(case: &Value) -> (&str, &str) {
    case["at"].as_str().unwrap().split_once('/').unwrap()
}

#[test]
#[ignore = "needs nginx, Apache, HAProxy, Caddy, squid, tinyproxy, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_fails_otherwise_is_named_too_and_what_works_in_other_shapes_is_not_accused() {
    let cases: Vec<Value> = serde_json::from_str(&file("cases.json")).unwrap();
    let servers = Servers::start(&cases, &BTreeMap::new());
    let documents = all_hold(&cases.iter().map(|case| servers.scenario(case)).collect::<Vec<_>>());
    drop(servers);
    // Our own snippet in the place of what was wrong, word for word, and what the site needs besides: it is healthy.
    let proved = || cases.iter().zip(&documents).filter(|(case, _)| case.get("mended").is_some());
    let fix = |(case, document): (_, &Value)| {
        let case: &Value = case;
        let (by, then) = (case["mended"]["by"].as_str().unwrap(), case["mended"]["then"].as_str().unwrap_or_default());
        (place(case), format!("{}\n{then}", snippet(document, by)))
    };
    let fixes = proved().map(fix).collect();
    let broken: Vec<Value> = proved().map(|(case, _)| case.clone()).collect();
    let servers = Servers::start(&broken, &fixes);
    all_hold(&broken.iter().map(|case| servers.scenario(case).mended()).collect::<Vec<_>>());
}
