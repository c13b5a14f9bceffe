//! Flask-SocketIO and Flask-CORS: Werkzeug in threads, gevent.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::peers::{Process, wait_for};
use crate::scenarios::{Scenario, all_hold, sources};
use crate::stacks::python;

/// Running sites. They end when they are dropped.
struct Sites {
    _process: Process,
    ports: BTreeMap<String, u16>,
}

impl Sites {
    /// In one process, each with that part of the code its own.
    fn start(mode: &str, parts: &BTreeMap<String, String>) -> Self {
        let mut command = Command::new(python());
        let (process, line) = run(command.args(["sites.py", mode, &json!(parts).to_string()]), "ports ");
        Self { _process: process, ports: serde_json::from_str(line.trim_start_matches("ports ")).unwrap() }
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
    ("flask-scheme-mismatch", "flask-scheme-mismatch"),
    ("flask-duplicate-acao", "flask-duplicate-acao"),
    ("flask-after-request-wins", "flask-after-request-wins"),
    ("flask-options-405", "flask-options-405"),
    ("flask-preflight-ok", "healthy"),
    ("flask-ns-user-ok", "healthy"),
    ("flask-ns-admin-ok", "healthy"),
    ("flask-rate-429", "flask-rate-429"),
    ("flask-right-path-ok", "flask-wrong-path"),
    ("flask-default-same-origin-ok", "flask-default-cross-origin"),
];

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_flask_socketio_does_wrong_is_named_and_what_it_does_right_is_not_accused() {
    let parts: BTreeMap<String, String> = LISTED.iter().map(|(id, code)| ((*id).to_owned(), part(code))).collect();
    let sites = Sites::start("threading", &parts);
    let gevent = Sites::start("gevent", &[("flask-gevent-ok".to_owned(), String::new())].into());
    let mut scenarios: Vec<Scenario> = LISTED.iter().map(|(id, _)| sites.scenario(Scenario::named(id))).collect();
    scenarios.push(gevent.scenario(Scenario::named("flask-gevent-ok")));
    all_hold(&scenarios);
}
