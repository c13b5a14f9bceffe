//! The form over a profile, as data: sections, and for each key its label, its kind and what it means when left empty.

use crate::profile::Kind;

/// How a key's value is shown and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line of text.
    Line,
    /// Several lines of text.
    Lines,
    /// One of these; the first is the default.
    Choice(&'static [&'static str]),
    /// On or off; the default.
    Toggle(bool),
    Number,
    /// Texts divided by commas.
    Words,
    /// `Name: value`, one a line.
    Pairs,
    /// A value as TOML writes it.
    Toml,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Dotted.
    pub key: &'static str,
    pub label: &'static str,
    pub form: Form,
    /// What stands in the empty box: the default, or an example.
    pub hint: &'static str,
    /// A sentence under the pointer.
    pub help: &'static str,
}

/// A group of keys.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub title: &'static str,
    pub fields: &'static [Field],
    /// `None`: for every kind.
    pub only: Option<&'static [Kind]>,
    /// Whether it stands open from the start.
    pub open: bool,
}

impl Section {
    pub fn fits(&self, kind: Kind) -> bool {
        self.only.is_none_or(|kinds| kinds.contains(&kind))
    }
}

const fn field(key: &'static str, label: &'static str, form: Form, hint: &'static str, help: &'static str) -> Field {
    Field { key, label, form, hint, help }
}

use Form::{Choice, Line, Lines, Number, Pairs, Toggle, Toml, Words};

/// Every key of the format, in its order.
pub const SECTIONS: &[Section] = &[
    Section {
        title: "Endpoint",
        only: None,
        open: true,
        fields: &[
            field("name", "Name", Line, "Sales chat", "As it stands in the roster"),
            field("kind", "Kind", Choice(&["http", "websocket", "socketio"]), "", "What the address speaks"),
            field(
                "url",
                "URL",
                Line,
                "https://api.example.com/health",
                "The whole address, as the page's script uses it",
            ),
            field(
                "page",
                "Page",
                Line,
                "the URL's own origin",
                "The page whose script connects: its origin is what the server sees",
            ),
            field("browser", "Browser", Choice(&["chrome", "firefox", "safari"]), "", "Whose rules and whose words"),
            field("enabled", "Enabled", Toggle(true), "", "Switched off, it is kept and not watched"),
        ],
    },
    Section {
        title: "Place",
        only: None,
        open: true,
        fields: &[
            field("group", "Group", Line, "shop / production", "A path, “ / ” between levels"),
            field("tags", "Tags", Words, "prod, chat", "Divided by commas"),
            field("stack", "Stack", Line, "django-channels", "What the server is built with: fixes are written for it"),
            field("notes", "Notes", Lines, "", "Free text"),
        ],
    },
    Section {
        title: "Checks",
        only: None,
        open: true,
        fields: &[
            field("interval", "Every", Line, "30s", "Between two checks"),
            field("timeout", "Timeout", Line, "10s", "Of one check"),
            field(
                "observe",
                "Observe",
                Line,
                "0s",
                "How long a check stays connected after opening, to see how it ends",
            ),
        ],
    },
    Section {
        title: "Request",
        only: None,
        open: false,
        fields: &[
            field("request.method", "Method", Line, "GET", "The request's method"),
            field(
                "request.headers",
                "Headers",
                Pairs,
                "X-Requested-With: XMLHttpRequest",
                "One a line; a value { secret = \"NAME\" } is looked up when it is sent",
            ),
            field("request.body", "Body", Lines, "", "What is sent"),
            field(
                "request.credentials",
                "Credentials",
                Choice(&["same-origin", "include", "omit"]),
                "",
                "Whether cookies go along, as fetch() means it",
            ),
            field("request.csp", "CSP", Line, "none; auto reads the page's own", "The page's Content-Security-Policy"),
            field(
                "request.expect_status",
                "Expected status",
                Toml,
                "[200]",
                "Left empty: any below 400 that the script may read",
            ),
            field("request.expect_body", "Expected body", Line, "a regular expression", "The body has to match"),
        ],
    },
    Section {
        title: "WebSocket",
        only: Some(&[Kind::WebSocket]),
        open: true,
        fields: &[
            field("websocket.protocols", "Subprotocols", Words, "", "Offered in this order"),
            field("websocket.send", "Send once open", Toml, "['{\"type\":\"hello\"}']", "Messages, in order"),
            field(
                "websocket.expect",
                "Expect",
                Line,
                "a regular expression",
                "A message that must come within the timeout",
            ),
            field(
                "websocket.answers",
                "Answers",
                Toml,
                "[{ when = 'ping', send = 'pong' }]",
                "What is answered to which message: application heartbeats",
            ),
            field("websocket.ping", "Ping every", Line, "15s", "Ping frames time the round trip; 0s: none"),
            field(
                "websocket.idle",
                "Idle limit",
                Line,
                "60s",
                "Nothing heard for so long: the connection is dead; 0s: never",
            ),
        ],
    },
    Section {
        title: "Socket.IO",
        only: Some(&[Kind::SocketIo]),
        open: true,
        fields: &[
            field("socketio.path", "Path", Line, "/socket.io/", "Where the server listens"),
            field("socketio.protocol", "Engine.IO", Number, "4", "4 for Socket.IO 3 and 4, 3 for Socket.IO 2"),
            field(
                "socketio.transports",
                "Transports",
                Words,
                "polling, websocket",
                "In order; the first is upgraded to the next",
            ),
            field("socketio.namespaces", "Namespaces", Words, "/", "Each is joined on the one connection"),
            field("socketio.auth", "Auth", Toml, "{ token = { secret = \"chat\" } }", "The payload of CONNECT"),
            field(
                "socketio.emit",
                "Emit",
                Toml,
                "[{ event = \"join\", data = [\"room-1\"] }]",
                "Events sent once connected",
            ),
            field(
                "socketio.expect",
                "Expect",
                Toml,
                "[{ event = \"connected\" }]",
                "Events that must come within the timeout",
            ),
        ],
    },
    Section {
        title: "Sign-in",
        only: None,
        open: false,
        fields: &[
            field(
                "auth.bearer",
                "Bearer",
                Toml,
                "{ secret = \"api-token\" }",
                "Authorization: Bearer, over HTTP and polling; no browser sends it with a WebSocket",
            ),
            field("auth.cookie", "Cookie", Toml, "{ secret = \"session\" }", "A Cookie header's value"),
            field(
                "auth.query",
                "Query",
                Toml,
                "{ token = { secret = \"jwt\" } }",
                "Parameters of the URL, redacted wherever it is shown",
            ),
            field(
                "auth.login",
                "Login",
                Toml,
                "{ url = \"https://…/login\", fields = { … } }",
                "A form that is filled in and sent before the first request, and again when the session is over",
            ),
        ],
    },
    Section {
        title: "Reconnecting",
        only: Some(&[Kind::WebSocket, Kind::SocketIo]),
        open: false,
        fields: &[
            field("reconnect.attempts", "Attempts", Number, "0", "0: for ever"),
            field("reconnect.delay", "Delay", Line, "1s", "Before the first attempt; doubled with each"),
            field("reconnect.delay_max", "Longest delay", Line, "5s", "The doubling stops here"),
            field("reconnect.jitter", "Jitter", Number, "0.5", "0 to 1: how much the delay varies"),
            field(
                "reconnect.fallback",
                "Fallback",
                Toggle(true),
                "",
                "After transport failures try the next transport",
            ),
        ],
    },
    Section {
        title: "Objective and alerts",
        only: None,
        open: false,
        fields: &[
            field("objective.success", "Success", Number, "0.95", "0 to 1: what it should reach over the window"),
            field("objective.latency", "Latency", Line, "500ms", "Slower than this is degraded"),
            field("objective.window", "Window", Line, "1h", "Over which success is counted"),
            field("alert.after", "Alert after", Number, "3", "Failures in a row"),
            field(
                "alert.notify",
                "Notify",
                Words,
                "desktop, webhook:https://…",
                "desktop, webhook:URL or command:PATH",
            ),
            field("alert.again", "Again after", Line, "1h", "While it lasts"),
            field("audit.every", "Audit every", Line, "24h; 0s: never", "Tries who else is let in; at least 10m"),
        ],
    },
    Section {
        title: "Network",
        only: None,
        open: false,
        fields: &[
            field("network.proxy", "Proxy", Line, "the environment's; none", "http:// or socks5://"),
            field(
                "network.resolve",
                "Resolve",
                Words,
                "api.example.com:443:10.0.0.7",
                "HOST:PORT:ADDRESS, as curl's --resolve",
            ),
            field("network.ca_file", "CA file", Line, "", "Certificates to trust beside the platform's"),
            field(
                "network.insecure",
                "Skip certificate checks",
                Toggle(false),
                "",
                "The certificate's faults are told and not acted on",
            ),
            field("network.client_cert", "Client certificate", Line, "", "A PEM file"),
            field("network.client_key", "Client key", Toml, "{ secret = \"mtls\" }", "A PEM file's path, or a secret"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Profile, write_full};

    #[test]
    fn every_key_of_the_format_has_its_field() {
        let profile = Profile::new("A", Kind::SocketIo, url::Url::parse("https://a.test/").unwrap());
        let full: toml_edit::DocumentMut = write_full(&profile).parse().unwrap();
        let known: Vec<&str> = SECTIONS.iter().flat_map(|section| section.fields).map(|field| field.key).collect();
        for (key, item) in full.iter() {
            match item.as_table() {
                None => assert!(known.contains(&key), "{key}"),
                Some(table) => {
                    for (inner, _) in table.iter() {
                        assert!(known.contains(&format!("{key}.{inner}").as_str()), "{key}.{inner}");
                    }
                }
            }
        }
    }
}
