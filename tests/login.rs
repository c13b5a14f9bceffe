//! Signing in by a form, against the lab's site with a session: what goes out, what it brings, and what follows when it is over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its parts has to fail")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::{Watching, check, in_short};
use wirewatch::base::{Clock, ProfileId};
use wirewatch::engine::probe::{self, Manner};
use wirewatch::engine::{Patterns, SecretSource, Target};
use wirewatch::lab::{Lab, Options};
use wirewatch::profile::{Auth, Credentials, Kind, Login, Profile, Proxy, Setting};
use wirewatch::watch::signin::Refusal;
use wirewatch::watch::{EventBody, SignInStep, State};
use wirewatch::wire::Purpose;

/// Far beyond what any test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    runtime: tokio::runtime::Runtime,
    lab: Option<Lab>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.lab = None;
    }
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lab = Some(runtime.block_on(Lab::start(Options::default())).unwrap());
        Self { runtime, lab }
    }

    fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }

    /// A profile of that path, which signs in as `ops` with that password.
    fn profile(&self, kind: Kind, path: &str, password: &str) -> Profile {
        let url = if kind == Kind::WebSocket { self.lab().ws_url(path) } else { self.lab().http_url(path) };
        let mut profile = Profile::new("site", kind, url);
        profile.interval = Duration::from_millis(300);
        profile.reconnect.delay = Duration::from_millis(20);
        profile.request.credentials = Credentials::Include;
        let plain = |text: &str| Setting::Plain(text.into());
        profile.auth = Auth::Login(Login {
            url: self.lab().http_url("/login"),
            fields: vec![("username".into(), plain("ops")), ("password".into(), plain(password))],
            csrf: Some("auto".into()),
            check: Some(self.lab().http_url("/me")),
        });
        profile
    }

    /// State, status and reason of one check.
    fn checked(&self, profile: Profile) -> String {
        in_short(&self.runtime.block_on(check(profile, Duration::ZERO)))
    }

    /// Method and path of what came to the login's pages.
    fn came(&self) -> Vec<String> {
        let pages = ["/login", "/me"];
        let seen = self.lab().seen();
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let of_login = seen.iter().filter(|seen| pages.contains(&path(&seen.target).as_str()));
        of_login.map(|seen| format!("{} {}", seen.method, path(&seen.target))).collect()
    }
}

/// The story's states and sign-ins.
fn told(watching: &Watching) -> Vec<String> {
    let word = |body: &EventBody| match body {
        EventBody::State { to, .. } => Some(to.code().to_owned()),
        EventBody::SignIn { step, reason, .. } => {
            let detail = reason.as_ref().and_then(|reason| reason.detail.as_deref()).unwrap_or_default();
            Some(format!("{step:?} {detail}").trim_end().to_owned())
        }
        _ => None,
    };
    watching.events.iter().filter_map(|event| word(&event.body)).collect()
}

#[test]
fn a_check_signs_in_first_and_says_so() {
    let world = World::new();
    for (kind, path, status) in
        [(Kind::Http, "/api?need=session&allow=any", "200"), (Kind::WebSocket, "/ws?need=session", "101")]
    {
        let report = world.runtime.block_on(check(world.profile(kind, path, "wirewatch"), Duration::ZERO));
        assert_eq!(in_short(&report), format!("connected {status} ok"));
        let purposes: Vec<Purpose> = report.exchanges.iter().map(|exchange| exchange.request.purpose).collect();
        assert_eq!(purposes[..3], [Purpose::SignIn; 3]);
        assert!(purposes.len() == 4 && purposes[3] != Purpose::SignIn, "{purposes:?}");
    }
    let once = ["GET /login", "POST /login", "GET /me", "GET /me"];
    assert_eq!(world.came(), [once, once].concat());
}

#[test]
fn what_is_sent_is_what_a_browser_sends() {
    let world = World::new();
    world.checked(world.profile(Kind::Http, "/api?need=session", "wirewatch"));
    let seen = world.lab().seen_at("/login");
    let (page, form) = (&seen[0], &seen[1]);
    let field = |name| form.headers.first_str(name).unwrap_or_default();
    let origin = world.lab().http_url("/login").origin().ascii_serialization();
    assert_eq!(page.headers.first_str("sec-fetch-mode"), Some("navigate"));
    assert_eq!(page.headers.first_str("cookie"), None);
    assert_eq!((field("origin"), field("referer")), (origin.as_str(), &*format!("{origin}/login")));
    assert_eq!(field("content-type"), "application/x-www-form-urlencoded");
    let token = field("cookie").strip_prefix("csrftoken=").unwrap();
    assert_eq!(form.body, format!("csrfmiddlewaretoken={token}&username=ops&password=wirewatch").as_bytes());
    let api = &world.lab().seen_at("/api")[0];
    assert!(api.headers.first_str("cookie").unwrap().contains("lab_session="));
}

#[test]
fn each_way_to_fail_is_a_login_that_failed() {
    let world = World::new();
    let fails = |change: &dyn Fn(&mut Login)| {
        let mut profile = world.profile(Kind::Http, "/api?need=session", "wirewatch");
        if let Auth::Login(login) = &mut profile.auth {
            change(login);
        }
        let report = world.runtime.block_on(check(profile, Duration::ZERO));
        assert_eq!(report.state, State::AuthRequired, "{:?}", report.reason);
        Refusal::of(report.reason.as_ref().unwrap())
    };
    let wrong = Setting::Plain("guess".into());
    assert_eq!(fails(&|login| login.fields[1].1 = wrong.clone()), Some(Refusal::FormAgain));
    // No token, and no cookie of it: the lab checks as Django does.
    assert_eq!(fails(&|login| login.csrf = None), Some(Refusal::TokenRefused));
    assert_eq!(fails(&|login| login.csrf = Some("other".into())), Some(Refusal::TokenMissing));
    assert_eq!(fails(&|login| login.fields = vec![("q".into(), wrong.clone())]), Some(Refusal::FormMissing));
    let private = world.lab().http_url("/api?need=bearer:x");
    assert_eq!(fails(&|login| login.check = Some(private.clone())), Some(Refusal::SignedOut));
    assert_eq!(world.lab().seen_at("/api").iter().filter(|seen| !seen.target.contains("bearer")).count(), 0);
}

#[test]
fn a_site_that_is_down_is_no_refused_login() {
    let world = World::new();
    let mut profile = world.profile(Kind::Http, "/api?need=session", "wirewatch");
    if let Auth::Login(login) = &mut profile.auth {
        login.url = world.lab().http_url("/elsewhere?status=503");
    }
    assert_eq!(world.checked(profile.clone()), "error 503 login_failed");
    if let Auth::Login(login) = &mut profile.auth {
        login.url = "http://127.0.0.1:1/login".parse().unwrap();
    }
    assert_eq!(world.checked(profile), "error - connection_refused");
}

#[test]
fn a_session_that_is_over_is_signed_in_again_and_connected() {
    let world = World::new();
    let mut watching = Watching::start([world.profile(Kind::WebSocket, "/ws?need=session&echo", "wirewatch")]);
    watching.until_state(State::Connected, PATIENCE);
    world.lab().end_sessions();
    watching.until_state(State::Connected, PATIENCE);
    let signed_in = ["Form", "Submitted", "Checked"];
    let mut expected = vec!["connecting"];
    expected.extend(signed_in);
    expected.extend(["connected", "auth_required", "Expired session expired"]);
    expected.extend(signed_in);
    expected.push("connected");
    assert_eq!(told(&watching), expected);
    drop(watching);
}

#[test]
fn a_check_whose_session_is_over_is_made_again_signed_in() {
    let world = World::new();
    let mut watching = Watching::start([world.profile(Kind::Http, "/api?need=session&allow=any", "wirewatch")]);
    watching.until_state(State::Connected, PATIENCE);
    world.lab().end_sessions();
    watching
        .until("sign-in", PATIENCE, |event| matches!(&event.body, EventBody::SignIn { step: SignInStep::Expired, .. }));
    for _ in 0..2 {
        let event = watching.until("a check", PATIENCE, |event| event.body.kind() == "check");
        let EventBody::Check(report) = &event.body else { panic!("{event:?}") };
        assert_eq!(in_short(report), "connected 200 ok");
    }
    assert!(!told(&watching).contains(&"auth_required".to_owned()), "{:#?}", watching.story());
}

#[test]
fn a_wrong_password_is_not_tried_again_and_again() {
    let world = World::new();
    let mut profile = world.profile(Kind::Http, "/api?need=session", "guess");
    profile.interval = Duration::from_millis(100);
    let mut watching = Watching::start([profile]);
    for _ in 0..15 {
        watching.until("a check", PATIENCE, |event| event.body.kind() == "check");
    }
    let posts = world.came().iter().filter(|came| *came == "POST /login").count();
    // At 0, 0.1, 0.2, 0.4, 0.8 s: each rest is twice as long as the one before.
    assert!((2..=6).contains(&posts), "{posts}");
    assert_eq!(world.lab().seen_at("/api").len(), 0);
}

#[test]
fn an_endpoint_that_refuses_who_is_signed_in_is_asked_at_most_twice_a_check() {
    let world = World::new();
    for (kind, asked) in [(Kind::Http, "/api"), (Kind::SocketIo, "/socket.io/")] {
        let mut profile = world.profile(kind, &format!("{asked}?status=401"), "wirewatch");
        profile.network.proxy = Proxy::Direct;
        // What the second check is signed in with stands for longer than this test.
        profile.interval = Duration::from_secs(60);
        let secrets: SecretSource = Arc::new(|_: &[String]| Ok(HashMap::new()));
        let target = Arc::new(Target::prepare(ProfileId(1), Arc::new(profile), &secrets, &Patterns::default()));
        let requests: Vec<usize> = (0..4)
            .map(|_| {
                let manner = Manner { scheduled: Clock.mono(), observe: Some(Duration::ZERO) };
                let before = world.lab().seen_at(asked).len();
                let probed = world.runtime.block_on(probe::check(&target, manner, Clock));
                assert_eq!(in_short(&probed.report), "auth_required 401 auth_required", "{kind:?}");
                world.lab().seen_at(asked).len() - before
            })
            .collect();
        assert_eq!(requests, [1, 2, 1, 1], "{kind:?}");
    }
}

#[test]
fn a_redirect_to_the_login_page_says_that_the_session_is_over() {
    let world = World::new();
    let to = world.lab().http_url("/login");
    let http = world.profile(Kind::Http, &format!("/old?allow=any&to={to}"), "wirewatch");
    assert_eq!(world.checked(http), "auth_required 200 auth_required");
    let socket = world.profile(Kind::WebSocket, &format!("/old?status=302&to={to}"), "wirewatch");
    assert_eq!(world.checked(socket), "auth_required 302 auth_required");
}

#[test]
fn a_cookie_that_the_socket_never_sees_is_told() {
    let world = World::new();
    let mut profile = world.profile(Kind::WebSocket, "/ws?need=session", "wirewatch");
    // The page is on another site than the login: SameSite=Lax stays behind.
    profile.page = Some("http://elsewhere.localhost/".parse().unwrap());
    let report = world.runtime.block_on(check(profile.clone(), Duration::ZERO));
    assert_eq!(in_short(&report), "auth_required 401 auth_required");
    let facts = wirewatch::diagnosis::Facts::of_check(&profile, &report);
    let remarks: Vec<String> = facts.remarks().into_iter().map(|remark| remark.text).collect();
    let lost = |remark: &String| remark.contains("lab_session is not sent: the page is on another site");
    assert!(remarks.iter().any(lost), "{remarks:#?}");
}

#[test]
fn what_the_login_brought_is_shown_nowhere() {
    let world = World::new();
    let profile = world.profile(Kind::Http, "/api?need=session&reflect&allow=any", "wirewatch");
    let report = world.runtime.block_on(check(profile, Duration::ZERO));
    let sent = world.lab().seen_at("/api")[0].headers.first_str("cookie").unwrap().to_owned();
    let session = sent.split("lab_session=").nth(1).unwrap().split(';').next().unwrap();
    let body = &report.exchanges.last().unwrap().response().unwrap().body;
    assert!(String::from_utf8_lossy(body).contains("lab_session=[redacted]"), "{body:?}");
    let text = format!("{report:?}");
    assert!(session.len() == 32 && !text.contains(session), "{text}");
}

#[test]
fn a_bearer_token_goes_with_http_and_never_with_a_socket() {
    let world = World::new();
    let with_bearer = |kind, path| {
        let mut profile = world.profile(kind, path, "");
        profile.auth = Auth::Bearer(Setting::Plain("t0ken-t0ken".into()));
        profile
    };
    assert_eq!(world.checked(with_bearer(Kind::Http, "/a?need=bearer:t0ken-t0ken&allow=any")), "connected 200 ok");
    let socket = with_bearer(Kind::WebSocket, "/b?need=bearer:t0ken-t0ken");
    let report = world.runtime.block_on(check(socket.clone(), Duration::ZERO));
    assert_eq!(in_short(&report), "auth_required 401 auth_required");
    assert_eq!(world.lab().seen_at("/b")[0].headers.first_str("authorization"), None);
    let remarks = wirewatch::diagnosis::Facts::of_check(&socket, &report).remarks();
    assert!(remarks.iter().any(|remark| remark.about.code() == "bearer"), "{remarks:?}");
}
