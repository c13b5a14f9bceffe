//! A running engine and what it has said so far: what the tests with real sockets stand on.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot set up its peers has to fail")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wirewatch::base::{Clock, ProfileId};
use wirewatch::engine::probe::{self, Manner};
use wirewatch::engine::{Bus, Command, Config, Engine, PER_HOST, Patterns, SecretSource, Tap, Target};
use wirewatch::profile::{Profile, Proxy};
use wirewatch::watch::{CheckReport, Event, EventBody, State};

/// One check of a profile, without a proxy, which stays for `observe` after a WebSocket has opened.
pub async fn check(mut profile: Profile, observe: Duration) -> CheckReport {
    profile.network.proxy = Proxy::Direct;
    let target = Arc::new(Target::prepare(ProfileId(1), Arc::new(profile), &no_secrets(), &Patterns::default()));
    let manner = Manner { scheduled: Clock.mono(), observe: Some(observe) };
    probe::check(&target, manner, Clock).await.report
}

/// A report's state, status and reason, by their codes.
pub fn in_short(report: &CheckReport) -> String {
    let reason = report.reason.as_ref().map_or("ok", |reason| reason.code.as_str());
    let status = report.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    format!("{} {status} {reason}", report.state.code())
}

fn no_secrets() -> SecretSource {
    Arc::new(|_: &[String]| Ok(HashMap::new()))
}

/// Some profiles being watched.
pub struct Watching {
    pub engine: Engine,
    tap: Tap,
    /// All that has been said, in order.
    pub events: Vec<Arc<Event>>,
}

impl Watching {
    /// Starts an engine on these profiles, whose ids are their places from 1.
    pub fn start(profiles: impl IntoIterator<Item = Profile>) -> Self {
        let bus = Arc::new(Bus::new(1, Clock));
        let tap = bus.tap("test", 65_536);
        let engine =
            Engine::start(Config { bus, clock: Clock, secrets: no_secrets(), per_host: PER_HOST }).expect("an engine");
        for (index, mut profile) in profiles.into_iter().enumerate() {
            profile.network.proxy = Proxy::Direct;
            let id = ProfileId(u32::try_from(index).expect("few profiles") + 1);
            engine.send(Command::Watch { id, profile: Arc::new(profile) }).expect("room for a command");
        }
        Self { engine, tap, events: Vec::new() }
    }

    /// Listens until an event is `enough`; panics with the story so far where none is within `limit`.
    #[track_caller]
    pub fn until(&mut self, wanted: &str, limit: Duration, mut enough: impl FnMut(&Event) -> bool) -> Arc<Event> {
        let clock = Clock;
        let deadline = clock.mono() + limit;
        loop {
            let left = deadline.saturating_duration_since(clock.mono());
            match self.tap.recv_timeout(left) {
                Ok(Some(event)) => {
                    self.events.push(Arc::clone(&event));
                    if enough(&event) {
                        return event;
                    }
                }
                Ok(None) => panic!("no {wanted} within {limit:?}; the story so far:\n{}", self.story().join("\n")),
                Err(gone) => panic!("no {wanted}: {gone}"),
            }
        }
    }

    /// Listens until the first profile is in that state.
    #[track_caller]
    pub fn until_state(&mut self, state: State, limit: Duration) -> Arc<Event> {
        self.until(state.code(), limit, |event| matches!(&event.body, EventBody::State { to, .. } if *to == state))
    }

    /// The story told so far, a line an event, frames left out.
    pub fn story(&self) -> Vec<String> {
        self.events.iter().filter(|event| event.body.kind() != "frame").map(|event| tell(event)).collect()
    }
}

/// An event in a few words.
pub fn tell(event: &Event) -> String {
    let reason = |reason: &Option<wirewatch::watch::Reason>| match reason {
        Some(reason) => format!(" because {}", reason.code.as_str()),
        None => String::new(),
    };
    let who = event.profile.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let what = match &event.body {
        EventBody::State { from, to, reason: why, .. } => format!("{} -> {}{}", from.code(), to.code(), reason(why)),
        EventBody::Attempt { attempt } => format!("attempt {attempt}"),
        EventBody::Retry { attempt, .. } => format!("retry {attempt}"),
        EventBody::Handshake { exchange, reason: why, .. } => {
            format!("handshake {:?}{}", exchange.status(), reason(why))
        }
        EventBody::Closed { facts, .. } => {
            format!("closed {:?} by {}, script {}", facts.code, facts.by.code(), facts.script.code)
        }
        EventBody::Check(report) => {
            format!("check {} {:?}{}", report.state.code(), report.status, reason(&report.reason))
        }
        other => other.kind().to_owned(),
    };
    format!("{who}: {what}")
}
