//! Flask-SocketIO and Flask-CORS: Werkzeug in threads, gevent, gunicorn with two workers.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peers::{Process, free_port, wait_for};
use crate::scenarios::{Scenario, all_hold, snippet, sources};
use crate::stacks::python;

/// Running sites. They end when they are dropped.
pub struct Sites {
    _process: Process,
    pub ports: BTreeMap<String, u16>,
}

impl Sites {
    /// In one process, each with that part of the code its own.
    pub fn start(mode: &str, parts: &BTreeMap<String, String>) -> Self {
        let mut command = Command::new(python());
        let (process, line) = run(command.args(["sites.py", mode, &json!(parts).to_string()]), "ports ");
        Self { _process: process, ports: serde_json::from_str(line.trim_start_matches("ports ")).unwrap() }
    }

    /// Under gunicorn, with those lines in its configuration. Its workers share nothing.
    fn workers(name: &str, lines: &str) -> Self {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let mut file = std::fs::read_to_string(format!("{}/gunicorn.conf.py", sources("flask"))).unwrap();
        file.push_str(lines);
        let own = folder.path().join("gunicorn.conf.py");
        std::fs::write(&own, file).unwrap();
        let mut command = Command::new(python());
        command
            .args(["-m", "gunicorn", "--bind", &format!("127.0.0.1:{port}"), "--config"])
            .arg(own)
            .arg("sites:alone()");
        let (process, _) = run(command.env("PART", ""), "port ");
        Self { _process: process, ports: [(name.to_owned(), port)].into() }
    }

    pub(super) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    fn scenario(&self, scenario: Scenario) -> Scenario {
        let port = self.ports[&scenario.id];
        scenario.on(port)
    }
}

/// Starts it, and waits for its line.
fn run(command: &mut Command, ready: &str) -> (Process, String) {
    command.current_dir(sources("flask")).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    (Process(child), wait_for(stdout, ready))
}

/// The code that stands in the folder, and the default where there is none.
fn part(name: &str) -> String {
    std::fs::read_to_string(format!("{}/parts/{name}.py", sources("flask"))).unwrap_or_default()
}

/// Those of the list, each with the part that it runs.
const LISTED: &[(&str, &str)] = &[
    ("flask-localhost-127", "flask-localhost-127"),
    ("flask-scheme-mismatch", "flask-scheme-mismatch"),
    ("flask-reflect-any", "flask-reflect-any"),
    ("flask-reflect-any-sio", "flask-reflect-any-sio"),
    ("flask-duplicate-acao", "flask-duplicate-acao"),
    ("flask-after-request-wins", "flask-after-request-wins"),
    ("flask-options-405", "flask-options-405"),
    ("flask-preflight-ok", "healthy"),
    ("flask-polling-only", "flask-polling-only"),
    ("flask-no-upgrades", "flask-no-upgrades"),
    ("flask-ns-user-ok", "healthy"),
    ("flask-ns-admin-ok", "healthy"),
    ("flask-ns-unknown", "healthy"),
    ("flask-cookie-samesite-none-insecure", "flask-cookie-samesite-none-insecure"),
    ("flask-rate-429", "flask-rate-429"),
    ("flask-rate-refused", "flask-rate-refused"),
    ("flask-wrong-path", "flask-wrong-path"),
    ("flask-right-path-ok", "flask-wrong-path"),
    ("flask-default-same-origin-ok", "flask-default-cross-origin"),
];

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_flask_socketio_does_wrong_is_named_and_what_it_does_right_is_not_accused() {
    let mut parts: BTreeMap<String, String> = LISTED.iter().map(|(id, code)| ((*id).to_owned(), part(code))).collect();
    parts.extend(more().into_iter().map(|one| (one.id.clone(), part(&one.id))));
    let sites = Sites::start("threading", &parts);
    let gevent = Sites::start("gevent", &[("flask-gevent-ok".to_owned(), String::new())].into());
    let workers = Sites::workers("flask-gunicorn-two-workers", "workers = 2\nthreads = 50");
    let mut scenarios: Vec<Scenario> = LISTED.iter().map(|(id, _)| sites.scenario(Scenario::named(id))).collect();
    scenarios.extend(more().into_iter().map(|one| sites.scenario(one)));
    scenarios.push(gevent.scenario(Scenario::named("flask-gevent-ok")));
    scenarios.push(workers.scenario(Scenario::named("flask-gunicorn-two-workers")));
    let documents = all_hold(&scenarios);
    mended(&scenarios, &documents);
}

/// Those that a snippet for Flask mends, and the code that stands before it.
const MENDED: &[(&str, &str)] = &[
    ("flask-localhost-127", ""),
    ("flask-scheme-mismatch", ""),
    ("flask-port-spelled", ""),
    ("flask-origin-not-allowed", ""),
    ("flask-default-cross-origin", ""),
    ("flask-reflect-any", ""),
    ("flask-reflect-any-sio", ""),
    ("flask-duplicate-acao", ""),
    ("flask-after-request-wins", ""),
    (
        "flask-options-405",
        "app.add_url_rule('/api/data', view_func=lambda: jsonify(ok=True), methods=['POST'], provide_automatic_options=False)\n",
    ),
    ("flask-polling-only", ""),
    ("flask-websocket-only", ""),
    ("flask-no-upgrades", ""),
    ("flask-wrong-path", ""),
    ("flask-long-heartbeat", ""),
    ("flask-buffer-small", ""),
    ("flask-ns-unknown", "socketio = SocketIO(app, cors_allowed_origins=[PAGE])\n"),
    (
        "flask-slow-connect",
        "socketio = SocketIO(app, cors_allowed_origins=[PAGE])\nload = lambda sid: time.sleep(2.5)\n",
    ),
];

/// Our own snippet in the place of what was wrong, word for word: it is healthy.
#[track_caller]
fn mended(scenarios: &[Scenario], documents: &[Value]) {
    let at = |id: &str| scenarios.iter().position(|one| one.id == id).unwrap_or_else(|| panic!("{id} is not checked"));
    let code = |id: &str| snippet(&documents[at(id)], "flask-socketio");
    let parts = MENDED.iter().map(|(id, before)| ((*id).to_owned(), format!("{before}{}", code(id))));
    let sites = Sites::start("threading", &parts.collect());
    let workers = "flask-gunicorn-two-workers";
    let one = Sites::workers(workers, &code(workers));
    let of = |id: &str| scenarios[at(id)].clone().mended();
    let mut mended: Vec<Scenario> = MENDED.iter().map(|(id, _)| sites.scenario(of(id))).collect();
    mended.push(one.scenario(of(workers)));
    all_hold(&mended);
}

/// Those that the list has not.
fn more() -> Vec<Scenario> {
    let same = |id: &str, cause: &str, category: &str, fix: &[&str], with: Value| {
        let mut given = json!({
            "id": id, "page": "http://localhost:3000", "url": "http://localhost:18000", "api": "socketio",
            "socketio": { "namespace": "/", "path": "/socket.io", "eio": 4 },
            "expected": {
                "healthy": cause == "ok", "category": category, "cause": cause, "fix_contains": fix,
            },
        });
        given.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        Scenario::of(given)
    };
    let of = |namespace: &str, auth: Value| json!({ "socketio": { "namespace": namespace, "auth": auth, "path": "/socket.io", "eio": 4 } });
    vec![
        same("flask-port-spelled", "origin-port-mismatch", "cors", &["port"], json!({ "page": "http://localhost" })),
        same("flask-origin-not-allowed", "origin-not-allowed", "cors", &["cors_allowed_origins"], json!({})),
        same("flask-default-cross-origin", "origin-not-allowed", "cors", &["cors_allowed_origins"], json!({})),
        same("flask-websocket-only", "polling-transport-disabled", "transport", &["transports", "polling"], json!({})),
        same("flask-connect-false", "connection-refused-by-handler", "authentication", &["connect"], json!({})),
        same("flask-connect-raises", "server-exception", "connection", &["log"], json!({})),
        same("flask-session-missing", "session-missing", "authentication", &["cookie"], json!({})),
        same("flask-auth-required", "auth-required", "authentication", &["auth"], json!({})),
        same("flask-ns-admin-refused", "auth-required", "authentication", &["auth"], of("/admin", json!(null))),
        same("flask-slow-connect", "slow-connect-handler", "performance", &["connect"], json!({})),
        same("flask-long-heartbeat", "heartbeat-interval-too-long", "configuration", &["ping_interval"], json!({})),
        same(
            "flask-buffer-small",
            "message-too-large",
            "protocol",
            &["max_http_buffer_size"],
            json!({ "send_bytes": 3000, "observe_s": 2 }),
        ),
        same(
            "flask-disconnects",
            "server-disconnects-client",
            "connection",
            &["disconnect"],
            json!({ "observe_s": 2 }),
        ),
        same(
            "flask-eio3",
            "engineio-version-mismatch",
            "protocol",
            &["version"],
            json!({ "socketio": { "namespace": "/", "path": "/socket.io", "eio": 3 } }),
        ),
        same("flask-ok", "ok", "none", &[], json!({})),
        same(
            "flask-own-page-not-listed",
            "origin-not-allowed",
            "cors",
            &["cors_allowed_origins"],
            json!({ "page": "http://127.0.0.1:18000", "url": "http://127.0.0.1:18000" }),
        ),
    ]
}
