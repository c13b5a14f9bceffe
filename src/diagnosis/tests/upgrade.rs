//! Upgrades that are refused without a word, and what asking besides tells of them.

use super::*;
use crate::wire::Ask;

impl Case {
    /// The last that was sent.
    fn exchange_mut(&mut self) -> &mut Exchange {
        Arc::get_mut(self.report.exchanges.last_mut().unwrap()).unwrap()
    }

    #[track_caller]
    fn isnt(self, cause: &str) {
        let diagnosis = diagnose(&Facts::of_check(&self.profile, &self.report));
        assert_ne!(diagnosis.cause.map(CauseId::as_str), Some(cause), "{}", diagnosis.summary);
    }
}

const UVICORN: &str = "Content-Type: text/plain\nContent-Length: 0\nConnection: close";

/// A refused upgrade, and what came of what was asked besides: a status and, after it, headers.
fn refused(url: &str, status: u16, answer: &str, besides: &[(Ask, u16, &str)]) -> Case {
    let reason = reason(Code::HandshakeStatus).with_status(status);
    let mut case = Case::new(APP, url, reason).answered(Purpose::Handshake, status, answer);
    case.exchange_mut().request.headers.push("Origin", APP);
    for (ask, status, answer) in besides {
        case = case.answered(Purpose::Asked(*ask), *status, answer);
        let further = case.report.exchanges.pop().unwrap();
        case.report.further.push(further);
    }
    case
}

/// What daphne says by its reason phrase alone.
fn daphne(mut case: Case, phrase: &str) -> Case {
    let Ok(response) = &mut case.exchange_mut().result else { unreachable!() };
    response.reason = phrase.into();
    case
}

const CHAT: &str = "ws://localhost:8000/ws/chat/";

#[test]
fn another_origin_that_is_let_in_makes_it_the_origins_fault() {
    refused(CHAT, 403, UVICORN, &[(Ask::NoOrigin, 101, "")]).is("origin-not-allowed");
    refused(CHAT, 403, UVICORN, &[(Ask::OwnOrigin, 101, "")]).is("origin-not-allowed");
    refused(CHAT, 403, UVICORN, &[(Ask::TwinHost, 101, "")]).is("localhost-127-mismatch");
    refused(CHAT, 403, UVICORN, &[(Ask::TwinScheme, 101, "")]).is("origin-scheme-mismatch");
    refused(CHAT, 403, UVICORN, &[(Ask::SpelledPort, 101, "")]).is("origin-port-mismatch");
    // Accepted and closed at once is not let in.
    refused(CHAT, 403, UVICORN, &[(Ask::TwinHost, 101, "\n\n[close 1008 Origin not allowed]\n")])
        .is("origin-not-allowed");
}

#[test]
fn a_page_that_is_allowed_elsewhere_is_refused_for_its_token_or_its_path() {
    let known = "Access-Control-Allow-Origin: http://localhost:3000\nVary: Origin";
    let asked = [(Ask::NoOrigin, 403, UVICORN), (Ask::PlainGet, 404, known), (Ask::NoSuchPath, 403, UVICORN)];
    refused(CHAT, 403, UVICORN, &asked).is("token-missing");
    refused("ws://localhost:8000/nothing", 403, UVICORN, &asked).is("websocket-route-missing");
    refused("ws://localhost:8000/ws?token=opaque", 403, UVICORN, &asked).is("token-invalid");
    let unknown = [(Ask::PlainGet, 404, "Vary: Origin"), (Ask::NoSuchPath, 403, UVICORN)];
    refused(CHAT, 403, UVICORN, &unknown).is("origin-not-allowed");
}

#[test]
fn the_other_slash_is_found_where_a_route_has_it() {
    for status in [403, 404, 500] {
        refused(CHAT, status, "", &[(Ask::OtherSlash, 101, "")]).is("websocket-trailing-slash");
        refused(CHAT, status, "", &[(Ask::OtherSlash, status, "")]).isnt("websocket-trailing-slash");
    }
}

#[test]
fn channels_checks_the_origin_before_the_path() {
    let case = |nowhere| daphne(refused(CHAT, 403, "", &[(Ask::NoSuchPath, nowhere, "")]), "Access denied");
    case(403).is("origin-not-allowed");
    case(500).is("session-missing");
    let failed = |nowhere| daphne(refused(CHAT, 500, "", &[(Ask::NoSuchPath, nowhere, "")]), "Internal server error");
    let diagnosis = failed(500).is("server-exception");
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::ChannelLayerDown));
}

#[test]
fn a_route_that_fails_where_others_do_not_is_an_exception() {
    let diagnosis =
        refused(CHAT, 500, "\n\nInternal Server Error", &[(Ask::NoSuchPath, 403, UVICORN)]).is("server-exception");
    assert!(0.9 < diagnosis.confidence);
}

#[test]
fn a_session_that_begins_anew_each_time_was_never_kept() {
    let mut case = Case::new("http://app.example.test", "http://api.example.test/cart", reason(Code::Status)).answered(
        Purpose::Actual,
        200,
        "Set-Cookie: sessionid=1; Secure",
    );
    case.report.reason = None;
    case.profile.request.credentials = Credentials::Include;
    let all = [case.report.clone(), case.report.clone()];
    let diagnosis = diagnose(&Facts::of_checks(&case.profile, &case.report, &all));
    assert_eq!(diagnosis.cause, Some(CauseId::SecureCookieOverHttp));
    let once = diagnose(&Facts::of_check(&case.profile, &case.report));
    assert_eq!(once.cause, Some(CauseId::Ok));
    assert_eq!(once.warnings[0].cause, CauseId::SecureCookieOverHttp);
}

#[test]
fn a_sign_in_whose_cookie_belongs_to_the_other_name_of_this_machine_does_not_arrive() {
    let mut case = refused("ws://127.0.0.1:8000/ws", 403, UVICORN, &[]);
    case.profile.auth = Auth::Cookie(Setting::Plain("sid=1".into()));
    case = case.answered(Purpose::SignIn, 200, "Set-Cookie: session=1");
    case.exchange_mut().request.url = Url::parse("http://localhost:8000/login").unwrap();
    case.report.exchanges.rotate_right(1);
    let diagnosis = case.is("localhost-127-mismatch");
    assert_eq!(diagnosis.category, crate::watch::Category::Authentication);
}
