//! When a batch is due: late enough that one transaction takes many events, early enough that none waits too long.
//!
//! Invariant: a batch's oldest event is on disk within [`AIM`] of its happening, as long as writing takes no longer than it
//! did.

use std::time::{Duration, Instant};

use crate::base::{Moment, Wall};

/// From an event to its commit. Well under the 250 ms that are promised: what the machine does besides comes on top.
const AIM: Duration = Duration::from_millis(120);
/// An event that is said to be older than this was stamped by another clock, or the clock was set.
const BELIEVED: Duration = Duration::from_secs(2);

/// Counts from the oldest event that waits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it happened; `None`: nothing waits.
    oldest: Option<Instant>,
    /// How long writing takes.
    cost: Duration,
}

impl Pace {
    /// An event of `at` came in, behind what waits already.
    pub(super) fn came(&mut self, at: Wall, now: Moment) {
        if self.oldest.is_none() {
            let age = Some(now.wall.since(at)).filter(|age| *age <= BELIEVED).unwrap_or_default();
            self.oldest = Some(now.mono.checked_sub(age).unwrap_or(now.mono));
        }
    }

    /// Something was written within that time, and an event of `next` is the oldest that still waits.
    pub(super) fn wrote(&mut self, took: Duration, next: Option<Wall>, now: Moment) {
        // One slow commit is expected to be followed by another, less and less.
        self.cost = took.max(self.cost * 7 / 8);
        self.oldest = None;
        if let Some(next) = next {
            self.came(next, now);
        }
    }

    /// How long a batch may still gather; `None`: nothing waits.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.oldest?);
        Some(AIM.saturating_sub(age).saturating_sub(self.cost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    struct Scene {
        start: Moment,
        pace: Pace,
    }

    impl Scene {
        fn new() -> Self {
            Self { start: Moment { wall: Wall(0), ..Clock.now() }, pace: Pace::default() }
        }

        fn at(&self, now: u64) -> Moment {
            self.start.plus(ms(now))
        }

        #[track_caller]
        fn left(&self, now: u64, expected: Option<u64>) {
            assert_eq!(self.pace.left(self.at(now).mono), expected.map(ms));
        }
    }

    #[test]
    fn a_batch_is_due_by_the_age_of_its_oldest_event() {
        let mut scene = Scene::new();
        scene.left(0, None);
        scene.pace.came(Wall(0).plus(ms(60)), scene.at(100));
        scene.pace.came(Wall(0).plus(ms(90)), scene.at(110));
        scene.left(110, Some(70));
        scene.left(500, Some(0));
    }

    #[test]
    fn what_writing_takes_is_taken_off_and_a_slow_write_is_not_forgotten_at_once() {
        let mut scene = Scene::new();
        scene.pace.wrote(ms(80), None, scene.at(0));
        scene.left(0, None);
        scene.pace.came(Wall(0), scene.at(0));
        scene.left(0, Some(40));
        scene.pace.wrote(ms(8), Some(Wall(0).plus(ms(100))), scene.at(100));
        scene.left(100, Some(50));
    }

    #[test]
    fn an_event_of_another_clock_is_as_old_as_its_coming() {
        for at in [Wall(0).minus(ms(60_000)), Wall(0).plus(ms(60_000))] {
            let mut scene = Scene::new();
            scene.pace.came(at, scene.at(0));
            scene.left(20, Some(100));
        }
    }
}
