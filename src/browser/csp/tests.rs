//! Source lists against URLs, and what each browser makes of them.

use super::*;
use crate::browser::{Browser, Page};

/// What each browser makes of a connection from an http page: `+` it goes, `-` it is refused; Chrome, Firefox, Safari.
#[track_caller]
fn check(page: &str, csp: &str, url: &str, expected: &str) {
    let url = Url::parse(url).unwrap();
    let got: String = Browser::ALL
        .into_iter()
        .map(|browser| {
            let page = Page::new(Url::parse(page).unwrap(), browser).with_csp(Some(csp), None);
            if violations(&page, Check::All, &url, false).is_empty() { '+' } else { '-' }
        })
        .collect();
    assert_eq!(got, expected, "{csp} on {}: {url}", page);
}

const PAGE: &str = "http://app.test:8080/page";
const API: &str = "http://api.test:8081/r";

#[test]
fn connect_src_decides_and_default_src_stands_in_for_it() {
    check(PAGE, "connect-src http://api.test:8081", API, "+++");
    check(PAGE, "default-src 'self'", API, "---");
    check(PAGE, "default-src 'none'; connect-src *", API, "+++");
    check(PAGE, "script-src 'none'", API, "+++");
}

#[test]
fn the_first_directive_of_a_name_counts_and_every_policy_of_a_list() {
    check(PAGE, "connect-src *; connect-src 'none'", API, "+++");
    check(PAGE, "connect-src *, connect-src 'none'", API, "---");
    check(PAGE, "connect-src\x0b'none'", API, "++-");
    check(PAGE, "CONNECT-SRC 'NONE'", API, "---");
}

#[test]
fn a_directive_that_cant_be_read_is_ignored_and_in_chromium_is_still_the_first() {
    check(PAGE, "connect-src 's\u{e9}lf'; connect-src 'none'", API, "+--");
}

#[test]
fn schemes_cover_their_secure_counterpart_and_http_no_websocket() {
    check(PAGE, "connect-src http:", "https://api.test/", "+++");
    check(PAGE, "connect-src http:", "ws://api.test/", "---");
    check(PAGE, "connect-src ws:", "wss://api.test/", "+++");
    check(PAGE, "connect-src ws:", "https://api.test/", "--+");
    check(PAGE, "connect-src *", "wss://api.test:1/", "+++");
    check(PAGE, "connect-src *", "data:,x", "---");
}

#[test]
fn hosts_are_whole_or_under_a_wildcard() {
    check(PAGE, "connect-src *.test:*", API, "+++");
    check(PAGE, "connect-src http://*.api.test:8081", API, "---");
    check(PAGE, "connect-src http://**.test:8081", API, "---");
    check(PAGE, "connect-src http://[::1]:8081", "http://[::1]:8081/", "---");
}

#[test]
fn ports_are_the_schemes_own_unless_written_and_upgrade_with_it() {
    check(PAGE, "connect-src http://api.test", API, "---");
    check(PAGE, "connect-src http://api.test:80", "https://api.test/", "+++");
    check("https://app.test/", "connect-src api.test:80", "https://api.test/", "-++");
    check(PAGE, "connect-src http://api.test:443", "https://api.test/", "+++");
    check(PAGE, "connect-src http://api.test:08081", API, "+-+");
    check(PAGE, "connect-src *:8081", API, "++-");
    check(PAGE, "connect-src https://api.test:80", "https://api.test/", "-++");
}

#[test]
fn paths_are_exact_or_directories_and_are_compared_decoded() {
    check(PAGE, "connect-src http://api.test:8081/r?x=1", API, "+++");
    check(PAGE, "connect-src http://api.test:8081/r/", API, "---");
    check(PAGE, "connect-src http://api.test:8081/%72", API, "+++");
    check(PAGE, "connect-src http://api.test:8081?x", API, "-+-");
    check(PAGE, "connect-src http://api.test:8081/%E9", "http://api.test:8081/%C3%A9", "+--");
}

#[test]
fn a_redirect_is_not_told_the_path() {
    let page = Page::new(Url::parse(PAGE).unwrap(), Browser::Chrome);
    let page = page.with_csp(Some("connect-src http://api.test:8081/other"), None);
    let url = Url::parse(API).unwrap();
    assert_eq!(violations(&page, Check::All, &url, false).len(), 1);
    assert_eq!(violations(&page, Check::All, &url, true), []);
}

#[test]
fn self_is_the_page_over_any_scheme_as_good() {
    check(PAGE, "connect-src 'self'", "ws://app.test:8080/", "+++");
    check(PAGE, "connect-src 'self'", "https://app.test:8080/", "+++");
    check(PAGE, "connect-src 'self'", "https://app.test/", "---");
    check("http://app.test/", "connect-src 'self'", "wss://app.test/", "+++");
    check("https://app.test/", "connect-src 'self'", "http://app.test/", "---");
    check("https://app.test/", "connect-src 'self'", "wss://app.test/", "+++");
}

#[test]
fn a_report_only_policy_refuses_nothing() {
    let page = Page::new(Url::parse(PAGE).unwrap(), Browser::Chrome);
    let page = page.with_csp(Some("connect-src *"), Some("connect-src 'none', default-src 'self'; sandbox"));
    let found = violations(&page, Check::All, &Url::parse(API).unwrap(), false);
    assert_eq!(found.iter().map(|one| one.policy).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(refusal(&page, &found), None);
    assert!(!page.is_sandboxed());
}

#[test]
fn firefox_asks_before_the_promised_upgrade_and_believes_the_promise() {
    let csp = "upgrade-insecure-requests; connect-src https:";
    check(PAGE, csp, API, "-+-");
    check(PAGE, "upgrade-insecure-requests, connect-src https:", API, "---");
}

#[test]
fn firefox_names_the_directive_by_what_it_understood() {
    let page = Url::parse(PAGE).unwrap();
    let named = |csp: &str| {
        let policies = parse_list(Browser::Firefox, csp, Disposition::Enforce);
        policies[0].connect.as_ref().unwrap().serialized(&page)
    };
    assert_eq!(named("connect-src"), "connect-src 'none'");
    assert_eq!(named("connect-src 'none' API.test:1/A%20b"), "connect-src http://api.test:1/A b");
    assert_eq!(named("connect-src 'report-sample'"), "connect-src 'none' 'report-sample'");
    assert_eq!(
        named("connect-src 'unsafe-inline' 'Unsafe-Inline' 'SHA256-a_-=' 'nonce-Ab_' 'bogus' x:"),
        "connect-src 'unsafe-inline' 'sha256-a/+=' 'nonce-Ab_' x:"
    );
}

#[test]
fn a_sandboxed_page_has_no_origin() {
    let page = Page::new(Url::parse(PAGE).unwrap(), Browser::Chrome);
    let page = page.with_csp(Some("sandbox allow-scripts; sandbox allow-same-origin"), None);
    assert_eq!(page.origin(), "null");
    assert!(!page.is_same_origin(&Url::parse(PAGE).unwrap()));
}

#[test]
fn the_upgrade_spares_loopback_but_in_safari() {
    let upgraded = |browser: Browser, url: &str| {
        let page = Page::new(Url::parse(PAGE).unwrap(), browser).with_csp(Some("upgrade-insecure-requests"), None);
        page.upgrade(&Url::parse(url).unwrap()).map(String::from)
    };
    assert_eq!(upgraded(Browser::Chrome, "ws://api.test:81/w").as_deref(), Some("wss://api.test:81/w"));
    assert_eq!(upgraded(Browser::Chrome, "http://api.test/").as_deref(), Some("https://api.test/"));
    assert_eq!(upgraded(Browser::Chrome, "http://localhost:81/"), None);
    assert_eq!(upgraded(Browser::Firefox, "http://localhost:81/"), None);
    assert_eq!(upgraded(Browser::Firefox, "ws://localhost:81/").as_deref(), Some("wss://localhost:81/"));
    assert_eq!(upgraded(Browser::Safari, "http://localhost:81/").as_deref(), Some("https://localhost:81/"));
}

#[test]
fn in_safari_a_sandboxed_page_has_no_self_either() {
    check(PAGE, "sandbox allow-scripts; connect-src 'self'", "http://app.test:8080/r", "++-");
}
