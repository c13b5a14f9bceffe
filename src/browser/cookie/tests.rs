//! The jar over data: which cookies go where, in each browser. What is expected was recorded from them.

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::base::Wall;
use crate::browser::{Browser, Memory, Page};
use crate::wire::Headers;

const APP: &str = "https://app.test/";
const WWW: &str = "https://www.app.test/";
const API: &str = "https://api.test/";
const PLAIN: &str = "http://app.test/";
const PLAIN_API: &str = "http://api.test/";

/// One of each kind.
const EVERY: &[&str] = &[
    "plain=1",
    "none=1; SameSite=None",
    "open=1; SameSite=None; Secure",
    "lax=1; SameSite=Lax",
    "strict=1; SameSite=Strict",
    "secure=1; Secure",
    "odd=1; SameSite=bogus",
    "part=1; SameSite=None; Secure; Partitioned",
    "loose=1; Partitioned",
];

const NOW: Wall = Wall(1_800_000_000_000_000);

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn fields(cookies: &[&str]) -> Headers {
    cookies.iter().map(|cookie| ("Set-Cookie", *cookie)).collect()
}

/// The names that a request by `way` takes along.
fn sent(memory: &mut Memory, page: &Page, way: &[&str]) -> String {
    let way: Vec<Url> = way.iter().map(|text| url(text)).collect();
    let field = Trail::default().send(memory, page, &way, NOW, 0);
    names(&field.unwrap_or_default()).join(" ")
}

/// Set by a navigation to `at`, then asked for by a page.
#[track_caller]
fn visited(at: &str, cookies: &[&str], page: &str, way: &[&str], expected: [&str; 3]) {
    let got = Browser::ALL.map(|browser| {
        let mut memory = Memory::default();
        for cookie in cookies {
            let _ = memory.jar.set_from_navigation(browser, &url(at), cookie.as_bytes(), NOW);
        }
        sent(&mut memory, &Page::new(url(page), browser), way)
    });
    assert_eq!(got, expected, "{page} {way:?}");
}

/// Set by an answer to the page's own request, then asked for by it.
#[track_caller]
fn answered(page: &str, at: &str, cookies: &[&str], expected: [&str; 3]) {
    let got = Browser::ALL.map(|browser| {
        let mut memory = Memory::default();
        let page = Page::new(url(page), browser);
        Trail::default().receive(&mut memory.jar, &page, &[url(at)], &fields(cookies), NOW, 0);
        sent(&mut memory, &page, &[at])
    });
    assert_eq!(got, expected, "{page} {at}");
}

#[test]
fn at_home_every_cookie_that_was_stored_goes_along() {
    let own = "plain open lax strict secure odd part";
    let safari = "plain none open lax strict secure odd part loose";
    visited(APP, EVERY, APP, &[APP], [own, own, safari]);
    // A socket and another port are the same site, and so is a host under it.
    visited(APP, EVERY, APP, &["wss://app.test:8443/"], [own, own, safari]);
    visited(WWW, EVERY, APP, &[WWW], [own, own, safari]);
}

#[test]
fn abroad_chrome_sends_what_says_none_and_the_others_nothing() {
    visited(API, EVERY, APP, &[API], ["open", "", ""]);
    visited(API, EVERY, APP, &["wss://api.test/"], ["open", "", ""]);
}

#[test]
fn what_answers_abroad_set_firefox_keeps_for_that_page_and_safari_never() {
    answered(APP, API, EVERY, ["open part", "plain open secure odd part", ""]);
    answered(PLAIN, PLAIN_API, EVERY, ["", "plain odd", ""]);
}

#[test]
fn http_and_https_of_one_host_are_two_sites_in_chrome_alone() {
    let all = "plain open lax strict secure odd";
    let safari = "plain none open lax strict secure odd part loose";
    visited(APP, EVERY, PLAIN, &[APP], ["open", all, safari]);
    answered(PLAIN, APP, EVERY, ["open part", "plain open lax strict secure odd part", safari]);
}

#[test]
fn a_secure_cookie_stays_off_plain_http_but_on_this_machine() {
    let all = "plain open lax strict secure odd part";
    visited(
        APP,
        EVERY,
        PLAIN,
        &[PLAIN],
        ["plain lax strict odd", "plain lax strict odd", "plain none lax strict odd loose"],
    );
    for local in ["http://localhost:5000/", "http://127.0.0.1/", "http://[::1]/"] {
        visited(local, EVERY, local, &[local], [all, all, "plain none lax strict odd loose"]);
    }
}

#[test]
fn a_redirect_by_another_site_counts_in_firefox_and_ends_it_in_webkit() {
    let chrome = "plain open lax strict secure odd part";
    visited(APP, EVERY, APP, &[APP, API, APP], [chrome, "plain open secure odd part", ""]);
}

#[test]
fn a_sandboxed_page_is_on_no_site() {
    let page = Page::new(url(APP), Browser::Chrome).with_csp(Some("sandbox allow-scripts"), None);
    let mut memory = Memory::default();
    for cookie in EVERY {
        let _ = memory.jar.set_from_navigation(Browser::Chrome, &url(APP), cookie.as_bytes(), NOW);
    }
    assert_eq!(sent(&mut memory, &page, &[APP]), "open");
}

#[test]
fn longer_paths_go_first_then_older_cookies() {
    let cookies = &["a=1; Path=/", "b=1; Path=/x", "c=1; Path=/", "a=2; Path=/", "d=1; Path=/y"];
    let expected = "b a c";
    visited(APP, cookies, APP, &["https://app.test/x/y"], [expected; 3]);
}

#[test]
fn a_name_is_another_cookie_with_another_domain_path_or_partition() {
    let cookies = &["a=1", "a=2; Domain=app.test", "a=3; Path=/x", "a=4; Secure; Partitioned", "A=5", "a=6"];
    visited(APP, cookies, APP, &["https://app.test/x"], ["a a a a A", "a a a a A", "a a a A"]);
}

#[test]
fn plain_http_leaves_secure_cookies_alone() {
    let check = |browser, expected| {
        let mut memory = Memory::default();
        for (at, cookie) in [(APP, "a=1; Secure"), (PLAIN, "a=2"), (PLAIN, "a=3; Domain=app.test"), (PLAIN, "b=1")] {
            let _ = memory.jar.set_from_navigation(browser, &url(at), cookie.as_bytes(), NOW);
        }
        assert_eq!(sent(&mut memory, &Page::new(url(APP), browser), &[APP]), expected);
    };
    check(Browser::Chrome, "a b");
    check(Browser::Firefox, "a b");
    check(Browser::Safari, "a a b");
}

#[test]
fn a_prefix_holds_what_it_promises() {
    let cookies = &[
        "__Host-ok=1; Secure; Path=/",
        "__Host-path=1; Secure",
        "__Host-domain=1; Secure; Path=/; Domain=app.test",
        "__HOST-plain=1; Path=/",
        "__Secure-ok=1; Secure",
        "__Secure-plain=1",
        "__Http-ok=1; Secure; HttpOnly",
        "__Http-no=1; Secure",
        "__Host-Http-ok=1; Secure; HttpOnly; Path=/",
        "__Host-Http-no=1; Secure; Path=/",
        "=__Host-hidden=1",
    ];
    let chrome = "__Host-ok __Secure-ok __Http-ok __Host-Http-ok";
    let firefox = "__Host-ok __Host-path __Secure-ok __Http-ok __Host-Http-ok";
    // Sent as a value without a name, it reads like a name.
    let written = |cookie: &&str| names(cookie.trim_start_matches('=').as_bytes()).swap_remove(0);
    let safari = cookies.iter().map(written).collect::<Vec<_>>().join(" ");
    visited(APP, cookies, APP, &[APP], [chrome, firefox, &safari]);
}

#[test]
fn a_field_without_a_name_is_a_value_but_a_name_in_firefox() {
    visited(APP, &["lone"], APP, &[APP], ["", "lone", ""]);
    visited(APP, &["=value"], APP, &[APP], ["", "", ""]);
    let mut memory = Memory::default();
    memory.jar.set_from_navigation(Browser::Chrome, &url(APP), b"lone", NOW).unwrap();
    let field = Trail::default().send(&mut memory, &Page::new(url(APP), Browser::Chrome), &[url(APP)], NOW, 0);
    assert_eq!(field.unwrap(), b"lone");
}

#[test]
fn a_lifetime_is_a_number_of_seconds_or_a_date_or_the_sessions() {
    let past = "Expires=Wed, 21 Oct 2015 07:28:00 GMT";
    let cookies = [
        "a=1; Max-Age=5".to_owned(),
        "b=1; Max-Age=0".to_owned(),
        "c=1; Max-Age=-5".to_owned(),
        "d=1; Max-Age=5x".to_owned(),
        "e=1; Max-Age=99999999999999999999".to_owned(),
        format!("f=1; {past}"),
        "g=1; Expires=garbage".to_owned(),
        format!("h=1; Max-Age=5; {past}"),
        format!("i=1; Max-Age=5x; {past}"),
        "j=1; Max-Age=+5".to_owned(),
        format!("k=1; Max-Age=+5; {past}"),
    ];
    let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    visited(APP, &cookies, APP, &[APP], ["a d e g h j k", "a d e g h j", "a d e g j"]);
}

#[test]
fn a_date_is_meant_by_the_servers_clock() {
    let page = Page::new(url(APP), Browser::Chrome);
    let mut memory = Memory::default();
    // The server is two hours behind: 2027-01-15T06:00:00Z by its clock is now.
    let mut answer =
        fields(&["a=1; Expires=Fri, 15 Jan 2027 07:00:00 GMT", "b=1; Expires=Fri, 15 Jan 2027 05:00:00 GMT"]);
    answer.push("Date", "Fri, 15 Jan 2027 06:00:00 GMT");
    Trail::default().receive(&mut memory.jar, &page, &[url(APP)], &answer, NOW, 0);
    assert_eq!(sent(&mut memory, &page, &[APP]), "a");
}

#[test]
fn a_cookie_ends_when_its_time_is_over_and_max_age_0_deletes_it() {
    let mut memory = Memory::default();
    let page = Page::new(url(APP), Browser::Chrome);
    for cookie in ["a=1; Max-Age=60", "b=1", "c=1", "c=; Max-Age=0"] {
        let _ = memory.jar.set_from_navigation(Browser::Chrome, &url(APP), cookie.as_bytes(), NOW);
    }
    assert_eq!(sent(&mut memory, &page, &[APP]), "a b");
    let later = NOW.plus(std::time::Duration::from_secs(60));
    let mut trail = Trail::default();
    assert_eq!(trail.send(&mut memory, &page, &[url(APP)], later, 0).unwrap(), b"b=1");
    assert_eq!(trail.excluded.iter().map(|it| (&*it.name, it.why)).collect::<Vec<_>>(), [("a", Why::Expired)]);
    assert_eq!(memory.jar.len(), 1);
}

#[test]
fn a_site_has_room_for_180_and_is_then_cut_to_150_the_insecure_and_oldest_first() {
    let mut jar = Jar::default();
    for at in 0..181 {
        let secure = if at < 50 { "; Secure" } else { "" };
        jar.set_from_navigation(Browser::Chrome, &url(APP), format!("a{at}=1{secure}").as_bytes(), NOW).unwrap();
    }
    jar.set_from_navigation(Browser::Chrome, &url(API), b"other=1", NOW).unwrap();
    assert_eq!(jar.len(), 151);
    let mut memory = Memory { jar, ..Memory::default() };
    let sent = sent(&mut memory, &Page::new(url(APP), Browser::Chrome), &[APP]);
    let sent: Vec<&str> = sent.split(' ').collect();
    assert_eq!((sent[0], sent[49], sent[50], sent.len()), ("a0", "a49", "a81", 150));
}

#[test]
fn names_stand_before_the_first_equals_sign_and_may_be_empty() {
    assert_eq!(names(b"a=1; b=x=y; lone;c="), ["a", "b", "", "c"]);
}

/// What is not stored of an answer, then not sent by the next request, with why.
#[track_caller]
fn missing(browser: Browser, page: &str, at: &str, cookies: &[&str], expected: &str) {
    let mut memory = Memory::default();
    let page = Page::new(url(page), browser);
    let mut trail = Trail::default();
    trail.receive(&mut memory.jar, &page, &[url(at)], &fields(cookies), NOW, 0);
    trail.send(&mut memory, &page, &[url(at).join("/other").unwrap()], NOW, 1);
    let got: Vec<String> = trail
        .excluded
        .iter()
        .map(|it| format!("{}. {} {}: {}", it.exchange, it.name, it.lost.word(), it.why.code()))
        .collect();
    assert_eq!(got.join("\n"), expected);
}

#[test]
fn what_is_missing_is_told_with_the_rule_that_kept_it_out() {
    missing(
        Browser::Chrome,
        APP,
        API,
        &[
            "a=1",
            "b=1; SameSite=Strict",
            "c=1; SameSite=None",
            "d=1; Domain=test",
            "e=1; Path=/x; SameSite=None; Secure",
        ],
        "0. a not stored: samesite-lax\n0. b not stored: samesite-strict\n0. c not stored: samesite-none-insecure\n\
         0. d not stored: domain\n1. e not sent: path",
    );
    missing(
        Browser::Firefox,
        PLAIN,
        PLAIN,
        &["a=1; Secure", "=a"],
        "0. a not stored: secure\n0.  not stored: characters",
    );
    missing(Browser::Safari, APP, API, &["a=1; SameSite=None; Secure"], "0. a not stored: third-party");
}

#[test]
fn what_was_left_out_is_told_from_the_recorded_exchanges() {
    use crate::browser::Credentials;
    use crate::wire::{Exchange, HttpVersion, Phases, Purpose, Transfer, WireRequest, WireResponse};
    let exchange = |at: &str, purpose, cookies: &[&str]| Exchange {
        request: WireRequest {
            purpose,
            method: "GET".into(),
            url: url(at),
            headers: Headers::new(),
            body: Default::default(),
        },
        phases: Phases::default(),
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
        result: Ok(WireResponse {
            version: HttpVersion::Http11,
            status: 302,
            reason: String::new(),
            headers: fields(cookies),
            body: Default::default(),
            body_size: 0,
            transfer: Transfer::plain(0),
        }),
    };
    let recorded = [
        exchange(API, Purpose::SignIn, &["in=1; HttpOnly", "bad=1; SameSite=None"]),
        exchange(API, Purpose::Preflight, &["never=1"]),
        exchange(API, Purpose::Actual, &["sid=1", "open=1; SameSite=None; Secure; Path=/x"]),
        exchange(API, Purpose::Actual, &[]),
    ];
    let told = |credentials| -> Vec<String> {
        let page = Page::new(url(APP), Browser::Chrome);
        let left = left_out(&page, credentials, &recorded, NOW);
        left.iter().map(|it| format!("{} {} {}", it.exchange, it.name, it.why.code())).collect()
    };
    assert_eq!(
        told(Credentials::Include),
        ["0 bad samesite-none-insecure", "2 in samesite-lax", "2 sid samesite-lax", "3 in samesite-lax", "3 open path"]
    );
    assert_eq!(told(Credentials::SameOrigin), ["0 bad samesite-none-insecure"]);
}

#[test]
fn no_text_for_debugging_shows_a_value() {
    let mut memory = Memory::default();
    memory.jar.set_from_navigation(Browser::Chrome, &url(APP), b"sid=s3cret", NOW).unwrap();
    let text = format!("{memory:?}");
    assert!(text.contains("sid") && !text.contains("s3cret"), "{text}");
}

proptest! {
    #[test]
    fn no_date_is_read_twice_differently(text in "[ -~]{0,40}") {
        let (first, again) = (date::parse_cookie_date(text.as_bytes()), date::parse_cookie_date(text.as_bytes()));
        prop_assert_eq!(first, again);
        let _ = date::parse_cookie_expiration_time(text.as_bytes());
    }

    #[test]
    fn names_are_as_many_as_pairs(field in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(names(&field).len(), field.iter().filter(|byte| **byte == b';').count() + 1);
    }
}
