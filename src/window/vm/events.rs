//! The tables of events and of frames: rows as text, filtered, kept from frame to frame.
//!
//! Invariant: a row is made once; what is new is added, what memory forgot is dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::filter::{Facts, Filter};
use super::plots::View;
use super::why::close_line;
use super::{local, words};
use crate::base::{ProfileId, Wall};
use crate::diagnosis::words as reasons;
use crate::model::Live;
use crate::watch::{Event, EventBody, Outcome, ProfileChange, State};
use crate::wire::{Direction, Frame};

/// More rows than this are not shown at once: the oldest go.
pub const MOST: usize = 5_000;

/// One event as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub event: Arc<Event>,
    /// `14:02:31.204`
    pub time: String,
    /// The kind as people read it.
    pub kind: &'static str,
    pub what: String,
    pub reason: String,
    /// The state whose shape stands at its start.
    pub mark: Option<State>,
    /// All of its words in lower case.
    hay: String,
}

impl EventRow {
    pub fn new(event: Arc<Event>, zone: &TimeZone) -> Self {
        let (what, mark) = told(&event.body);
        let reason = event.body.reason().map(reasons::phrase).unwrap_or_default();
        let time = local::millis(event.at, zone);
        let kind = kind_word(&event.body);
        let mut hay = format!("{time} {kind} {what} {reason}").to_lowercase();
        if let EventBody::Frame(frame) = &event.body
            && let Some(text) = frame.text()
        {
            hay.push(' ');
            hay.push_str(&text.to_lowercase());
        }
        Self { event, time, kind, what, reason, mark, hay }
    }

    fn facts(&self) -> Facts<'_> {
        let body = &self.event.body;
        let reason = body.reason();
        let mut facts = Facts {
            kind: body.kind(),
            code: reason.map(|reason| reason.code.as_str()),
            status: reason.and_then(|reason| reason.status),
            text: &self.hay,
            ..Facts::default()
        };
        match body {
            EventBody::Frame(frame) => {
                facts.dir = Some(frame.direction);
                facts.size = Some(frame.size);
                facts.opcode = Some(frame.opcode.word());
            }
            EventBody::Check(report) => {
                facts.state = Some(report.state.code());
                facts.status = report.status.or(facts.status);
            }
            EventBody::State { to, .. } => facts.state = Some(to.code()),
            EventBody::Handshake { exchange, .. } => facts.status = exchange.status().or(facts.status),
            _ => {}
        }
        facts
    }

    /// `2026-11-21T13:02:31.204Z`, told on hover.
    pub fn utc(&self) -> String {
        self.event.at.to_string()
    }

    /// One line of what is shown, for the clipboard and for exports.
    pub fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}", self.utc(), self.event.body.kind(), self.what, self.reason)
    }
}

/// A kind as people read it.
fn kind_word(body: &EventBody) -> &'static str {
    match body {
        EventBody::Started { .. } | EventBody::Stopped => "wirewatch",
        EventBody::Profile { .. } => "profile",
        EventBody::Check(_) => "check",
        EventBody::State { .. } => "state",
        EventBody::Attempt { .. } => "attempt",
        EventBody::Handshake { .. } => "handshake",
        EventBody::Retry { .. } => "retry",
        EventBody::Frame(_) => "frame",
        EventBody::Pong { .. } => "round trip",
        EventBody::Closed { .. } => "closed",
        EventBody::IncidentOpened { .. } | EventBody::IncidentClosed { .. } => "incident",
        EventBody::Notified { .. } => "notice",
        EventBody::Offline { .. } | EventBody::Online { .. } => "network",
        EventBody::Woke { .. } | EventBody::NetworkChanged => "machine",
        EventBody::Recording { .. } => "recording",
        EventBody::Lost { .. } => "lost",
        EventBody::Panicked { .. } => "fault",
    }
}

/// What happened, in words, and the state whose shape goes with it.
fn told(body: &EventBody) -> (String, Option<State>) {
    match body {
        EventBody::Started { version } => (format!("Version {version} began to watch"), None),
        EventBody::Stopped => ("Ended".into(), None),
        EventBody::Profile { change, name } => {
            let change = match change {
                ProfileChange::Added => "Added",
                ProfileChange::Changed => "Changed",
                ProfileChange::Removed => "Removed",
            };
            (format!("{change}: {name}"), None)
        }
        EventBody::Check(report) => {
            let mut text = reasons::outcome(report.outcome).to_owned();
            if let Some(took) = report.phases.total {
                text.push_str(&format!(", {}", words::latency(took)));
            }
            if let Some(status) = report.status {
                text.push_str(&format!(", {}", reasons::status_words(status)));
            }
            (text, (report.outcome != Outcome::Unknown).then_some(report.state))
        }
        EventBody::State { from, to, .. } if from == to => {
            (format!("{}, for another reason", reasons::state(*to)), Some(*to))
        }
        EventBody::State { from, to, .. } => {
            (format!("{}, was {}", reasons::state(*to), reasons::state(*from).to_lowercase_word()), Some(*to))
        }
        EventBody::Attempt { attempt } => (format!("Attempt {attempt} begins"), None),
        EventBody::Handshake { exchange, reason, protocol, .. } => {
            let status = exchange.status().map(reasons::status_words);
            let mut text = match (reason, status) {
                (None, _) => "Opened".to_owned(),
                (Some(_), Some(status)) => status,
                (Some(_), None) => "No answer".to_owned(),
            };
            if let Some(took) = exchange.phases.total {
                text.push_str(&format!(", {}", words::latency(took)));
            }
            if let Some(protocol) = protocol {
                text.push_str(&format!(", protocol {protocol}"));
            }
            (text, None)
        }
        EventBody::Retry { attempt, wait, .. } => (format!("Attempt {attempt} in {}", words::latency(*wait)), None),
        EventBody::Frame(frame) => (frame_line(frame), None),
        EventBody::Pong { rtt } => (words::latency(*rtt), None),
        EventBody::Closed { facts, open_for } => {
            (format!("{}; was open for {}", close_line(facts), words::lasted(*open_for)), None)
        }
        EventBody::IncidentOpened { failures, .. } => {
            (format!("Opened after {}", words::count(*failures as usize, "failure", "failures in a row")), None)
        }
        EventBody::IncidentClosed { lasted } => (format!("Over after {}", words::lasted(*lasted)), None),
        EventBody::Notified { way, problem } => match problem {
            None => (format!("Told by {way}"), None),
            Some(problem) => (format!("Could not tell by {way}: {problem}"), None),
        },
        EventBody::Offline { affected, .. } => (
            format!("This machine is offline; {} affected", words::count(*affected as usize, "profile", "profiles")),
            None,
        ),
        EventBody::Online { after } => (format!("This machine is online again after {}", words::lasted(*after)), None),
        EventBody::Woke { slept } => (format!("This machine slept for {}", words::lasted(*slept)), None),
        EventBody::NetworkChanged => ("This machine's network changed".into(), None),
        EventBody::Recording { on: true, .. } => ("History is being kept again".into(), None),
        EventBody::Recording { on: false, problem } => {
            let problem = problem.as_deref().unwrap_or("unknown");
            (format!("History is not being kept: {problem}"), None)
        }
        EventBody::Lost { consumer, count } => (
            format!(
                "{} did not reach {consumer}",
                words::count(usize::try_from(*count).unwrap_or(usize::MAX), "event", "events")
            ),
            None,
        ),
        EventBody::Panicked { task, message } => {
            (format!("{task} failed inside wirewatch and was started again: {message}"), None)
        }
    }
}

/// `→ text 412 B {"type":…`
fn frame_line(frame: &Frame) -> String {
    let arrow = arrow(frame.direction);
    format!("{arrow} {} {} {}", frame.opcode.word(), words::bytes(frame.size), preview(frame))
}

/// Out of us, or in to us.
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "←",
        Direction::Out => "→",
    }
}

/// The payload on one line, at most 200 characters of it.
pub fn preview(frame: &Frame) -> String {
    match frame.text() {
        Some(text) => {
            let mut line: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
            if 200 < text.chars().count() || (frame.payload.len() as u64) < frame.size {
                line.push('…');
            }
            line
        }
        None => hex(&frame.payload, 32),
    }
}

fn hex(bytes: &[u8], most: usize) -> String {
    let mut text: Vec<String> = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
    if most < bytes.len() {
        text.push("…".into());
    }
    text.join(" ")
}

/// The payload to be read: JSON with its levels, other text as it is, bytes as hex with their letters.
pub fn pretty(frame: &Frame) -> String {
    let cut = (frame.payload.len() as u64) < frame.size;
    let mut text = match frame.text() {
        Some(text) => {
            let json = serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .filter(|value| value.is_object() || value.is_array());
            json.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
        }
        None => frame
            .payload
            .chunks(16)
            .enumerate()
            .map(|(row, bytes)| {
                let letters: String =
                    bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
                format!("{:04x}  {:<47}  {letters}", row * 16, hex(bytes, 16))
            })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    if cut {
        text.push_str(&format!(
            "\n… the first {} of {}",
            words::bytes(frame.payload.len() as u64),
            words::bytes(frame.size)
        ));
    }
    text
}

/// Lower case but for words that are names: `CORS error` stays.
trait LowerWord {
    fn to_lowercase_word(&self) -> String;
}

impl LowerWord for str {
    fn to_lowercase_word(&self) -> String {
        let mut letters = self.chars();
        match (letters.next(), letters.next()) {
            (Some(first), Some(second)) if second.is_lowercase() => {
                first.to_lowercase().chain(self.chars().skip(1)).collect()
            }
            _ => self.to_owned(),
        }
    }
}

/// Which rows a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Events; frames among them only where the filter asks for them.
    Events,
    Frames,
}

/// A table's rows, kept.
#[derive(Clone, Debug)]
pub struct Table {
    which: Which,
    profile: Option<ProfileId>,
    rows: VecDeque<EventRow>,
    last_seq: u64,
    with_frames: bool,
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
                EventBody::Recording { on, .. } => !on,
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
            with_frames: which == Which::Frames,
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
        }
    }

    /// Whether frames are among its rows.
    pub fn with_frames(&self) -> bool {
        self.with_frames
    }

    /// Takes what is new, and what was typed, into the rows. `view`: only what lies in it is shown.
    pub fn refresh(&mut self, live: &Live, id: ProfileId, view: View, zone: &TimeZone) {
        let now = (self.typed.clone(), self.hide_heartbeats, self.chip);
        if self.applied != now {
            self.filter = Filter::parse(&self.typed);
            self.applied = now;
            self.dirty = true;
        }
        let with_frames =
            self.which == Which::Frames || self.chip == Some(Chip::Frames) || self.filter.asks_for_frames();
        if self.profile != Some(id) || self.with_frames != with_frames {
            self.profile = Some(id);
            self.with_frames = with_frames;
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
        if self.which == Which::Events {
            fresh.extend(newer(watched.events.iter(), after));
            fresh.extend(newer(live.global_events(), after));
        }
        if self.with_frames {
            fresh.extend(newer(watched.frames.iter(), after));
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
        let wanted =
            |event: &&Arc<Event>| event.seq < first && (self.with_frames || !matches!(event.body, EventBody::Frame(_)));
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
                EventBody::Pong { .. } => self.filter.is_empty() && self.chip != Some(Chip::Session),
                _ => false,
            };
            let by_chip = self.chip.is_none_or(|chip| chip.takes(body));
            if inside && !quiet && by_chip && self.filter.matches(&row.facts()) {
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
