//! What `browser` alone takes to decide a case: the machines of every recorded case, fed with the answers that came over the
//! wire once before. No sockets, no JSON: from the script's call to the whole answer, console line included.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;
#[path = "../tests/common/oracle.rs"]
mod oracle;

use std::hint::black_box;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wirewatch::base::{Clock, Wall};
use wirewatch::browser::websocket::Handshake;
use wirewatch::browser::{Fetch, Memory, Step};
use wirewatch::cli::replay::{Ask, Plan};
use wirewatch::engine::exchange;
use wirewatch::lab::Oracle;
use wirewatch::watch::stats::percentile;
use wirewatch::wire::Exchange;

const ROUNDS: usize = 51;
const NOW: Wall = Wall(1_700_000_000_000_000);

/// A case with the answers to what it sends.
struct Known {
    plan: Plan,
    memory: Memory,
    exchanges: Vec<Exchange>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for browser in ["chrome", "firefox", "safari"] {
        let known = runtime.block_on(ask_once(browser));
        let mut medians: Vec<Duration> = known.iter().filter_map(measured).collect();
        let count = medians.len();
        medians.sort_unstable();
        let micros = |share| percentile(&medians, share).map_or(0.0, |took| took.as_secs_f64() * 1e6);
        let sent: usize = known.iter().map(|known| known.exchanges.len()).sum();
        println!("{browser}: {count} cases of fetch, XMLHttpRequest and WebSocket, {sent} requests");
        println!("  median  {:7.2} µs   goal: under 5 µs", micros(0.5));
        println!("  p90     {:7.2} µs", micros(0.9));
        println!("  p99     {:7.2} µs", micros(0.99));
        println!("  worst   {:7.2} µs", micros(1.0));
    }
}

/// Runs every case over the wire.
async fn ask_once(browser: &str) -> Vec<Known> {
    let server = Oracle::start().await.unwrap();
    let client = oracle::client(server.places(), server.ca_file());
    let mut known = Vec::new();
    for line in common::recorded_cases() {
        let mut case: serde_json::Value = serde_json::from_str(&line).unwrap();
        case["browser"] = browser.into();
        let plan = Plan::read(case.to_string().as_bytes()).unwrap();
        let mut memory = Memory::default();
        for (url, field) in &plan.cookies {
            let _ = memory.jar.set_from_navigation(plan.page.browser, url, field, NOW);
        }
        let deadline = Clock.mono() + Duration::from_secs(30);
        let (page, before) = (plan.page.clone(), memory.clone());
        let answer = match plan.ask.clone() {
            Ask::Fetch(request) => exchange::fetch(page, request, before, &client, Clock, deadline).await.0,
            Ask::Xhr(request) => exchange::xhr(page, request, before, &client, Clock, deadline).await.0,
            Ask::Socket(socket, _) => exchange::open(page, socket, before, &client, Clock, deadline).await.0,
            _ => continue,
        };
        known.push(Known { plan, memory, exchanges: answer.exchanges });
    }
    known
}

/// The median of some rounds.
fn measured(known: &Known) -> Option<Duration> {
    let mut rounds: Vec<Duration> = (0..ROUNDS).filter_map(|_| decide(known)).collect();
    rounds.sort_unstable();
    percentile(&rounds, 0.5)
}

/// One decision, from the script's call on; what goes in is made ready before.
fn decide(known: &Known) -> Option<Duration> {
    let (page, memory, exchanges) = (known.plan.page.clone(), known.memory.clone(), known.exchanges.clone());
    let fetch = |fetch: &mut Fetch, exchange| fetch.on_exchange(exchange, NOW);
    let handshake = |handshake: &mut Handshake, exchange| handshake.on_exchange(exchange, NOW);
    Some(match known.plan.ask.clone() {
        Ask::Fetch(request) => timed(|| Fetch::start(page, request, memory, NOW), fetch, exchanges),
        Ask::Xhr(request) => timed(|| Fetch::xhr(page, request, memory, NOW), fetch, exchanges),
        Ask::Socket(socket, _) => {
            let key = exchanges.first().and_then(|exchange| exchange.request.headers.first("sec-websocket-key"));
            let key = key.map_or([0; 16], |key| STANDARD.decode(key).unwrap().try_into().unwrap());
            timed(|| Handshake::start(page, socket, memory, key, NOW), handshake, exchanges)
        }
        _ => return None,
    })
}

fn timed<M>(
    start: impl FnOnce() -> (M, Step),
    on_exchange: impl Fn(&mut M, Exchange) -> Step,
    exchanges: Vec<Exchange>,
) -> Duration {
    let started = Clock.mono();
    let (mut machine, mut step) = start();
    for exchange in exchanges {
        step = on_exchange(&mut machine, exchange);
    }
    let took = Clock.mono() - started;
    assert!(matches!(step, Step::Done(_)), "the same answers lead to the same end");
    black_box((machine, step));
    took
}
