//! An EventSource over a real connection: read as it comes, taken up again where it was, given up, watched no longer than told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;
use wirewatch::base::Clock;
use wirewatch::browser::eventsource::Source;
use wirewatch::browser::{Answer, Browser, Memory, Page};
use wirewatch::engine::exchange;
use wirewatch::net::{Client, Settings};

/// Answers one connection after the other with these bytes; the last one stays open. Gives the heads of the requests.
async fn serve(answers: Vec<String>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let played = tokio::spawn(async move {
        let (mut heads, mut last) = (Vec::new(), None);
        for answer in answers {
            drop(last.take());
            let (mut stream, _) = listener.accept().await.unwrap();
            heads.push(read_head(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
            last = Some(stream);
        }
        // Until the client goes.
        if let Some(mut stream) = last {
            let _ = stream.read(&mut [0; 64]).await;
        }
        heads
    });
    (address, played)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn watch(address: SocketAddr, observe: Duration) -> Box<Answer> {
    watch_timed(address, observe).await.0
}

/// With the time until the first event.
async fn watch_timed(address: SocketAddr, observe: Duration) -> (Box<Answer>, Duration) {
    let url = Url::parse(&format!("http://{address}/events")).unwrap();
    let page = Page::new(url.clone(), Browser::Chrome);
    let client = Client::new(&Settings::default()).unwrap();
    let source = Source { url, with_credentials: false };
    let deadline = Clock.mono() + Duration::from_secs(60);
    let (answer, _, took) =
        exchange::event_source(page, source, Memory::default(), &client, Clock, deadline, observe).await;
    (answer, took)
}

fn stream(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn a_stream_is_taken_up_again_with_its_last_id_and_given_up_at_204() {
    let gone = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned();
    let (address, played) = serve(vec![stream("retry: 1\nid: 7\ndata: x\n\n"), stream("data: y\n\n"), gone]).await;
    // It ends as soon as nothing can change any more.
    let answer = watch(address, Duration::from_secs(3600)).await;
    assert_eq!((answer.outcome.word(), answer.code(), answer.ready_state), ("allowed", None, Some(2)));
    let statuses: Vec<_> = answer.exchanges.iter().map(|exchange| exchange.status().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 204]);
    let heads = played.await.unwrap();
    assert!(heads[0].contains("Accept: text/event-stream\r\n") && !heads[0].contains("Last-Event-ID"), "{}", heads[0]);
    assert!(heads[1].contains("Last-Event-ID: 7\r\n") && heads[2].contains("Last-Event-ID: 7\r\n"), "{heads:?}");
}

#[tokio::test]
async fn the_time_is_that_until_the_first_event_whatever_is_watched_after_it() {
    let (address, _played) = serve(vec![stream("data: x\n\n")]).await;
    let observe = Duration::from_millis(200);
    let started = Clock.mono();
    let (answer, took) = watch_timed(address, observe).await;
    assert_eq!(answer.outcome.word(), "allowed");
    assert!(took + observe <= started.elapsed(), "{took:?}");
}

#[tokio::test]
async fn an_open_stream_is_left_when_it_has_been_watched_long_enough() {
    let (address, played) = serve(vec![stream("data: x\n\n")]).await;
    let answer = watch(address, Duration::ZERO).await;
    assert_eq!((answer.outcome.word(), answer.ready_state), ("allowed", Some(1)));
    assert_eq!(played.await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_listening_is_told_and_left_in_hope() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let answer = watch(address, Duration::from_millis(1)).await;
    assert_eq!((answer.code(), answer.ready_state), (Some("net::ERR_CONNECTION_REFUSED"), Some(0)));
    assert_eq!(answer.console.lines, ["Failed to load resource: net::ERR_CONNECTION_REFUSED"]);
}
