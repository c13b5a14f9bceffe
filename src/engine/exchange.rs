//! The only place where policy meets the network: a browser's machine says what to send, the network sends it.

use std::time::Instant;

use crate::base::Clock;
use crate::browser::websocket::{Handshake, Socket};
use crate::browser::{Answer, Fetch, Memory, Page, ScriptRequest, Step};
use crate::net::{Client, Upgraded, WebSocket};

/// `fetch()`, whole: preflights and redirects included, ended by `deadline` at the latest; with what the browser remembers
/// after it.
pub async fn fetch(
    page: Page,
    request: ScriptRequest,
    memory: Memory,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Memory) {
    let (mut fetch, mut step) = Fetch::start(page, request, memory, clock.wall());
    loop {
        step = match step {
            Step::Done(answer) => return (answer, fetch.into_memory()),
            Step::Send(request) => {
                let exchange = Box::pin(client.exchange(*request, deadline)).await;
                fetch.on_exchange(exchange, clock.wall())
            }
        };
    }
}

/// `new WebSocket()` up to its `open` event, with what the browser remembers after it. Without a socket the answer says why.
pub async fn open(
    page: Page,
    socket: Socket,
    memory: Memory,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Option<WebSocket>, Memory) {
    let mut key = [0; 16];
    fastrand::fill(&mut key);
    let (mut handshake, mut step) = Handshake::start(page, socket, memory, key, clock.wall());
    let mut upgraded: Option<Upgraded> = None;
    let answer = loop {
        step = match step {
            Step::Done(answer) => break answer,
            Step::Send(request) => {
                let (exchange, connection) = Box::pin(client.upgrade(*request, deadline)).await;
                upgraded = connection;
                handshake.on_exchange(exchange, clock.wall())
            }
        };
    };
    match upgraded {
        Some(upgraded) if answer.fault.is_none() => {
            let socket = upgraded.open().await;
            (answer, Some(socket), handshake.into_memory())
        }
        Some(_) | None => (answer, None, handshake.into_memory()),
    }
}
