//! One check: the exchange as the page's script would make it, then the verdict on it.
//!
//! Over HTTP it is a `fetch()`. Of a WebSocket profile it is a handshake on a connection of its own, beside the session;
//! the check stays for the profile's `observe`, and where a message is expected until it came or `timeout` is over. A
//! Socket.IO profile's is the whole connection of its client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::{Heard, Outgoing, cut, farewell, linger};
use super::login::SignInTold;
use super::redact;
use super::target::Target;
use super::{exchange, socketio};
use crate::base::{Clock, Moment};
use crate::browser::websocket::Loss;
use crate::browser::{Answer, Fault};
use crate::net::{Client, Received, WebSocket};
use crate::profile::model::Kind;
use crate::watch::meaning::wants_sign_in;
use crate::watch::session::{Effect, Input, Session};
use crate::watch::surroundings::Reach;
use crate::watch::{CheckReport, CloseFacts, Code, End, EventBody, Evidence, Reason, SignInStep, Verdict, judge};
use crate::wire::{Exchange, NetError, Phases, WireResponse};

/// How much is kept of the messages that a WebSocket brings first, in bytes.
const HEARD: usize = 4096;

/// What a check comes to.
#[derive(Debug)]
pub struct Probed {
    /// Secrets replaced.
    pub report: CheckReport,
    /// What was done to be signed in, in order; secrets are still in it.
    pub sign_in: Vec<SignInTold>,
    /// What it says about the network between here and there; `None` where nothing was sent.
    pub reach: Option<Reach>,
}

/// How a check is made, beside what the profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// When it should have started.
    pub scheduled: Instant,
    /// In place of the profile's `observe`.
    pub observe: Option<Duration>,
}

/// Makes one check. Where the profile has a login it is made signed in: what the check before was signed in with and is
/// refused now is renewed once.
pub async fn check(target: &Arc<Target>, manner: Manner, clock: Clock) -> Probed {
    let mut probed = bare(target, manner, clock).await;
    probed.report = redact::report(probed.report, &target.redactor());
    probed
}

/// As [`check`], with the secrets still in the report.
pub(super) async fn bare(target: &Arc<Target>, manner: Manner, clock: Clock) -> Probed {
    #[cfg(test)]
    super::supervise::sabotage::pass(&target.profile.name, "check");
    if target.profile.kind == Kind::SocketIo {
        return Box::pin(socketio::check(target, manner, clock)).await;
    }
    let started = clock.now();
    let lateness = started.mono.saturating_duration_since(manner.scheduled);
    let client = match target.client() {
        Ok(client) => client,
        Err(reason) => return report(target, Seen::nothing(reason.clone()), Vec::new(), started, lateness),
    };
    let mut told = Vec::new();
    loop {
        let entry = match Box::pin(target.sign_in(clock)).await {
            Ok(entry) => entry,
            Err(no_entry) => {
                told.extend(no_entry.told);
                return report(
                    target,
                    Seen { refused: true, ..Seen::nothing(no_entry.reason) },
                    told,
                    started,
                    lateness,
                );
            }
        };
        let is_new = !entry.told.is_empty();
        told.extend(entry.told);
        let seen = Box::pin(look(target, client, manner, clock)).await;
        let over = verdict_of(target, &seen).reason.filter(|reason| target.rules().signs_in() && wants_sign_in(reason));
        match over {
            Some(reason) if !is_new && target.sign_out(entry.number, clock.mono()) => {
                let exchange = seen.answer.and_then(|mut answer| answer.exchanges.pop()).map(Arc::new);
                told.push(SignInTold { step: SignInStep::Expired, exchange, reason: Some(reason) });
            }
            _ => return report(target, seen, told, started, lateness),
        }
    }
}

/// The exchange itself, and for a WebSocket how it went on.
async fn look(target: &Target, client: &Client, manner: Manner, clock: Clock) -> Seen {
    let started = clock.mono();
    let deadline = started + target.profile.timeout;
    let (page, memory) = (target.page(clock, deadline).await, target.memory());
    let jar = memory.jar.clone();
    let total = || Some(clock.mono().saturating_duration_since(started));
    match target.profile.kind {
        Kind::Http => {
            let (answer, memory) =
                exchange::fetch(page, target.script_request(), memory, client, clock, deadline).await;
            target.remember(&jar, &memory);
            Seen { answer: Some(answer), total: total(), ..Seen::default() }
        }
        // Socket.IO's check is its own: see `check`.
        Kind::WebSocket | Kind::SocketIo => {
            let (mut answer, socket, memory) =
                exchange::open(page, target.socket(), memory, client, clock, deadline).await;
            target.remember(&jar, &memory);
            let (total, opened) = (total(), socket.is_some());
            let mut heard = String::new();
            let ended = match socket {
                Some(socket) => Box::pin(observe(target, socket, manner, &mut heard, clock)).await,
                None => None,
            };
            if let Some(Ok(response)) = answer.exchanges.last_mut().map(|last| &mut last.result)
                && opened
            {
                response.body_size = heard.len() as u64;
                response.body = heard.into();
            }
            if let Some(Ended { loss: Some(loss), .. }) = ended {
                exchange::conclude(&mut answer, loss);
            }
            Seen { answer: Some(answer), opened, ended, total, ..Seen::default() }
        }
    }
}

#[derive(Default)]
struct Seen {
    answer: Option<Box<Answer>>,
    /// Why nothing was sent.
    reason: Option<Reason>,
    /// That is the login's fault.
    refused: bool,
    opened: bool,
    ended: Option<Ended>,
    total: Option<Duration>,
}

/// How a socket that had opened ended while the check stayed.
struct Ended {
    facts: CloseFacts,
    error: Option<NetError>,
    /// Ours, where we gave it up.
    reason: Option<Reason>,
    /// The server's doing, where the browser has a line for it.
    loss: Option<Loss>,
}

impl Seen {
    fn nothing(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// Stays with the open socket and does what the profile's session would; `None` where it lasted.
/// What is heard first stands in `heard`, a line a message.
async fn observe(
    target: &Target,
    mut socket: WebSocket,
    manner: Manner,
    heard: &mut String,
    clock: Clock,
) -> Option<Ended> {
    let stay = manner.observe.unwrap_or(target.profile.observe);
    let expects = target.rules().expect.is_some();
    let mut machine = Session::new(Arc::clone(target.rules()));
    let mut rng = fastrand::Rng::new();
    let mut effects = Vec::new();
    let opened = clock.now();
    machine.on(Input::Connect, opened, &mut rng, &mut effects);
    effects.clear();
    machine.adopt(opened, &mut effects);
    let until = opened.mono + if expects { stay.max(target.profile.timeout) } else { stay };
    loop {
        let mut over = None;
        for effect in effects.drain(..) {
            let outgoing = match effect {
                Effect::Send { text, heartbeat } => Outgoing::Text { text, heartbeat },
                Effect::Ping { nonce } => Outgoing::Ping { nonce },
                Effect::Emit(EventBody::Closed { facts, .. }) => {
                    over = Some(facts);
                    continue;
                }
                Effect::Dial | Effect::HangUp { .. } | Effect::SignOut | Effect::Emit(_) => continue,
            };
            if let Err(error) = outgoing.send(&mut socket).await {
                let Input::Ended { facts, error } = cut(target, error) else { continue };
                return Some(Ended { facts, error, reason: None, loss: None });
            }
        }
        if let Some(facts) = over {
            // The machine gave the connection up: a missing message, a missing pong, silence.
            return Some(Ended { facts, error: None, reason: machine.reason().cloned(), loss: None });
        }
        let now = clock.now();
        let lasted = opened.mono + stay <= now.mono && (!expects || machine.has_what_it_expects());
        let leaves = lasted || until <= now.mono;
        // Who stays to see how it goes on wants to know that somebody is there.
        if leaves && (stay.is_zero() || machine.has_its_pong(now, &mut effects)) {
            farewell(socket, 1000).await;
            return None;
        }
        if !effects.is_empty() {
            continue;
        }
        let end = if expects && !machine.has_what_it_expects() { until } else { opened.mono + stay };
        let wake = machine.deadline().filter(|deadline| leaves || *deadline < end).unwrap_or(end);
        tokio::select! {
            received = socket.next() => {
                let loss = received.as_ref().err().and_then(|error| exchange::loss(&socket, error));
                if let Ok(Received::Text(text)) = &received {
                    note(heard, text);
                }
                let said = Heard::of(received, target);
                if let Heard::Ended { facts, error, frame } = said {
                    if frame.is_some() {
                        linger(socket).await;
                    }
                    return Some(Ended { facts, error, reason: None, loss });
                }
                machine.on(said.input(), clock.now(), &mut rng, &mut effects);
            }
            () = tokio::time::sleep_until(wake.into()) => machine.on(Input::Tick, clock.now(), &mut rng, &mut effects),
        }
    }
}

/// Another line of what was heard, where there is room for it.
fn note(heard: &mut String, text: &str) {
    if heard.len() + text.len() < HEARD {
        heard.push_str(text);
        heard.push('\n');
    }
}

/// The verdict and the record.
fn report(target: &Target, seen: Seen, sign_in: Vec<SignInTold>, started: Moment, lateness: Duration) -> Probed {
    let verdict = verdict_of(target, &seen);
    let Seen { answer, ended, total, .. } = seen;
    let mut out = CheckReport {
        outcome: verdict.outcome,
        state: verdict.state,
        reason: verdict.reason,
        scheduled: started.wall.minus(lateness),
        lateness,
        phases: Phases::default(),
        status: None,
        exchanges: Vec::new(),
        preflighted: false,
        console: None,
        close: ended.map(|ended| ended.facts),
        steps: Vec::new(),
        further: Vec::new(),
    };
    let mut reach = None;
    // What it was signed in with at last stands before it.
    let since = sign_in.iter().rposition(|told| told.step == SignInStep::Expired).map_or(0, |at| at + 1);
    out.exchanges.extend(sign_in[since..].iter().filter_map(|told| told.exchange.clone()));
    if let Some(last) = out.exchanges.last() {
        reach = Some(Reach::of(last.result.as_ref().map(|_| ())));
        out.phases = last.phases;
        out.status = last.status();
    }
    if let Some(answer) = answer {
        reach = reach_of(&answer);
        out.status = answer.status;
        out.preflighted = answer.preflighted;
        out.console = answer.console_line().map(Into::into);
        out.phases = answer.last().map_or_else(Phases::default, |last| last.phases);
        out.phases.total = total.filter(|_| !answer.exchanges.is_empty());
        out.exchanges.extend(answer.exchanges.into_iter().map(Arc::new));
    }
    Probed { report: out, sign_in, reach }
}

fn verdict_of(target: &Target, seen: &Seen) -> Verdict {
    let Some(answer) = &seen.answer else {
        let reason = seen.reason.clone().unwrap_or_else(|| Reason::new(Code::NetworkConfiguration));
        let end = if seen.refused { End::Refused { reason, answer: None } } else { End::NotMade(reason) };
        return judge(&Evidence { end, total: None }, target.expect());
    };
    let response = answer.last().and_then(Exchange::response);
    if let Some(reason) = target.sent_to_login(&answer.exchanges) {
        return judge(&Evidence { end: End::Refused { reason, answer: None }, total: seen.total }, target.expect());
    }
    let end = match (&answer.fault, response, &seen.ended) {
        (Some(fault), response, _) => End::Refused { reason: reason_of(fault, answer), answer: response },
        (None, _, Some(Ended { reason: Some(reason), .. })) => End::Refused { reason: reason.clone(), answer: None },
        (None, _, Some(ended)) => End::Opened { ended: Some((&ended.facts, ended.error.as_ref())) },
        (None, _, None) if seen.opened => End::Opened { ended: None },
        (None, Some(response), None) => End::Answered(response),
        (None, None, None) => End::NotMade(Reason::new(Code::NetworkConfiguration)),
    };
    let streamed = answer.last().filter(|_| response.is_some_and(WireResponse::is_stream));
    let told = streamed.and_then(|last| last.phases.body).unwrap_or_default();
    judge(&Evidence { end, total: seen.total.map(|total| total.saturating_sub(told)) }, target.expect())
}

/// A fault's reason, with the status that stood behind it.
pub(super) fn reason_of(fault: &Fault, answer: &Answer) -> Reason {
    let reason = Reason::from(fault);
    match (reason.status, answer.status) {
        (None, Some(status)) => reason.with_status(status),
        (Some(_), _) | (None, None) => reason,
    }
}

/// What the answer says about the network; `None` where nothing was sent.
pub(super) fn reach_of(answer: &Answer) -> Option<Reach> {
    let last = answer.last()?;
    Some(Reach::of(last.result.as_ref().map(|_| ())))
}
