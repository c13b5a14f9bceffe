//! The states of one profile as stretches of time.
//!
//! Invariants: segments are in order and do not overlap; time in which nothing watched belongs to no segment.

use crate::base::{Ring, Wall};
use crate::watch::{Reason, State};

/// One stretch in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub from: Wall,
    /// `None`: it lasts.
    pub to: Option<Wall>,
    pub state: State,
    pub reason: Option<Reason>,
}

impl Segment {
    /// The part of it inside `[from, to]`, an open end taken as `now`; `None` where nothing of it is.
    pub fn clip(&self, from: Wall, to: Wall, now: Wall) -> Option<(Wall, Wall)> {
        let start = self.from.max(from);
        let end = self.to.unwrap_or(now).min(to);
        (start < end).then_some((start, end))
    }
}

/// A profile's segments, the newest last and perhaps open.
#[derive(Clone, Debug)]
pub struct Lane(Ring<Segment>);

impl Lane {
    pub fn new(capacity: usize) -> Self {
        Self(Ring::new(capacity))
    }

    /// The state from `at` on. The same state with the same reason goes on as one segment.
    pub fn enter(&mut self, at: Wall, state: State, reason: Option<Reason>) {
        if let Some(last) = self.0.last_mut() {
            if last.to.is_none() && last.state == state && last.reason == reason {
                return;
            }
            let at = at.max(last.from);
            if last.to.is_none() {
                last.to = Some(at);
            }
        }
        let at = self.0.last().and_then(|last| last.to).map_or(at, |end| end.max(at));
        self.0.push(Segment { from: at, to: None, state, reason });
    }

    /// Nothing is known from `at` on.
    pub fn end(&mut self, at: Wall) {
        if let Some(last) = self.0.last_mut()
            && last.to.is_none()
        {
            last.to = Some(at.max(last.from));
        }
    }

    /// Adds a segment of the past.
    pub fn push(&mut self, segment: Segment) {
        self.end(segment.from);
        self.0.push(segment);
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> + ExactSizeIterator {
        self.0.iter()
    }

    /// Those that touch `[from, to]`.
    pub fn between(&self, from: Wall, to: Wall) -> impl DoubleEndedIterator<Item = &Segment> {
        let first = self.0.partition_point(|segment| segment.to.is_some_and(|end| end <= from));
        let end = self.0.partition_point(|segment| segment.from < to);
        self.0.range(first..end.max(first))
    }

    /// Where the lane's memory begins.
    pub fn first_at(&self) -> Option<Wall> {
        self.0.first().map(|segment| segment.from)
    }

    /// Whether something of the lane has been forgotten.
    pub fn is_cut(&self) -> bool {
        self.0.forgotten() != 0
    }

    pub fn last(&self) -> Option<&Segment> {
        self.0.last()
    }

    /// The share of the watched time since `from` in which the endpoint served: connected, of all but the time in which it
    /// was not asked to be (`disconnected`, `suspended`) or not yet known (`connecting`). `None` where that is no time.
    pub fn availability(&self, from: Wall, now: Wall) -> Option<f64> {
        let (mut up, mut all) = (0.0, 0.0);
        for segment in self.between(from, now) {
            let Some((start, end)) = segment.clip(from, now, now) else { continue };
            let took = end.since(start).as_secs_f64();
            match segment.state {
                State::Disconnected | State::Suspended | State::Connecting => {}
                State::Connected => {
                    up += took;
                    all += took;
                }
                State::Reconnecting | State::Error | State::AuthRequired | State::CorsError => all += took,
            }
        }
        (0.0 < all).then(|| up / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(moves: &[(i64, Option<State>)]) -> Lane {
        let mut lane = Lane::new(100);
        for (at, state) in moves {
            match state {
                Some(state) => lane.enter(Wall(*at), *state, None),
                None => lane.end(Wall(*at)),
            }
        }
        lane
    }

    fn text(lane: &Lane, from: i64, to: i64) -> Vec<String> {
        lane.between(Wall(from), Wall(to))
            .map(|s| format!("{} {}-{}", s.state.code(), s.from.0, s.to.map_or(String::new(), |to| to.0.to_string())))
            .collect()
    }

    #[test]
    fn states_follow_each_other_and_a_stop_leaves_a_hole() {
        let got =
            lane(&[(0, Some(State::Connecting)), (5, Some(State::Connected)), (9, None), (20, Some(State::Connected))]);
        assert_eq!(text(&got, 0, 30), ["connecting 0-5", "connected 5-9", "connected 20-"]);
        assert_eq!(text(&got, 9, 20), Vec::<String>::new());
        assert_eq!(text(&got, 4, 6), ["connecting 0-5", "connected 5-9"]);
    }

    #[test]
    fn the_same_state_again_is_one_segment() {
        let got = lane(&[(0, Some(State::Connected)), (5, Some(State::Connected))]);
        assert_eq!(text(&got, 0, 9), ["connected 0-"]);
    }

    #[test]
    fn availability_leaves_out_holes_and_what_nobody_asked_for() {
        let got = lane(&[
            (0, Some(State::Connected)),
            (60, Some(State::Reconnecting)),
            (80, None),
            (200, Some(State::Suspended)),
            (300, Some(State::Connected)),
        ]);
        assert_eq!(got.availability(Wall(0), Wall(320)), Some(0.8));
        assert_eq!(got.availability(Wall(210), Wall(290)), None);
    }

    #[test]
    fn a_clock_set_back_makes_no_overlap() {
        let got = lane(&[(10, Some(State::Connected)), (4, Some(State::Error)), (12, Some(State::Connected))]);
        assert_eq!(text(&got, 0, 20), ["connected 10-10", "error 10-12", "connected 12-"]);
    }
}
