//! Which pages ask, and what their answers say.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::*;
use crate::base::Wall;
use crate::diagnosis::CauseId;
use crate::profile::{Kind, Profile};
use crate::watch::{Category, CheckReport, Code, Outcome, Reason, meaning::state_for};
use crate::wire::{Exchange, Headers, HttpVersion, NetError, Phases, Purpose, Transfer, WireRequest, WireResponse};

fn profile(kind: Kind, url: &str, page: &str) -> Profile {
    let mut profile = Profile::new("asked", kind, Url::parse(url).unwrap());
    profile.page = Some(Url::parse(page).unwrap());
    profile
}

#[track_caller]
fn asks(url: &str, page: &str, expected: &[&str]) {
    let all = askers(&profile(Kind::Http, url, page));
    let got: Vec<String> =
        all.iter().map(|asker| format!("{} {}", asker.why.code(), asker.origin().as_deref().unwrap_or("-"))).collect();
    assert_eq!(got, expected);
    assert!(all.len() <= MOST, "{got:?}");
}

#[test]
fn a_local_page_is_tried_by_each_name_of_this_machine_and_on_the_ports_of_development_servers() {
    asks(
        "http://127.0.0.1:5000/api",
        "http://localhost:3000/shop?a=1",
        &[
            "own http://localhost:3000",
            "other-name http://127.0.0.1:3000",
            "other-name http://[::1]:3000",
            "other-scheme https://localhost:3000",
            "port-left-out http://localhost",
            "dev-port http://localhost:5173",
            "dev-port http://localhost:8080",
            "dev-port http://localhost:4200",
            "dev-port http://localhost:8000",
            "endpoint http://127.0.0.1:5000",
            "null null",
            "foreign https://origin-check.invalid",
            "none -",
        ],
    );
    // The longest list that there is.
    assert_eq!(askers(&profile(Kind::Http, "http://127.0.0.1:5000/", "http://localhost:9999/")).len(), MOST);
}

#[test]
fn a_public_page_is_tried_with_www_and_as_its_domain_and_no_origin_is_tried_twice() {
    asks(
        "wss://app.example.co.uk/ws",
        "https://app.example.co.uk/",
        &[
            "own https://app.example.co.uk",
            "other-scheme http://app.example.co.uk",
            "other-port https://app.example.co.uk:8443",
            "apex https://example.co.uk",
            "with-www https://www.example.co.uk",
            "null null",
            "foreign https://origin-check.invalid",
            "none -",
        ],
    );
    asks(
        "https://10.0.0.7/api",
        "https://www.example.com/",
        &[
            "own https://www.example.com",
            "other-scheme http://www.example.com",
            "other-port https://www.example.com:8443",
            "apex https://example.com",
            "endpoint https://10.0.0.7",
            "null null",
            "foreign https://origin-check.invalid",
            "none -",
        ],
    );
}

/// What came of an origin: the browser's reason and the status behind it.
type Came = (Option<Code>, Option<u16>);
const FINE: Came = (None, Some(200));

fn exchange(profile: &Profile, status: Option<u16>) -> Exchange {
    let purpose = if profile.kind == Kind::WebSocket { Purpose::Handshake } else { Purpose::Actual };
    let request = WireRequest {
        purpose,
        method: "GET".into(),
        url: profile.url.clone(),
        headers: Headers::new(),
        body: Default::default(),
    };
    let answer = |status| WireResponse {
        version: HttpVersion::Http11,
        status,
        reason: String::new(),
        headers: Headers::new(),
        body: Default::default(),
        body_size: 0,
        transfer: Transfer::plain(0),
    };
    let result = status.map(answer).ok_or(NetError::ConnectionRefused);
    Exchange { request, result, phases: Phases::default(), peer: None, tried: Vec::new(), tls: None, proxy: None }
}

/// The rows of that server, by what it makes of each origin; `None`: no `Origin`.
fn rows(kind: Kind, server: impl Fn(Option<&str>) -> Came) -> Vec<Seen> {
    let url = if kind == Kind::WebSocket { "wss://api.test/ws" } else { "https://api.test/me" };
    let profile = profile(kind, url, "https://app.test/");
    let row = |asker: Asker| {
        let (code, status) = server(asker.origin().as_deref());
        let exchange = exchange(&profile, status);
        if asker.page.is_none() {
            return Seen::of_program(asker, Some(&exchange));
        }
        let reason = code.map(|code| status.map_or(Reason::new(code), |status| Reason::new(code).with_status(status)));
        let report = CheckReport {
            outcome: if reason.is_some() { Outcome::Down } else { Outcome::Up },
            state: reason.as_ref().map_or(crate::watch::State::Connected, state_for),
            reason,
            scheduled: Wall(0),
            lateness: Duration::ZERO,
            phases: Phases::default(),
            status,
            exchanges: vec![Arc::new(exchange)],
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        let profile = Profile { page: asker.page.clone(), ..profile.clone() };
        Seen::of_page(asker, &profile, &report)
    };
    askers(&profile).into_iter().map(row).collect()
}

/// The origins that are said to be let in, to be kept out, and of which nothing is said.
#[track_caller]
fn check(rows: &[Seen], expected: [&[&str]; 3], says: &str) {
    let of = |wanted: Option<bool>| -> Vec<String> {
        let found = rows.iter().filter(|one| let_in(one, rows) == wanted);
        found.map(|one| one.asker.origin().unwrap_or("-".to_owned())).collect()
    };
    assert_eq!([of(Some(true)), of(Some(false)), of(None)], expected.map(|list| list.to_vec()));
    let text = conclusion(rows);
    assert!(text.starts_with(says), "{text}");
}

const OTHERS: [&str; 5] =
    ["http://app.test", "https://app.test:8443", "https://www.app.test", "null", "https://origin-check.invalid"];

#[test]
fn who_is_on_the_list_is_let_in_and_nobody_else() {
    let listed = |origin: Option<&str>| match origin {
        Some("https://www.app.test" | "https://app.test") | None => FINE,
        Some(_) => (Some(Code::MissingAllowOriginHeader), Some(200)),
    };
    check(
        &rows(Kind::Http, listed),
        [
            &["https://app.test", "https://www.app.test", "-"],
            &["http://app.test", "https://app.test:8443", "https://api.test", "null", "https://origin-check.invalid"],
            &[],
        ],
        "https://app.test is let in, and so is https://www.app.test.",
    );
    let other_scheme = |origin: Option<&str>| match origin {
        Some("http://app.test") => FINE,
        _ => (Some(Code::AllowOriginMismatch), Some(200)),
    };
    assert_eq!(conclusion(&rows(Kind::Http, other_scheme)), "https://app.test is not let in, but http://app.test is.");
    assert_eq!(
        conclusion(&rows(Kind::Http, |_| (Some(Code::MissingAllowOriginHeader), Some(200)))),
        "https://app.test is not let in, nor is any other page that was tried."
    );
    assert!(conclusion(&rows(Kind::Http, |_| FINE)).contains("a site that no list has"));
}

#[test]
fn an_answer_without_cors_headers_is_of_a_list_where_another_page_has_them() {
    let bare = (Some(Code::MissingAllowOriginHeader), Some(200));
    let own_cause = |all: &[Seen]| cause(&all[0], all).0;
    let with_list = rows(Kind::Http, |origin| if origin == Some("https://www.app.test") { FINE } else { bare });
    assert_eq!(own_cause(&with_list), Some(CauseId::OriginNotAllowed));
    // The endpoint's own page needs nobody's leave.
    let without = rows(Kind::Http, |origin| if origin == Some("https://api.test") { FINE } else { bare });
    assert_eq!(own_cause(&without), Some(CauseId::CorsHeadersMissing));
}

#[test]
fn a_wordless_refusal_is_over_the_origin_where_another_page_is_let_in() {
    let refused = (Some(Code::HandshakeStatus), Some(403));
    let own = "https://app.test";
    check(
        &rows(Kind::WebSocket, |origin| if origin == Some(own) { (None, Some(101)) } else { refused }),
        [&[own], &[&OTHERS[..3], &["https://api.test"], &OTHERS[3..], &["-"]].concat(), &[]],
        "https://app.test is let in, and no other page",
    );
    let all = rows(Kind::WebSocket, |_| refused);
    assert!(all.iter().all(|one| let_in(one, &all).is_none()));
    assert!(conclusion(&all).starts_with("Nothing tells whether https://app.test is let in: "));
}

#[test]
fn an_endpoint_in_trouble_says_nothing_of_its_list() {
    let all = rows(Kind::Http, |_| (Some(Code::MissingAllowOriginHeader), Some(502)));
    assert!(all.iter().all(|one| let_in(one, &all).is_none()));
    let all = rows(Kind::Http, |_| (Some(Code::ConnectionRefused), None));
    assert!(all.iter().all(|one| let_in(one, &all).is_none()));
}

#[test]
fn what_the_browser_itself_keeps_from_asking_is_refused_and_named() {
    let secure = |origin: Option<&str>| origin.is_some_and(|origin| origin.starts_with("https:"));
    let all = rows(Kind::Http, |origin| if secure(origin) { (Some(Code::MixedContent), None) } else { FINE });
    let own = &all[0];
    assert_eq!((let_in(own, &all), own.category), (Some(false), Category::MixedContent));
    assert!(
        conclusion(&all).starts_with("https://app.test is not let in, but http://app.test"),
        "{}",
        conclusion(&all)
    );
}

#[test]
fn an_answer_that_the_page_can_read_lets_it_in_whatever_it_says() {
    let all = rows(Kind::Http, |_| (Some(Code::AuthRequired), Some(401)));
    let pages: Vec<Option<bool>> =
        all.iter().filter(|one| one.asker.page.is_some()).map(|one| let_in(one, &all)).collect();
    assert!(pages.iter().all(|one| *one == Some(true)), "{pages:?}");
    assert!(!all[0].healthy);
}
