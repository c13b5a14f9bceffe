//! FastAPI and python-socketio on uvicorn, Django and Channels on daphne.

mod cases;
mod proofs;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use cases::{Case, LISTED, apps, cases, sites};

use crate::peers::Process;
use crate::scenarios::{Scenario, all_hold, sources};
use crate::stacks::python_with;

static PYTHON: LazyLock<String> =
    LazyLock::new(|| python_with("asgi", &format!("{}/requirements.txt", sources("asgi"))));

/// Running servers by name. They end when it is dropped.
pub struct Servers {
    _processes: Vec<Process>,
    pub ports: BTreeMap<String, u16>,
}

impl Servers {
    /// The applications of uvicorn in one process, each site of Django in its own.
    pub fn start(apps: &Value, sites: &Value) -> Self {
        let mut servers = Self { _processes: Vec::new(), ports: BTreeMap::new() };
        let sites = sites.as_array().unwrap().iter().map(|site| start("channels_site.py", site));
        // All are on their way before the first is waited for.
        let starting: Vec<_> = sites.chain([start("serve.py", apps)]).collect();
        for (process, out) in starting {
            servers._processes.push(process);
            for line in out.map_while(Result::ok).take_while(|line| line != "ready") {
                let (name, port) = line.trim_start_matches("port ").split_once(' ').unwrap();
                servers.ports.insert(name.to_owned(), port.parse().unwrap());
            }
        }
        servers
    }

    pub(super) fn port(&self, name: &str) -> u16 {
        *self.ports.get(name).unwrap_or_else(|| panic!("{name} is not among {:?}", self.ports))
    }

    /// One of the list, at the server of that name.
    fn listed(&self, id: &str, server: &str) -> Scenario {
        Scenario::named(id).on(self.port(server))
    }

    /// One that is not in the list; `{name}` is that server's port.
    fn own(&self, case: &Case) -> Scenario {
        let (cause, also) = case.causes.split_first().unwrap();
        let works = *cause == "ok";
        let mut given = json!({ "id": case.id, "page": case.page, "url": case.url, "api": case.api() });
        given.as_object_mut().unwrap().extend(case.more.as_object().cloned().unwrap_or_default());
        let mut text = given.to_string();
        for (name, port) in &self.ports {
            text = text.replace(&format!("{{{name}}}"), &port.to_string());
        }
        let mut given: Value = serde_json::from_str(&text).unwrap();
        given["expected"] = json!({
            "healthy": works, "insecure": case.insecure, "cause": cause, "also_accept": also,
            "category": case.category, "fix_contains": case.words,
        });
        Scenario::of(given)
    }
}

type Lines = std::io::Lines<BufReader<std::process::ChildStdout>>;

fn start(program: &str, options: &Value) -> (Process, Lines) {
    let mut child = Command::new(&*PYTHON)
        .args(["-u", program, &options.to_string()])
        .current_dir(sources("asgi"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap()).lines();
    (Process(child), out)
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_fastapi_and_django_do_wrong_is_named_and_what_they_do_right_is_not_accused() {
    let servers = Servers::start(&apps(), &sites());
    let mut scenarios: Vec<Scenario> = LISTED.iter().map(|(id, server)| servers.listed(id, server)).collect();
    scenarios.push(
        servers
            .listed("fastapi-app-ping-ok", "quiet")
            .with("url", json!(format!("ws://localhost:{}/ws-pings", servers.port("quiet")))),
    );
    scenarios.extend(cases().iter().map(|case| servers.own(case)));
    all_hold(&scenarios);
}
