//! The tables of events, of frames and of messages: rows as text, filtered, kept from frame to frame.
//!
//! Invariant: a row is made once; what is new is added, what memory forgot is dropped.

mod row;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::filter::Filter;
use super::plots::View;
use crate::base::{ProfileId, Wall};
use crate::model::Live;
use crate::watch::{Class, Event, EventBody, MessageKind, NamespaceChange, Outcome, TransportStep};

pub use row::{EventRow, arrow, message_facts, one_line, pretty, pretty_json, pretty_message, preview};

/// More rows than this are not shown at once: the oldest go.
pub const MOST: usize = 5_000;

/// Which rows a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Events; frames and messages among them only where the filter asks for them.
    Events,
    Frames,
    /// Socket.IO's events and acknowledgements.
    Messages,
}

impl Which {
    pub fn word(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Frames => "Frames",
            Self::Messages => "Messages",
        }
    }
}

/// A table's rows, kept.
#[derive(Clone, Debug)]
pub struct Table {
    which: Which,
    profile: Option<ProfileId>,
    rows: VecDeque<EventRow>,
    last_seq: u64,
    /// What its rows are of.
    classes: Vec<Class>,
    /// Rows of the history, older than memory's.
    past: Vec<EventRow>,
    /// What the person typed.
    pub typed: String,
    filter: Filter,
    /// Pings, pongs and application heartbeats are left out.
    pub hide_heartbeats: bool,
    /// Kinds of the chip that is on; `None`: all.
    pub chip: Option<Chip>,
    applied: (String, bool, Option<Chip>),
    shown: Vec<u32>,
    shown_view: Option<(Wall, Wall)>,
    dirty: bool,
    /// Rises when the shown rows change.
    pub version: u64,
    /// The row that is open beside it, by its event's number.
    pub open: Option<u64>,
}

/// The common filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chip {
    /// Failures, losses, incidents.
    Problems,
    States,
    Checks,
    /// Attempts, handshakes, retries, closes.
    Session,
    Frames,
}

impl Chip {
    pub const ALL: [Self; 5] = [Self::Problems, Self::States, Self::Checks, Self::Session, Self::Frames];

    pub fn word(self) -> &'static str {
        match self {
            Self::Problems => "Problems",
            Self::States => "States",
            Self::Checks => "Checks",
            Self::Session => "Session",
            Self::Frames => "Frames",
        }
    }

    fn takes(self, body: &EventBody) -> bool {
        match self {
            Self::Problems => match body {
                EventBody::Check(report) => matches!(report.outcome, Outcome::Down | Outcome::Degraded),
                EventBody::State { to, .. } => to.is_failure(),
                EventBody::Handshake { reason, .. } => reason.is_some(),
                EventBody::Closed { facts, .. } => !facts.script.clean,
                EventBody::Notified { problem, .. } => problem.is_some(),
                EventBody::Audited(audited) => audited.changed.as_ref().is_some_and(|change| !change.opened.is_empty()),
                EventBody::Recording { on, .. } => !on,
                EventBody::Transport { step, .. } => {
                    matches!(step, TransportStep::Stuck { .. } | TransportStep::FellBack { .. })
                }
                EventBody::Namespace { change, .. } => matches!(change, NamespaceChange::Refused { .. }),
                EventBody::SignIn { reason, .. } => reason.is_some(),
                EventBody::Message(message) => message.kind == MessageKind::AckMissing,
                EventBody::IncidentOpened { .. }
                | EventBody::Offline { .. }
                | EventBody::Lost { .. }
                | EventBody::Panicked { .. } => true,
                _ => false,
            },
            Self::States => matches!(
                body,
                EventBody::State { .. } | EventBody::IncidentOpened { .. } | EventBody::IncidentClosed { .. }
            ),
            Self::Checks => matches!(body, EventBody::Check(_)),
            Self::Session => matches!(
                body,
                EventBody::Attempt { .. }
                    | EventBody::Handshake { .. }
                    | EventBody::Retry { .. }
                    | EventBody::Closed { .. }
                    | EventBody::Pong { .. }
                    | EventBody::Transport { .. }
                    | EventBody::Namespace { .. }
                    | EventBody::Heartbeat { .. }
                    | EventBody::SignIn { .. }
            ),
            Self::Frames => matches!(body, EventBody::Frame(_)),
        }
    }
}

impl Table {
    pub fn new(which: Which) -> Self {
        Self {
            which,
            profile: None,
            rows: VecDeque::new(),
            last_seq: 0,
            classes: Vec::new(),
            past: Vec::new(),
            typed: String::new(),
            filter: Filter::default(),
            hide_heartbeats: which == Which::Frames,
            chip: None,
            applied: (String::new(), which == Which::Frames, None),
            shown: Vec::new(),
            shown_view: None,
            dirty: true,
            version: 0,
            open: None,
        }
    }

    /// What its rows are of.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn wants(&self, class: Class) -> bool {
        match (self.which, class) {
            (Which::Events, Class::Events) | (Which::Frames, Class::Frames) | (Which::Messages, Class::Messages) => {
                true
            }
            (Which::Events, class) => {
                class == Class::Frames && self.chip == Some(Chip::Frames) || self.filter.asks_for(class)
            }
            (Which::Frames | Which::Messages, _) => false,
        }
    }

    /// Takes what is new, and what was typed, into the rows. `view`: only what lies in it is shown.
    pub fn refresh(&mut self, live: &Live, id: ProfileId, view: View, zone: &TimeZone) {
        let now = (self.typed.clone(), self.hide_heartbeats, self.chip);
        if self.applied != now {
            self.filter = Filter::parse(&self.typed);
            self.applied = now;
            self.dirty = true;
        }
        let classes: Vec<Class> = Class::ALL.into_iter().filter(|class| self.wants(*class)).collect();
        if self.profile != Some(id) || self.classes != classes {
            self.profile = Some(id);
            self.classes = classes;
            self.rows.clear();
            self.past.clear();
            self.last_seq = 0;
            self.dirty = true;
        }
        self.take_new(live, id, zone);
        let edges = Some((view.from, view.to));
        if self.dirty || self.shown_view != edges {
            self.shown_view = edges;
            self.dirty = false;
            self.show(view);
        }
    }

    fn take_new(&mut self, live: &Live, id: ProfileId, zone: &TimeZone) {
        let Some(watched) = live.get(id) else { return };
        let after = self.last_seq;
        let mut fresh: Vec<&Arc<Event>> = Vec::new();
        fn newer<'a>(
            events: impl DoubleEndedIterator<Item = &'a Arc<Event>>,
            after: u64,
        ) -> impl Iterator<Item = &'a Arc<Event>> {
            events.rev().take_while(move |event| after < event.seq).take(MOST)
        }
        for class in &self.classes {
            fresh.extend(newer(watched.kept(*class).iter(), after));
        }
        if self.classes.contains(&Class::Events) {
            fresh.extend(newer(live.global_events(), after));
        }
        if fresh.is_empty() {
            return;
        }
        fresh.sort_by_key(|event| event.seq);
        let skip = fresh.len().saturating_sub(MOST);
        for event in fresh.into_iter().skip(skip) {
            self.last_seq = event.seq;
            self.rows.push_back(EventRow::new(Arc::clone(event), zone));
        }
        while MOST < self.rows.len() {
            self.rows.pop_front();
        }
        self.dirty = true;
    }

    /// Rows of the history, oldest first; those that memory has too are left out.
    pub fn set_past(&mut self, events: &[Arc<Event>], zone: &TimeZone) {
        let first = self.rows.front().map_or(u64::MAX, |row| row.event.seq);
        let wanted = |event: &&Arc<Event>| event.seq < first && self.classes.contains(&event.body.class());
        self.past = events.iter().filter(wanted).map(|event| EventRow::new(Arc::clone(event), zone)).collect();
        self.dirty = true;
    }

    /// From when on memory has the rows; `None`: it has none.
    pub fn known_since(&self) -> Option<Wall> {
        self.rows.front().map(|row| row.event.at)
    }

    fn show(&mut self, view: View) {
        self.version += 1;
        self.shown.clear();
        for (index, row) in self.past.iter().chain(&self.rows).enumerate() {
            let inside = view.from <= row.event.at && row.event.at <= view.to;
            let body = &row.event.body;
            let quiet = match body {
                EventBody::Frame(frame) => self.hide_heartbeats && frame.heartbeat,
                // One every few seconds would drown the rest: they are there for who asks.
                EventBody::Pong { .. } | EventBody::Heartbeat { .. } => {
                    self.filter.is_empty() && self.chip != Some(Chip::Session)
                }
                _ => false,
            };
            let by_chip = self.chip.is_none_or(|chip| chip.takes(body));
            if inside && !quiet && by_chip && (self.filter.is_empty() || self.filter.matches(&row.facts())) {
                self.shown.push(u32::try_from(index).unwrap_or(u32::MAX));
            }
        }
    }

    /// How many rows are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many rows there are, shown or not.
    pub fn total(&self) -> usize {
        self.past.len() + self.rows.len()
    }

    /// The `index`th shown row.
    pub fn get(&self, index: usize) -> Option<&EventRow> {
        let at = *self.shown.get(index)? as usize;
        self.past.get(at).or_else(|| self.rows.get(at.checked_sub(self.past.len())?))
    }

    /// The shown row of that event.
    pub fn by_seq(&self, seq: u64) -> Option<&EventRow> {
        let index = self.shown.partition_point(|at| self.seq_at(*at) < seq);
        self.get(index).filter(|row| row.event.seq == seq)
    }

    fn seq_at(&self, at: u32) -> u64 {
        let at = at as usize;
        let row = self.past.get(at).or_else(|| self.rows.get(at.wrapping_sub(self.past.len())));
        row.map_or(0, |row| row.event.seq)
    }

    /// Index of the shown row nearest to that instant.
    pub fn nearest(&self, at: Wall) -> Option<usize> {
        let distance = |index: usize| self.get(index).map_or(u64::MAX, |row| row.event.at.0.abs_diff(at.0));
        (0..self.len()).min_by_key(|index| distance(*index))
    }

    /// The events that are shown, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        (0..self.len()).filter_map(|index| self.get(index)).map(|row| &row.event)
    }
}

#[cfg(test)]
mod tests;
