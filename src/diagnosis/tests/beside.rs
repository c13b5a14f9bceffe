//! What stands beside a verdict, and what is made of it.

use super::*;
use crate::browser::Browser;
use crate::diagnosis::Severity;

const PAGE: &str = "https://app.test";
const ELSEWHERE: &str = "https://api.other.test/me";

/// A request that `page` makes as `browser`, answered with that status and `Set-Cookie`.
fn setting(browser: Browser, url: &str, code: Option<Code>, status: u16, cookie: &str) -> Case {
    let purpose = if url.starts_with("ws") { Purpose::Handshake } else { Purpose::Actual };
    let reason = Reason::new(code.unwrap_or(Code::Status)).with_status(status);
    let mut case = Case::new(PAGE, url, reason).answered(purpose, status, &format!("Set-Cookie: {cookie}"));
    case.profile.browser = browser;
    case.profile.request.credentials = Credentials::Include;
    if code.is_none() {
        case.report.reason = None;
    }
    case
}

fn refused(url: &str, status: u16, cookie: &str) -> Case {
    let code = if url.starts_with("ws") { Code::HandshakeStatus } else { Code::AuthRequired };
    setting(Browser::Chrome, url, Some(code), status, cookie)
}

fn remarks(case: &Case) -> Vec<String> {
    let remarks = Facts::of_check(&case.profile, &case.report).remarks();
    remarks.into_iter().map(|remark| format!("{}: {}", remark.about.code(), remark.text)).collect()
}

#[test]
fn a_session_cookie_that_stays_behind_is_the_cause_of_a_refusal() {
    refused(ELSEWHERE, 401, "sessionid=1").is("samesite-blocks-cookie");
    refused(ELSEWHERE, 401, "connect.sid=1; SameSite=Strict; Secure").is("samesite-blocks-cookie");
    refused(ELSEWHERE, 403, "sessionid=1; SameSite=None").is("samesite-none-without-secure");
    refused("http://app.test/me", 401, "sessionid=1; Secure").is("secure-cookie-over-http");
    refused("https://app.test/me", 401, "sessionid=1; Domain=other.test").is("cookie-domain-mismatch");
    refused("https://app.test/me", 401, "__Host-sid=1; Secure").is("session-missing");
    refused("wss://api.other.test/ws", 403, "sessionid=1").is("samesite-blocks-cookie");
    let safari = setting(Browser::Safari, ELSEWHERE, Some(Code::AuthRequired), 401, "sid=1; SameSite=None; Secure");
    let diagnosis = safari.is("session-missing");
    assert!(diagnosis.summary.contains("blocks cookies of other sites"), "{}", diagnosis.summary);
    assert!(diagnosis.fixes[0].text.contains("from one site"), "{:?}", diagnosis.fixes);
}

#[test]
fn the_summary_says_which_cookie_and_why() {
    let diagnosis = refused(ELSEWHERE, 401, "sessionid=1").is("samesite-blocks-cookie");
    assert_eq!(
        diagnosis.summary,
        "api.other.test answered 401 Unauthorized, and the cookie sessionid is not stored: the page is on another site, \
         and it is SameSite=Lax, which is the default."
    );
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::AuthRequired));
    assert!(diagnosis.warnings.is_empty(), "what is the cause is no warning: {:?}", diagnosis.warnings);
}

#[test]
fn a_cookie_that_is_for_something_else_is_one_reading_among_others() {
    let diagnosis = refused(ELSEWHERE, 401, "AWSALB=1").is("auth-required");
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::SamesiteBlocksCookie));
    // A CSRF token is no session, and a refusal that names it comes first.
    let mut csrf = Case::new(PAGE, ELSEWHERE, reason(Code::Status).with_status(403)).answered(
        Purpose::Actual,
        403,
        "Set-Cookie: csrftoken=1\n\nCSRF verification failed.",
    );
    csrf.profile.request.credentials = Credentials::Include;
    csrf.is("csrf-failed");
    // HTTP authentication asks for no cookie.
    refused(ELSEWHERE, 401, "sid=1\nWWW-Authenticate: Basic").is("http-auth-required");
}

#[test]
fn a_cookie_lost_on_the_way_to_the_refusal_counts_more_than_one_that_it_sets() {
    let mut case = refused("http://app.test/first", 302, "a=1; Path=/other");
    case.profile.url = Url::parse("http://app.test/me").unwrap();
    case.report.reason = Some(reason(Code::Status).with_status(403));
    case = case.answered(Purpose::Actual, 403, "");
    case.profile.page = Some(Url::parse("http://app.test").unwrap());
    case.is("cookie-path-mismatch");
}

#[test]
fn a_cookie_that_the_profile_gives_did_go_out() {
    let mut case = refused(ELSEWHERE, 401, "sessionid=1");
    Arc::get_mut(&mut case.report.exchanges[0]).unwrap().request.headers.push("Cookie", "a=1; sessionid=0");
    assert_eq!(remarks(&case).iter().filter(|remark| remark.starts_with("cookie")).count(), 0);
    case.is("auth-required");
}

#[test]
fn localhost_and_127_0_0_1_keep_their_cookies_apart() {
    let case = |auth| {
        let mut case = Case::new(APP, "ws://127.0.0.1:8000/ws", reason(Code::HandshakeStatus).with_status(403))
            .answered(Purpose::Handshake, 403, "");
        case.profile.auth = auth;
        case
    };
    case(Auth::Cookie(Setting::Plain("sid=1".into()))).is("localhost-127-mismatch");
    case(Auth::None).is("origin-not-allowed");
    case(Auth::Bearer(Setting::Plain("x".into()))).is("origin-not-allowed");
}

#[test]
fn what_came_out_well_is_warned_of_what_comes_next() {
    let case = setting(Browser::Chrome, ELSEWHERE, None, 200, "sessionid=1\nSet-Cookie: theme=1");
    let diagnosis = case.is("ok");
    let [warning] = &diagnosis.warnings[..] else { panic!("one a cause: {:?}", diagnosis.warnings) };
    assert_eq!((warning.cause, warning.severity), (CauseId::SamesiteBlocksCookie, Severity::Medium));
    assert!(warning.text.starts_with("The cookie sessionid is not stored: ") && !warning.fixes.is_empty());
}

/// From `page`, answered well by `peer`.
fn reached(browser: Browser, page: &str, url: &str, peer: &str) -> Case {
    let mut case = setting(browser, url, None, 200, "a=1; SameSite=None; Secure");
    case.profile.page = Some(Url::parse(page).unwrap());
    Arc::get_mut(&mut case.report.exchanges[0]).unwrap().peer = Some(peer.parse().unwrap());
    case
}

#[track_caller]
fn depends(case: &Case, expected: &str) {
    let diagnosis = diagnose(&Facts::of_check(&case.profile, &case.report));
    let remark = remarks(case).into_iter().find_map(|remark| Some(remark.strip_prefix("local-network: ")?.to_owned()));
    assert_eq!(remark.as_deref().unwrap_or_default(), expected);
    let told = diagnosis.summary.to_lowercase().contains(&expected.to_lowercase());
    assert!(told && diagnosis.cause == Some(CauseId::Ok), "{}", diagnosis.summary);
    assert_eq!(diagnosis.warnings.iter().any(|warning| warning.cause == CauseId::LocalNetworkAccess), remark.is_some());
}

#[test]
fn a_good_verdict_that_depends_on_leave_says_so() {
    let near = "192.168.1.2:443";
    depends(
        &reached(Browser::Chrome, PAGE, ELSEWHERE, near),
        "if the page is served from the internet, Chrome asks the person whether https://app.test may reach the local \
         network, and sends nothing until they allow it",
    );
    depends(
        &reached(Browser::Chrome, "http://203.0.113.9", "wss://api.other.test/ws", "127.0.0.1:443"),
        "Chrome refuses: only a page over https may ask the person for leave to reach this machine",
    );
    depends(
        &reached(Browser::Firefox, PAGE, ELSEWHERE, near),
        "if the page is served from the internet, Firefox may ask the person whether https://app.test may reach the local \
         network: not every copy of it does yet",
    );
    depends(&reached(Browser::Safari, PAGE, ELSEWHERE, near), "");
    depends(&reached(Browser::Chrome, PAGE, ELSEWHERE, "203.0.113.7:443"), "");
    depends(&reached(Browser::Chrome, "http://localhost:3000", "http://192.168.1.2/", "192.168.1.2:80"), "");
}

#[test]
fn what_cant_be_known_is_said_of_what_was_asked_and_of_nothing_else() {
    let unknowable =
        |case: &Case| remarks(case).into_iter().find(|remark| remark.starts_with("unknowable")).unwrap_or_default();
    let case = reached(Browser::Chrome, PAGE, ELSEWHERE, "203.0.113.7:443");
    assert_eq!(
        unknowable(&case),
        "unknowable: extensions, the page's service worker, the person's own cookies or an administrator's policy may \
         change it"
    );
    let case = Case::new(PAGE, API, reason(Code::MixedContent));
    assert_eq!(unknowable(&case), "unknowable: extensions or an administrator's policy may change it");
    assert_eq!(unknowable(&Case::new(PAGE, API, reason(Code::SecretMissing))), "");
    assert_eq!(unknowable(&Case::new(PAGE, API, reason(Code::SyntaxError))), "");
}
