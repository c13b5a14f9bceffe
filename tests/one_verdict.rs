//! The window, `check` and `replay` say the same of the same request: one path to the network, one set of rules, three faces.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

mod common;

use std::io::Write as _;
use std::process::{self, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::Url;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::browser::Browser;
use wirewatch::engine::Command;
use wirewatch::lab::{Lab, Options, Port};
use wirewatch::model::Live;
use wirewatch::profile::{Kind, Profile};
use wirewatch::watch::State;
use wirewatch::window::vm::last_check::LastCheckVm;
use wirewatch::window::vm::why::WhyVm;

use common::Watching;

const PAGE: &str = "http://app.test:3000/";
/// Far beyond what the test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a socket is watched once it is open.
const STAY: Duration = Duration::from_secs(1);

/// What each face says.
#[derive(Debug, PartialEq)]
struct Verdict {
    console: Option<String>,
    status: Option<u64>,
    preflighted: bool,
    /// The close event as the script sees it: its code, and whether it is clean.
    close: Option<(u64, bool)>,
    /// Not of `replay`: it judges no endpoint, only what the browser does.
    endpoint: Option<Endpoint>,
}

#[derive(Debug, PartialEq)]
struct Endpoint {
    state: String,
    summary: String,
    /// Cookies that stayed behind, leave that a person gives, what can't be known; in lower case.
    beside: Vec<String>,
}

fn is_socket(url: &Url) -> bool {
    url.scheme().starts_with("ws")
}

fn profile(url: &Url, browser: Browser) -> Profile {
    let kind = if is_socket(url) { Kind::WebSocket } else { Kind::Http };
    let mut profile = Profile::new(url.as_str(), kind, url.clone());
    profile.page = Some(Url::parse(PAGE).unwrap());
    profile.browser = browser;
    profile.interval = Duration::from_secs(3600);
    profile.observe = STAY;
    profile
}

/// As a person sees it in the window: the card that says why, and the last check beneath. Of a session the card is about the
/// session, which is held, and the check is one that the person asked for.
fn of_window(watching: &mut Watching, id: ProfileId, profile: Profile) -> Verdict {
    let live = loop {
        let mut live = Live::new();
        live.set_profile(id, Arc::new(profile.clone()));
        watching.events.iter().filter(|event| event.profile == Some(id)).for_each(|event| live.apply(event));
        let watched = live.get(id).unwrap();
        // A check makes one attempt: what a session tries again is an error to it.
        let state = if watched.state == State::Reconnecting { State::Error } else { watched.state };
        if watched.last_check.as_ref().is_some_and(|(_, report)| report.state == state) {
            break live;
        }
        if let Some((_, report)) = &watched.last_check {
            eprintln!("{} {:?} {:?} {:?}", watched.name, report.state, watched.state, report.reason);
        }
        watching.until("verdict", PATIENCE, |event| event.profile == Some(id));
    };
    let watched = live.get(id).unwrap();
    let (at, report) = watched.last_check.as_ref().unwrap();
    let check = LastCheckVm::of_check(*at, report, watched.profile.as_deref(), Clock.wall(), &TimeZone::UTC);
    let why = WhyVm::build(watched);
    if let (Some(why), Some(console)) = (&why, &check.console) {
        assert!(why.facts.contains(console), "the card has the console's line too");
    }
    Verdict {
        console: check.console,
        status: report.status.map(u64::from),
        preflighted: check.exchanges.iter().any(|exchange| exchange.title.starts_with("Preflight")),
        close: report.close.as_ref().map(|facts| (facts.script.code.into(), facts.script.clean)),
        endpoint: Some(Endpoint {
            state: check.state.unwrap().code().to_owned(),
            summary: why.map(|why| why.headline).unwrap_or_default(),
            beside: check.beside.into_iter().map(|(_, text)| text.to_lowercase()).collect(),
        }),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn close(answer: &Value) -> Option<(u64, bool)> {
    Some((answer["close"]["code"].as_u64()?, answer["close"]["clean"].as_bool()?))
}

fn of_check(url: &Url, browser: Browser, home: &std::path::Path) -> Verdict {
    let output = process::Command::new(env!("CARGO_BIN_EXE_wirewatch"))
        .args(["check", url.as_str(), "--json", "--page", PAGE, "--browser", browser.word(), "--observe", "1s"])
        .env("WIREWATCH_CONFIG_DIR", home)
        .env("WIREWATCH_DATA_DIR", home)
        .env("no_proxy", "*")
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let exchanges = document["exchanges"].as_array().unwrap();
    let healthy = document["healthy"] == true;
    let steps = document["checks"].as_array().unwrap();
    Verdict {
        console: text(&document["console"]),
        status: exchanges.last().and_then(|last| last["response"]["status"].as_u64()),
        preflighted: exchanges.iter().any(|exchange| exchange["request"]["method"] == "OPTIONS"),
        close: close(&document),
        endpoint: Some(Endpoint {
            state: text(&document["state"]).unwrap(),
            summary: if healthy { String::new() } else { text(&document["summary"]).unwrap() },
            beside: ["cookie", "local-network", "unknowable"]
                .iter()
                .flat_map(|name| steps.iter().filter(move |step| step["name"] == *name))
                .filter_map(|step| Some(text(&step["detail"])?.to_lowercase()))
                .collect(),
        }),
    }
}

fn of_replay(cases: &[(Url, Browser)]) -> Vec<Verdict> {
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_wirewatch"))
        .args(["replay", "-", "--jobs", "4", "--resolve", "*:*:127.0.0.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for (url, browser) in cases {
        let credentials = Profile::new("", Kind::Http, url.clone()).request.credentials.word();
        let api = if is_socket(url) { "websocket" } else { "fetch" };
        let case = json!({
            "id": url.as_str(), "page": PAGE, "url": url.as_str(), "browser": browser.word(), "credentials": credentials,
            "api": api, "observe_ms": STAY.as_millis() as u64,
        });
        writeln!(input, "{case}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len());
    let one = |answer: &Value| Verdict {
        console: text(&answer["console"]),
        status: answer["status"].as_u64(),
        preflighted: answer["preflighted"].as_bool().unwrap(),
        close: close(answer),
        endpoint: None,
    };
    answers.iter().map(one).collect()
}

#[test]
fn window_check_and_replay_give_one_verdict() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let paths = [
        "/?allow=http://app.test:3000",
        "/bare",
        "/?allow=http://other.test",
        "/?h=Access-Control-Allow-Origin:+http://b.test",
        "/?h=Access-Control-Allow-Origin:+nonsense",
        "/?h=Access-Control-Allow-Origin:+http://app.test:3000,+http://b.test",
        "/?allow=*&status=500&bare-errors",
        "/?allow=any&status=503",
        "/?allow=any&to=/next%3Fallow%3Dany",
        "/?allow=any&to=/next",
        "/?end=drop",
        "/?end=reset",
    ];
    let mut urls: Vec<Url> = paths.iter().map(|path| lab.http_url(path)).collect();
    urls.push(lab.url(Port::Refused, "http", "/"));
    urls.push(lab.url(Port::SelfSigned, "https", "/"));
    urls.push(lab.url(Port::Expired, "https", "/"));
    let sockets = [
        "/",
        "/?status=403",
        "/?accept=nonsense",
        "/?do=close:1008:policy",
        "/?do=reset",
        "/?do=bad:rsv",
        "/?end=drop",
    ];
    urls.extend(sockets.iter().map(|path| lab.ws_url(path)));
    urls.push(lab.url(Port::Refused, "ws", "/"));
    let cases: Vec<(Url, Browser)> =
        urls.iter().flat_map(|url| Browser::ALL.map(|browser| (url.clone(), browser))).collect();
    let profiles: Vec<Profile> = cases.iter().map(|(url, browser)| profile(url, *browser)).collect();
    let mut watching = Watching::start(profiles.clone());
    for index in (0..cases.len()).filter(|index| is_socket(&cases[*index].0)) {
        let id = ProfileId(u32::try_from(index).unwrap() + 1);
        watching.engine.send(Command::CheckNow(id)).unwrap();
    }
    let replayed = of_replay(&cases);
    let home = tempfile::tempdir().unwrap();
    for (index, ((url, browser), replayed)) in cases.iter().zip(replayed).enumerate() {
        let id = ProfileId(u32::try_from(index).unwrap() + 1);
        let window = of_window(&mut watching, id, profiles[index].clone());
        let check = of_check(url, *browser, home.path());
        assert_eq!(window, check, "{} {url}: the window, then check", browser.word());
        if let Some(endpoint) = &window.endpoint
            && window.status.is_some()
        {
            // The lab is on this machine, and the page may come from anywhere: Safari alone doesn't mind.
            let minds = endpoint.beside.iter().any(|line| line.contains("reach this machine"));
            assert_eq!(minds, *browser != Browser::Safari, "{} {url}: {:?}", browser.word(), endpoint.beside);
        }
        // What a preflight or a redirect got is an exchange of its own; the deciding answer's status is the same.
        // And of a socket that never opened `replay` alone tells the event: there is nothing in it but that.
        let never_opened = is_socket(url) && window.console.is_some();
        let close = window.close.or(never_opened.then_some((1006, false)));
        let as_replay = Verdict { endpoint: None, status: replayed.status, close, ..window };
        assert_eq!(as_replay, replayed, "{} {url}: the window, then replay", browser.word());
    }
}
