//! A whole check, as a person asks for it: where what was seen can't tell two causes apart, what would tell is asked besides.
//!
//! Invariant: at most [`MOST`] questions a check, none twice, each with a bound of its own, and only to the profile's host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::farewell;
use super::probe::{self, Manner, Probed};
use super::redact;
use super::target::Target;
use crate::base::Clock;
use crate::diagnosis::ask::{self, Question, Stay};
use crate::diagnosis::{Facts, wanted};
use crate::net::{Client, Received, Upgraded};
use crate::watch::surroundings::Reach;
use crate::watch::{CheckReport, Outcome};
use crate::wire::{Ask, Exchange, Purpose};

/// The most questions that one check asks.
pub const MOST: usize = 10;

/// How long one may take.
const EACH: Duration = Duration::from_secs(5);

/// How much of them is kept, in bytes.
const HEARD: usize = 4096;

/// How often to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Often {
    /// One after another.
    pub repeat: u32,
    /// At once.
    pub concurrent: u32,
}

impl Often {
    pub const ONCE: Self = Self { repeat: 1, concurrent: 1 };
}

/// Makes the checks, asks besides what the first that isn't well (or the first of all) leaves open, and takes the secrets out.
pub async fn examine(target: &Arc<Target>, observe: Option<Duration>, often: Often, clock: Clock) -> Vec<CheckReport> {
    let mut reports = Vec::new();
    for _ in 0..often.repeat {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..often.concurrent {
            let target = Arc::clone(target);
            let manner = Manner { scheduled: clock.mono(), observe };
            running.spawn(async move { probe::bare(&target, manner, clock).await.report });
        }
        reports.extend(running.join_all().await);
    }
    if let Some(deciding) = CheckReport::deciding(&reports) {
        let further = ask_all(target, &reports, deciding, clock).await;
        if let Some(report) = reports.get_mut(deciding) {
            report.further = further;
        }
    }
    let redactor = target.redactor();
    reports.into_iter().map(|report| redact::report(report, &redactor)).collect()
}

/// A check as the monitor makes it: what it leaves open is asked where it fails by something new, and not again while that lasts.
pub(super) async fn watched(target: &Arc<Target>, manner: Manner, clock: Clock) -> Probed {
    let mut probed = probe::bare(target, manner, clock).await;
    let report = &probed.report;
    let code = report.reason.as_ref().filter(|_| report.outcome == Outcome::Down).map(|reason| reason.code);
    // What no answer came from has nothing more to say.
    let answered = probed.reach == Some(Reach::Through);
    if target.fails_anew_by(code) && answered {
        probed.report.further = ask_all(target, std::slice::from_ref(&probed.report), 0, clock).await;
    }
    probed.report = redact::report(probed.report, &target.redactor());
    probed
}

/// Asks until nothing is left open that asking would tell.
pub(super) async fn ask_all(
    target: &Target,
    reports: &[CheckReport],
    deciding: usize,
    clock: Clock,
) -> Vec<Arc<Exchange>> {
    let (Ok(client), Some(report)) = (target.client(), reports.get(deciding)) else { return Vec::new() };
    let mut report = report.clone();
    let mut tried: Vec<Ask> = Vec::new();
    loop {
        let asks = {
            let facts = Facts::of_checks(&target.profile, &report, reports);
            wanted(&facts)
        };
        let open = asks.into_iter().find(|ask| !tried.contains(ask));
        let Some(ask) = open.filter(|_| tried.len() < MOST) else { return report.further };
        tried.push(ask);
        loop {
            let question = {
                let facts = Facts::of_checks(&target.profile, &report, reports);
                let before: Vec<&Exchange> = facts.asked_all(ask).collect();
                ask::next(ask, &facts, &before)
            };
            let Some(question) = question else { break };
            let deadline = clock.mono() + target.profile.timeout.min(EACH);
            let exchange = Box::pin(send(target, client, question, ask, deadline, clock)).await;
            let Some(exchange) = exchange else { break };
            report.further.push(Arc::new(exchange));
        }
    }
}

/// One request, and what came of it; `None` where it can't be sent as it should.
async fn send(
    target: &Target,
    client: &Client,
    question: Question,
    ask: Ask,
    deadline: Instant,
    clock: Clock,
) -> Option<Exchange> {
    let direct = if question.direct { Some(target.direct().ok()?) } else { None };
    let client = direct.as_ref().unwrap_or(client);
    let mut exchange = if ask == Ask::Banner {
        client.banner(question.request, deadline).await
    } else if question.request.purpose == Purpose::Handshake {
        let (mut exchange, upgraded) = client.upgrade(question.request, deadline).await;
        if let (Some(upgraded), Ok(response)) = (upgraded, &mut exchange.result) {
            let (heard, quiet) = listen(upgraded, question.stay, clock).await;
            exchange.phases.body = Some(quiet);
            response.body_size = heard.len() as u64;
            response.body = heard.into();
        }
        exchange
    } else {
        client.exchange(question.request, deadline).await
    };
    exchange.request.purpose = Purpose::Asked(ask);
    Some(exchange)
}

/// The first text messages, a line each, and how it ended where it did: `[close 1008 reason]`, `[end]`, an error's code; with
/// the time since the last of them.
pub(super) async fn listen(upgraded: Upgraded, stay: Stay, clock: Clock) -> (String, Duration) {
    let mut socket = upgraded.open().await;
    let mut heard = String::new();
    let until = clock.mono() + stay.most;
    let mut last = clock.mono();
    while heard.len() < HEARD {
        let wake = stay.ping.map_or(until, |ping| until.min(clock.mono() + ping));
        let received = tokio::time::timeout_at(wake.into(), socket.next()).await;
        match received {
            Err(_) if clock.mono() < until => {
                // Where it can't be sent, the next look says why.
                let _ = socket.send_ping(Vec::new()).await;
            }
            Err(_) => {
                farewell(socket, 1000).await;
                break;
            }
            Ok(Ok(Received::Text(text))) => {
                last = clock.mono();
                let room = HEARD - heard.len();
                heard.extend(text.chars().scan(0, |size, one| {
                    *size += one.len_utf8();
                    (*size <= room).then_some(one)
                }));
                heard.push('\n');
            }
            Ok(Ok(Received::Close { code, reason })) => {
                let code = code.map(|code| code.to_string()).unwrap_or_default();
                heard.push_str(&format!("[close {code} {reason}]\n"));
                break;
            }
            Ok(Ok(Received::End)) => {
                heard.push_str("[end]\n");
                break;
            }
            Ok(Ok(Received::Binary(_) | Received::Ping(_) | Received::Pong(_))) => {}
            Ok(Err(error)) => {
                heard.push_str(&format!("[{}]\n", error.code()));
                break;
            }
        }
    }
    (heard, clock.mono().saturating_duration_since(last))
}
