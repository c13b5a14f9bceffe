//! The browser's machines over real sockets: what the lab's server saw is what the machine said, and the verdict is the one
//! that the server's script deserves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::time::Duration;

use url::Url;
use wirewatch::base::Clock;
use wirewatch::browser::websocket::Socket;
use wirewatch::browser::{Answer, Browser, Cookies, Credentials, Page, ScriptRequest};
use wirewatch::engine::exchange;
use wirewatch::lab::{Lab, Options, Seen};
use wirewatch::net::{Client, Settings};

const PAGE: &str = "http://app.test:3000/";

async fn lab() -> Lab {
    Lab::start(Options::default()).await.unwrap()
}

/// One `fetch()` of a page elsewhere.
async fn fetch(lab: &Lab, path: &str, change: impl FnOnce(&mut ScriptRequest)) -> Box<Answer> {
    let url = lab.http_url(path);
    let cookies = Cookies::given(&url, "sid=1");
    let mut request = ScriptRequest::get(url);
    change(&mut request);
    let page = Page::new(Url::parse(PAGE).unwrap(), Browser::Chrome);
    let client = Client::new(&Settings::default()).unwrap();
    let deadline = Clock.mono() + Duration::from_secs(10);
    exchange::fetch(page, request, cookies.into(), &client, Clock, deadline).await.0
}

#[track_caller]
fn names(seen: &Seen) -> String {
    let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name).collect();
    names.join(" ")
}

/// A code for each way in which the server's CORS configuration can be wrong, and none where it is right.
#[tokio::test]
async fn each_script_gets_the_code_that_it_deserves() {
    let lab = lab().await;
    for (path, credentials, expected) in [
        ("/?allow=http://app.test:3000", Credentials::Include, None),
        ("/", Credentials::SameOrigin, Some("MissingAllowOriginHeader")),
        ("/?allow=http://other.test", Credentials::SameOrigin, Some("MissingAllowOriginHeader")),
        ("/?h=Access-Control-Allow-Origin:+*", Credentials::SameOrigin, None),
        ("/?h=Access-Control-Allow-Origin:+*", Credentials::Include, Some("WildcardOriginNotAllowed")),
        ("/?h=Access-Control-Allow-Origin:+http://b.test", Credentials::Omit, Some("AllowOriginMismatch")),
        ("/?h=Access-Control-Allow-Origin:+{origin}", Credentials::Include, Some("InvalidAllowCredentials")),
        ("/?allow=*&status=500&bare-errors", Credentials::Omit, Some("MissingAllowOriginHeader")),
        ("/?end=drop", Credentials::Omit, Some("net::ERR_EMPTY_RESPONSE")),
        ("/?end=reset", Credentials::Omit, Some("net::ERR_CONNECTION_RESET")),
    ] {
        let answer = fetch(&lab, path, |request| request.credentials = credentials).await;
        assert_eq!(answer.code(), expected, "{path}: {:?}", answer.console_line());
    }
}

#[tokio::test]
async fn a_preflight_goes_first_and_the_fields_stand_as_the_browser_orders_them() {
    let lab = lab().await;
    let answer = fetch(&lab, "/order?allow=http://app.test:3000", |request| {
        request.method = "put".into();
        request.headers = vec![("X-Test".into(), "1".into())];
        request.body = Some("{}".into());
        request.credentials = Credentials::Include;
    })
    .await;
    assert_eq!((answer.code(), answer.preflighted), (None, true));
    let seen = lab.seen_at("/order");
    assert_eq!(seen.iter().map(|one| one.method.as_str()).collect::<Vec<_>>(), ["OPTIONS", "PUT"]);
    // Loopback is a secure place: it is told the hints and the metadata.
    assert_eq!(
        names(&seen[0]),
        "Host Connection Accept Access-Control-Request-Method Access-Control-Request-Headers Origin User-Agent \
         Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-Dest Referer Accept-Encoding Accept-Language"
    );
    assert_eq!(
        names(&seen[1]),
        "Host Connection Content-Length sec-ch-ua-platform User-Agent sec-ch-ua Content-Type sec-ch-ua-mobile X-Test \
         Accept Origin Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Cookie"
    );
    assert_eq!(seen[0].headers.first_str("Access-Control-Request-Headers"), Some("x-test"));
    assert_eq!(seen[1].headers.first_str("Origin"), Some("http://app.test:3000"));
    assert_eq!(seen[1].body, b"{}");
}

#[tokio::test]
async fn a_redirect_to_elsewhere_taints_the_origin() {
    let (first, second) = (lab().await, lab().await);
    let target = second.http_url("/end?allow=*");
    let query = url::form_urlencoded::byte_serialize(target.as_str().as_bytes()).collect::<String>();
    let answer = fetch(&first, &format!("/start?allow=*&to={query}"), |_| {}).await;
    assert_eq!((answer.code(), answer.status), (None, Some(200)));
    let seen = second.seen_at("/end");
    assert_eq!(seen[0].headers.first_str("Origin"), Some("null"));
}

#[tokio::test]
async fn a_websocket_opens_as_a_browser_opens_it_and_a_refusal_keeps_its_status() {
    let lab = lab().await;
    let client = Client::new(&Settings::default()).unwrap();
    let open = async |path: &str, protocols: &[&str]| {
        let socket = Socket {
            url: lab.ws_url(path),
            protocols: protocols.iter().map(|&one| one.to_owned()).collect(),
            extra: Vec::new(),
        };
        let cookies = Cookies::given(&socket.url, "sid=1");
        let page = Page::new(Url::parse(PAGE).unwrap(), Browser::Chrome);
        let deadline = Clock.mono() + Duration::from_secs(10);
        let (answer, socket, _) = exchange::open(page, socket, cookies.into(), &client, Clock, deadline).await;
        (answer.code(), answer.status, answer.protocol.clone(), socket.is_some())
    };
    assert_eq!(open("/ws?protocol=b", &["a", "b"]).await, (None, Some(101), Some("b".into()), true));
    assert_eq!(
        names(&lab.seen_at("/ws")[0]),
        "Host Connection Pragma Cache-Control User-Agent Upgrade Origin Sec-WebSocket-Version Accept-Encoding \
         Accept-Language Cookie Sec-WebSocket-Key Sec-WebSocket-Extensions Sec-WebSocket-Protocol"
    );
    assert_eq!(open("/no?status=403", &[]).await, (Some("HandshakeStatus"), Some(403), None, false));
    assert_eq!(open("/bad?accept=none", &[]).await, (Some("HandshakeInvalid"), Some(101), None, false));
    assert_eq!(open("/none?protocol=none", &["a"]).await, (Some("HandshakeInvalid"), Some(101), None, false));
    assert_eq!(open("/to?status=302&h=Location:+/ws", &[]).await, (Some("HandshakeStatus"), Some(302), None, false));
}
