//! The only place where policy meets the network: a browser's machine says what to send, the network sends it.

use std::time::Instant;

use crate::base::Clock;
use crate::browser::websocket::{Handshake, Socket};
use crate::browser::{Answer, Cookies, Fetch, Page, ScriptRequest, Step};
use crate::net::{Client, Upgraded, WebSocket};

/// `fetch()`, whole: preflights and redirects included, ended by `deadline` at the latest.
pub async fn fetch(
    page: Page,
    request: ScriptRequest,
    cookies: Cookies,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> Box<Answer> {
    let (mut fetch, mut step) = Fetch::start(page, request, cookies);
    loop {
        step = match step {
            Step::Done(answer) => return answer,
            Step::Send(request) => {
                let exchange = Box::pin(client.exchange(*request, deadline)).await;
                fetch.on_exchange(exchange, clock.wall())
            }
        };
    }
}

/// `new WebSocket()` up to its `open` event. Without a socket the answer says why.
pub async fn open(
    page: Page,
    socket: Socket,
    cookies: &Cookies,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Option<WebSocket>) {
    let mut key = [0; 16];
    fastrand::fill(&mut key);
    let (mut handshake, mut step) = Handshake::start(page, socket, cookies, key);
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
            (answer, Some(socket))
        }
        Some(_) | None => (answer, None),
    }
}
