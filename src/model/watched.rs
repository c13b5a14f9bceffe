//! All that is known of one profile now: what it is, how it does, and its recent past.

use std::sync::Arc;
use std::time::Duration;

use super::{Beat, Beats, Lane, Limits, Sample, Segment, Series, SocketIoSeen, is_reconnect, read};
use crate::base::{Problem, ProfileId, Ring, Wall};
use crate::profile::model::Transport;
use crate::profile::{Kind, Profile};
use crate::watch::{Audited, CheckReport, Class, CloseFacts, ClosedBy, Event, EventBody, Reason, State, Stuck};
use crate::wire::Exchange;

/// A wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub attempt: u32,
    pub wait: Duration,
    pub until: Wall,
}

/// The last handshake of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct HandshakeSeen {
    pub at: Wall,
    pub attempt: u32,
    pub exchange: Arc<Exchange>,
    /// `None`: it opened.
    pub reason: Option<Reason>,
    pub protocol: Option<Box<str>>,
}

/// Failures in a row that went past the profile's `alert.after`.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub since: Wall,
    pub reason: Option<Reason>,
    pub failures: u32,
}

/// What the history knows of a profile when the program starts, each list oldest first.
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub beats: Vec<Beat>,
    pub samples: Vec<Sample>,
    pub segments: Vec<Segment>,
    /// When reconnects were attempted.
    pub attempts: Vec<Wall>,
    /// Recent events, frames and messages among them.
    pub events: Vec<Arc<Event>>,
    pub last_check: Option<(Wall, Arc<CheckReport>)>,
    pub last_handshake: Option<HandshakeSeen>,
    pub last_close: Option<(Wall, CloseFacts)>,
    pub last_audit: Option<(Wall, Arc<Audited>)>,
    /// From when on the samples, segments, attempts and events are all that there are; `None`: they are from the beginning.
    pub whole_from: Option<Wall>,
}

/// One profile, live. Read it; only [`Live`](super::Live) changes it.
#[derive(Clone, Debug)]
pub struct Watched {
    pub id: ProfileId,
    /// The profile's name, or a broken file's stem.
    pub name: Arc<str>,
    /// `None`: its file is broken, or it has not been read yet.
    pub profile: Option<Arc<Profile>>,
    /// What is wrong with its file, which can't be used; `None`: nothing is.
    pub problems: Option<Arc<[Problem]>>,
    pub state: State,
    /// Since when it is in that state; `None`: nothing has been heard since the program began.
    pub since: Option<Wall>,
    /// Why it is in that state.
    pub reason: Option<Reason>,
    /// The current attempt since the session was last open; 0: none.
    pub attempt: u32,
    /// The wait for the next attempt, while there is one.
    pub retry: Option<Retry>,
    pub last_check: Option<(Wall, Arc<CheckReport>)>,
    pub last_handshake: Option<HandshakeSeen>,
    pub last_close: Option<(Wall, CloseFacts)>,
    /// The last audit on the profile's schedule.
    pub last_audit: Option<(Wall, Arc<Audited>)>,
    /// The last good latency: a check's, or a round trip.
    pub last_latency: Option<Duration>,
    pub incident: Option<Incident>,
    pub beats: Beats,
    pub series: Series,
    pub lane: Lane,
    /// When reconnects were attempted.
    pub attempts: Ring<Wall>,
    /// When the browser's CORS rules, or the server's choice of origins, made it fail.
    pub cors: Ring<Wall>,
    /// Everything but frames and messages.
    pub events: Ring<Arc<Event>>,
    pub frames: Ring<Arc<Event>>,
    pub messages: Ring<Arc<Event>>,
    /// What it says of itself as a Socket.IO session; `None`: nothing yet.
    pub socketio: Option<Box<SocketIoSeen>>,
    /// What is older was not all brought from the history.
    whole_from: Option<Wall>,
    /// The last panic of its task.
    pub panicked: Option<(Wall, Box<str>)>,
    /// Rises with each change; a view built of one version need not be built again.
    pub version: u64,
}

impl Watched {
    /// The report, with what was asked besides about the failure that it repeats: the monitor asks once while one lasts.
    fn with_answers(&self, report: &Arc<CheckReport>) -> Arc<CheckReport> {
        let code = |report: &CheckReport| report.reason.as_ref().map(|reason| reason.code);
        match &self.last_check {
            Some((_, before))
                if report.further.is_empty()
                    && !before.further.is_empty()
                    && code(report).is_some()
                    && code(before) == code(report) =>
            {
                Arc::new(CheckReport { further: before.further.clone(), ..CheckReport::clone(report) })
            }
            _ => Arc::clone(report),
        }
    }

    pub(super) fn new(id: ProfileId, limits: &Limits) -> Self {
        Self {
            id,
            name: format!("Profile {id}").into(),
            profile: None,
            problems: None,
            state: State::Disconnected,
            since: None,
            reason: None,
            attempt: 0,
            retry: None,
            last_check: None,
            last_handshake: None,
            last_close: None,
            last_audit: None,
            last_latency: None,
            incident: None,
            beats: Beats::new(limits.beats),
            series: Series::new(limits.samples, Duration::from_secs(3600)),
            lane: Lane::new(limits.segments),
            attempts: Ring::new(limits.marks),
            cors: Ring::new(limits.marks),
            events: Ring::new(limits.events),
            frames: Ring::new(limits.frames),
            messages: Ring::new(limits.messages),
            socketio: None,
            whole_from: None,
            panicked: None,
            version: 0,
        }
    }

    /// Whether it is a row: its file is there, whole or broken.
    pub fn is_listed(&self) -> bool {
        self.profile.is_some() || self.is_broken()
    }

    pub fn is_broken(&self) -> bool {
        self.problems.is_some()
    }

    pub fn is_enabled(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.enabled)
    }

    pub fn kind(&self) -> Kind {
        self.profile.as_ref().map_or(Kind::Http, |profile| profile.kind)
    }

    /// Levels of its group path, outermost first.
    pub fn group(&self) -> &[String] {
        self.profile.as_ref().map_or(&[], |profile| &profile.group)
    }

    /// Whether it holds a session open rather than being checked now and then.
    pub fn is_session(&self) -> bool {
        self.kind() != Kind::Http
    }

    /// How well it did over its objective's window, 0 to 1: of checks the good ones, of a session the time in which it was
    /// open. `None`: nothing is known.
    pub fn success(&self, now: Wall) -> Option<f64> {
        if self.is_session() {
            let window = self.profile.as_ref().map_or(Duration::from_secs(3600), |profile| profile.objective.window);
            self.lane.availability(now.minus(window), now)
        } else {
            self.series.success()
        }
    }

    /// Whether the session leaves WebSocket out, as far as it has been seen; `None`: there is no choice of transports.
    pub fn polling_only(&self) -> Option<bool> {
        let profile = self.profile.as_ref().filter(|profile| profile.kind == Kind::SocketIo)?;
        let transports = &profile.socketio.transports;
        if !Transport::ALL.iter().all(|transport| transports.contains(transport)) {
            return None;
        }
        let stuck = self.socketio.as_ref().and_then(|seen| seen.stuck.as_ref());
        Some(stuck.is_some_and(|(why, _)| *why == Stuck::NotWanted))
    }

    /// How far two latency samples usually lie apart.
    pub fn cadence(&self) -> Duration {
        match &self.profile {
            Some(profile) if profile.kind == Kind::WebSocket => profile.websocket.ping.unwrap_or(profile.interval),
            Some(profile) if profile.kind == Kind::SocketIo => {
                let open = self.socketio.as_ref().and_then(|seen| seen.open.as_ref());
                open.map_or(profile.interval, |open| open.ping_interval)
            }
            Some(profile) => profile.interval,
            None => Duration::from_secs(30),
        }
    }

    /// The latency of each beat in milliseconds, `None` where there is none: the sparkline.
    pub fn sparkline(&self) -> impl ExactSizeIterator<Item = Option<f32>> {
        self.beats.iter().map(|beat| beat.latency.map(|took| took.as_secs_f32() * 1e3))
    }

    /// The reason worth telling: of the state, or else of the last check.
    pub fn current_reason(&self) -> Option<&Reason> {
        self.reason.as_ref().or_else(|| self.last_check.as_ref().and_then(|(_, report)| report.reason.as_ref()))
    }

    /// From when on memory has every sample, segment and mark; `None`: it has nothing.
    pub fn known_since(&self) -> Option<Wall> {
        let remembered = self.remembered_since()?;
        Some(self.whole_from.map_or(remembered, |whole| whole.max(remembered)))
    }

    fn remembered_since(&self) -> Option<Wall> {
        let first_sample = self.series.first().map(|sample| sample.at);
        let first_segment = self.lane.first_at();
        let whole = self.series.first_index() == 0 && !self.lane.is_cut() && self.attempts.forgotten() == 0;
        match (first_sample, first_segment) {
            (Some(sample), Some(segment)) if !whole => Some(sample.max(segment)),
            (Some(sample), Some(segment)) => Some(sample.min(segment)),
            (one, other) => one.or(other),
        }
    }

    pub(super) fn set_profile(&mut self, profile: Arc<Profile>) {
        self.name = profile.name.as_str().into();
        self.beats.set_slot(profile.interval);
        self.series.set_window(profile.objective.window);
        self.profile = Some(profile);
        self.problems = None;
    }

    pub(super) fn seed(&mut self, past: Past) {
        self.whole_from = past.whole_from;
        past.beats.into_iter().for_each(|beat| self.beats.push(beat));
        past.samples.into_iter().for_each(|sample| {
            if sample.cors {
                self.cors.push(sample.at);
            }
            self.series.push(sample);
        });
        for mut segment in past.segments {
            // What was open when the history ended is not known to have lasted.
            segment.to = segment.to.or(Some(segment.from));
            self.lane.push(segment);
        }
        past.attempts.into_iter().for_each(|at| {
            self.attempts.push(at);
        });
        for event in past.events {
            self.remember(event);
        }
        self.last_check = past.last_check.or(self.last_check.take());
        self.last_handshake = past.last_handshake.or(self.last_handshake.take());
        self.last_close = past.last_close.or(self.last_close.take());
        self.last_audit = past.last_audit.or(self.last_audit.take());
        self.last_latency = self.last_check.as_ref().and_then(|(_, report)| report.latency());
    }

    /// Keeps the event; hands back what had to go for it.
    pub(super) fn remember(&mut self, event: Arc<Event>) -> Option<Arc<Event>> {
        self.kept_mut(event.body.class()).push(event)
    }

    /// What is remembered of that class, oldest first.
    pub fn kept(&self, class: Class) -> &Ring<Arc<Event>> {
        match class {
            Class::Events => &self.events,
            Class::Frames => &self.frames,
            Class::Messages => &self.messages,
        }
    }

    pub(super) fn kept_mut(&mut self, class: Class) -> &mut Ring<Arc<Event>> {
        match class {
            Class::Events => &mut self.events,
            Class::Frames => &mut self.frames,
            Class::Messages => &mut self.messages,
        }
    }

    /// Takes the event into the picture. True where the roster's order or counts may have changed.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        let at = event.at;
        if self.is_session() {
            self.beats.fill(at, self.since.map(|_| self.state), self.reason.as_ref());
        }
        self.series.advance(at);
        if let Some(reading) = read(self.kind(), &event.body) {
            self.series.push(Sample::new(at, reading));
            if reading.cors {
                self.cors.push(at);
            }
            if reading.what.on_line() && reading.took.is_some() {
                self.last_latency = reading.took;
            }
        }
        if self.socketio.is_some() || SocketIoSeen::concerns(&event.body) {
            self.socketio.get_or_insert_default().apply(event);
        }
        match &event.body {
            EventBody::Check(report) => {
                if !self.is_session() {
                    self.beats.check(at, report);
                }
                self.last_check = Some((at, self.with_answers(report)));
            }
            EventBody::Audited(audited) => self.last_audit = Some((at, Arc::clone(audited))),
            EventBody::State { to, reason, attempt, .. } => {
                let first = self.since.is_none();
                if first || self.state != *to {
                    self.since = Some(at);
                }
                self.state = *to;
                self.reason.clone_from(reason);
                self.attempt = *attempt;
                self.retry = None;
                self.lane.enter(at, *to, reason.clone());
                if self.is_session() {
                    if first {
                        self.beats.fill(at, Some(*to), reason.as_ref());
                    }
                    self.beats.enter(*to, reason.as_ref());
                }
                return true;
            }
            EventBody::Attempt { attempt } => {
                self.attempt = *attempt;
                self.retry = None;
                if self.since.is_some() && is_reconnect(self.state) {
                    self.attempts.push(at);
                }
            }
            EventBody::Handshake { attempt, exchange, reason, protocol } => {
                self.last_handshake = Some(HandshakeSeen {
                    at,
                    attempt: *attempt,
                    exchange: Arc::clone(exchange),
                    reason: reason.clone(),
                    protocol: protocol.clone(),
                });
            }
            EventBody::Retry { attempt, wait, until } => {
                self.retry = Some(Retry { attempt: *attempt, wait: *wait, until: *until });
            }
            EventBody::Pong { rtt, .. } => self.beats.round_trip(*rtt),
            EventBody::Closed { facts, .. } => self.last_close = Some((at, facts.clone())),
            EventBody::IncidentOpened { reason, failures } => {
                self.incident = Some(Incident { since: at, reason: reason.clone(), failures: *failures });
            }
            EventBody::IncidentClosed { .. } => self.incident = None,
            EventBody::Panicked { message, .. } => self.panicked = Some((at, message.clone())),
            EventBody::Started { .. }
            | EventBody::Stopped
            | EventBody::Profile { .. }
            | EventBody::Frame(_)
            | EventBody::Transport { .. }
            | EventBody::Namespace { .. }
            | EventBody::Message(_)
            | EventBody::Heartbeat { .. }
            | EventBody::SignIn { .. }
            | EventBody::Offline { .. }
            | EventBody::Online { .. }
            | EventBody::Woke { .. }
            | EventBody::NetworkChanged
            | EventBody::Notified { .. }
            | EventBody::Recording { .. }
            | EventBody::Lost { .. } => {}
        }
        false
    }

    /// Watching ended at `at` (or was last heard from then): what lasted is not known to have gone on.
    pub(super) fn stop(&mut self, at: Wall) {
        self.lane.end(at);
        if let Some(seen) = &mut self.socketio {
            seen.close(at, ClosedBy::Client);
        }
        self.state = State::Disconnected;
        self.since = None;
        self.reason = None;
        self.attempt = 0;
        self.retry = None;
    }
}
