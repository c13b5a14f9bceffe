//! nginx, Apache, HAProxy, Caddy, squid, tinyproxy and middle boxes, each with one fault, before real applications.
//!
//! `proxies/serve.py` starts them all; `proxies/cases.json` has those beside the list's, an id's part behind `#` telling several
//! of one server apart.

use std::collections::BTreeMap;
use std::process::{ChildStdin, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peers::{Process, wait_for};
use crate::scenarios::{Scenario, all_hold, snippet, sources};
use crate::stacks::{node_module, python, python_with};

/// All of them, running. They end when this is dropped.
pub(super) struct Proxies {
    ports: BTreeMap<String, u16>,
    // It ends its children when its standard input is closed.
    _stdin: ChildStdin,
    _process: Process,
    _folder: TempDir,
}

impl Proxies {
    /// `fixes`: lines for the marked place of a server, by its id; `only`: the servers wanted.
    pub(super) fn start(only: Option<&[&str]>, fixes: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let sites = python_with("sites", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/sites/requirements.txt"));
        let rooms = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/socketio/node_rooms.js");
        let options = json!({
            "folder": folder.path(),
            "python": python(),
            "sites": sites,
            "node": ["node", rooms, node_module("socket.io-4")],
            "only": only,
            "fixes": fixes,
        });
        let mut child = Command::new(python())
            .args(["-B", "-u", &format!("{}/serve.py", sources("proxies")), &options.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let process = Process(child);
        let line = wait_for(stdout, "ready ");
        let ports = serde_json::from_str(line.trim_start_matches("ready ")).unwrap();
        Self { ports, _stdin: stdin, _process: process, _folder: folder }
    }

    pub(super) fn port(&self, id: &str) -> u16 {
        self.ports[id]
    }

    /// That scenario, moved to where its server listens.
    fn scenario(&self, scenario: Scenario) -> Scenario {
        let id = scenario.id.clone();
        let id = id.split('#').next().unwrap();
        // Behind a forward proxy the endpoint is a backend, and the id is the proxy's.
        let (server, proxy) = match id {
            "nginx-no-always-200-ok" => ("nginx-no-always", None),
            "squid-connect-denied" => ("flask", Some("squid")),
            "tinyproxy-connect-denied" => ("flask", Some("tinyproxy")),
            "proxy-down" => ("flask", Some("dead")),
            "squid-auth" | "squid-closed" | "tinyproxy-auth" => ("flask", Some(id)),
            "squid-ws" => ("fastapi", Some("squid")),
            id => (id, None),
        };
        let moved = scenario.on(self.ports[server]);
        match proxy {
            Some(proxy) => moved.with("proxy", json!(format!("http://127.0.0.1:{}", self.ports[proxy]))),
            None => moved,
        }
    }

    fn named(&self, id: &str) -> Scenario {
        self.scenario(Scenario::named(id))
    }
}

/// Those of the list that a proxy or a middle box is at fault for, and their healthy twins.
const LISTED: &[&str] = &[
    "nginx-no-upgrade-flask",
    "nginx-no-upgrade-fastapi",
    "nginx-no-upgrade-django",
    "nginx-double-cors",
    "nginx-no-always-200-ok",
    "nginx-origin-stripped-polling",
    "nginx-504",
    "nginx-http-to-https-sio",
    "nginx-gzip-stream",
    "nginx-buffering-off-ok",
    "nginx-limit-req-503",
    "nginx-limit-req-429",
    "nginx-basic-auth",
    "nginx-503-maintenance",
    "nginx-cookie-path-rewrite",
    "apache-no-tunnel",
    "apache-upgrade-param-ok",
    "haproxy-tunnel-timeout",
    "haproxy-503",
    "haproxy-sticky-loss",
    "squid-connect-denied",
    "tinyproxy-connect-denied",
    "proxy-down",
    "firewall-reset",
    "firewall-block-page",
];

/// Those beside the list.
fn beside() -> Vec<Scenario> {
    let text = std::fs::read_to_string(format!("{}/cases.json", sources("proxies"))).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    cases.into_iter().map(Scenario::of).collect()
}

#[test]
#[ignore = "needs nginx, Apache, HAProxy, Caddy, squid, tinyproxy, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_stands_between_is_named_and_what_works_is_not_accused() {
    let proxies = Proxies::start(None, &json!({}));
    let listed = LISTED.iter().map(|id| proxies.named(id));
    let all: Vec<Scenario> = listed.chain(beside().into_iter().map(|one| proxies.scenario(one))).collect();
    all_hold(&all);
}

/// A server whose marked place takes our snippet, for which stack, and the scenario that turns healthy by it.
const PROVED: &[(&str, &str)] = &[
    ("nginx-no-upgrade-flask", "nginx"),
    ("nginx-no-upgrade-fastapi", "nginx"),
    ("nginx-no-upgrade-django", "nginx"),
    ("nginx-no-upgrade-node", "nginx"),
    ("nginx-no-upgrade-websockets", "nginx"),
    ("nginx-double-cors", "nginx"),
    ("nginx-host-not-forwarded", "nginx"),
    ("nginx-read-timeout", "nginx"),
    ("nginx-gzip-stream", "nginx"),
    ("nginx-413", "nginx"),
    ("nginx-origin-stripped-polling", "nginx"),
    ("nginx-limit-req-503", "nginx"),
    ("nginx-basic-auth", "nginx"),
    ("nginx-path-not-proxied", "nginx"),
    ("nginx-spa-fallback", "nginx"),
    ("nginx-sticky-loss", "nginx"),
    ("apache-no-tunnel", "apache"),
    ("apache-no-tunnel-fastapi", "apache"),
    ("apache-double-cors", "apache"),
    ("apache-path-not-proxied", "apache"),
    ("haproxy-tunnel-timeout", "haproxy"),
    ("haproxy-sticky-loss", "haproxy"),
    ("haproxy-double-cors", "haproxy"),
    ("caddy-double-cors", "caddy"),
    ("caddy-spa-fallback", "caddy"),
];

#[test]
#[ignore = "needs nginx, Apache, HAProxy, Caddy, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn each_of_our_snippets_mends_the_proxy_that_it_is_for() {
    let ids: Vec<&str> = PROVED.iter().map(|(id, _)| *id).collect();
    let cases = beside();
    let find = |id: &str| cases.iter().find(|one| one.id == id).cloned().unwrap_or_else(|| Scenario::named(id));
    let before = Proxies::start(Some(&ids), &json!({}));
    let broken: Vec<Scenario> = PROVED.iter().map(|(id, _)| before.scenario(find(id))).collect();
    let fixes = std::thread::scope(|scope| {
        let looking = PROVED.iter().zip(&broken).map(|((id, stack), scenario)| {
            scope.spawn(move || ((*id).to_owned(), json!(snippet(&scenario.check(), stack))))
        });
        let looking: Vec<_> = looking.collect();
        looking.into_iter().map(|one| one.join().unwrap()).collect::<serde_json::Map<_, _>>()
    });
    drop(before);
    let after = Proxies::start(Some(&ids), &Value::Object(fixes));
    let mended: Vec<Scenario> = PROVED.iter().map(|(id, _)| after.scenario(find(id)).mended()).collect();
    all_hold(&mended);
}
