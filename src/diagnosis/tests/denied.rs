//! Refusals of many servers, and the cause behind each.

use super::*;
use crate::wire::Ask;

fn closed(code: u16, said: &str) -> Case {
    Case::new(APP, WS, reason(Code::Closed).with_close(code).with_detail(said)).answered(Purpose::Handshake, 101, "")
}

#[test]
fn what_a_close_says_comes_before_what_its_code_usually_means() {
    closed(4001, "Unauthorized").is("auth-required");
    closed(4001, "Invalid token").is("token-invalid");
    closed(4401, "Token expired").is("token-expired");
    closed(4001, "Session expired, log in again").is("session-missing");
}

#[test]
fn only_a_scheme_that_browsers_know_is_http_authentication() {
    let asked = |scheme: &str, cause: &str| {
        let answer = format!("WWW-Authenticate: {scheme}\n\n{{\"detail\":\"Not authenticated\"}}");
        Case::new(APP, API, reason(Code::AuthRequired).with_status(401))
            .answered(Purpose::Actual, 401, &answer)
            .is(cause);
    };
    asked("Basic realm=\"staff\"", "http-auth-required");
    asked("Negotiate", "http-auth-required");
    asked("APIKey", "auth-required");
    asked("Token", "auth-required");
}

#[test]
fn a_refusal_of_what_was_let_in_before_counts_connections() {
    let refused =
        Case::new(APP, WS, reason(Code::HandshakeStatus).with_status(403)).answered(Purpose::Handshake, 403, "");
    let mut before = refused.report.clone();
    (before.outcome, before.reason) = (Outcome::Up, None);
    let among = |reports: &[CheckReport]| {
        let diagnosis = diagnose(&Facts::of_checks(&refused.profile, &refused.report, reports));
        diagnosis.cause.map_or("-", CauseId::as_str)
    };
    assert_eq!(among(&[before.clone(), before, refused.report.clone()]), "too-many-connections");
    assert_ne!(among(&[refused.report.clone(), refused.report.clone()]), "too-many-connections");
}

#[test]
fn one_after_another_are_not_too_many_at_a_time() {
    let refused = Case::new(APP, API, reason(Code::RateLimited).with_status(429)).answered(Purpose::Actual, 429, "");
    let mut taken = refused.report.clone();
    (taken.outcome, taken.reason) = (Outcome::Up, None);
    let cause = |began_before: i64, took: u64| {
        let mut taken = taken.clone();
        taken.scheduled = Wall(taken.scheduled.0 - began_before * 1000);
        taken.phases.total = Some(Duration::from_millis(took));
        let diagnosis =
            diagnose(&Facts::of_checks(&refused.profile, &refused.report, &[taken, refused.report.clone()]));
        diagnosis.cause.map_or("-", CauseId::as_str)
    };
    assert_eq!(cause(20, 10), "too-many-connections");
    assert_eq!(cause(20, 900), "concurrent-connection-limit");
}

#[test]
fn an_upgrade_that_breaks_off_here_and_is_answered_elsewhere_is_no_firewall() {
    let reset = || {
        let error = NetError::ConnectionReset { phase: crate::wire::Phase::FirstByte };
        let mut case = Case::new(APP, WS, Reason::from(&error));
        case.exchange(Purpose::Handshake, Err(error));
        case.answered(Purpose::Asked(Ask::PlainGet), 404, "Server: daphne").besides()
    };
    reset().is("firewall-blocks-upgrade");
    reset().answered(Purpose::Asked(Ask::NoSuchPath), 500, "").besides().is("server-exception");
}

#[test]
fn a_script_that_is_led_to_a_login_page_is_signed_in_to_nothing() {
    let led = |to: &str, kind: &str| {
        let mut case = Case::new(APP, API, reason(Code::Status));
        (case.report.reason, case.report.outcome) = (None, Outcome::Up);
        let mut case = case.answered(Purpose::Actual, 302, &format!("Location: {to}"));
        case =
            case.answered(Purpose::Actual, 200, &format!("Content-Type: {kind}\nAccess-Control-Allow-Origin: {APP}"));
        Arc::get_mut(case.report.exchanges.last_mut().unwrap()).unwrap().request.url =
            Url::parse(API).unwrap().join(to).unwrap();
        case
    };
    led("/accounts/login/?next=/api/ping", "text/html; charset=utf-8").is("session-missing");
    led("/api/pong", "text/html").is("ok");
    led("/login", "application/json").is("ok");
}

impl Case {
    /// The last exchange was asked besides.
    fn besides(mut self) -> Self {
        self.report.further.push(self.report.exchanges.pop().unwrap());
        self
    }
}
