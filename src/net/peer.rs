//! The other side, for this room's tests: scripted peers on port 0.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

use super::{Client, Settings};
use crate::base::Clock;
use crate::wire::{Exchange, Headers, Purpose, WireRequest};

/// A peer that plays `script` on its first connection.
pub(super) async fn play<F, Out>(script: impl FnOnce(TcpStream) -> F + Send + 'static) -> (SocketAddr, JoinHandle<Out>)
where
    F: Future<Output = Out> + Send,
    Out: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let played = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await
    });
    (address, played)
}

/// A peer that reads a request's head, writes `answer` and closes. Its outcome is the head.
pub(super) async fn answer(answer: impl AsRef<[u8]> + Send + 'static) -> (SocketAddr, JoinHandle<String>) {
    play(|mut stream| async move {
        let head = read_head(&mut stream).await;
        // The client may have gone already: some answers end an exchange early.
        let _ = stream.write_all(answer.as_ref()).await;
        let _ = stream.shutdown().await;
        head
    })
    .await
}

/// Reads up to the empty line.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

pub(super) fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &'static str) -> WireRequest {
    let url = Url::parse(url).unwrap();
    let purpose = if url.scheme().starts_with("ws") { Purpose::Handshake } else { Purpose::Actual };
    let headers: Headers = headers.iter().copied().collect();
    WireRequest { purpose, method: method.into(), url, headers, body: body.into() }
}

/// A GET of `path` at that peer, by a client with these settings.
pub(super) async fn get_with(settings: &Settings, address: SocketAddr, path: &str) -> Exchange {
    let request = request("GET", &format!("http://{address}{path}"), &[], "");
    Client::new(settings).unwrap().exchange(request, Clock.mono() + Duration::from_secs(10)).await
}

pub(super) async fn get(address: SocketAddr, path: &str) -> Exchange {
    get_with(&Settings::default(), address, path).await
}
