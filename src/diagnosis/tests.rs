//! Evidence as it comes, and the cause that has to be named.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::*;
use crate::base::Wall;
use crate::profile::model::{Auth, Credentials, Kind, Profile, Setting};
use crate::watch::{CheckReport, CloseFacts, ClosedBy, Code, Outcome, Reason, ScriptClose, State};
use crate::wire::{
    CertFacts, Exchange, Headers, HttpVersion, NetError, Phases, Purpose, TlsFacts, WireRequest, WireResponse,
};

mod asked;
mod beside;
mod between;
mod browsers;
mod denied;
mod upgrade;

/// One check that did not come out well.
struct Case {
    profile: Profile,
    report: CheckReport,
}

impl Case {
    fn new(page: &str, url: &str, reason: Reason) -> Self {
        let url = Url::parse(url).unwrap();
        let kind = if url.scheme().starts_with("ws") { Kind::WebSocket } else { Kind::Http };
        let mut profile = Profile::new("case", kind, url);
        profile.page = Some(Url::parse(page).unwrap());
        let report = CheckReport {
            outcome: Outcome::Down,
            state: State::Error,
            reason: Some(reason),
            scheduled: Wall(1_780_000_000_000_000),
            lateness: Duration::ZERO,
            phases: Phases::default(),
            status: None,
            exchanges: Vec::new(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        Self { profile, report }
    }

    fn exchange(&mut self, purpose: Purpose, result: Result<WireResponse, NetError>) -> &mut Exchange {
        let method = if purpose == Purpose::Preflight { "OPTIONS" } else { "GET" };
        self.report.exchanges.push(Arc::new(Exchange {
            request: WireRequest {
                purpose,
                method: method.into(),
                url: self.profile.url.clone(),
                headers: Headers::new(),
                body: Default::default(),
            },
            result,
            phases: Phases::default(),
            peer: None,
            tried: Vec::new(),
            tls: None,
            proxy: None,
        }));
        Arc::get_mut(self.report.exchanges.last_mut().unwrap()).unwrap()
    }

    /// With this answer: header lines, an empty line, the body.
    fn answered(mut self, purpose: Purpose, status: u16, text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let headers = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let response = WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers,
            body: body.to_owned().into(),
            body_size: body.len() as u64,
            transfer: crate::wire::Transfer::plain(body.len() as u64),
        };
        self.exchange(purpose, Ok(response));
        self
    }

    #[track_caller]
    fn is(self, cause: &str) -> Diagnosis {
        let diagnosis = diagnose(&Facts::of_check(&self.profile, &self.report));
        let got = diagnosis.cause.map_or("-", CauseId::as_str);
        assert_eq!(got, cause, "{}", diagnosis.summary);
        if diagnosis.cause.is_some() {
            assert!(0.3 < diagnosis.confidence && diagnosis.confidence <= 1.0);
            assert!(diagnosis.summary.ends_with('.'), "{}", diagnosis.summary);
            assert!(cause == "ok" || !diagnosis.fixes.is_empty(), "{cause} has no fix");
            for (other, confidence) in &diagnosis.others {
                assert!(*confidence <= diagnosis.confidence, "{other} is likelier than {cause}");
            }
        }
        diagnosis
    }
}

const APP: &str = "http://localhost:3000";
const API: &str = "http://localhost:5000/api/ping";
const WS: &str = "ws://localhost:8000/ws/chat";

fn reason(code: Code) -> Reason {
    Reason::new(code)
}

#[track_caller]
fn network(url: &str, error: NetError, cause: &str) -> Diagnosis {
    let mut case = Case::new(APP, url, Reason::from(&error));
    case.exchange(Purpose::Actual, Err(error));
    case.is(cause)
}

/// An HTTP request that the browser refused with `code` for this answer.
#[track_caller]
fn cors(page: &str, code: Code, detail: &str, status: u16, answer: &str, cause: &str) -> Diagnosis {
    let purpose = if code.as_str().contains("Preflight") { Purpose::Preflight } else { Purpose::Actual };
    Case::new(page, API, reason(code).with_detail(detail).with_status(status))
        .answered(purpose, status, answer)
        .is(cause)
}

/// An upgrade that was refused.
#[track_caller]
fn upgrade(url: &str, status: u16, answer: &str, cause: &str) -> Diagnosis {
    Case::new(APP, url, reason(Code::HandshakeStatus).with_status(status))
        .answered(Purpose::Handshake, status, answer)
        .is(cause)
}

/// An answer that the script can read.
#[track_caller]
fn status(status: u16, answer: &str, cause: &str) -> Diagnosis {
    Case::new(APP, API, reason(Code::Status).with_status(status)).answered(Purpose::Actual, status, answer).is(cause)
}

/// A socket that opened and was closed by the server.
#[track_caller]
fn closed(code: u16, text: &str, cause: &str) -> Diagnosis {
    let mut case = Case::new(APP, WS, reason(Code::Closed).with_close(code).with_detail(text));
    let script = ScriptClose { code, reason: text.into(), clean: true };
    case.report.close = Some(CloseFacts { code: Some(code), reason: text.into(), by: ClosedBy::Server, script });
    case.is(cause)
}

#[test]
fn what_works_is_ok() {
    let mut case = Case::new(APP, API, reason(Code::Asked));
    case.report.reason = None;
    case.is("ok");
}

#[test]
fn what_is_nobodys_fault_has_no_cause_and_a_summary() {
    for code in [Code::Offline, Code::SecretMissing, Code::ContentSecurityPolicy, Code::Paused] {
        let diagnosis = Case::new(APP, API, reason(code)).is("-");
        assert!(diagnosis.summary.starts_with("localhost:5000: "), "{}", diagnosis.summary);
    }
}

#[test]
fn the_network_has_a_cause_for_each_layer() {
    use crate::wire::Phase;
    network(API, NetError::NameNotResolved, "dns-failure");
    network(API, NetError::ConnectionRefused, "connection-refused");
    network(API, NetError::ConnectTimeout, "connect-timeout");
    let after = Duration::from_secs(10);
    network(API, NetError::Timeout { phase: Phase::FirstByte, after }, "read-timeout");
    network(API, NetError::Timeout { phase: Phase::Connect, after }, "connect-timeout");
    network(API, NetError::ConnectionReset { phase: Phase::FirstByte }, "connection-reset");
    network(API, NetError::EmptyResponse, "connection-closed");
    network("http://localhost:8443/", NetError::InvalidHttpResponse, "plain-http-to-tls-port");
    network("https://localhost:5000/", NetError::TlsProtocol, "tls-to-plain-port");
    network("wss://localhost:5000/", NetError::ConnectionReset { phase: Phase::Tls }, "tls-to-plain-port");
    network("https://localhost/", NetError::TlsVersion, "tls-version-unsupported");
    network("https://localhost/", NetError::ClientCertRequired, "client-certificate-required");
    network(API, NetError::ProxyConnectionFailed, "proxy-unreachable");
    network(API, NetError::ProxyAuthRequired, "proxy-authentication-required");
    network(API, NetError::TunnelRefused { status: 403 }, "forward-proxy-blocks-connect");
}

#[test]
fn a_certificate_is_told_with_its_facts() {
    let error = NetError::CertExpired;
    let mut case = Case::new(APP, "https://api.test/", Reason::from(&error));
    let leaf = CertFacts {
        subject: "CN=api.test".into(),
        issuer: "CN=R11".into(),
        names: vec!["api.test".into()],
        not_before: Wall(0),
        not_after: Wall(1_700_000_000_000_000),
        self_signed: false,
        sha256: String::new(),
    };
    case.exchange(Purpose::Actual, Err(error)).tls = Some(TlsFacts { chain: vec![leaf], ..TlsFacts::default() });
    let diagnosis = case.is("certificate-expired");
    assert_eq!(diagnosis.summary, "The certificate of api.test has expired on 2023-11-14.");
    network("https://a.test/", NetError::CertSelfSigned, "certificate-self-signed");
    network("https://a.test/", NetError::CertUntrusted, "certificate-untrusted");
    network("https://a.test/", NetError::CertWrongName, "certificate-wrong-name");
    network("https://a.test/", NetError::CertNotYetValid, "certificate-not-yet-valid");
}

#[test]
fn no_cors_headers_at_all_is_told_from_a_list_without_the_origin() {
    let missing = Code::MissingAllowOriginHeader;
    cors(APP, missing, "", 200, "Content-Type: application/json", "cors-headers-missing");
    cors(APP, missing, "", 200, "Vary: Accept, Origin", "origin-not-allowed");
    cors(APP, missing, "", 200, "Access-Control-Allow-Credentials: true", "origin-not-allowed");
    cors(APP, missing, "", 400, "\n\n\"Not an accepted origin.\"", "origin-not-allowed");
    let preflight = Code::PreflightMissingAllowOriginHeader;
    cors(APP, preflight, "", 400, "Vary: Origin\n\nDisallowed CORS origin", "origin-not-allowed");
    cors(APP, preflight, "", 405, "Allow: POST", "preflight-options-405");
    cors(APP, preflight, "", 200, "Allow: POST", "cors-headers-missing");
}

#[test]
fn another_origin_is_told_by_how_it_differs() {
    let check = |page, allowed, cause| cors(page, Code::AllowOriginMismatch, allowed, 200, "", cause);
    check(APP, "https://localhost:3000", "origin-scheme-mismatch");
    check("https://app.test", "http://app.test", "origin-scheme-mismatch");
    check("https://app.test", "https://app.test:443", "origin-port-mismatch");
    check("http://127.0.0.1:3000", "http://localhost:3000", "localhost-127-mismatch");
    check(APP, "http://localhost:8080", "origin-not-allowed");
    check(APP, "http://localhost:3000/", "origin-not-allowed");
    check(APP, "https://other.test", "origin-not-allowed");
    cors(APP, Code::InvalidAllowOriginValue, "localhost:3000", 200, "", "origin-not-allowed");
}

#[test]
fn two_layers_are_told_from_one_that_sends_its_list() {
    let code = Code::MultipleAllowOriginValues;
    let twice = format!("Access-Control-Allow-Origin: {APP}\nAccess-Control-Allow-Origin: {APP}");
    cors(APP, code, &format!("{APP}, {APP}"), 200, &twice, "duplicate-cors-headers");
    let list = format!("{APP}, https://app.test");
    cors(APP, code, &list, 200, &format!("Access-Control-Allow-Origin: {list}"), "origin-not-allowed");
}

#[test]
fn credentials_want_the_origin_and_the_word_true() {
    cors(APP, Code::WildcardOriginNotAllowed, "", 200, "", "wildcard-with-credentials");
    cors(APP, Code::InvalidAllowCredentials, "", 200, "", "credentials-not-allowed");
    cors(APP, Code::PreflightInvalidAllowCredentials, "True", 200, "", "credentials-not-allowed");
}

#[test]
fn an_error_without_cors_headers_tells_the_error() {
    let missing = Code::MissingAllowOriginHeader;
    let diagnosis = cors(APP, missing, "", 500, "", "error-response-without-cors");
    assert!(diagnosis.summary.contains("500 Internal Server Error"), "{}", diagnosis.summary);
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::ServerException));
    let diagnosis = cors(APP, missing, "", 502, "Server: nginx/1.22.1", "backend-down");
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::ErrorResponseWithoutCors));
}

#[test]
fn a_preflight_names_what_it_does_not_allow() {
    let method = Code::MethodDisallowedByPreflightResponse;
    let diagnosis =
        cors(APP, method, "PUT", 204, "Access-Control-Allow-Methods: GET, POST", "preflight-method-not-allowed");
    assert!(diagnosis.summary.contains("PUT") && diagnosis.summary.contains("it lists GET, POST"));
    let header = Code::HeaderDisallowedByPreflightResponse;
    cors(APP, header, "authorization", 204, "", "preflight-header-not-allowed");
    let status = Code::PreflightInvalidStatus;
    cors(APP, status, "", 405, "Access-Control-Allow-Origin: *", "preflight-options-405");
    cors(APP, status, "", 400, "\n\nDisallowed CORS headers", "preflight-header-not-allowed");
    cors(APP, status, "", 502, "", "backend-down");
    Case::new(APP, API, reason(Code::PreflightDisallowedRedirect)).is("-");
}

#[test]
fn insecure_requests_of_an_https_page_are_told_by_kind() {
    Case::new("https://app.test", WS, reason(Code::MixedContent)).is("insecure-websocket-from-https-page");
    Case::new("https://app.test", API, reason(Code::MixedContent)).is("insecure-request-from-https-page");
}

#[test]
fn a_status_means_what_else_the_answer_says() {
    status(404, "", "not-found");
    status(500, "", "server-exception");
    status(502, "Server: nginx", "backend-down");
    status(504, "", "backend-timeout");
    status(413, "", "body-too-large");
    status(429, "Retry-After: 7", "too-many-connections");
    status(503, "Retry-After: 120", "service-unavailable");
    status(503, "Server: nginx/1.22.1\n\n<center>nginx/1.22.1</center>", "proxy-rate-limit-503");
    status(503, "\n\n<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.", "backend-down");
    status(401, "WWW-Authenticate: Basic realm=\"x\"", "http-auth-required");
    status(401, "", "auth-required");
    status(401, "\n\n{\"error\": \"please log in\"}", "session-missing");
    status(401, "\n\n{\"error\": \"token expired\"}", "token-expired");
    status(403, "\n\nCSRF verification failed.", "csrf-failed");
    status(400, "Content-Type: text/html\n\n<h1>Bad Request (400)</h1>", "host-not-allowed");
    status(400, "Content-Type: text/html\n\nThe plain HTTP request was sent to HTTPS port", "plain-http-to-tls-port");
    status(400, "Content-Type: text/html\n\nNo required SSL certificate was sent", "client-certificate-required");
    status(418, "", "-");
}

#[test]
fn credentials_that_were_given_and_refused_are_not_missing() {
    let mut case = Case::new(APP, API, reason(Code::AuthRequired).with_status(401)).answered(Purpose::Actual, 401, "");
    case.profile.auth = Auth::Bearer(Setting::Plain("x".into()));
    case.is("token-invalid");
}

#[test]
fn a_refused_upgrade_is_told_by_its_status_and_answer() {
    upgrade(WS, 200, "Content-Type: application/json", "upgrade-ignored");
    upgrade(WS, 301, "Location: https://localhost:8000/ws/chat", "redirect-on-upgrade");
    upgrade(WS, 426, "Sec-WebSocket-Version: 8", "websocket-version-unsupported");
    upgrade(WS, 403, "", "origin-not-allowed");
    upgrade(WS, 403, "Content-Type: text/plain\n\nOrigin not allowed", "origin-not-allowed");
    upgrade(WS, 404, "Content-Type: application/json\n\n{\"detail\":\"Not Found\"}", "websocket-route-missing");
    upgrade(WS, 404, "Server: nginx/1.22.1\n\n{\"detail\":\"Not Found\"}", "proxy-drops-upgrade");
    upgrade(WS, 400, "Server: nginx/1.22.1\n\n\"Invalid websocket upgrade\"", "proxy-drops-upgrade");
    upgrade(WS, 400, "\n\n\"Not an accepted origin.\"", "origin-not-allowed");
    upgrade(WS, 500, "", "server-exception");
    upgrade(WS, 502, "Server: nginx", "backend-down");
    upgrade(WS, 401, "WWW-Authenticate: Basic", "http-auth-required");
    upgrade(WS, 429, "", "too-many-connections");
}

#[test]
fn a_401_is_about_credentials_before_it_is_about_the_names_of_this_machine() {
    let case = |page: &str, answer: &str| {
        Case::new(page, "http://127.0.0.1:5000/api", reason(Code::AuthRequired).with_status(401)).answered(
            Purpose::Actual,
            401,
            answer,
        )
    };
    let other =
        |diagnosis: &Diagnosis| diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::Localhost127Mismatch);
    assert!(!other(&case(APP, "WWW-Authenticate: Bearer").is("auth-required")));
    assert!(!other(&case("http://shop.localhost", "").is("auth-required")), "a name of its own is no mismatch");
    assert!(other(&case(APP, "").is("auth-required")));
    case(APP, "WWW-Authenticate: Basic realm=\"x\"").is("http-auth-required");
    let mut signed_in = case(APP, "");
    signed_in.profile.auth = Auth::Cookie(Setting::Plain("sid=1".into()));
    signed_in.is("localhost-127-mismatch");
    // What the page can't read is a matter of CORS first, whoever the page is.
    let hidden = Case::new(APP, "http://127.0.0.1:5000/api", reason(Code::MissingAllowOriginHeader).with_status(401));
    hidden.answered(Purpose::Actual, 401, "").is("error-response-without-cors");
}

#[test]
fn djangos_routes_end_with_a_slash() {
    let case = |url| {
        let mut case =
            Case::new(APP, url, reason(Code::HandshakeStatus).with_status(500)).answered(Purpose::Handshake, 500, "");
        case.profile.stack = Some("django-channels".into());
        case
    };
    case("ws://localhost:8000/ws/chat").is("websocket-trailing-slash");
    let diagnosis = case("ws://localhost:8000/ws/chat/").is("server-exception");
    assert!(diagnosis.fixes[0].text.contains("Redis"));
}

#[test]
fn a_redirect_that_adds_a_slash_says_so() {
    let diagnosis = upgrade(WS, 307, "Location: http://localhost:8000/ws/chat/", "redirect-on-upgrade");
    assert!(diagnosis.others.iter().any(|(cause, _)| *cause == CauseId::WebsocketTrailingSlash));
    let fix = &diagnosis.fixes[0].text;
    assert!(fix.contains("ws://localhost:8000/ws/chat/"), "{fix}");
}

#[test]
fn a_token_in_the_url_is_read() {
    // {"exp":1600000000}
    upgrade("ws://localhost:8000/ws?token=e30.eyJleHAiOjE2MDAwMDAwMDB9.x", 403, "", "token-expired");
    upgrade("ws://localhost:8000/ws?token=abc.def.ghi", 403, "", "token-invalid");
}

#[test]
fn a_101_that_breaks_the_protocol_is_judged_again_from_the_record() {
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let check = |answer: &str, cause: &str| {
        let mut case = Case::new(APP, WS, reason(Code::HandshakeInvalid)).answered(Purpose::Handshake, 101, answer);
        let exchange = Arc::get_mut(&mut case.report.exchanges[0]).unwrap();
        exchange.request.headers.push("Sec-WebSocket-Key", KEY);
        exchange.request.headers.push("Sec-WebSocket-Protocol", "chat, v2");
        case.is(cause)
    };
    let diagnosis = check(&format!("{GOOD}\nSec-WebSocket-Protocol: mqtt"), "subprotocol-not-offered");
    assert!(diagnosis.summary.contains("“mqtt”") && diagnosis.summary.contains("chat, v2"));
    check(&GOOD.replace("s3p", "x"), "handshake-invalid");
    check(GOOD, "handshake-invalid");
}

#[test]
fn a_close_frame_is_told_by_its_words_before_its_number() {
    closed(1008, "Origin not allowed", "origin-not-allowed");
    closed(1008, "Invalid token", "token-invalid");
    closed(1008, "Token expired", "token-expired");
    closed(1008, "", "auth-required");
    closed(4401, "authentication required", "auth-required");
    closed(1009, "", "message-too-large");
    closed(1011, "", "server-exception");
    closed(1012, "", "service-restart");
    closed(1013, "", "server-overloaded");
    closed(1013, "Too many connections", "concurrent-connection-limit");
    closed(1000, "idle", "server-disconnects-client");
}

#[test]
fn an_open_socket_that_dies_is_told_by_how() {
    let check = |code, cause| Case::new(APP, WS, reason(code).with_detail("open")).is(cause);
    check(Code::ClosedAbnormally, "abnormal-close");
    check(Code::ConnectionReset, "abnormal-close");
    check(Code::NoPong, "no-pong");
    check(Code::ExpectedMessageMissing, "accepted-then-silent");
    check(Code::WebSocketProtocol, "invalid-frame");
}

#[test]
fn a_cut_after_a_round_time_is_a_proxys() {
    let case = Case::new(APP, WS, reason(Code::ClosedAbnormally));
    let cause = |secs| {
        let mut facts = Facts::of_check(&case.profile, &case.report);
        facts.open_for = Some(Duration::from_secs_f64(secs));
        diagnose(&facts).cause
    };
    assert_eq!(cause(60.05), Some(CauseId::ProxyIdleTimeout));
    assert_eq!(cause(59.0), Some(CauseId::AbnormalClose));
    assert_eq!(cause(67.0), Some(CauseId::AbnormalClose));
}

#[test]
fn the_endpoints_own_stack_comes_first_and_its_snippet_names_the_page() {
    let diagnosis =
        cors("https://app.test", Code::MissingAllowOriginHeader, "", 200, "Server: uvicorn", "cors-headers-missing");
    assert_eq!((diagnosis.fixes[0].stack, diagnosis.fixes[1].stack), ("any", "fastapi"));
    assert!(diagnosis.fixes[1].snippet.as_ref().unwrap().contains("allow_origins=[\"https://app.test\"]"));
}

/// The advice of the field that harms: it must not be ours.
#[test]
fn no_fix_weakens_what_protects_the_user() {
    let mut case =
        Case::new("https://app.test", API, reason(Code::WildcardOriginNotAllowed)).answered(Purpose::Actual, 200, "");
    case.profile.request.credentials = Credentials::Include;
    let facts = Facts::of_check(&case.profile, &case.report);
    for cause in CauseId::ALL {
        for fix in fixes::for_cause(*cause, &facts) {
            let text = format!("{} {}", fix.text, fix.snippet.unwrap_or_default());
            let wildcard = text.contains("\"*\"") || text.contains("Allow-Origin *");
            let reflected = text.contains("Allow-Origin $http_origin");
            for harmful in ["disable-web-security", "Host $host", "COOKIE_SECURE = False", "COOKIE_SECURE=false"] {
                assert!(!text.contains(harmful), "{cause}: {text}");
            }
            assert!(!wildcard && !reflected, "{cause}: {text}");
        }
    }
}

/// Every code with every kind of answer: a diagnosis says something, and what it is surest of comes first.
#[test]
fn no_evidence_is_without_a_sentence_and_the_likeliest_comes_first() {
    let answers = [
        "",
        "Server: nginx/1.22.1\nContent-Type: text/html\n\n<center>nginx/1.22.1</center>",
        "Server: uvicorn\nVary: Origin\nContent-Type: application/json\n\n{\"detail\":\"Not Found\"}",
        "WWW-Authenticate: Basic realm=\"x\"\nLocation: /ws/chat/\nRetry-After: soon\n\nlogin",
        "Access-Control-Allow-Origin: \u{e9}\nAccess-Control-Allow-Origin: ,\n\ntoken expired",
    ];
    let statuses = [0, 101, 200, 302, 400, 401, 403, 404, 405, 407, 413, 426, 429, 500, 502, 503, 504, 599];
    for code in Code::ALL {
        for (status, answer) in statuses.iter().flat_map(|status| answers.iter().map(move |answer| (*status, *answer)))
        {
            for (url, purpose) in [(API, Purpose::Actual), (API, Purpose::Preflight), (WS, Purpose::Handshake)] {
                let reason = reason(*code).with_status(status).with_detail("http://localhost:80,");
                let case = Case::new(APP, url, reason).answered(purpose, status, answer);
                let diagnosis = diagnose(&Facts::of_check(&case.profile, &case.report));
                let about = format!("{code} {status} {answer:?}: {diagnosis:?}");
                assert!(diagnosis.summary.ends_with('.'), "{about}");
                assert_eq!(diagnosis.cause.is_some(), 0.0 < diagnosis.confidence, "{about}");
                assert_eq!(diagnosis.cause.is_some(), !diagnosis.fixes.is_empty(), "{about}");
                let mut last = diagnosis.confidence;
                for (other, confidence) in &diagnosis.others {
                    assert!(0.0 < *confidence && *confidence <= last && Some(*other) != diagnosis.cause, "{about}");
                    last = *confidence;
                }
            }
        }
    }
}
