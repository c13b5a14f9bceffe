//! The lab asked over real sockets, by clients that are not its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::*;

async fn lab() -> Lab {
    Lab::start(Options::default()).await.unwrap()
}

/// Sends `request` as it is (with `\n` for line ends) and reads until the server closes.
async fn raw(addr: SocketAddr, request: &str) -> std::io::Result<Vec<u8>> {
    let mut tcp = TcpStream::connect(addr).await?;
    tcp.write_all(request.replace('\n', "\r\n").as_bytes()).await?;
    let mut got = Vec::new();
    tcp.read_to_end(&mut got).await?;
    Ok(got)
}

async fn get(lab: &Lab, target: &str) -> std::io::Result<String> {
    let request = format!("GET {target} HTTP/1.1\nHost: lab\nOrigin: http://a\nConnection: close\n\n");
    raw(lab.addr(Port::Plain), &request).await.map(|bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

/// What a request with this body brings, whole, with `\n` for line ends.
pub(super) async fn ask(lab: &Lab, method: &str, target: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\nHost: lab\nOrigin: http://a\nConnection: close\n");
    let answer = raw(lab.addr(Port::Plain), &format!("{head}Content-Length: {length}\n\n{body}")).await.unwrap();
    String::from_utf8_lossy(&answer).replace("\r\n", "\n")
}

pub(super) type Socket = WebSocketStream<TcpStream>;

/// What a GET of `target` brings, whole, with `\n` for line ends.
#[track_caller]
fn check(target: &str, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let got = runtime.block_on(async { get(&lab().await, target).await });
    assert_eq!(got.unwrap(), expected, "{target}");
}

/// Opens a WebSocket by hand: the answer's head, and the stream after it.
pub(super) async fn open(lab: &Lab, target: &str, headers: &str) -> (String, Socket) {
    let mut tcp = TcpStream::connect(lab.addr(Port::Plain)).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    let socket = WebSocketStream::from_raw_socket(tcp, Role::Client, Some(WebSocketConfig::default())).await;
    (String::from_utf8(head).unwrap().replace("\r\n", "\n"), socket)
}

/// What comes over a WebSocket until it ends, as text.
async fn story(socket: &mut WebSocketStream<TcpStream>) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(message) = socket.next().await {
        told.push(match message {
            Ok(Message::Text(text)) => format!("text {}", text.as_str()),
            Ok(Message::Binary(bytes)) => format!("binary {bytes:?}"),
            Ok(Message::Ping(bytes)) => format!("ping {}", String::from_utf8_lossy(&bytes)),
            Ok(Message::Close(Some(frame))) => format!("close {} {}", u16::from(frame.code), frame.reason),
            Ok(Message::Close(None)) => "close".to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => {
                told.push(error.to_string());
                break;
            }
        });
    }
    told
}

#[test]
fn a_plain_answer_is_whole() {
    let head = "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nContent-Length: 2\nConnection: close\n\n";
    check("/?body=hi", &format!("{head}hi"));
}

#[test]
fn header_lines_go_out_byte_for_byte_in_order() {
    let target = "/?bare&status=299&reason=Odd&h=X-b:%201&h=x-B:2&h=no-colon&body=";
    check(target, "HTTP/1.1 299 Odd\nX-b: 1\nx-B:2\nno-colon\n\n");
}

#[test]
fn a_raw_answer_is_what_was_asked_for() {
    check("/?raw=SSH-2.0-x%0D%0A", "SSH-2.0-x\n");
}

#[test]
fn chunks_and_lies_about_the_length() {
    check("/?length=chunked&body=ab&bare", "HTTP/1.1 200 OK\n\n2\nab\n0\n\n");
    check(
        "/?length=9&body=ab&h=content-type:x",
        "HTTP/1.1 200 OK\ncontent-type:x\nContent-Length: 9\nConnection: close\n\nab",
    );
}

#[test]
fn an_answer_may_be_cut_short() {
    check("/?end=drop", "");
    check("/?end=drop-body&body=abcd&bare", "HTTP/1.1 200 OK\n\nab");
}

#[test]
fn a_misspelt_script_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let got = runtime.block_on(async { get(&lab().await, "/?statsu=1").await }).unwrap();
    assert!(got.starts_with("HTTP/1.1 400 Bad Request") && got.contains("no key `statsu`"), "{got}");
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let error = get(&lab().await, "/?end=reset").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn nothing_listens_on_the_refused_port() {
    let error = raw(lab().await.addr(Port::Refused), "").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connection_requests_to_the_dropping_port_are_dropped() {
    let lab = lab().await;
    let asked = TcpStream::connect(lab.addr(Port::Dropped));
    assert!(tokio::time::timeout(Duration::from_millis(300), asked).await.is_err());
}

#[tokio::test]
async fn connections_are_kept_alive_and_pipelined_requests_answered_in_order() {
    let lab = lab().await;
    let requests = "GET /?body=1 HTTP/1.1\n\nGET /?body=2 HTTP/1.1\nConnection: close\n\n";
    let got = String::from_utf8(raw(lab.addr(Port::Plain), requests).await.unwrap()).unwrap();
    assert_eq!(got.matches("200 OK").count(), 2);
    assert!(got.ends_with('2'), "{got}");
}

#[tokio::test]
async fn a_request_beyond_the_bounds_is_refused() {
    let lab = lab().await;
    let long = format!("GET / HTTP/1.1\nX: {}\n\n", "x".repeat(70_000));
    let got = raw(lab.addr(Port::Plain), &long).await.unwrap();
    assert!(got.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&got));
    let large = "POST / HTTP/1.1\nContent-Length: 9999999\n\n";
    assert!(raw(lab.addr(Port::Plain), large).await.unwrap().starts_with(b"HTTP/1.1 413"));
}

#[tokio::test]
async fn requests_are_remembered_with_their_headers_as_they_came() {
    let lab = lab().await;
    raw(lab.addr(Port::Plain), "POST /a?b HTTP/1.1\nx-One: 1\nX-two:  2\nContent-Length: 2\nConnection: close\n\nhi")
        .await
        .unwrap();
    let seen = lab.seen_at("/a");
    assert_eq!(seen.len(), 1, "`b` is refused, and seen all the same");
    let names: Vec<_> = seen[0].headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-One", "X-two", "Content-Length", "Connection"]);
    assert_eq!(seen[0].body, b"hi");
}

#[tokio::test]
async fn a_websocket_opens_as_rfc_6455_has_it() {
    let lab = lab().await;
    let (head, _socket) = open(&lab, "/", "Sec-WebSocket-Protocol: chat, v2\r\n").await;
    let expected = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nSec-WebSocket-Protocol: chat\n\n";
    assert_eq!(head, expected);
}

#[tokio::test]
async fn a_handshake_is_refused_like_any_request() {
    let lab = lab().await;
    let (head, _) = open(&lab, "/faults/origin-not-allowed", "Origin: http://a\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\n"), "{head}");
    let (head, _) = open(&lab, "/?status=503&h=Retry-After:+3", "").await;
    assert!(head.contains("503 Service Unavailable\nRetry-After: 3\n"), "{head}");
}

#[tokio::test]
async fn steps_are_played_in_order() {
    let lab = lab().await;
    let (_, mut socket) = open(&lab, "/?do=text:a&do=ping:p&do=binary:00ff&do=wait:5ms&do=close:4001:bye", "").await;
    assert_eq!(story(&mut socket).await, ["text a", "ping p", "binary b\"\\0\\xff\"", "close 4001 bye"]);
}

#[tokio::test]
async fn a_socket_echoes_and_closes_after_so_many_messages() {
    let lab = lab().await;
    let (_, mut socket) = open(&lab, "/?echo&messages=2:close:1008", "").await;
    socket.send(Message::text("one")).await.unwrap();
    socket.send(Message::text("two")).await.unwrap();
    assert_eq!(story(&mut socket).await, ["text one", "text two", "close 1008 "]);
}

#[tokio::test]
async fn a_closing_handshake_of_the_clients_is_answered() {
    let lab = lab().await;
    let (_, mut socket) = open(&lab, "/", "").await;
    socket.close(None).await.unwrap();
    assert_eq!(story(&mut socket).await, ["close"]);
}

#[tokio::test]
async fn every_violation_is_one_to_a_client_of_its_own_kind() {
    let lab = lab().await;
    for bad in script::Bad::ALL {
        let (_, mut socket) = open(&lab, &format!("/?do=bad:{}&do=wait:20ms&do=drop", bad.word()), "").await;
        let told = story(&mut socket).await;
        // tungstenite lets the last of them pass: RFC 6455 wants the shortest form, few clients check it.
        let passes = *bad == script::Bad::LongLength;
        assert_eq!(passes, told.first().is_some_and(|first| first == "text x"), "{}: {told:?}", bad.word());
    }
}

#[tokio::test]
async fn heartbeats_come_and_stop_and_a_missing_pong_closes() {
    let lab = lab().await;
    let (_, mut socket) = open(&lab, "/?beat=5ms&beats=2&beat-pong=40ms:4408", "").await;
    let expected = [r#"text {"type":"ping","n":1}"#, r#"text {"type":"ping","n":2}"#, "close 4408 ping timeout"];
    assert_eq!(story(&mut socket).await, expected);
}

#[tokio::test]
async fn an_outage_cuts_connections_and_takes_no_new_ones() {
    let lab = lab().await;
    let target = "/?outage=300ms/1h&every=10ms:x";
    let (_, mut socket) = open(&lab, target, "").await;
    let told = story(&mut socket).await;
    assert!(told.len() > 1 && told[0] == "text x", "{told:?}");
    assert_eq!(get(&lab, target).await.unwrap(), "");
}

#[tokio::test]
async fn two_labs_share_nothing_and_a_dropped_one_is_gone() {
    let (one, two) = (lab().await, lab().await);
    let addr = one.addr(Port::Plain);
    let (_, mut socket) = open(&one, "/", "").await;
    drop(one);
    assert_eq!(story(&mut socket).await.len(), 1);
    assert!(get(&two, "/").await.is_ok());
    // The port is free again: a restarted server can have it.
    let again = Lab::start(Options { addr, ..Options::default() }).await;
    assert_eq!(again.unwrap().addr(Port::Plain), addr);
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let options = Options { addr: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    let error = Lab::start(options).await.err().unwrap();
    assert!(error.to_string().contains("not a loopback address"), "{error}");
}

/// A TLS connection that trusts the lab's authority.
async fn tls(lab: &Lab, port: Port, alpn: &[u8]) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(lab.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let tcp = TcpStream::connect(lab.addr(port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

#[tokio::test]
async fn http_1_1_and_http_2_are_spoken_over_tls() {
    let lab = lab().await;
    let mut one = tls(&lab, Port::Tls, b"http/1.1").await.unwrap();
    one.write_all(b"GET /?body=hi HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut got = String::new();
    one.read_to_string(&mut got).await.unwrap();
    assert!(got.ends_with("\r\n\r\nhi"), "{got}");

    let two = tls(&lab, Port::Tls, b"h2").await.unwrap();
    let io = hyper_util::rt::TokioIo::new(two);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let url = lab.https_url("/?status=418&h=X-a:+1&size=70k");
    let request = ::http::Request::get(url.as_str()).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["x-a"]), (418, &"1".parse().unwrap()));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), 70 * 1024);
    let seen = lab.seen();
    assert_eq!((seen[0].http2, seen[1].http2), (false, true));
}

#[tokio::test]
async fn each_certificate_is_wrong_in_its_own_way() {
    let lab = lab().await;
    for (port, word) in [
        (Port::SelfSigned, "UnknownIssuer"),
        (Port::Expired, "certificate expired"),
        (Port::NotYetValid, "not valid yet"),
        (Port::WrongName, "not valid for name"),
    ] {
        let error = tls(&lab, port, b"http/1.1").await.unwrap_err().to_string();
        assert!(error.contains(word), "{port:?}: {error}");
    }
}

#[tokio::test]
async fn a_stalled_peer_holds_nothing_once_the_client_has_gone() {
    let lab = Lab::start(Options { max_connections: 1, ..Options::default() }).await.unwrap();
    let mut tcp = TcpStream::connect(lab.addr(Port::Plain)).await.unwrap();
    tcp.write_all(b"GET /?wait=1h HTTP/1.1\r\n\r\n").await.unwrap();
    drop(tcp);
    let served = async {
        while !get(&lab, "/?body=x").await.is_ok_and(|got| got.ends_with('x')) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), served).await.unwrap();
}
