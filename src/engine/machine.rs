//! Watches this machine itself: that it slept, and that its network changed.
//!
//! Sleep shows as a wall clock that went further than the monotonic one (Linux and macOS stop the latter), or as a tick
//! that came far too late (Windows). A wall clock that somebody sets forward looks the same; then sessions are made anew
//! once without need, which harms nobody.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::base::{Clock, Moment};
use crate::net::machine::Snapshot;

/// How often the clocks are compared and the network is looked at (two tables of the system's, 0.1 ms).
const TICK: Duration = Duration::from_secs(1);
/// A shorter gap is a busy machine or a corrected clock.
const SLEPT: Duration = Duration::from_secs(10);
/// What the machine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Woke { slept: Duration },
    NetworkChanged,
}

/// Tells until the receiver is gone.
pub(super) async fn watch(clock: Clock, news: mpsc::Sender<News>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = clock.now();
    let mut network = look().await;
    loop {
        ticks.tick().await;
        let now = clock.now();
        let slept = slept(before, now);
        before = now;
        if let Some(slept) = slept
            && news.send(News::Woke { slept }).await.is_err()
        {
            return;
        }
        let seen = look().await;
        if seen.is_some() && seen != network {
            network = seen;
            if news.send(News::NetworkChanged).await.is_err() {
                return;
            }
        }
    }
}

async fn look() -> Option<Snapshot> {
    tokio::task::spawn_blocking(Snapshot::take).await.ok()
}

/// How long the machine slept between two ticks, if it did.
fn slept(before: Moment, now: Moment) -> Option<Duration> {
    let mono = now.mono.saturating_duration_since(before.mono);
    let wall = now.wall.since(before.wall);
    let gap = wall.saturating_sub(mono).max(mono.saturating_sub(TICK));
    (SLEPT <= gap).then_some(gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wall;

    #[track_caller]
    fn check(mono: u64, wall: i64, expected: Option<u64>) {
        let before = Moment { mono: Clock.mono(), wall: Wall(0) };
        let now = Moment { mono: before.mono + Duration::from_secs(mono), wall: Wall(wall * 1_000_000) };
        assert_eq!(slept(before, now).map(|slept| slept.as_secs()), expected);
    }

    #[test]
    fn a_wall_clock_that_went_on_alone_means_sleep() {
        check(1, 3601, Some(3600));
        check(1, 1, None);
        check(1, 6, None);
    }

    #[test]
    fn a_tick_that_came_far_too_late_means_sleep() {
        check(600, 600, Some(599));
        check(5, 5, None);
    }

    #[test]
    fn a_clock_that_was_set_back_means_nothing() {
        check(1, -3600, None);
    }
}
