//! What a person brings, understood, asked about and run, as text.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::profile::Kind;
use crate::watch::{CheckReport, Code, Outcome, Reason, State};
use crate::wire::{Exchange, HttpVersion, Phases, Purpose, WireRequest, WireResponse};

const CHROME: &str = "Access to fetch at 'https://api.test/carts' from origin 'https://app.test' has been blocked by CORS \
                      policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";
const CURL: &str = "curl https://api.test/me -H 'Origin: https://app.test' -H 'Authorization: Bearer s3cr3t-value-17'";
const NOW: Wall = Wall(1_700_000_000_000_000);

/// What a check from here finds: no CORS header.
pub fn refused(profile: &Arc<Profile>) -> CheckReport {
    let exchange = Exchange {
        request: WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: profile.url.clone(),
            headers: [("Origin", "https://app.test")].into_iter().collect(),
            body: Default::default(),
        },
        result: Ok(WireResponse {
            version: HttpVersion::Http11,
            status: 200,
            reason: "OK".into(),
            headers: [("Content-Type", "application/json")].into_iter().collect(),
            body: "[]".into(),
            body_size: 2,
            transfer: crate::wire::Transfer::plain(2),
        }),
        phases: Phases { connect: Some(Duration::from_millis(3)), ..Phases::default() },
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
    };
    CheckReport {
        outcome: Outcome::Down,
        state: State::CorsError,
        reason: Some(Reason::new(Code::MissingAllowOriginHeader).with_status(200)),
        scheduled: NOW,
        lateness: Duration::ZERO,
        phases: Phases::default(),
        status: Some(200),
        exchanges: vec![Arc::new(exchange)],
        preflighted: false,
        console: Some(CHROME.into()),
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    }
}

/// The view once it has read that.
pub fn read(text: &str) -> Reproduce {
    let mut view = Reproduce::default();
    view.bring(Source::Text(text.into()));
    take_in(&mut view);
    view
}

fn take_in(view: &mut Reproduce) {
    while let Some(Source::Text(text)) = view.to_read() {
        view.take(Ok(Box::new(Found::of_text(&text))));
    }
}

#[track_caller]
fn check(text: &str, said: &str, asked: &str) {
    let view = read(text);
    assert_eq!(view.found().and_then(Found::sentence).unwrap_or_default(), said);
    let form = &view.form;
    let kind = if view.asks_address() { "address?" } else { form.kind.word() };
    let secrets: Vec<&str> = form.secrets.iter().map(|asked| asked.name.as_str()).collect();
    let got = format!("{kind} {} from {} {}", form.browser.word(), form.page, secrets.join(","));
    assert_eq!(got.trim_end(), asked);
}

#[test]
fn what_is_pasted_is_known_and_what_it_says_is_not_asked_again() {
    check(CHROME, "What the console of Chrome says.", "http chrome from https://app.test/");
    check(CURL, "A command line.", "http chrome from https://app.test/");
    check("new WebSocket('wss://api.test/ws')", "A page’s script.", "websocket chrome from");
    check("https://api.test/socket.io/", "An address alone.", "socketio chrome from");
    check(
        "Firefox can’t establish a connection to the server at wss://api.test/ws.",
        "What the console of Firefox says.",
        "websocket firefox from",
    );
    check(
        "curl https://a.test/ -H 'Authorization: Bearer <token>'",
        "A command line.",
        "http chrome from  a.test-token",
    );
    check("xhr poll error", "A line of the Socket.IO client.", "address? chrome from");
    check("good morning", "", "http chrome from");
}

#[test]
fn a_line_without_an_address_waits_for_one_and_is_then_run_as_it_says() {
    let mut view = read("xhr poll error");
    assert!(view.run().is_none());
    view.form.address = "https://api.test/rt/".into();
    let wanted = view.run().unwrap();
    assert_eq!((wanted.profile.kind, wanted.profile.socketio.path.as_str()), (Kind::SocketIo, "/rt/"));
    assert!(wanted.claim.failed);
}

#[test]
fn an_answer_that_cannot_be_used_is_named_and_nothing_runs() {
    let mut view = read(CHROME);
    view.form.page = "app.test".into();
    assert_eq!(view.wrong().unwrap()[0].field, "page");
    assert!(view.run().is_none());
    view.form.page = "https://app.test/".into();
    assert_eq!(view.wrong(), Some(Vec::new()));
}

#[test]
fn secrets_are_taken_out_of_what_is_shown_and_go_along_with_the_run() {
    let view = read(CURL);
    let shown = view.held().and_then(|held| held.shown.clone()).unwrap();
    assert!(!shown.contains("s3cr3t") && shown.contains("https://api.test/me"), "{shown}");
    assert_eq!(view.text, "");
    let wanted = view.run().unwrap();
    assert_eq!(wanted.own, [("api.test-token".to_owned(), Secret::new("s3cr3t-value-17"))]);
}

#[test]
fn a_typed_secret_goes_along_under_its_name() {
    let mut view = read("curl https://a.test/ -H 'Authorization: Bearer <token>'");
    view.form.secrets[0].value = "typed-by-hand".into();
    assert_eq!(view.run().unwrap().own, [("a.test-token".to_owned(), Secret::new("typed-by-hand"))]);
}

#[test]
fn what_is_overtaken_while_it_is_read_is_not_shown() {
    let mut view = Reproduce::default();
    view.bring(Source::Text(CHROME.into()));
    let first = view.to_read();
    view.bring(Source::Text("https://other.test/".into()));
    assert!(first.is_some() && view.to_read().is_none(), "one at a time");
    view.take(Ok(Box::new(Found::of_text(CHROME))));
    assert!(view.draft().is_none());
    take_in(&mut view);
    assert_eq!(view.draft().unwrap().profile.url.as_str(), "https://other.test/");
    view.clear();
    assert!(view.is_empty() && view.found().is_none());
}

#[test]
fn of_many_requests_what_failed_comes_first() {
    let entry = |url: &str, status: u16| {
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:00Z","time":5,"_resourceType":"fetch",
                "request":{{"method":"GET","url":"{url}","headers":[{{"name":"Origin","value":"https://app.test"}}]}},
                "response":{{"status":{status},"headers":[]}}}}"#
        )
    };
    let good = entry("https://api.test/good", 200);
    let har = format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"x"}},"entries":[{good},{good},{}]}}}}"#,
        entry("https://api.test/bad", 502)
    );
    let view = read(&har);
    let lines: Vec<String> = view.choices().iter().map(|one| format!("{} ({})", one.title, one.said)).collect();
    assert_eq!(lines, ["GET https://api.test/bad (502)", "GET https://api.test/good (200, 2 times)"]);
    assert_eq!(view.draft().unwrap().profile.url.path(), "/bad");
    assert_eq!(view.found().and_then(Found::sentence).unwrap(), "A HAR: 2 requests of scripts, 1 failed.");
}

#[test]
fn what_a_har_saw_is_told_with_its_messages_and_without_its_secrets() {
    let har = r#"{"log":{"version":"1.2","creator":{"name":"x"},"entries":[{"startedDateTime":"2026-11-21T10:00:00Z","time":5,
        "_resourceType":"websocket","request":{"method":"GET","url":"wss://api.test/ws?token=s3cr3t-value-17","headers":[]},
        "response":{"status":101,"headers":[{"name":"Upgrade","value":"websocket"}]},
        "_webSocketMessages":[{"type":"send","opcode":1,"data":"I am s3cr3t-value-17"},{"type":"receive","opcode":2,"data":"AAAA"}]}]}}"#;
    let view = read(har);
    let seen = view.seen().unwrap();
    assert!(seen.starts_with("2026-11-21T10:00:00Z, took 5.0 ms\n101 "), "{seen}");
    assert!(seen.ends_with("Upgrade: websocket\n\n→ I am [redacted]\n← binary"), "{seen}");
}

#[test]
fn a_run_comes_to_a_verdict_with_cause_steps_and_requests() {
    let mut view = read(CHROME);
    let wanted = view.run().unwrap();
    let profile = Arc::clone(&wanted.profile);
    let reports = vec![refused(&profile)];
    let url = profile.url.to_string();
    view.began(wanted, Ok(Underway::of(vec![Brought::Checked { profile, url, reports }])));
    assert!(view.is_running());
    view.refresh(NOW, &TimeZone::UTC);
    let shown = view.shown().unwrap();
    assert_eq!(shown.verdict.sentence, "Reproduced: the same failure is found from here.");
    assert_eq!((shown.verdict.state, shown.verdict.word), (Some(State::CorsError), "CORS error"));
    assert!(shown.cause.as_ref().is_some_and(|cause| cause.starts_with("Cause: cors-headers-missing")));
    assert!(!shown.why.fixes.is_empty() && !shown.steps.is_empty() && shown.check.exchanges.len() == 1);
    let words: Vec<bool> = shown.browsers.iter().map(|one| one.line.is_ok()).collect();
    assert_eq!(words, [true; 3], "each of the three has a line for it");
    assert!(shown.ran.starts_with("As Chrome, from https://app.test/"), "{}", shown.ran);
    assert!(shown.text().starts_with("Reproduced"), "{}", shown.text());
    view.choose(Some(0));
    assert!(view.shown().is_none(), "another choice is another question");
}

#[test]
fn a_run_that_cannot_be_made_says_what_to_do() {
    let mut view = read(CHROME);
    let ended = |view: &mut Reproduce, brought: Vec<Brought>| {
        let wanted = view.run().unwrap();
        view.began(wanted, Ok(Underway::of(brought)));
        view.refresh(NOW, &TimeZone::UTC);
        view.refused().unwrap_or_default().to_owned()
    };
    let missing = Reason::new(Code::SecretMissing).with_detail("api-token");
    let said = ended(&mut view, vec![Brought::Unready(missing)]);
    assert!(said.contains("“api-token” is missing") && said.contains("keyring"), "{said}");
    assert_eq!(ended(&mut view, Vec::new()), "It ended before it was done. Run it again.");
}
