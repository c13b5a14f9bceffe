//! The only place where policy meets the network: a browser's machine says what to send, the network sends it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::line::farewell;
use crate::base::Clock;
use crate::browser::eventsource::{EventSource, Next, Source};
use crate::browser::websocket::{Ending, Handshake, Loss, Socket, script_close};
use crate::browser::{Answer, Fetch, Memory, Page, ScriptRequest, Step, Xhr, console};
use crate::net::{Body, Client, Received, Upgraded, WebSocket};
use crate::wire::{NetError, Phase};

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
    run(Fetch::start(page, request, memory, clock.wall()), client, clock, deadline).await
}

/// An `XMLHttpRequest`, whole; otherwise as [`fetch`].
pub async fn xhr(
    page: Page,
    request: Xhr,
    memory: Memory,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Memory) {
    run(Fetch::xhr(page, request, memory, clock.wall()), client, clock, deadline).await
}

/// As [`xhr`], with the last answer's body whole.
pub async fn whole_xhr(
    page: Page,
    request: Xhr,
    memory: Memory,
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Bytes, Memory) {
    let (mut fetch, mut step) = Fetch::xhr(page, request, memory, clock.wall());
    let mut body = Bytes::new();
    loop {
        step = match step {
            Step::Done(answer) => return (answer, body, fetch.into_memory()),
            Step::Send(request) => {
                let exchange;
                (exchange, body) = Box::pin(client.exchange_whole(*request, deadline)).await;
                fetch.on_exchange(exchange, clock.wall())
            }
        };
    }
}

async fn run(
    (mut fetch, mut step): (Fetch, Step),
    client: &Client,
    clock: Clock,
    deadline: Instant,
) -> (Box<Answer>, Memory) {
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

/// `new EventSource()`, watched for so long from its first `open` or `error` event on, which has to come by `deadline`. It ends
/// sooner where nothing can change any more. The time is that until the first event.
pub async fn event_source(
    page: Page,
    source: Source,
    memory: Memory,
    client: &Client,
    clock: Clock,
    deadline: Instant,
    observe: Duration,
) -> (Box<Answer>, Memory, Duration) {
    let started = clock.mono();
    let (mut machine, mut next) = EventSource::start(page, source, memory, clock.wall());
    let mut body: Option<Body> = None;
    let mut fired: Option<Instant> = None;
    loop {
        if machine.has_fired() && fired.is_none() {
            fired = Some(clock.mono());
        }
        let until = fired.map_or(deadline, |fired| fired + observe);
        // Also of a server that never stops sending.
        if fired.is_some() && until <= clock.mono() {
            break;
        }
        next = match next {
            Next::Closed => break,
            Next::Send(request) => {
                let (exchange, rest) = Box::pin(client.open(*request, until)).await;
                if fired.is_some() && matches!(exchange.result, Err(NetError::Timeout { .. })) {
                    machine.on_abandoned(exchange);
                    break;
                }
                body = rest;
                machine.on_exchange(exchange, clock.wall())
            }
            Next::Read => {
                let piece = match &mut body {
                    Some(body) => tokio::time::timeout_at(until.into(), body.next()).await,
                    None => Ok(Ok(None)),
                };
                match piece {
                    Ok(Ok(Some(bytes))) => machine.on_body(&bytes),
                    Ok(Ok(None)) => machine.on_end(Ok(())),
                    Ok(Err(error)) => machine.on_end(Err(error)),
                    Err(_) if fired.is_some() => break,
                    Err(_) => {
                        let after = clock.mono().saturating_duration_since(started);
                        machine.on_end(Err(NetError::Timeout { phase: Phase::Body, after }))
                    }
                }
            }
            Next::Wait(time) => {
                body = None;
                match clock.mono().checked_add(time).filter(|wake| *wake < until) {
                    Some(wake) => tokio::time::sleep_until(wake.into()).await,
                    None => break,
                }
                machine.on_timer(clock.wall())
            }
        };
    }
    let took = fired.unwrap_or_else(|| clock.mono()).saturating_duration_since(started);
    let (answer, memory) = machine.finish();
    (answer, memory, took)
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
            let socket = Box::pin(upgraded.open_as(answer.browser, handshake.deflate())).await;
            (answer, Some(socket), handshake.into_memory())
        }
        Some(_) | None => (answer, None, handshake.into_memory()),
    }
}

/// Stays with a socket that has opened for as long as told, and puts into the answer how it ended. One that lasts is closed
/// then, and its answer has no close event.
pub async fn stay(answer: &mut Answer, mut socket: WebSocket, stay: Duration) {
    let over = tokio::time::sleep(stay);
    tokio::pin!(over);
    let browser = answer.browser;
    let mut closed: Option<(Option<u16>, String)> = None;
    loop {
        let received = tokio::select! {
            received = socket.next() => received,
            () = &mut over => return farewell(socket, 1000).await,
        };
        let (ending, loss) = match received {
            Ok(Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_)) => continue,
            Ok(Received::Close { code, reason }) => {
                closed = Some((code, reason));
                continue;
            }
            Err(error) => match (&closed, loss(&socket, &error)) {
                (_, Some(breach @ Loss::Breach(_))) => (Ending::Violated, Some(breach)),
                (Some((code, reason)), _) => (Ending::ClosedAndReset { code: *code, reason }, None),
                (None, loss) => (Ending::Cut, loss),
            },
            Ok(Received::End) => match &closed {
                Some((code, reason)) => (Ending::Closed { code: *code, reason }, None),
                None => (Ending::Cut, None),
            },
        };
        answer.close = Some(script_close(browser, ending));
        loss.into_iter().for_each(|loss| conclude(answer, loss));
        return;
    }
}

/// How that error lost the open socket, where a browser has a line for it.
pub(super) fn loss(socket: &WebSocket, error: &NetError) -> Option<Loss> {
    match (socket.breach(), error) {
        (Some(breach), _) => Some(Loss::Breach(breach)),
        (None, NetError::ConnectionReset { .. }) => Some(Loss::Reset),
        (None, _) => None,
    }
}

/// Puts the browser's line about it into the answer of the socket.
pub(super) fn conclude(answer: &mut Answer, loss: Loss) {
    let line = answer.last().and_then(|last| console::of_loss(answer.browser, &last.request.url, loss));
    line.into_iter().for_each(|line| answer.console.conclude(line));
}
