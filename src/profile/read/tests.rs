//! What the reader says, as sentences over files.

use super::*;
use crate::profile::model::{Auth, Csp, JsonSetting, Notify, Proxy, Setting};

const BASE: &str = "name = \"A\"\nkind = \"http\"\nurl = \"https://a.test/\"\n";

/// The problems of a text, one a line: `line: message (hint)`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let problems = match parse(text, None) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let told: Vec<_> = problems.iter().map(|problem| problem.to_string()).collect();
    assert_eq!(told, expected, "\n{text}");
}

/// The same for lines put after a whole profile (line 4 is the first).
#[track_caller]
fn check_more(more: &str, expected: &[&str]) {
    check(&format!("{BASE}{more}"), expected);
}

/// The profile of a text without mistakes.
#[track_caller]
fn read(text: &str) -> Profile {
    parse(text, None).unwrap_or_else(|problems| panic!("{problems:#?}")).0
}

#[test]
fn the_contracts_own_example_is_read_whole() {
    let text = r#"
name   = "Sales chat"
kind   = "websocket"
url    = "wss://api.example.com/ws/chat/"
page   = "https://example.com/"
browser = "firefox"
group  = "shop / production"
tags   = ["prod", "chat"]
stack  = "django-channels"
notes  = ""
enabled  = true
interval = "1m"
timeout  = "10s"
observe  = "0s"

[request]
headers     = { X-Requested-With = "XMLHttpRequest", X-Key = { secret = "key" } }
credentials = "include"
csp         = "auto"

[websocket]
protocols = ["chat.v1"]
send      = ['{"type":"hello"}']
expect    = "ready"
answers   = [{ when = '"type":\s*"ping"', send = '{"type":"pong"}' }]
ping      = "0s"
idle      = "90s"

[socketio]
path       = "/socket.io/"
protocol   = 4
transports = ["polling", "websocket"]
namespaces = ["/"]
auth       = { token = { secret = "chat-token" }, n = 1, deep = { list = [1, "a", { secret = "b" }] } }
emit       = [{ namespace = "/", event = "join", data = ["room-1"] }]
expect     = [{ event = "connected" }]

[auth]
login  = { url = "https://example.com/login", fields = { username = "ops", password = { secret = "ops" } }, csrf = "auto", check = "https://example.com/me" }

[reconnect]
attempts  = 7
delay     = "1s"
delay_max = "5s"
jitter    = 0.25
fallback  = false

[objective]
success = 1
latency = "250ms"
window  = "1d"

[alert]
after  = 5
notify = ["desktop", "webhook:https://hooks.example.com/x", "command:/usr/bin/page me"]
again  = "1h"

[network]
proxy    = "socks5://proxy:1080"
resolve  = ["API.example.com:443:10.0.0.7", "*:*:[::1],127.0.0.1"]
ca_file  = "/etc/ca.pem"
insecure = true
client_cert = "/c.pem"
client_key  = { secret = "mtls" }
"#;
    let profile = read(text);
    assert_eq!(profile.group, ["shop", "production"]);
    assert_eq!(profile.browser, Browser::Firefox);
    assert_eq!(profile.interval, Duration::from_secs(60));
    assert_eq!(profile.request.csp, Csp::Auto);
    assert_eq!(profile.websocket.ping, None);
    assert_eq!(profile.websocket.idle, Some(Duration::from_secs(90)));
    assert_eq!(profile.socketio.protocol, Some(4));
    assert_eq!(profile.socketio.auth[0], ("token".into(), JsonSetting::Secret("chat-token".into())));
    assert_eq!(profile.socketio.expect[0].namespace, "/");
    assert!(matches!(&profile.auth, Auth::Login(login) if login.fields[1].1 == Setting::Secret("ops".into())));
    assert_eq!(profile.objective.success, 1.0);
    assert_eq!(profile.alert.notify[2], Notify::Command("/usr/bin/page me".into()));
    assert!(matches!(&profile.network.proxy, Proxy::Url(url) if url.port() == Some(1080)));
    assert_eq!(profile.network.resolve[0].host.as_deref(), Some("api.example.com"));
    assert_eq!(profile.network.resolve[1].addresses.len(), 2);
    assert_eq!(profile.secret_names(), ["b", "chat-token", "key", "mtls", "ops"]);
}

#[test]
fn what_is_left_out_has_the_contracts_default() {
    let profile = read(BASE);
    assert_eq!(profile, Profile::new("A", Kind::Http, url::Url::parse("https://a.test/").unwrap()));
}

#[test]
fn every_mistake_is_told_at_once_with_line_and_remedy() {
    check(
        "name = \"\"\nkind = \"htp\"\nurl = \"a.test\"\npagee = \"https://a.test/\"\ninterval = \"30\"\n\n[reconect]\nattempts = 1\n\n[reconnect]\njitter = 2\ndelay = 5\n",
        &[
            "line 1: `name` must not be empty (write its text, or take the line out)",
            "line 2: `kind` can't be \"htp\" (did you mean \"http\"? It can be \"http\", \"websocket\", \"socketio\")",
            "line 3: `url` isn't a whole address: its scheme is missing (write https:// before it, as in \"https://api.example.com/\")",
            "line 4: unknown key `pagee` (did you mean `page`?)",
            "line 5: `interval` is wrong: \"30\" has no unit (write \"30s\" for seconds or \"30ms\" for milliseconds)",
            "line 7: unknown key `reconect` (did you mean `reconnect`?)",
            "line 10: warning: `reconnect` has no effect where kind = \"http\" (take the section out, or change `kind`)",
            "line 11: `reconnect.jitter` is out of range: 2 (write a number from 0 to 1, for 2 % write 0.02)",
            "line 12: `reconnect.delay` must be a duration with its unit, in quotes (write \"5s\")",
        ],
    );
}

#[test]
fn what_is_required_is_missed() {
    check(
        "url = \"wss://a.test/\"\n",
        &[
            "`name` is missing (write `name = \"...\"`, the name in the list)",
            "`kind` is missing (write `kind = \"websocket\"`)",
        ],
    );
    assert_eq!(parse("", None).unwrap_err().len(), 3);
}

#[test]
fn a_key_in_the_wrong_place_is_told_the_right_one() {
    check_more("headers = {}\n", &["line 4: unknown key `headers` (did you mean `request.headers`?)"]);
    check_more(
        "[alert]\ntags = []\n",
        &["line 5: unknown key `alert.tags` (`tags` stands at the top, before the first [section])"],
    );
    check_more("origin = \"https://b.test\"\n", &["line 4: unknown key `origin` (did you mean `page`?)"]);
    check_more(
        "[alert]\nqqqqqq = 1\n",
        &["line 5: unknown key `alert.qqqqqq` (`alert` can have `after`, `notify`, `again`)"],
    );
}

#[test]
fn the_scheme_has_to_fit_the_kind() {
    let url = |kind: &str, url: &str| format!("name = \"A\"\nkind = \"{kind}\"\nurl = \"{url}\"\n");
    check(
        &url("websocket", "https://a.test/ws"),
        &[
            "line 3: `url` begins with https://, which does not fit the kind (begin it with wss://, or write kind = \"http\")",
        ],
    );
    check(
        &url("http", "ws://a.test/ws"),
        &[
            "line 3: `url` begins with ws://, which does not fit the kind (begin it with http://, or write kind = \"websocket\")",
        ],
    );
    check(
        &url("http", "localhost:8080"),
        &[
            "line 3: `url` can't begin with localhost: (write https:// before it, as in \"https://api.example.com/health\")",
        ],
    );
    check(
        &url("socketio", "ftp://a.test"),
        &["line 3: `url` can't begin with ftp: (begin it with https:// or http:// or wss:// or ws://)"],
    );
    for scheme in ["http", "https", "ws", "wss"] {
        check(&url("socketio", &format!("{scheme}://a.test")), &[]);
    }
    check(
        &url("http", "https://u:p@a.test/#x"),
        &[
            "line 3: warning: `url` has a name or password in it: a page's script can't use such an address (use [auth], and `{ secret = \"NAME\" }` for the password)",
            "line 3: warning: `url` has a fragment (#...), which is never sent (take it out)",
        ],
    );
}

#[test]
fn numbers_have_their_range_and_type() {
    check_more("interval = \"50ms\"\n", &["line 4: `interval` is too short (write at least \"100ms\")"]);
    check_more(
        "timeout = \"5 minutes\"\n",
        &["line 4: `timeout` is wrong: \"5 minutes\" is not a duration (write \"5m\")"],
    );
    check_more(
        "enabled = \"true\"\n",
        &["line 4: `enabled` must be true or false, not a string (write true without quotes)"],
    );
    check_more(
        "tags = \"prod\"\n",
        &["line 4: `tags` must be a list, not a string (put it in brackets: `tags = [\"...\"]`)"],
    );
    check_more(
        "tags = [\"a\",\n  7]\n",
        &["line 5: `tags[1]` must be a string, not a whole number (put it in quotes)"],
    );
    check_more(
        "[objective]\nsuccess = 95\n",
        &["line 5: `objective.success` is out of range: 95 (write a number from 0 to 1, for 95 % write 0.95)"],
    );
    check_more(
        "[objective]\nsuccess = nan\n",
        &["line 5: `objective.success` is out of range: NaN (write a number from 0 to 1)"],
    );
    check_more(
        "[request]\nexpect_status = [200, 99]\n",
        &["line 5: `request.expect_status[1]` is out of range: 99 (write a number from 100 to 599)"],
    );
    check_more(
        "[alert]\nafter = -1\n",
        &["line 5: `alert.after` is out of range: -1 (write a number from 1 to 1000000)"],
    );
    check_more(
        "[audit]\nevery = \"1m\"\n",
        &[
            "line 5: `audit.every` is too often: each audit is some dozens of requests (write at least \"10m\", or \"0s\" for none)",
        ],
    );
    check_more(
        "timeout = \"20s\"\ninterval = \"5s\"\n",
        &[
            "line 4: warning: `timeout` is longer than `interval`: a check that hangs delays the next ones (make `timeout` the shorter)",
        ],
    );
}

#[test]
fn headers_are_those_that_can_be_sent() {
    check_more(
        "[request]\nheaders = { \"X Y\" = \"1\", Ok = \"a\\nb\", Cookie = \"a=b\" }\n",
        &[
            "line 5: `request.headers.X Y` has a name that no header can have (use letters, digits and `-`)",
            "line 5: `request.headers.Ok` has a value that no header can have (no line breaks, no control characters, only Latin-1, no blank at either end)",
            "line 5: warning: `request.headers.Cookie` is a header that a page's script can't set; the browser drops it (put it into `auth.cookie`)",
        ],
    );
    check_more(
        "[request]\nmethod = \"TRACE\"\n",
        &["line 5: `request.method` can't be TRACE: no browser lets a script send it (write another method)"],
    );
    check_more(
        "[request]\nbody = \"x\"\n",
        &[
            "line 5: `request.body` can't go with GET: no browser sends it (write `method = \"POST\"`, or take the body out)",
        ],
    );
}

#[test]
fn patterns_and_resolutions_are_checked_when_read() {
    let problems = parse(&format!("{BASE}[request]\nexpect_body = \"a(b\"\n"), None).unwrap_err();
    assert_eq!(problems[0].message, "`request.expect_body` isn't a regular expression: unclosed group");
    for (text, why) in [
        ("a.test", "the port and the address are missing"),
        ("a.test:443", "the address is missing"),
        ("a.test:0:1.2.3.4", "the port is no number from 1 to 65535"),
        ("a.test:443:b.test", "the address is no IP address"),
        ("a b:443:1.2.3.4", "the host is no host name"),
    ] {
        assert_eq!(parse_resolve(text), Err(why), "{text}");
    }
    assert_eq!(parse_resolve("[::1]:8080:127.0.0.1").unwrap().host.as_deref(), Some("::1"));
}

#[test]
fn there_is_at_most_one_way_to_authenticate_and_none_in_plain_text() {
    check_more(
        "[auth]\nbearer = { secret = \"a\" }\ncookie = { secret = \"b\" }\n",
        &[
            "line 6: `auth.cookie` and `auth.bearer` can't both be used: at most one way (keep one of `auth.bearer`, `auth.cookie`)",
        ],
    );
    check_more(
        "[auth]\nbearer = \"hunter22\"\n",
        &[
            "line 5: warning: `auth.bearer` stands in the file in plain text (write { secret = \"NAME\" } and keep it in the keyring)",
        ],
    );
    check_more(
        "[auth]\nbearer = { secrte = \"a\" }\n",
        &[
            "line 5: unknown key `auth.bearer.secrte` (did you mean `secret`?)",
            "line 5: `auth.bearer` must be a string or name a secret (write `{ secret = \"NAME\" }`)",
        ],
    );
    check_more(
        "[auth]\nbearer = { secret = \"a b\" }\n",
        &[
            "line 5: `auth.bearer.secret` is no name for a secret (use letters, digits, `-`, `_` and `.`, beginning with a letter or a digit)",
        ],
    );
    check_more(
        "[auth]\ncookie = \"nonsense\"\n",
        &["line 5: `auth.cookie` isn't a cookie (write \"NAME=VALUE\", as in \"sessionid=...\")"],
    );
    check_more(
        "[auth.login]\nfields = { user = \"ops\" }\n",
        &["line 4: `auth.login` needs a `url` (write the address that the form is sent to)"],
    );
}

#[test]
fn a_login_that_fills_nothing_in_is_told() {
    check_more(
        "[auth.login]\nurl = \"https://a.test/login\"\n",
        &[
            "line 4: warning: `auth.login` has no `fields`: nothing is filled in (write fields = { username = \"ops\", password = { secret = \"NAME\" } })",
        ],
    );
    check_more("[auth.login]\nurl = \"https://a.test/login\"\nfields = { user = \"ops\" }\n", &[]);
}

#[test]
fn a_bearer_token_that_no_browser_could_send_is_told() {
    let told = |kind: &str, more: &str| {
        let scheme = if kind == "websocket" { "wss" } else { "https" };
        let text = format!(
            "name = \"A\"\nkind = \"{kind}\"\nurl = \"{scheme}://a.test/\"\n{more}[auth]\nbearer = {{ secret = \"t\" }}\n"
        );
        parse(&text, None).unwrap().1.iter().filter(|told| told.key.as_deref() == Some("auth.bearer")).count()
    };
    assert_eq!((told("http", ""), told("socketio", "")), (0, 0));
    assert_eq!((told("websocket", ""), told("socketio", "[socketio]\ntransports = [\"websocket\"]\n")), (1, 1));
}

#[test]
fn no_message_quotes_a_credential() {
    for line in [
        "bearer = \"hunter22\\n\"",
        "cookie = \"hunter22\"",
        "bearer = { secret = \"hunter22 hunter22\" }",
        "bearer = { token = \"hunter22\" }",
        "query = { token = \"hunter22\" }",
        "query = \"hunter22\"",
        "login = { url = \"hunter22\", fields = { password = \"hunter22\" }, check = \"hunter22\" }",
        "bearer = hunter22",
    ] {
        let text = format!("{BASE}[auth]\n{line}\n");
        let told = match parse(&text, None) {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        assert!(!told.is_empty(), "{line}");
        assert!(told.iter().all(|problem| !problem.to_string().contains("hunter")), "{line}: {told:#?}");
    }
}

#[test]
fn sections_that_the_kind_does_not_use_are_kept_with_a_warning() {
    check_more(
        "[websocket]\nping = \"5s\"\n",
        &["line 4: warning: `websocket` has no effect where kind = \"http\" (take the section out, or change `kind`)"],
    );
    let (profile, warnings) = parse(&format!("{BASE}[socketio]\nprotocol = 3\n"), None).unwrap();
    assert_eq!((profile.socketio.protocol, warnings.len()), (Some(3), 1));
}

#[test]
fn sockets_have_their_own_rules() {
    let socket = "name = \"A\"\nkind = \"websocket\"\nurl = \"wss://a.test/\"\n";
    check(
        &format!(
            "{socket}[websocket]\nprotocols = [\"a\", \"a\", \"b c\"]\nanswers = [{{ when = 'x' }}, {{ when = '', send = 'y' }}]\nping = \"1ms\"\n"
        ),
        &[
            "line 5: `websocket.protocols[1]` stands twice: a browser's WebSocket throws a SyntaxError (take one out)",
            "line 5: `websocket.protocols[2]` is no name for a subprotocol (no blanks, commas or slashes)",
            "line 6: `websocket.answers[0]` needs both `when` and `send` (write { when = 'regex', send = '...' })",
            "line 6: `websocket.answers[1].when` must not be empty (write a regular expression that the message has to match)",
            "line 7: `websocket.ping` is too short (write at least \"100ms\", or \"0s\" for none)",
        ],
    );
    let socketio = "name = \"A\"\nkind = \"socketio\"\nurl = \"https://a.test/\"\n";
    check(
        &format!(
            "{socketio}[socketio]\npath = \"socket.io\"\nprotocol = 5\ntransports = [\"webtransport\"]\nnamespaces = [\"chat\"]\nemit = [{{ evnt = \"x\" }}]\n"
        ),
        &[
            "line 5: `socketio.path` isn't a path (write for example \"/socket.io/\")",
            "line 6: `socketio.protocol` can't be 5 (write 4 for Socket.IO v3 and v4, or 3 for Socket.IO v2: it is the revision of Engine.IO)",
            "line 7: `socketio.transports[0]` can't be \"webtransport\" (write one of \"polling\", \"websocket\")",
            "line 8: `socketio.namespaces[0]` isn't a namespace (begin it with a slash: \"/\" or \"/chat\")",
            "line 9: unknown key `socketio.emit[0].evnt` (did you mean `event`?)",
            "line 9: `socketio.emit[0]` needs an `event` (write { event = \"...\" })",
        ],
    );
}

#[test]
fn a_line_that_is_no_toml_does_not_hide_the_other_mistakes() {
    check(
        "name = Sales\nkind: http\nurl = \"https://a.test/\"\nurl = \"https://b.test/\"\nintervall = \"30s\"\n",
        &[
            "line 1: not TOML: string values must be quoted, expected literal string (put the value in quotes)",
            "line 2: not TOML: key with no value, expected `=` (TOML writes `key = \"value\"`, with an equals sign)",
            "line 4: not TOML: duplicate key (each key and each [section] stands once; take one of the two out)",
            "line 5: unknown key `intervall` (did you mean `interval`?)",
        ],
    );
}

#[test]
fn bytes_that_are_no_profile_are_refused_with_their_place() {
    check("name = \"A\"\nkind = \"\0\"\n", &["line 2: a NUL byte: this is no text file (save it as UTF-8 text)"]);
    check(
        &format!("#{}", "x".repeat(MAX_BYTES)),
        &["the file is larger than 1 MiB (a profile is a page of text; is this another file?)"],
    );
    let deep = format!("{BASE}tags = {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    assert!(parse(&deep, None).unwrap_err()[0].message.contains("recurs"));
    let dotted = format!("{BASE}{} = 1\n", ["a"; 50_000].join("."));
    assert!(parse(&dotted, None).is_err());
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text =
        format!("\u{feff}{}notes = \"\"\"\r\na\r\nb\"\"\"\r\nintervall = \"1s\"\r\n", BASE.replace('\n', "\r\n"));
    check(&text, &["line 7: unknown key `intervall` (did you mean `interval`?)"]);
    let profile = read(&text.replace("intervall", "interval"));
    assert_eq!(profile.notes, "a\nb");
}

#[test]
fn a_file_full_of_mistakes_is_told_in_bounds() {
    let text: String = (0..5000).map(|index| format!("k{index} = 1\n")).collect();
    let problems = parse(&text, None).unwrap_err();
    assert_eq!(problems.len(), 201);
    assert_eq!(problems.last().unwrap().message, "and 4803 more mistakes");
}

#[test]
fn a_files_name_stands_in_each_problem() {
    let problems = parse("x = 1\n", Some(Path::new("chat.toml"))).unwrap_err();
    assert!(problems[0].to_string().starts_with("chat.toml:1: unknown key `x`"), "{}", problems[0]);
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let config = proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() };
    proptest::proptest!(config, |(text in "\\PC{0,200}", lines in proptest::collection::vec("[a-z.\\[\\]{}=\"' 0-9#,\n]{0,40}", 0..20))| {
        let _ = parse(&text, None);
        let _ = parse(&lines.join("\n"), None);
        let _ = parse(&format!("{BASE}{}", lines.join("\n")), None);
    });
}
