//! Resident memory of a held session: `net::WebSocket`, a bare tokio-tungstenite client with the same buffers, and the engine's
//! sessions, WebSocket and Socket.IO (upgraded from polling). Each client is a fresh process, the server is another.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Semaphore};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::engine::{Bus, Command, Config, Engine, PER_HOST, Tap};
use wirewatch::lab::{Lab, Options};
use wirewatch::net::{Client, Received, Settings};
use wirewatch::profile::model::{Emit, JsonSetting, Kind, Profile, Proxy, Setting};
use wirewatch::watch::{EventBody, TransportStep};
use wirewatch::wire::{Direction, Headers, Purpose, WireRequest};

const SESSIONS: usize = 2000;
const RUNS: usize = 3;
/// Handshakes under way at once, as the engine bounds them too.
const AT_ONCE: usize = 64;
const ECHO: usize = 1024;

fn main() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match common::role() {
        Some((role, arguments)) => match role.as_str() {
            "serve" => runtime().block_on(serve()),
            "lab" => runtime().block_on(lab()),
            "engine" => println!("{}", hold_by_engine(Kind::WebSocket, &arguments[0])),
            "socketio" => println!("{}", hold_by_engine(Kind::SocketIo, &arguments[0])),
            role => {
                let address = arguments[0].parse().unwrap();
                let bytes = runtime().block_on(hold(address, role == "ours"));
                println!("{bytes}");
            }
        },
        None => compare(),
    }
}

fn compare() {
    let server = common::Role::start("serve", &[], 10_000);
    let lab = common::Role::start("lab", &[], 10_000);
    let measure = |variant: &str| -> f64 {
        let address = if matches!(variant, "engine" | "socketio") { &lab.line } else { &server.line };
        let runs = (0..RUNS).map(|_| {
            let client = common::Role::start(variant, &[address], 10_000);
            client.line.parse::<f64>().unwrap() / 1024.0
        });
        common::median(runs.collect())
    };
    let (bare, ours, engine) = (measure("bare"), measure("ours"), measure("engine"));
    let socketio = measure("socketio");
    println!(
        "Resident memory of a held session, {SESSIONS} of them after an echo of {ECHO} bytes, median of {RUNS} runs"
    );
    println!("  bare tokio-tungstenite   {bare:5.1} KiB");
    println!("  net::WebSocket           {ours:5.1} KiB   {:.2} of the bare client", ours / bare);
    println!("  a session of the engine  {engine:5.1} KiB   {:.2} of the bare client", engine / bare);
    println!(
        "  one of Socket.IO         {socketio:5.1} KiB   {:.2} of the engine's WebSocket session",
        socketio / engine
    );
    println!("  goals: at most 8 KiB, at most 1.30 of the bare client; Socket.IO at most 1.50 of a WebSocket session");
}

/// Sessions whole: the task with its machine, and what is made of the profile. The profiles themselves are there before.
fn hold_by_engine(kind: Kind, url: &str) -> u64 {
    let bus = Arc::new(Bus::new(1, Clock));
    let tap = bus.tap("bench", 100_000);
    let secrets = Arc::new(|_: &[String]| Ok(HashMap::new()));
    let engine = Engine::start(Config { bus, clock: Clock, secrets, per_host: PER_HOST }).unwrap();
    let profiles: Vec<_> = (0..=SESSIONS)
        .map(|id| {
            let mut url = Url::parse(url).unwrap();
            if kind == Kind::SocketIo {
                url.set_query(None);
            }
            let mut profile = Profile::new(format!("session {id}"), kind, url);
            let text = "x".repeat(ECHO);
            if kind == Kind::SocketIo {
                let data = vec![JsonSetting::Value(text.into())];
                profile.socketio.emit = vec![Emit { namespace: "/".into(), event: "echo".into(), data }];
            } else {
                profile.websocket.send = vec![Setting::Plain(text.into())];
            }
            (ProfileId(u32::try_from(id).unwrap() + 1), Arc::new(profile))
        })
        .collect();
    let mut before = 0;
    for (count, (id, profile)) in profiles.iter().enumerate() {
        engine.send(Command::Watch { id: *id, profile: Arc::clone(profile) }).unwrap();
        // The first one alone, as above; then as many at once as the engine lets.
        if count == 0 {
            await_echoes(&tap, kind, 1);
            before = common::rss();
        }
    }
    await_echoes(&tap, kind, SESSIONS);
    (common::rss() - before) / SESSIONS as u64
}

/// Until so many have had their echo; those of Socket.IO, until they have left polling too.
fn await_echoes(tap: &Tap, kind: Kind, sessions: usize) {
    let (mut echoes, mut upgrades) = (sessions, if kind == Kind::SocketIo { sessions } else { 0 });
    while 0 < echoes + upgrades {
        match &tap.recv().unwrap().body {
            EventBody::Frame(frame) if kind == Kind::WebSocket && frame.direction == Direction::In => echoes -= 1,
            EventBody::Message(message) if message.direction == Direction::In && &*message.event == "echo" => {
                echoes -= 1
            }
            EventBody::Transport { step: TransportStep::Upgraded { .. }, .. } => upgrades -= 1,
            _ => {}
        }
    }
}

/// The lab's echo, which answers a handshake as the browser's rules ask.
async fn lab() {
    let lab = Lab::start(Options::default()).await.unwrap();
    common::ready(lab.ws_url("/ws?echo"));
    std::future::pending::<()>().await;
}

fn buffers() -> Option<WebSocketConfig> {
    Some(WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0))
}

/// Switches whoever asks, and echoes. Says no accept key: neither client here looks at one.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    common::ready(listener.local_addr().unwrap());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                .await
                .unwrap();
            let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, buffers()).await;
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() && socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

/// Bytes of resident memory a session.
async fn hold(address: SocketAddr, ours: bool) -> u64 {
    let settings = Settings { proxy: Proxy::Direct, ..Settings::default() };
    let client = Client::new(&settings).unwrap();
    let url = Url::parse(&format!("ws://{address}/ws")).unwrap();
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let held = Arc::new(Barrier::new(SESSIONS + 1));
    // One session beforehand: what the first one loads is not a session's cost.
    let before = {
        let (gate, alone) = (Arc::new(Semaphore::new(1)), Arc::new(Barrier::new(2)));
        start(ours, client.clone(), url.clone(), address, gate, Arc::clone(&alone));
        alone.wait().await;
        common::rss()
    };
    for _ in 0..SESSIONS {
        start(ours, client.clone(), url.clone(), address, Arc::clone(&gate), Arc::clone(&held));
    }
    held.wait().await;
    (common::rss() - before) / SESSIONS as u64
}

fn start(ours: bool, client: Client, url: Url, address: SocketAddr, gate: Arc<Semaphore>, held: Arc<Barrier>) {
    if ours {
        tokio::spawn(hold_ours(client, url, gate, held));
    } else {
        tokio::spawn(hold_bare(address, gate, held));
    }
}

const HEADERS: &[(&str, &str)] = &[
    ("Connection", "Upgrade"),
    ("Pragma", "no-cache"),
    ("Cache-Control", "no-cache"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    ("Upgrade", "websocket"),
    ("Origin", "https://example.com"),
    ("Sec-WebSocket-Version", "13"),
    ("Accept-Language", "en-US,en;q=0.9"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

async fn hold_ours(client: Client, url: Url, gate: Arc<Semaphore>, held: Arc<Barrier>) {
    // Boxed, as the engine has it: the handshake's state is large and gone once the session is open.
    let permit = gate.acquire().await.unwrap();
    let opening = Box::pin(async {
        let headers: Headers = HEADERS.iter().copied().collect();
        let method = "GET".to_owned();
        let request = WireRequest { purpose: Purpose::Handshake, method, url, headers, body: Vec::new().into() };
        let (exchange, upgraded) = client.upgrade(request, Clock.mono() + Duration::from_secs(30)).await;
        assert_eq!(exchange.status(), Some(101), "{:?}", exchange.result);
        let mut session = upgraded.unwrap().open().await;
        session.send_text("x".repeat(ECHO)).await.unwrap();
        assert!(matches!(session.next().await, Ok(Received::Text(text)) if text.len() == ECHO));
        session
    });
    let mut session = opening.await;
    drop(permit);
    held.wait().await;
    while !matches!(session.next().await, Ok(Received::End) | Err(_)) {}
}

async fn hold_bare(address: SocketAddr, gate: Arc<Semaphore>, held: Arc<Barrier>) {
    let permit = gate.acquire().await.unwrap();
    let opening = Box::pin(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut head = format!("GET /ws HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in HEADERS {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        read_head(&mut stream).await;
        let mut session = WebSocketStream::from_raw_socket(stream, Role::Client, buffers()).await;
        session.send(Message::text("x".repeat(ECHO))).await.unwrap();
        assert!(matches!(session.next().await, Some(Ok(Message::Text(text))) if text.len() == ECHO));
        session
    });
    let mut session = opening.await;
    drop(permit);
    held.wait().await;
    while let Some(Ok(_)) = session.next().await {}
}
