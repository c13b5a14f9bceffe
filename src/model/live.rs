//! The live picture of everything: profiles by id, and what is true of the program and the machine.
//!
//! Invariant: memory is bounded by [`Limits`]; of events, by their weight together, oldest first out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Order, Past, Roster, Watched};
use crate::base::{Problem, ProfileId, Ring, Wall};
use crate::profile::Profile;
use crate::watch::{Class, Event, EventBody, ProfileChange};
use crate::wire::{Exchange, Phase};

/// How much the live picture remembers. All but the last two are per profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub beats: usize,
    pub samples: usize,
    pub segments: usize,
    /// Reconnect attempts, and CORS failures.
    pub marks: usize,
    pub events: usize,
    pub frames: usize,
    pub messages: usize,
    /// Events about no profile.
    pub global_events: usize,
    /// Events, frames and messages of all profiles together, in bytes, roughly.
    pub event_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            beats: 60,
            samples: 7_200,
            segments: 2_000,
            marks: 2_000,
            events: 2_000,
            frames: 2_000,
            messages: 2_000,
            global_events: 500,
            event_bytes: 48 * 1024 * 1024,
        }
    }
}

/// This machine is offline, or every endpoint fails in the same phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offline {
    pub since: Wall,
    pub phase: Option<Phase>,
    pub affected: u32,
}

/// History is not being kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingProblem {
    pub since: Wall,
    pub problem: Box<str>,
}

/// The live picture.
#[derive(Clone, Debug, Default)]
pub struct Live {
    limits: Limits,
    profiles: BTreeMap<ProfileId, Watched>,
    /// Events about no profile, oldest first.
    events: Option<Ring<Arc<Event>>>,
    /// Every remembered event of a profile in the order of coming: what goes first when there are too many.
    remembered: VecDeque<(ProfileId, u64, Class)>,
    event_bytes: usize,
    /// How many of `remembered` are still in a ring.
    kept: usize,
    offline: Option<Offline>,
    recording: Option<RecordingProblem>,
    lost: BTreeMap<Box<str>, u64>,
    lateness: Option<Ring<f32>>,
    last_at: Option<Wall>,
    last_seq: u64,
    version: u64,
    roster_version: u64,
}

impl Live {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    // ---- What is to be watched ---------------------------------------------------------------------------------------

    /// The profile is there, new or changed.
    pub fn set_profile(&mut self, id: ProfileId, profile: Arc<Profile>) {
        self.watched_mut(id).set_profile(profile);
        self.touched(id, true);
    }

    /// The profile's file is there and can't be used.
    pub fn set_broken(&mut self, id: ProfileId, name: &str, problems: Vec<Problem>) {
        let watched = self.watched_mut(id);
        watched.name = name.into();
        watched.profile = None;
        watched.problems = Some(problems.into());
        self.touched(id, true);
    }

    /// The profile's file is gone. Its past stays until the program ends, so that undoing brings it back whole.
    pub fn remove(&mut self, id: ProfileId) {
        if let Some(watched) = self.profiles.get_mut(&id) {
            watched.profile = None;
            watched.problems = None;
            let at = self.last_at.unwrap_or_default();
            watched.stop(at);
            self.touched(id, true);
        }
    }

    /// What the history knows of a profile; before any event of it is applied.
    pub fn seed(&mut self, id: ProfileId, mut past: Past) {
        let newest = past.events.last().map(|event| (event.at, event.seq));
        // A ring keeps the newest: more than it holds would only be forgotten again.
        for class in Class::ALL {
            let keep = match class {
                Class::Events => self.limits.events,
                Class::Frames => self.limits.frames,
                Class::Messages => self.limits.messages,
            };
            let of_class = past.events.iter().filter(|event| event.body.class() == class).count();
            let mut extra = of_class.saturating_sub(keep);
            past.events.retain(|event| {
                let drop = event.body.class() == class && extra != 0;
                extra -= usize::from(drop);
                !drop
            });
        }
        let remembered: Vec<_> =
            past.events.iter().map(|event| (event.seq, event.body.class(), weight(event))).collect();
        self.watched_mut(id).seed(past);
        for (seq, class, weight) in remembered {
            self.remembered.push_back((id, seq, class));
            self.event_bytes += weight;
            self.kept += 1;
        }
        self.shed();
        if let Some((at, seq)) = newest {
            self.last_at = self.last_at.max(Some(at));
            self.last_seq = self.last_seq.max(seq);
        }
        self.touched(id, true);
    }

    // ---- What happens ------------------------------------------------------------------------------------------------

    /// Takes an event into the picture.
    pub fn apply(&mut self, event: &Arc<Event>) {
        match &event.body {
            EventBody::Started { .. } => {
                // Between the last thing heard and this nobody watched.
                let until = self.last_at.unwrap_or(event.at).min(event.at);
                self.profiles.values_mut().for_each(|watched| watched.stop(until));
                self.offline = None;
                self.all_touched();
            }
            EventBody::Stopped => {
                self.profiles.values_mut().for_each(|watched| watched.stop(event.at));
                self.all_touched();
            }
            EventBody::Offline { phase, affected } => {
                self.offline = Some(Offline { since: event.at, phase: *phase, affected: *affected });
            }
            EventBody::Online { .. } => self.offline = None,
            EventBody::Recording { on, problem } => {
                self.recording = (!on).then(|| RecordingProblem {
                    since: event.at,
                    problem: problem.clone().unwrap_or_else(|| "recording stopped".into()),
                });
            }
            EventBody::Lost { consumer, count } => *self.lost.entry(consumer.clone()).or_default() += count,
            EventBody::Check(report) => {
                let ring = self.lateness.get_or_insert_with(|| Ring::new(4096));
                ring.push(report.lateness.as_secs_f32() * 1e3);
            }
            EventBody::Profile { .. }
            | EventBody::Audited(_)
            | EventBody::State { .. }
            | EventBody::Attempt { .. }
            | EventBody::Handshake { .. }
            | EventBody::Retry { .. }
            | EventBody::Frame(_)
            | EventBody::Pong { .. }
            | EventBody::Transport { .. }
            | EventBody::Namespace { .. }
            | EventBody::Message(_)
            | EventBody::Heartbeat { .. }
            | EventBody::SignIn { .. }
            | EventBody::Closed { .. }
            | EventBody::IncidentOpened { .. }
            | EventBody::IncidentClosed { .. }
            | EventBody::Woke { .. }
            | EventBody::NetworkChanged
            | EventBody::Notified { .. }
            | EventBody::Panicked { .. } => {}
        }
        self.last_at = self.last_at.max(Some(event.at));
        self.last_seq = self.last_seq.max(event.seq);
        self.version += 1;
        let Some(id) = event.profile else {
            let capacity = self.limits.global_events;
            self.events.get_or_insert_with(|| Ring::new(capacity)).push(Arc::clone(event));
            return;
        };
        let watched = self.watched_mut(id);
        if let EventBody::Profile { change: ProfileChange::Added, name } = &event.body
            && !watched.is_listed()
        {
            watched.name = (&**name).into();
        }
        let moved = watched.apply(event);
        let gone = watched.remember(Arc::clone(event));
        self.event_bytes += weight(event);
        self.kept += 1;
        if let Some(gone) = gone {
            self.event_bytes -= weight(&gone).min(self.event_bytes);
            self.kept -= 1;
        }
        self.remembered.push_back((id, event.seq, event.body.class()));
        self.shed();
        self.touched(id, moved);
    }

    /// Time passed: quiet sessions get their beats. True where the picture changed. To be called about once a second.
    pub fn tick(&mut self, now: Wall) -> bool {
        let mut changed = false;
        for watched in self.profiles.values_mut() {
            if watched.is_session() && watched.since.is_some() {
                let reason = watched.reason.clone();
                if watched.beats.fill(now, Some(watched.state), reason.as_ref()) {
                    watched.version += 1;
                    changed = true;
                }
            }
        }
        self.version += u64::from(changed);
        changed
    }

    // ---- What there is to see ----------------------------------------------------------------------------------------

    pub fn get(&self, id: ProfileId) -> Option<&Watched> {
        self.profiles.get(&id)
    }

    /// Every listed profile, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Watched> {
        self.profiles.values().filter(|watched| watched.is_listed())
    }

    /// The profile of that name, or of that name without regard to case.
    pub fn find(&self, name: &str) -> Option<&Watched> {
        let alike = |watched: &&Watched| watched.name.eq_ignore_ascii_case(name);
        self.iter().find(|watched| &*watched.name == name).or_else(|| self.iter().find(alike))
    }

    /// Groups and rows in order. Build it again when [`Live::roster_version`] has risen.
    pub fn roster(&self, order: Order) -> Roster {
        Roster::build(self.iter(), order)
    }

    pub fn offline(&self) -> Option<Offline> {
        self.offline
    }

    /// `None`: history is being kept.
    pub fn recording_problem(&self) -> Option<&RecordingProblem> {
        self.recording.as_ref()
    }

    /// Events that did not reach a consumer, by the consumer's name.
    pub fn lost(&self) -> &BTreeMap<Box<str>, u64> {
        &self.lost
    }

    /// Events about no profile, oldest first.
    pub fn global_events(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.events.iter().flat_map(Ring::iter)
    }

    /// How late checks started, at that quantile (0 to 1) of the last 4,096; `None`: none has been made.
    pub fn lateness(&self, quantile: f64) -> Option<Duration> {
        let mut all: Vec<f32> = self.lateness.iter().flat_map(Ring::iter).copied().collect();
        let ms = super::columns::quantile(&mut all, quantile)?;
        Some(Duration::from_secs_f32(ms.max(0.0) / 1e3))
    }

    /// When the newest event happened.
    pub fn last_at(&self) -> Option<Wall> {
        self.last_at
    }

    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Rises where rows, their names, groups or states changed.
    pub fn roster_version(&self) -> u64 {
        self.roster_version
    }

    // ---- Inside ------------------------------------------------------------------------------------------------------

    fn watched_mut(&mut self, id: ProfileId) -> &mut Watched {
        self.profiles.entry(id).or_insert_with(|| Watched::new(id, &self.limits))
    }

    fn touched(&mut self, id: ProfileId, roster: bool) {
        self.version += 1;
        self.roster_version += u64::from(roster);
        if let Some(watched) = self.profiles.get_mut(&id) {
            watched.version += 1;
        }
    }

    fn all_touched(&mut self) {
        self.version += 1;
        self.roster_version += 1;
        self.profiles.values_mut().for_each(|watched| watched.version += 1);
    }

    /// Lets the oldest events go until the rest is light enough.
    fn shed(&mut self) {
        while self.limits.event_bytes < self.event_bytes {
            let Some((id, seq, class)) = self.remembered.pop_front() else { return };
            let Some(watched) = self.profiles.get_mut(&id) else { continue };
            let ring = watched.kept_mut(class);
            if ring.first().is_some_and(|first| first.seq == seq)
                && let Some(gone) = ring.pop_first()
            {
                self.event_bytes -= weight(&gone).min(self.event_bytes);
                self.kept = self.kept.saturating_sub(1);
            }
        }
        // What a full ring forgot is still in the queue: swept out once it is the larger part of it.
        if 2 * self.kept + 1024 < self.remembered.len() {
            let profiles = &self.profiles;
            self.remembered.retain(|(id, seq, class)| {
                let ring = profiles.get(id).map(|watched| watched.kept(*class));
                ring.and_then(Ring::first).is_some_and(|first| first.seq <= *seq)
            });
        }
    }
}

/// About how many bytes an event holds.
fn weight(event: &Event) -> usize {
    let exchange = |exchange: &Exchange| {
        let fields = |headers: &crate::wire::Headers| -> usize {
            headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
        };
        let answer = exchange.response().map_or(0, |answer| fields(&answer.headers) + answer.body.len());
        512 + fields(&exchange.request.headers) + exchange.request.body.len() + answer
    };
    let inside = match &event.body {
        EventBody::Check(report) => report.exchanges.iter().map(|one| exchange(one)).sum::<usize>() + 256,
        EventBody::Handshake { exchange: one, .. } => exchange(one),
        EventBody::SignIn { exchange: Some(one), .. } => exchange(one),
        EventBody::Frame(frame) => frame.payload.len(),
        EventBody::Message(message) => message.data.len() + message.event.len() + message.namespace.len() + 192,
        _ => 0,
    };
    192 + inside
}

#[cfg(test)]
mod tests;
