//! Socket.IO 2, 3 and 4 and `ws` on Node.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::peers::{Process, wait_for};
use crate::scenarios::{Scenario, all_hold, snippet, sources};
use crate::stacks::node_module;

/// Running sites. They end when they are dropped.
pub struct Sites {
    _process: Process,
    pub ports: BTreeMap<String, u16>,
}

impl Sites {
    /// In one process, each by its `module` and `code`.
    pub fn start(parts: &Value) -> Self {
        let mut command = Command::new("node");
        command.arg(format!("{}/sites.js", sources("node"))).arg(node_module("")).arg(parts.to_string());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        let line = wait_for(stdout, "ports ");
        Self { _process: process, ports: serde_json::from_str(line.trim_start_matches("ports ")).unwrap() }
    }

    pub(super) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }
}

/// The socket.io of that site.
pub(super) fn module(name: &str) -> &'static str {
    match name.get(..4) {
        Some("sio2") => "socket.io-2",
        Some("sio3") => "socket.io-3",
        _ => "socket.io-4",
    }
}

/// The code that stands in the folder.
fn part(name: &str) -> Value {
    let file = format!("{}/parts/{name}.js", sources("node"));
    json!({ "module": module(name), "code": std::fs::read_to_string(file).unwrap() })
}

/// Those of the list, each with the part that it runs.
const LISTED: &[(&str, &str)] = &[
    ("sio4-auth-refused", "sio4-auth-refused"),
    ("sio4-ns-unknown", "healthy"),
    ("sio4-allowrequest", "sio4-allowrequest"),
    ("ws-4401", "ws"),
    ("ws-1000-early", "ws"),
    ("ws-too-many", "ws-too-many"),
];

#[test]
#[ignore = "needs Node: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_node_does_wrong_is_named_and_what_it_does_right_is_not_accused() {
    let mut scenarios: Vec<(Scenario, &str)> = LISTED.iter().map(|(id, part)| (Scenario::named(id), *part)).collect();
    scenarios.extend(more());
    let parts: BTreeMap<&str, Value> = scenarios.iter().map(|(_, name)| (*name, part(name))).collect();
    let sites = Sites::start(&json!(parts));
    let scenarios: Vec<Scenario> = scenarios.into_iter().map(|(one, part)| one.on(sites.ports[part])).collect();
    let documents = all_hold(&scenarios);
    mended(&scenarios, &documents);
}

/// Those that a snippet mends, for which stack, and the code that stands before it.
const MENDED: &[(&str, &str, &str)] = &[
    ("sio4-no-cors", "node-socketio", ""),
    ("sio4-origin-not-listed", "node-socketio", ""),
    ("sio4-reflects", "node-socketio", ""),
    ("sio4-allowrequest", "node-socketio", ""),
    ("sio4-polling-only", "node-socketio", ""),
    ("sio4-websocket-only", "node-socketio", ""),
    ("sio4-no-upgrades", "node-socketio", ""),
    ("sio4-path", "node-socketio", ""),
    ("sio4-long-heartbeat", "node-socketio", ""),
    ("sio4-buffer-small", "node-socketio", ""),
    ("sio4-eio3", "node-socketio", ""),
    (
        "sio4-ns-unknown",
        "node-socketio",
        "const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });\n",
    ),
    (
        "sio4-slow-connect",
        "node-socketio",
        "const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });\nconst load = () => {};\n",
    ),
    ("ws-small", "node-ws", ""),
];

/// Our own snippet in the place of what was wrong, word for word: it is healthy.
#[track_caller]
fn mended(scenarios: &[Scenario], documents: &[Value]) {
    let at = |id: &str| scenarios.iter().position(|one| one.id == id).unwrap_or_else(|| panic!("{id} is not checked"));
    let part = |(id, stack, before): &(&str, &str, &str)| {
        let code = format!("{before}{}", snippet(&documents[at(id)], stack));
        ((*id).to_owned(), json!({ "module": "socket.io-4", "code": code }))
    };
    let parts: serde_json::Map<String, Value> = MENDED.iter().map(part).collect();
    let sites = Sites::start(&Value::Object(parts));
    let mended: Vec<Scenario> =
        MENDED.iter().map(|(id, ..)| scenarios[at(id)].clone().on(sites.ports[*id]).mended()).collect();
    all_hold(&mended);
}

/// Those that the list has not.
fn more() -> Vec<(Scenario, &'static str)> {
    let one = |id: &str, part: &'static str, cause: &str, category: &str, fix: &[&str], with: Value| {
        let mut given = json!({
            "id": id, "page": "http://localhost:3000", "url": "http://localhost:18000", "api": "socketio",
            "socketio": { "namespace": "/", "path": "/socket.io", "eio": 4 },
            "expected": { "healthy": cause == "ok", "category": category, "cause": cause, "fix_contains": fix },
        });
        if part.starts_with("ws") {
            given["api"] = "websocket".into();
            given["url"] = format!("ws://localhost:18000/{}", id.trim_start_matches("ws-").replace('-', "/")).into();
            given.as_object_mut().unwrap().remove("socketio");
        }
        given.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        (Scenario::of(given), part)
    };
    let none = || json!({});
    let eio = |eio: u8| json!({ "socketio": { "namespace": "/", "path": "/socket.io", "eio": eio } });
    vec![
        one("sio4-origin-not-listed", "sio4-origin-not-listed", "origin-not-allowed", "cors", &["cors"], none()),
        one(
            "sio4-reflects",
            "sio4-reflects",
            "reflects-any-origin-with-credentials",
            "cors",
            &["origin"],
            json!({ "expected": {
                "healthy": false, "insecure": true, "category": "cors", "cause": "reflects-any-origin-with-credentials",
                "fix_contains": ["origin"],
            } }),
        ),
        one("sio4-ok", "healthy", "ok", "none", &[], none()),
        one("sio4-no-cors", "sio4-no-cors", "cors-headers-missing", "cors", &["cors"], none()),
        one(
            "sio4-polling-only",
            "sio4-polling-only",
            "websocket-transport-disabled",
            "transport",
            &["transports"],
            none(),
        ),
        one(
            "sio4-websocket-only",
            "sio4-websocket-only",
            "polling-transport-disabled",
            "transport",
            &["transports"],
            none(),
        ),
        one("sio4-no-upgrades", "sio4-no-upgrades", "upgrades-disabled", "transport", &["allowUpgrades"], none()),
        one("sio4-path", "sio4-path", "wrong-socketio-path", "connection", &["path"], none()),
        one(
            "sio4-long-heartbeat",
            "sio4-long-heartbeat",
            "heartbeat-interval-too-long",
            "configuration",
            &["pingInterval"],
            none(),
        ),
        one(
            "sio4-buffer-small",
            "sio4-buffer-small",
            "message-too-large",
            "protocol",
            &["maxHttpBufferSize"],
            json!({ "send_bytes": 3000, "observe_s": 2 }),
        ),
        one(
            "sio4-disconnects",
            "sio4-disconnects",
            "server-disconnects-client",
            "connection",
            &["disconnect"],
            json!({ "observe_s": 2 }),
        ),
        one(
            "sio4-rate-refused",
            "sio4-rate-refused",
            "rate-limit-refused-event",
            "rate_limit",
            &["rate"],
            json!({ "repeat": 3 }),
        ),
        one("sio4-slow-connect", "sio4-slow-connect", "slow-connect-handler", "performance", &["connect"], none()),
        one(
            "sio4-never-pings",
            "sio4-never-pings",
            "server-never-pings",
            "protocol",
            &["ping"],
            json!({ "observe_s": 4 }),
        ),
        one(
            "sio4-connections",
            "sio4-connections",
            "concurrent-connection-limit",
            "rate_limit",
            &["connections"],
            json!({ "concurrent": 2 }),
        ),
        one("sio4-eio3", "healthy", "engineio-version-mismatch", "protocol", &["version"], eio(3)),
        one("sio3-eio3", "sio3", "engineio-version-mismatch", "protocol", &["version"], eio(3)),
        one("sio2-eio4", "sio2", "engineio-version-mismatch", "protocol", &["version"], eio(4)),
        one("sio2-ok", "sio2", "ok", "none", &[], eio(3)),
        one("ws-ok", "ws", "ok", "none", &[], none()),
        one("ws-4001", "ws", "auth-required", "authentication", &["4001"], none()),
        one("ws-4403", "ws", "insufficient-permissions", "authentication", &[], none()),
        one("ws-4429", "ws", "too-many-connections", "rate_limit", &["rate"], none()),
        one("ws-4000", "ws", "server-disconnects-client", "connection", &["4000"], none()),
        one("ws-1001", "ws", "server-disconnects-client", "connection", &["1001"], none()),
        one("ws-1011", "ws", "server-exception", "connection", &["log"], none()),
        one("ws-1012", "ws", "service-restart", "connection", &["1012"], none()),
        one("ws-1013", "ws", "server-overloaded", "rate_limit", &["1013"], none()),
        one("ws-drop", "ws", "abnormal-close", "connection", &["1006"], none()),
        one(
            "ws-silent",
            "ws",
            "accepted-then-silent",
            "connection",
            &[],
            json!({ "websocket": { "expect": "welcome" } }),
        ),
        one("ws-heartbeat", "ws", "app-heartbeat-unanswered", "protocol", &["pong"], json!({ "observe_s": 2 })),
        one("ws-heartbeat-1000", "ws", "app-heartbeat-unanswered", "protocol", &["pong"], json!({ "observe_s": 2 })),
        one(
            "ws-heartbeat-ok",
            "ws",
            "ok",
            "none",
            &[],
            json!({ "observe_s": 2, "url": "ws://localhost:18000/heartbeat", "websocket": { "answer_app_ping": true } }),
        ),
        one(
            "ws-small",
            "ws-small",
            "message-too-large",
            "protocol",
            &["maxPayload"],
            json!({ "send_bytes": 3000, "observe_s": 1 }),
        ),
    ]
}
