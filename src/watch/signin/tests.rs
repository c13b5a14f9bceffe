//! The sign-in machine against scripted servers.

use bytes::Bytes;

use super::*;
use crate::wire::{HttpVersion, NetError, Phases, Transfer, WireResponse};

const LOGIN: &str = "https://shop.test/login";

fn plan(csrf: Option<&str>, check: Option<&str>) -> Plan {
    Plan {
        browser: Browser::Chrome,
        url: Url::parse(LOGIN).unwrap(),
        fields: vec![("user".into(), Secret::new("ops")), ("pass".into(), Secret::new("h&nter"))],
        csrf: csrf.map(str::to_owned),
        check: check.map(|check| Url::parse(check).unwrap()),
    }
}

/// What a scripted server says: status, header lines, body.
type Said<'a> = (u16, &'a str, &'a str);

fn exchange(request: WireRequest, (status, lines, body): Said<'_>) -> Exchange {
    let result = match status {
        0 => Err(NetError::ConnectionRefused),
        status => Ok(WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers: lines.lines().filter_map(|line| line.split_once(": ")).collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_size: body.len() as u64,
            transfer: Transfer::plain(body.len() as u64),
        }),
    };
    Exchange { request, result, phases: Phases::default(), peer: None, tried: Vec::new(), tls: None, proxy: None }
}

/// The sign-in's requests (method, URL, cookie, body) up to its end, and that: the cookies' count, or the reason.
fn play(plan: Plan, server: &[Said<'_>]) -> (Vec<String>, String) {
    let (mut sign_in, mut next) = SignIn::start(plan, Wall(0));
    let mut server = server.iter();
    let mut sent = Vec::new();
    loop {
        match next {
            Next::Send(request) => {
                let cookie = request.headers.joined("cookie").unwrap_or_default();
                let body = String::from_utf8_lossy(&request.body).into_owned();
                sent.push(format!("{} {} [{cookie}] {body}", request.method, request.url).trim_end().to_owned());
                let said = server.next().unwrap_or_else(|| panic!("one request too many: {sent:#?}"));
                next = sign_in.on_exchange(exchange(*request, *said), Wall(0)).0;
            }
            Next::Done(Ok(jar)) => return (sent, format!("{} cookies", jar.len())),
            Next::Done(Err(reason)) => {
                let status = reason.status.map(|status| format!(" {status}")).unwrap_or_default();
                return (sent, format!("{} {}{status}", reason.code, reason.detail.unwrap_or_default()));
            }
        }
    }
}

#[track_caller]
fn check(plan: Plan, server: &[Said<'_>], sent: &[&str], end: &str) {
    let (got, came) = play(plan, server);
    assert_eq!((got.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), came.as_str()), (sent, end));
}

/// How it ends alone.
#[track_caller]
fn ends(plan: Plan, server: &[Said<'_>], end: &str) {
    assert_eq!(play(plan, server).1, end);
}

const FORM: &str = "<form method=post action=/in><input type=hidden name=csrf_token value=t0k><input name=user><input \
                    name=pass type=password><input type=submit name=go value=In></form>";
const FLASK: Said<'static> = (200, "Content-Type: text/html\nSet-Cookie: session=a; HttpOnly", FORM);
const IN: Said<'static> = (302, "Location: /home\nSet-Cookie: session=b; HttpOnly", "");
const HOME: Said<'static> = (200, "Content-Type: text/html", "<h1>Hello</h1>");

#[test]
fn a_form_is_read_and_sent_back_with_its_token_and_the_redirect_followed() {
    check(
        plan(Some("auto"), Some("https://shop.test/me")),
        &[FLASK, IN, HOME, (200, "", "{}")],
        &[
            "GET https://shop.test/login []",
            "POST https://shop.test/in [session=a] csrf_token=t0k&user=ops&pass=h%26nter&go=In",
            "GET https://shop.test/home [session=b]",
            "GET https://shop.test/me [session=b]",
        ],
        "1 cookies",
    );
}

#[test]
fn without_csrf_the_fields_are_sent_at_once() {
    check(
        plan(None, None),
        &[(200, "Content-Type: application/json\nSet-Cookie: sid=1", "{\"ok\":true}")],
        &["POST https://shop.test/login [] user=ops&pass=h%26nter"],
        "1 cookies",
    );
}

#[test]
fn each_way_of_a_login_to_fail_has_its_name() {
    let auto = || plan(Some("auto"), None);
    ends(auto(), &[FLASK, (200, "Set-Cookie: session=c", FORM)], "login_failed form_again");
    ends(auto(), &[FLASK, (302, "Location: /login\nSet-Cookie: flash=1", ""), FLASK], "login_failed form_again");
    ends(auto(), &[FLASK, (401, "", "no")], "login_failed form_refused 401");
    ends(auto(), &[FLASK, (429, "", "slow down")], "login_failed form_refused 429");
    ends(auto(), &[FLASK, (403, "", "CSRF verification failed.")], "login_failed token_refused 403");
    ends(auto(), &[FLASK, (419, "", "")], "login_failed token_refused 419");
    ends(auto(), &[FLASK, (200, "", "hello")], "login_failed cookie_missing");
    let unstored = (302, "Location: /home\nSet-Cookie: session=b; SameSite=None", "");
    ends(auto(), &[FLASK, unstored, FLASK], "login_failed cookie_refused");
    ends(auto(), &[FLASK, unstored, HOME], "login_failed cookie_refused");
    ends(auto(), &[(200, "", "<p>nothing</p>")], "login_failed form_missing");
    ends(auto(), &[(200, "Content-Type: text/plain", FORM)], "login_failed form_missing");
    let search = (200, "Set-Cookie: csrftoken=c", "<form><input name=q></form>");
    ends(auto(), &[search], "login_failed form_missing");
    ends(auto(), &[(404, "", FORM)], "login_failed form_missing 404");
    ends(auto(), &[(503, "", "")], "login_failed form_missing 503");
    ends(auto(), &[(200, "", &FORM.replace("/in", "http://shop.test/in"))], "login_failed form_insecure");
    ends(plan(Some("other"), None), &[FLASK], "login_failed token_missing");
    ends(auto(), &[(0, "", "")], "connection_refused ");
    ends(auto(), &[(302, "Location: file:///x", "")], "net::ERR_UNSAFE_REDIRECT ");
}

#[test]
fn the_check_has_the_last_word() {
    let with_check = || plan(Some("auto"), Some("https://shop.test/me"));
    ends(with_check(), &[FLASK, IN, HOME, (204, "", "")], "1 cookies");
    ends(with_check(), &[FLASK, IN, HOME, (401, "", "")], "login_failed signed_out 401");
    ends(with_check(), &[FLASK, IN, HOME, (302, "Location: /login?next=/me", ""), HOME], "login_failed signed_out");
    ends(with_check(), &[FLASK, IN, HOME, FLASK], "login_failed signed_out");
    ends(with_check(), &[FLASK, IN, HOME, (503, "", "")], "login_failed signed_out 503");
    // A cookie that was there before is enough where the check says so.
    ends(with_check(), &[FLASK, (200, "", "hello"), (200, "", "")], "1 cookies");
}

/// The form's body, and the token's header, by where the page keeps the token.
#[track_caller]
fn token(csrf: &str, page: Said<'_>, expected: &str) {
    let (mut sign_in, _) = SignIn::start(plan(Some(csrf), None), Wall(0));
    let request = WireRequest { url: Url::parse(LOGIN).unwrap(), ..first(plan(Some(csrf), None)) };
    let Next::Send(request) = sign_in.on_exchange(exchange(request, page), Wall(0)).0 else { panic!("it ended") };
    let headers: Vec<_> = request.headers.iter().filter(|(name, _)| name.to_lowercase().contains("sr")).collect();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    assert_eq!(format!("{} [{}]", String::from_utf8_lossy(&request.body), headers.join("; ")), expected);
}

fn first(plan: Plan) -> WireRequest {
    match SignIn::start(plan, Wall(0)).1 {
        Next::Send(request) => *request,
        Next::Done(_) => panic!("it ended"),
    }
}

#[test]
fn the_token_is_found_where_frameworks_keep_it() {
    let form = |inside: &str| format!("<form>{inside}<input name=user><input name=pass></form>");
    let django = form("<input type=hidden name=csrfmiddlewaretoken value=d>");
    token("auto", (200, "Set-Cookie: csrftoken=c", &django), "csrfmiddlewaretoken=d&user=ops&pass=h%26nter []");
    token(
        "auto",
        (200, "Set-Cookie: csrftoken=c", &form("")),
        "user=ops&pass=h%26nter&csrfmiddlewaretoken=c [X-CSRFToken: c]",
    );
    token(
        "auto",
        (200, "Set-Cookie: XSRF-TOKEN=a%3D", "<div id=app></div>"),
        "user=ops&pass=h%26nter&_csrf=a%3D [X-XSRF-TOKEN: a=]",
    );
    let rails = form("<meta name=csrf-param content=authenticity_token><meta name=csrf-token content=r>");
    token("auto", (200, "", &rails), "user=ops&pass=h%26nter&authenticity_token=r [X-CSRF-Token: r; X-CSRFToken: r]");
    token("auto", (405, "", "Method Not Allowed"), "user=ops&pass=h%26nter []");
    token("auto", (200, "", &form("")), "user=ops&pass=h%26nter []");
    let own = form("<input type=hidden name=mine value=m>");
    token("mine", (200, "", &own), "mine=m&user=ops&pass=h%26nter []");
    token("mine", (200, "Set-Cookie: mine=m", &form("")), "user=ops&pass=h%26nter&mine=m []");
    token(
        "csrftoken",
        (200, "Set-Cookie: csrftoken=c", "<form><input name=q></form>"),
        "user=ops&pass=h%26nter&csrftoken=c []",
    );
    let apart = format!("<form><input name=mine value=m></form>{}", form(""));
    token("mine", (200, "", &apart), "user=ops&pass=h%26nter&mine=m []");
}

#[test]
fn each_step_is_told_with_the_exchange_that_decided_it() {
    let (mut sign_in, mut next) = SignIn::start(plan(Some("auto"), Some("https://shop.test/me")), Wall(0));
    let mut told = Vec::new();
    for said in [FLASK, IN, HOME, (200, "", "{}")] {
        let Next::Send(request) = next else { panic!("it ended") };
        let (after, step) = sign_in.on_exchange(exchange(*request, said), Wall(0));
        told.extend(step.map(|told| (told.step, told.exchange.request.url.path().to_owned())));
        next = after;
    }
    let expected = [(SignInStep::Form, "/login"), (SignInStep::Submitted, "/in"), (SignInStep::Checked, "/me")];
    assert_eq!(told, expected.map(|(step, path)| (step, path.to_owned())));
}

#[test]
fn a_good_answer_to_the_form_is_told_without_its_body() {
    let (mut sign_in, next) = SignIn::start(plan(None, None), Wall(0));
    let Next::Send(request) = next else { panic!("it ended") };
    let said = (200, "Set-Cookie: sid=1", "{\"access_token\":\"eyJ\"}");
    let (_, told) = sign_in.on_exchange(exchange(*request, said), Wall(0));
    assert!(told.unwrap().exchange.response().unwrap().body.is_empty());
}

#[test]
fn a_redirect_to_the_login_page_says_that_nobody_is_signed_in() {
    let login = Url::parse(LOGIN).unwrap();
    let request = |url: &str| WireRequest { url: Url::parse(url).unwrap(), ..first(plan(None, None)) };
    let sent = |url: &str, said| {
        let exchange = exchange(request(url), said);
        sent_to_login(&login, Browser::Chrome, [&exchange]).map(|reason| reason.code)
    };
    let to_login = (302, "Location: /login?next=/ws", "");
    assert!(sent("wss://shop.test/ws", to_login).is_some());
    assert!(sent("https://shop.test/api", (302, "Location: https://shop.test/login/", "")).is_some());
    assert_eq!(sent("https://shop.test/api", (302, "Location: /other", "")), None);
    assert_eq!(sent("https://other.test/api", to_login), None);
    assert_eq!(sent("https://shop.test/login/", (301, "Location: /login", "")), None);
    assert_eq!(sent("https://shop.test/api", (200, "Location: /login", "")), None);
}

proptest::proptest! {
    #[test]
    fn whatever_a_server_says_it_ends(
        said in proptest::collection::vec((
            proptest::sample::select(vec![0_u16, 200, 302, 303, 307, 401, 405, 500]),
            proptest::sample::select(vec!["", "Location: /login", "Location: /x\nSet-Cookie: a=1", "Set-Cookie: session=2"]),
            proptest::sample::select(vec!["", FORM, "<form>", "csrf"]),
        ), 1..30),
        csrf in proptest::option::of(proptest::sample::select(vec!["auto", "csrf_token", "none"])),
    ) {
        let server: Vec<Said<'_>> = said.into_iter().cycle().take(100).collect();
        play(plan(csrf, Some("https://shop.test/me")), &server);
    }
}
