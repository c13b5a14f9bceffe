//! The heartbeat bar: the last few checks, or slots of a session's time, newest last.
//!
//! Invariant: a slot in which nothing watched has no state; it is drawn as nothing.

use std::time::Duration;

use crate::base::{Ring, Wall};
use crate::watch::{CheckReport, Outcome, Reason, State};
use crate::wire::Phases;

/// One beat.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    pub at: Wall,
    /// How long a session's slot is; zero for a check.
    pub span: Duration,
    /// The check's state, or the worst of the slot; `None`: unknown.
    pub state: Option<State>,
    /// Up, and worse than its objective.
    pub degraded: bool,
    /// Of a check where it came out well; of a slot its slowest round trip.
    pub latency: Option<Duration>,
    /// A check's; all `None` for a slot.
    pub phases: Phases,
    pub reason: Option<Reason>,
}

impl Beat {
    /// A check's beat.
    pub fn of_check(at: Wall, report: &CheckReport) -> Self {
        Self {
            at,
            span: Duration::ZERO,
            state: (report.outcome != Outcome::Unknown).then_some(report.state),
            degraded: report.outcome == Outcome::Degraded,
            latency: report.latency(),
            phases: report.phases,
            reason: report.reason.clone(),
        }
    }
}

/// A profile's beats.
#[derive(Clone, Debug)]
pub struct Beats {
    ring: Ring<Beat>,
    slot: Duration,
}

impl Beats {
    pub fn new(capacity: usize) -> Self {
        Self { ring: Ring::new(capacity), slot: Duration::from_secs(60) }
    }

    /// How long a session's slot is from now on: as long as two checks are apart, from a second to a minute, so that a
    /// session's bar covers about the time that a check's does.
    pub fn set_slot(&mut self, interval: Duration) {
        self.slot = interval.clamp(Duration::from_secs(1), Duration::from_secs(60));
    }

    /// A check came to its end.
    pub fn check(&mut self, at: Wall, report: &CheckReport) {
        self.ring.push(Beat::of_check(at, report));
    }

    /// Fills a session's slots up to `now` with the state that lasts; true where a slot was added. At most as many slots
    /// as the ring holds are filled, however long nothing was heard.
    pub fn fill(&mut self, now: Wall, state: Option<State>, reason: Option<&Reason>) -> bool {
        let slot_us = i64::try_from(self.slot.as_micros()).unwrap_or(i64::MAX).max(1);
        let newest = now.0.div_euclid(slot_us);
        let next = match self.ring.last() {
            Some(last) if last.span == self.slot => last.at.0.div_euclid(slot_us) + 1,
            _ => newest,
        };
        let keep = 64;
        let first = next.max(newest.saturating_sub(keep));
        for index in first..=newest {
            self.ring.push(Beat {
                at: Wall(index.saturating_mul(slot_us)),
                span: self.slot,
                state,
                degraded: false,
                latency: None,
                phases: Phases::default(),
                reason: reason.cloned(),
            });
        }
        first <= newest
    }

    /// The session enters a state: the slot shows the worst of its states.
    pub fn enter(&mut self, state: State, reason: Option<&Reason>) {
        if let Some(last) = self.ring.last_mut()
            && last.state.is_none_or(|seen| seen.severity() < state.severity() || !is_telling(seen))
        {
            last.state = Some(state);
            last.reason = reason.cloned();
        }
    }

    /// A round trip of the session: the slot shows the slowest.
    pub fn round_trip(&mut self, rtt: Duration) {
        if let Some(last) = self.ring.last_mut() {
            last.latency = Some(last.latency.map_or(rtt, |seen| seen.max(rtt)));
        }
    }

    /// Adds a beat of the past.
    pub fn push(&mut self, beat: Beat) {
        self.ring.push(beat);
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Beat> + ExactSizeIterator {
        self.ring.iter()
    }

    pub fn last(&self) -> Option<&Beat> {
        self.ring.last()
    }

    pub fn len(&self) -> usize {
        self.ring.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many beats are kept and forgotten together: rises by one a beat.
    pub fn total(&self) -> u64 {
        self.ring.forgotten() + self.ring.len() as u64
    }
}

/// Connecting and disconnected give way to whatever comes of them in the same slot.
fn is_telling(state: State) -> bool {
    !matches!(state, State::Connecting | State::Disconnected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn states(beats: &Beats) -> Vec<Option<&'static str>> {
        beats.iter().map(|beat| beat.state.map(State::code)).collect()
    }

    #[test]
    fn a_quiet_session_gets_a_beat_a_slot() {
        let mut beats = Beats::new(4);
        beats.set_slot(Duration::from_secs(10));
        assert!(beats.fill(Wall(3 * SECOND), Some(State::Connected), None));
        assert!(!beats.fill(Wall(9 * SECOND), Some(State::Connected), None));
        assert!(beats.fill(Wall(21 * SECOND), Some(State::Connected), None));
        assert_eq!(states(&beats), [Some("connected"); 3]);
        assert!(beats.fill(Wall(90_000 * SECOND), None, None));
        assert_eq!(states(&beats), [None; 4]);
    }

    #[test]
    fn a_slot_shows_its_worst_state_and_its_slowest_round_trip() {
        let mut beats = Beats::new(4);
        beats.fill(Wall(0), Some(State::Connected), None);
        beats.enter(State::Reconnecting, None);
        beats.enter(State::Connected, None);
        beats.round_trip(Duration::from_millis(9));
        beats.round_trip(Duration::from_millis(4));
        assert_eq!(states(&beats), [Some("reconnecting")]);
        assert_eq!(beats.last().and_then(|beat| beat.latency), Some(Duration::from_millis(9)));
    }

    #[test]
    fn connecting_gives_way_to_what_comes_of_it() {
        let mut beats = Beats::new(4);
        beats.fill(Wall(0), Some(State::Connecting), None);
        beats.enter(State::Connected, None);
        assert_eq!(states(&beats), [Some("connected")]);
    }
}
