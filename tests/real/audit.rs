//! `wirewatch audit` of real servers with one mistake in whom they let in, each over each way in, and of such as have none:
//! what each has is found, by its name and severity, and nothing else.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peers::{Process, free_port};
use crate::process::nginx;
use crate::scenarios::{asgi, flask, node};

const PAGE: &str = "https://app.example.com/";

/// A server, what is audited of it, and what has to be found: severity and id, the gravest first.
struct Case {
    name: &'static str,
    /// The part of its code that is its own.
    code: &'static str,
    found: &'static [&'static str],
}

/// Flask's CORS over HTTP.
const FLASK: &[Case] = &[
    Case {
        name: "exact",
        code: "CORS(app, origins=['https://app.example.com', 'https://www.example.com'], supports_credentials=True)",
        found: &[],
    },
    // flask-cors leaves Vary out where its list has one origin, and sends that origin to it alone.
    Case {
        name: "alone",
        code: "CORS(app, origins=['https://app.example.com'], supports_credentials=True)",
        found: &["low vary-origin-missing"],
    },
    Case {
        name: "dot",
        code: r"CORS(app, origins=[r'https://app.example\.com$'], supports_credentials=True)",
        found: &["high origin-dot-unescaped"],
    },
    // flask-cors looks whether the pattern fits the beginning.
    Case {
        name: "open-end",
        code: r"CORS(app, origins=[r'https://app\.example\.com'], supports_credentials=True)",
        found: &["high origin-prefix-matched"],
    },
    Case {
        name: "subdomains",
        code: r"CORS(app, origins=[r'https://([a-z0-9-]+\.)+example\.com$'], supports_credentials=True)",
        found: &["medium any-subdomain-allowed"],
    },
    Case {
        name: "null",
        code: "CORS(app, origins=['https://app.example.com', 'null'], supports_credentials=True)",
        found: &["high null-origin-allowed"],
    },
    Case {
        name: "http-too",
        code: "CORS(app, origins=['https://app.example.com', 'http://app.example.com'], supports_credentials=True)",
        found: &["medium insecure-origin-allowed"],
    },
    Case {
        name: "any-with-credentials",
        code: "CORS(app, supports_credentials=True)",
        found: &["high reflects-any-origin-with-credentials"],
    },
    Case { name: "any", code: "CORS(app, send_wildcard=True)", found: &["low any-origin-allowed"] },
    Case {
        name: "startswith",
        code: "@app.after_request
def cors(answer):
    origin = request.headers.get('Origin', '')
    if origin.startswith('https://app.example.com'):
        answer.access_control_allow_origin = origin
        answer.access_control_allow_credentials = True
    answer.vary.add('Origin')
    return answer",
        found: &["high origin-prefix-matched"],
    },
    Case {
        name: "endswith",
        code: "@app.after_request
def cors(answer):
    origin = request.headers.get('Origin', '')
    if origin.startswith('https://') and origin.endswith('example.com'):
        answer.access_control_allow_origin = origin
        answer.access_control_allow_credentials = True
    answer.vary.add('Origin')
    return answer",
        found: &["high origin-suffix-matched"],
    },
    Case {
        name: "cookie",
        code: "CORS(app, origins=['https://app.example.com', 'https://www.example.com'], supports_credentials=True)
@app.after_request
def cookie(answer):
    answer.set_cookie('sessionid', 'x', httponly=False)
    answer.set_cookie('theme', 'dark', samesite='None')
    return answer",
        found: &["medium cookie-without-httponly", "medium samesite-none-without-secure"],
    },
    // Behind a cache: nginx keeps the first answer for everybody.
    Case {
        name: "no-vary",
        code: "@app.after_request
def cors(answer):
    if request.headers.get('Origin') == 'https://app.example.com':
        answer.access_control_allow_origin = 'https://app.example.com'
        answer.access_control_allow_credentials = True
    answer.cache_control.public = True
    answer.cache_control.max_age = 60
    return answer",
        found: &["medium allow-origin-cached"],
    },
];

/// Flask-SocketIO.
const FLASK_SOCKETIO: &[Case] = &[
    Case {
        name: "sio-any",
        code: "socketio = SocketIO(app, cors_allowed_origins='*')",
        found: &["high origin-not-validated", "high reflects-any-origin-with-credentials"],
    },
    Case {
        name: "sio-list",
        code: "socketio = SocketIO(app, cors_allowed_origins=['https://app.example.com'])",
        found: &["low absent-origin-allowed"],
    },
    // The page has to be the server's own.
    Case { name: "sio-default", code: "socketio = SocketIO(app)", found: &["low absent-origin-allowed"] },
];

/// Express and Socket.IO.
const NODE: &[Case] = &[
    Case {
        name: "express-list",
        code: "app.use(cors({ origin: ['https://app.example.com'], credentials: true }));",
        found: &[],
    },
    Case {
        name: "express-any",
        code: "app.use(cors({ origin: true, credentials: true }));",
        found: &["high reflects-any-origin-with-credentials"],
    },
    Case {
        name: "express-suffix",
        code: "app.use(cors({ origin: /example\\.com$/, credentials: true }));",
        found: &["high origin-suffix-matched", "medium insecure-origin-allowed"],
    },
    Case { name: "ws-any", code: "new WebSocketServer({ server: httpServer });", found: &["high origin-not-validated"] },
    Case {
        name: "ws-list",
        code: "new WebSocketServer({ server: httpServer, verifyClient: ({ origin }) => origin === 'https://app.example.com' });",
        found: &[],
    },
    Case {
        name: "ws-sent-away",
        code: "new WebSocketServer({ server: httpServer }).on('connection', (socket, { headers }) => {
  if (headers.origin !== 'https://app.example.com') socket.close(1008, 'origin');
});",
        found: &[],
    },
    // Its list holds for polling alone.
    Case {
        name: "sio-cors",
        code: "const io = new Server(httpServer, { cors: { origin: ['https://app.example.com'], credentials: true } });",
        found: &["high origin-not-validated"],
    },
    Case {
        name: "sio-suffix",
        code: "const io = new Server(httpServer, {
  cors: { origin: /^https:\\/\\/.*example\\.com$/, credentials: true },
  allowRequest: (request, done) => done(null, request.headers.origin === 'https://app.example.com' || !request.headers.upgrade),
});",
        found: &["high origin-suffix-matched"],
    },
    Case {
        name: "sio-allow-request",
        code: "const io = new Server(httpServer, {
  cors: { origin: ['https://app.example.com'], credentials: true },
  allowRequest: (request, done) => done(null, request.headers.origin === 'https://app.example.com'),
});",
        found: &[],
    },
];

/// FastAPI, beside what `apps/quiet.py` has.
const FASTAPI: &[Case] = &[
    Case {
        name: "starlette-any",
        code: "allow_origins=['*'], allow_credentials=True",
        found: &["high reflects-any-origin-with-credentials"],
    },
    Case {
        name: "starlette-dot",
        code: r"allow_origin_regex=r'https://app.example\.com', allow_credentials=True",
        found: &["high origin-dot-unescaped"],
    },
    Case {
        name: "starlette-list",
        code: "allow_origins=['https://app.example.com'], allow_credentials=True",
        found: &[],
    },
];

/// A server's profile.
struct Audited {
    name: String,
    profile: String,
    expected: Vec<&'static str>,
}

impl Audited {
    fn new(case: &Case, kind: &str, url: &str) -> Self {
        let profile = format!(
            "name = \"{}\"\nkind = \"{kind}\"\nurl = \"{url}\"\npage = \"{PAGE}\"\ntimeout = \"5s\"\nrequest.credentials = \"include\"\n\
             auth.cookie = \"session=of-the-person\"\nnetwork.proxy = \"none\"\n",
            case.name
        );
        Self { name: case.name.to_owned(), profile, expected: case.found.to_vec() }
    }

    fn from(mut self, page: &str) -> Self {
        self.profile = self.profile.replace(PAGE, page);
        self
    }

    /// What is not as expected.
    fn wrong(&self) -> Option<String> {
        let home = TempDir::new().unwrap();
        let file = home.path().join("profile.toml");
        std::fs::write(&file, &self.profile).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command.arg("audit").arg(&file).args(["--yes", "--json", "--rate", "20"]);
        command.env("WIREWATCH_CONFIG_DIR", home.path()).env("WIREWATCH_DATA_DIR", home.path());
        let output = command.output().unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Some(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)));
        };
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let list = |name: &str| document[name].as_array().unwrap();
        let mut found: Vec<String> =
            list("findings").iter().map(|one| format!("{} {}", text(&one["severity"]), text(&one["id"]))).collect();
        found.sort();
        let grave = found.iter().any(|one| !one.starts_with("low"));
        if found == self.expected && document["healthy"] == !grave && output.status.success() != grave {
            return None;
        }
        let trials = list("trials").iter().map(|one| {
            format!("  {} {} {} {}", text(&one["surface"]), text(&one["origin"]), one["status"], text(&one["grant"]))
        });
        let trials: Vec<String> = trials.collect();
        Some(format!("{}: {found:?}, not {:?}\n{}", self.name, self.expected, trials.join("\n")))
    }
}

/// nginx that keeps what it got from that port by the URL alone, in a folder of its own.
fn cache(behind: u16) -> (Process, TempDir, u16) {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let dir = folder.path().display();
    let configuration = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;
         events {{ worker_connections 64; }}
         http {{
           access_log off;
           client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
           uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
           proxy_cache_path {dir}/kept keys_zone=kept:1m;
           server {{
             listen 127.0.0.1:{port};
             location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_cache kept; }}
           }}
         }}"
    );
    std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
    (nginx(folder.path()), folder, port)
}

#[test]
#[ignore = "needs nginx, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn each_mistake_is_found_by_its_name_and_what_is_right_is_left_alone() {
    let parts = |cases: &[Case]| -> BTreeMap<String, String> {
        cases.iter().map(|case| (case.name.to_owned(), case.code.to_owned())).collect()
    };
    let mut python = parts(FLASK);
    python.extend(parts(FLASK_SOCKETIO));
    let flask = flask::Sites::start("threading", &python);
    let modules = parts(NODE).into_iter().map(|(name, code)| (name, json!({ "module": "socket.io-4", "code": code })));
    let node = node::Sites::start(&json!(modules.collect::<BTreeMap<_, _>>()));
    let mut apps: Vec<Value> = FASTAPI
        .iter()
        .map(|case| {
            let more = format!(
                "app = FastAPI()\napp.add_middleware(CORSMiddleware, {})\n\n@app.get('/api/ping')\nasync def ping():\n    return {{'ok': True}}",
                case.code
            );
            json!({ "app": "origins", "name": case.name, "fix_more": more })
        })
        .collect();
    for (name, refuse) in [("fastapi-list", ""), ("fastapi-sends-away", "accepted")] {
        apps.push(json!({ "app": "origins", "name": name, "env": { "CORS_ALLOW_ORIGINS": "https://app.example.com", "refuse": refuse } }));
    }
    let sites = json!([
        { "name": "channels-any", "origins": false },
        { "name": "channels-list", "origins": ["https://app.example.com"] },
        { "name": "channels-hosts", "ALLOWED_HOSTS": ["127.0.0.1", "app.example.com"] },
    ]);
    let asgi = asgi::Servers::start(&json!(apps), &sites);

    let http = |case: &Case, port: u16| Audited::new(case, "http", &format!("http://127.0.0.1:{port}/api/ping"));
    let socket =
        |case: &Case, port: u16, path: &str| Audited::new(case, "websocket", &format!("ws://127.0.0.1:{port}{path}"));
    let socketio = |case: &Case, port: u16| Audited::new(case, "socketio", &format!("http://127.0.0.1:{port}/"));
    let mut all: Vec<Audited> = FLASK.iter().map(|case| http(case, flask.ports[case.name])).collect();
    let (_nginx, _folder, kept) = cache(flask.ports["no-vary"]);
    let at = all.iter().position(|one| one.name == "no-vary").unwrap();
    all[at] = http(&FLASK[at], kept);
    for case in FLASK_SOCKETIO {
        let port = flask.ports[case.name];
        let one = socketio(case, port);
        all.push(if case.name == "sio-default" { one.from(&format!("http://127.0.0.1:{port}/")) } else { one });
    }
    for case in NODE {
        let port = node.ports[case.name];
        all.push(match case.name.split('-').next() {
            Some("express") => http(case, port),
            Some("ws") => socket(case, port, "/chat"),
            _ => socketio(case, port),
        });
    }
    all.extend(FASTAPI.iter().map(|case| http(case, asgi.ports[case.name])));
    let sockets: [(&'static str, &str, &'static [&'static str]); 5] = [
        ("fastapi-list", "/api/chat/ws", &["low absent-origin-allowed"]),
        ("fastapi-sends-away", "/api/chat/ws", &[]),
        ("channels-any", "/ws/chat/room/", &["high origin-not-validated"]),
        ("channels-list", "/ws/chat/room/", &[]),
        // It compares the host alone.
        ("channels-hosts", "/ws/chat/room/", &["low any-port-allowed", "medium insecure-origin-allowed"]),
    ];
    all.extend(sockets.map(|(name, path, found)| socket(&Case { name, code: "", found }, asgi.ports[name], path)));

    let next = AtomicUsize::new(0);
    let in_turn = || -> Vec<String> {
        std::iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed))).filter_map(Audited::wrong).collect()
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(in_turn)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), all.len(), wrong.join("\n\n"));
}
