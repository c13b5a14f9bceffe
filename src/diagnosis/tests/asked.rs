//! What was asked besides, and the cause that it decides.

use super::*;
use crate::wire::{Ask, Attempt};

impl Case {
    /// That question was answered so, to a request from `origin`.
    fn asked(self, ask: Ask, origin: &str, status: u16, answer: &str) -> Self {
        self.answered(Purpose::Asked(ask), status, answer).further(|exchange| {
            exchange.request.headers.push("Origin", origin);
        })
    }

    fn asked_in_vain(mut self, ask: Ask, error: NetError) -> Self {
        self.exchange(Purpose::Asked(ask), Err(error));
        self.further(|_| {})
    }

    /// The last exchange was one that was asked besides.
    fn further(mut self, change: impl FnOnce(&mut Exchange)) -> Self {
        let mut last = self.report.exchanges.pop().unwrap();
        change(Arc::get_mut(&mut last).unwrap());
        self.report.further.push(last);
        self
    }
}

/// An answer without CORS headers to a page on `localhost`.
fn bare() -> Case {
    Case::new(APP, API, reason(Code::MissingAllowOriginHeader).with_status(200)).answered(Purpose::Actual, 200, "")
}

#[test]
fn a_twin_that_has_leave_is_what_the_list_has_in_the_pages_stead() {
    let twin = |ask, origin: &str, cause: &str| {
        let answer = format!("Access-Control-Allow-Origin: {origin}");
        let diagnosis = bare().asked(ask, origin, 200, &answer).is(cause);
        assert!(diagnosis.summary.contains(origin), "{}", diagnosis.summary);
    };
    twin(Ask::TwinHost, "http://127.0.0.1:3000", "localhost-127-mismatch");
    twin(Ask::TwinScheme, "https://localhost:3000", "origin-scheme-mismatch");
    // The same behind Engine.IO's own refusal.
    let refused = reason(Code::MissingAllowOriginHeader).with_status(400);
    Case::new(APP, API, refused)
        .answered(Purpose::Actual, 400, "\n\n\"Not an accepted origin.\"")
        .asked(Ask::TwinHost, "http://127.0.0.1:3000", 200, "Access-Control-Allow-Origin: http://127.0.0.1:3000")
        .is("localhost-127-mismatch");
}

#[test]
fn a_list_that_is_given_away_is_read() {
    let listed = |list: &str, cause: &str| {
        bare().asked(Ask::NoOrigin, "", 200, &format!("Access-Control-Allow-Origin: {list}")).is(cause);
    };
    listed("https://app.test, https://localhost:3000", "origin-scheme-mismatch");
    listed("https://app.test, https://other.test", "origin-not-allowed");
    let page = Case::new("https://app.test", API, reason(Code::MissingAllowOriginHeader).with_status(200));
    page.answered(Purpose::Actual, 200, "")
        .asked(Ask::NoOrigin, "", 200, "Access-Control-Allow-Origin: https://app.test:443")
        .is("origin-port-mismatch");
}

#[test]
fn where_no_origin_gets_a_header_there_is_no_cors_at_all() {
    let all = [Ask::TwinHost, Ask::TwinScheme, Ask::NoOrigin, Ask::Preflight];
    let diagnosis =
        all.into_iter().fold(bare(), |case, ask| case.asked(ask, APP, 200, "Allow: GET")).is("cors-headers-missing");
    assert!(0.9 < diagnosis.confidence);
    bare().asked(Ask::Preflight, APP, 400, "Vary: Origin\n\nDisallowed CORS origin").is("origin-not-allowed");
}

#[test]
fn who_is_on_the_port_is_told_by_what_it_says_and_by_the_other_scheme() {
    let case = |url: &str, error: NetError| {
        let mut case = Case::new(APP, url, Reason::from(&error));
        case.exchange(Purpose::Actual, Err(error));
        case
    };
    let closed = || case(API, NetError::EmptyResponse);
    let said = |case: Case, text: &str| case.asked(Ask::Banner, "", 0, &format!("\n\n{text}"));
    said(closed(), "+PONG\r\n").is("port-held-by-other-program");
    said(closed(), "").asked_in_vain(Ask::OtherTls, NetError::EmptyResponse).is("connection-closed");
    said(closed(), "").asked_in_vain(Ask::OtherTls, NetError::CertSelfSigned).is("plain-http-to-tls-port");
    let hello = || case("https://localhost:5000/", NetError::TlsProtocol);
    said(hello(), "").asked(Ask::OtherTls, APP, 404, "").is("tls-to-plain-port");
    said(hello(), "SSH-2.0-OpenSSH_9.2p1\r\n").is("port-held-by-other-program");
}

#[test]
fn an_address_that_hangs_says_more_than_one_that_refuses() {
    let error = NetError::ConnectionRefused;
    let mut case = Case::new(APP, API, Reason::from(&error));
    let attempt = |address: [u8; 4], error: NetError| Attempt {
        address: (address, 5000).into(),
        took: Duration::ZERO,
        error: Some(error),
    };
    case.exchange(Purpose::Actual, Err(error)).tried =
        vec![attempt([127, 0, 0, 2], NetError::ConnectionRefused), attempt([127, 0, 0, 1], NetError::ConnectTimeout)];
    case.is("connect-timeout");
}

#[test]
fn answers_that_are_all_slow_are_told_from_some_that_are() {
    let slow = |times: [u64; 5], cause: &str| {
        let took = |millis| Some(Duration::from_millis(millis));
        let mut case = Case::new(APP, WS, reason(Code::Slow)).answered(Purpose::Handshake, 101, "");
        Arc::get_mut(&mut case.report.exchanges[0]).unwrap().phases.first_byte = took(800);
        for millis in times {
            case = case
                .answered(Purpose::Asked(Ask::RoundTrips), 101, "")
                .further(|exchange| exchange.phases.first_byte = took(millis));
        }
        case.is(cause);
    };
    slow([800, 810, 795, 803, 820], "high-latency");
    slow([12, 900, 300, 1200, 40], "high-jitter");
    // Once slow is not always slow: a busy machine is no fault of the server's.
    slow([9, 10, 11, 9, 10], "ok");
}
