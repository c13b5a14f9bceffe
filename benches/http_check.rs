//! CPU time of one HTTP check on a new connection: `net::Client`, a bare hyper client, and blackbox_exporter, against one
//! local server in a process of its own, in one run.
//!
//! Ours and the bare client run by turns on one thread, whose CPU time is read from the kernel.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use wirewatch::base::Clock;
use wirewatch::net::{Client, Settings};
use wirewatch::profile::model::Proxy;
use wirewatch::wire::{Headers, Purpose, WireRequest};

const ROUNDS: usize = 21;
const CHECKS: usize = 500;
const PROBES: usize = 3000;
const BLACKBOX: &str = "/usr/bin/prometheus-blackbox-exporter";

/// What a browser sends with a script's GET.
const HEADERS: &[(&str, &str)] = &[
    ("Connection", "keep-alive"),
    ("sec-ch-ua-platform", "\"Linux\""),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    ("Accept", "*/*"),
    ("Origin", "https://example.com"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Dest", "empty"),
    ("Referer", "https://example.com/"),
    ("Accept-Language", "en-US,en;q=0.9"),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if common::role().is_some() {
        runtime.block_on(serve());
        return;
    }
    let server = common::Role::start("serve", &[], 1024);
    let address: SocketAddr = server.line.parse().unwrap();

    let (ours, bare) = runtime.block_on(measure(address));
    let ratio = common::median(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    let (ours, bare) = (common::median(ours), common::median(bare));
    println!("CPU of one HTTP check on a new connection, median of {ROUNDS} rounds of {CHECKS}");
    println!("  bare hyper client   {bare:7.1} µs");
    println!("  net::Client         {ours:7.1} µs   {ratio:.2} of the bare client (goal: at most 1.30)");
    match runtime.block_on(blackbox(address)) {
        Some(theirs) => {
            println!("  blackbox_exporter   {theirs:7.1} µs   ours is {:.2} of it (goal: under 0.20)", ours / theirs);
        }
        None => println!("  blackbox_exporter   not measured: {BLACKBOX} is not installed"),
    }
}

async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    common::ready(listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let answer = service_fn(|_| async {
                let response = hyper::Response::builder()
                    .header("Content-Type", "application/json")
                    .header("Access-Control-Allow-Origin", "https://example.com")
                    .body(Full::new(Bytes::from_static(b"{\"status\":\"ok\",\"queue\":0}")));
                Ok::<_, Infallible>(response.unwrap())
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Microseconds of CPU a check, round by round.
async fn measure(address: SocketAddr) -> (Vec<f64>, Vec<f64>) {
    let client = Client::new(&Settings { proxy: Proxy::Direct, ..Settings::default() }).unwrap();
    let url = Url::parse(&format!("http://{address}/health")).unwrap();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let started = common::thread_cpu();
        for _ in 0..CHECKS {
            check_ours(&client, &url).await;
        }
        let between = common::thread_cpu();
        for _ in 0..CHECKS {
            check_bare(address).await;
        }
        let ended = common::thread_cpu();
        // The first round warms caches.
        if 0 < round {
            let each = |took: Duration| took.as_secs_f64() * 1e6 / CHECKS as f64;
            ours.push(each(between - started));
            bare.push(each(ended - between));
        }
    }
    (ours, bare)
}

async fn check_ours(client: &Client, url: &Url) {
    let headers: Headers = HEADERS.iter().copied().collect();
    let method = "GET".to_owned();
    let request = WireRequest { purpose: Purpose::Actual, method, url: url.clone(), headers, body: Bytes::new() };
    let exchange = client.exchange(request, Clock.mono() + Duration::from_secs(10)).await;
    assert_eq!(exchange.status(), Some(200));
}

async fn check_bare(address: SocketAddr) {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = hyper::Request::get("/health").header("Host", address.to_string());
    for (name, value) in HEADERS {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap().to_bytes();
    drop(sender);
    connection.await.unwrap().unwrap();
}

/// Microseconds of CPU a probe of the exporter, its HTTP side included: that is how it is used.
async fn blackbox(target: SocketAddr) -> Option<f64> {
    if !common::installed(BLACKBOX) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("blackbox.yml");
    std::fs::write(&config, "modules:\n  http_2xx:\n    prober: http\n    timeout: 5s\n").unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut exporter = Command::new(BLACKBOX)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = exporter.id();
    let url = format!("/probe?module=http_2xx&target=http://{target}/health");
    let stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => {
                assert!(exporter.try_wait().unwrap().is_none(), "the exporter ended");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut before = Duration::ZERO;
    for probe in 0..=PROBES {
        if probe == 1 {
            before = common::process_cpu(pid);
        }
        sender.ready().await.unwrap();
        let request = hyper::Request::get(&url).header("Host", address.to_string());
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if probe == 0 {
            assert!(String::from_utf8_lossy(&body).contains("probe_success 1"), "the exporter's probe fails");
        }
    }
    let took = common::process_cpu(pid) - before;
    exporter.kill().unwrap();
    exporter.wait().unwrap();
    Some(took.as_secs_f64() * 1e6 / PROBES as f64)
}
