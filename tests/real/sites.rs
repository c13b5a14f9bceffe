//! Sites with a login of their own: Flask-Login, Django with Channels, and FastAPI with tokens and heartbeats.

use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;
use wirewatch::diagnosis::Facts;
use wirewatch::profile::{AnswerRule, Auth, Credentials, Kind, Login, Profile, Setting};
use wirewatch::watch::{EventBody, SignInStep, State};
use wirewatch::wire::Purpose;

use crate::common::{self, Watching};
use crate::peers::{Process, free_port, wait_for};
use crate::stacks::{Rooms, Stack, python_with};
use crate::{SOON, check, profile};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/sites");
static PYTHON: LazyLock<String> = LazyLock::new(|| python_with("sites", &format!("{SOURCES}/requirements.txt")));
const KEY: &str = "a key that is long enough for HS256";

/// A running site. Ends when it is dropped.
struct Site {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Site {
    fn start(script: &str, mut options: Value) -> Self {
        let folder = TempDir::new().unwrap();
        options["port"] = json!(free_port());
        options["folder"] = json!(folder.path());
        let mut child = Command::new(&*PYTHON)
            .args(["-u", &format!("{SOURCES}/{script}"), &options.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        let port = wait_for(stdout, "port ").trim_start_matches("port ").trim().parse().unwrap();
        Self { _process: process, _folder: folder, port }
    }

    fn django(options: Value) -> Self {
        Self::start("django_site.py", options)
    }

    fn fastapi() -> Self {
        Self::start("fastapi_site.py", json!({ "key": KEY }))
    }

    fn url(&self, kind: Kind, path: &str) -> String {
        let scheme = if kind == Kind::WebSocket { "ws" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// A page of the site itself asks for that.
    fn own(&self, kind: Kind, path: &str) -> Profile {
        let mut profile = profile(kind, &self.url(kind, path));
        profile.page = None;
        profile.request.credentials = Credentials::Include;
        profile
    }

    /// The same, signed in at that page.
    fn signed_in(&self, kind: Kind, path: &str, login: &str, password: &str) -> Profile {
        let at = |path: &str| self.url(Kind::Http, path);
        signed_in(self.own(kind, path), &at(login), &at("/me/"), password)
    }

    /// Ends every session of the site.
    fn end_sessions(&self) {
        let report = check(self.own(Kind::Http, "/end/"));
        assert_eq!(report.status, Some(200));
    }
}

fn signed_in(mut profile: Profile, login: &str, me: &str, password: &str) -> Profile {
    let plain = |text: &str| Setting::Plain(text.into());
    profile.auth = Auth::Login(Login {
        url: login.parse().unwrap(),
        fields: vec![("username".into(), plain("ops")), ("password".into(), plain(password))],
        csrf: Some("auto".into()),
        check: Some(me.parse().unwrap()),
    });
    profile
}

const DJANGO: &str = "/accounts/login/";

#[track_caller]
fn checked(profile: Profile, expected: &str) {
    let report = check(profile);
    assert_eq!(common::in_short(&report), expected, "{:?}", report.reason);
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn djangos_login_lets_the_socket_in_and_again_when_its_session_is_over() {
    let site = Site::django(json!({}));
    checked(site.own(Kind::WebSocket, "/ws/chat/"), "error 403 HandshakeStatus");
    let mut watching = Watching::start([site.signed_in(Kind::WebSocket, "/ws/chat/", DJANGO, "wirewatch")]);
    watching.until_state(State::Connected, SOON);
    site.end_sessions();
    let closed = watching.until("close", SOON, |event| event.body.kind() == "closed");
    let EventBody::Closed { facts, .. } = &closed.body else { panic!("{closed:?}") };
    assert_eq!(facts.code, Some(4401));
    watching.until_state(State::AuthRequired, SOON);
    let step = |wanted: SignInStep| move |event: &wirewatch::watch::Event| matches!(&event.body, EventBody::SignIn { step, reason, .. } if *step == wanted && (reason.is_none() || wanted == SignInStep::Expired));
    for wanted in [SignInStep::Expired, SignInStep::Form, SignInStep::Submitted, SignInStep::Checked] {
        watching.until(wanted.code(), SOON, step(wanted));
    }
    watching.until_state(State::Connected, SOON);
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn djangos_pages_are_read_signed_in_and_a_wrong_password_is_told() {
    let site = Site::django(json!({}));
    // Without its last slash: 301, then the page.
    let report = check(site.signed_in(Kind::Http, "/me", DJANGO, "wirewatch"));
    assert_eq!(common::in_short(&report), "connected 200 ok");
    let own: Vec<_> = report.exchanges.iter().filter(|it| it.request.purpose == Purpose::Actual).collect();
    assert_eq!(own.iter().map(|it| it.status().unwrap()).collect::<Vec<_>>(), [301, 200]);
    checked(site.signed_in(Kind::WebSocket, "/ws/chat", DJANGO, "wirewatch"), "error 500 HandshakeStatus");
    let report = check(site.signed_in(Kind::Http, "/me/", DJANGO, "guess"));
    assert_eq!(common::in_short(&report), "auth_required 200 login_failed");
    assert_eq!(report.reason.unwrap().detail.as_deref(), Some("form_again"));
    let mut no_token = site.signed_in(Kind::Http, "/me/", DJANGO, "wirewatch");
    if let Auth::Login(login) = &mut no_token.auth {
        login.csrf = None;
    }
    let report = check(no_token);
    assert_eq!(common::in_short(&report), "auth_required 403 login_failed");
    assert_eq!(report.reason.unwrap().detail.as_deref(), Some("token_refused"));
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_page_on_another_site_leaves_djangos_session_behind() {
    let away = "sessionid is not sent: the page is on another site, and it is";
    for (samesite, short, expected) in [
        ("Lax", "error 403 HandshakeStatus", format!("{away} SameSite=Lax, which is the default")),
        ("Strict", "error 403 HandshakeStatus", format!("{away} SameSite=Strict")),
        (
            "None",
            "auth_required 302 login_failed",
            "sessionid is not stored: it is SameSite=None and not Secure".to_owned(),
        ),
    ] {
        let site = Site::django(json!({ "samesite": samesite }));
        let mut profile = site.signed_in(Kind::WebSocket, "/ws/chat/", DJANGO, "wirewatch");
        profile.page = Some("http://app.localhost/".parse().unwrap());
        let report = check(profile.clone());
        assert_eq!(common::in_short(&report), short);
        let remarks = Facts::of_check(&profile, &report).remarks();
        assert!(remarks.iter().any(|remark| remark.text == expected), "{samesite}: {remarks:#?}");
    }
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_page_behind_flask_login_is_read_again_after_a_restart_has_ended_its_sessions() {
    let rooms = Rooms::start(Stack::FlaskThreads, json!({}));
    let at = |path: &str| format!("{}{path}", rooms.url());
    let mut own = profile(Kind::Http, &at("me"));
    own.page = None;
    checked(own.clone(), "auth_required 401 auth_required");
    let wrong = check(signed_in(own.clone(), &at("login"), &at("me"), "guess"));
    assert_eq!(wrong.reason.unwrap().detail.as_deref(), Some("form_again"));
    let mut watching = Watching::start([signed_in(own, &at("login"), &at("me"), "wirewatch")]);
    watching.until_state(State::Connected, SOON);
    let _rooms = rooms.restart(|| ());
    watching.until("expired", SOON, |event| matches!(&event.body, EventBody::SignIn { step: SignInStep::Expired, .. }));
    watching.until(
        "a good check",
        SOON,
        |event| matches!(&event.body, EventBody::Check(report) if report.state == State::Connected),
    );
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn fastapis_login_without_a_page_sets_a_cookie() {
    let site = Site::fastapi();
    checked(site.own(Kind::Http, "/me/"), "auth_required 401 auth_required");
    // 307 to the path with its last slash.
    checked(site.signed_in(Kind::Http, "/me", "/login", "wirewatch"), "connected 200 ok");
    checked(site.signed_in(Kind::Http, "/me", "/login", "guess"), "auth_required 401 login_failed");
}

/// A token that ends so many seconds from now.
fn token(ends: i64, key: &str) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(json!({ "exp": now + ends })));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes())))
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_token_in_the_query_is_missing_wrong_expired_or_good() {
    let site = Site::fastapi();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let with = |token: Option<String>| {
        let mut profile = site.own(Kind::WebSocket, "/ws");
        if let Some(token) = token {
            profile.auth = Auth::Query(vec![("token".into(), Setting::Plain(token.into()))]);
        }
        let report = runtime.block_on(common::check(profile.clone(), Duration::from_secs(1)));
        let cause = wirewatch::diagnosis::diagnose(&Facts::of_check(&profile, &report)).cause;
        (common::in_short(&report), report.close.as_ref().and_then(|facts| facts.code), cause)
    };
    let (short, close, _) = with(None);
    assert_eq!((short.as_str(), close), ("error 403 HandshakeStatus", None));
    for (token, cause) in
        [(token(-60, KEY), "token-expired"), (token(60, "another key of the same length."), "token-invalid")]
    {
        let (short, close, told) = with(Some(token));
        assert_eq!((short.as_str(), close), ("auth_required 101 closed", Some(1008)));
        assert_eq!(told.map(|cause| cause.as_str()), Some(cause));
    }
    let (short, close, _) = with(Some(token(60, KEY)));
    assert_eq!((short.as_str(), close), ("connected 101 ok", None));
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_json_heartbeat_that_is_answered_keeps_the_session() {
    let site = Site::fastapi();
    let mut quiet = site.own(Kind::WebSocket, "/beat");
    quiet.websocket.ping = None;
    let mut answering = quiet.clone();
    let pong = Setting::Plain(r#"{"type":"pong"}"#.into());
    answering.websocket.answers = vec![AnswerRule { when: r#""type":\s*"ping""#.into(), send: pong }];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = |profile: Profile| {
        let report = runtime.block_on(common::check(profile, Duration::from_millis(2500)));
        report.close.and_then(|facts| facts.code)
    };
    assert_eq!(ended(quiet), Some(4000));
    assert_eq!(ended(answering), None);
}
