//! The one place that asks what time it is.
//!
//! Everything else is handed a [`Moment`], so that a test can make an hour pass in no time.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall-clock time: microseconds since 1970-01-01T00:00:00Z. It may jump (time service, sleep); never subtract two of
/// them to time something on this machine, use [`Moment::mono`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

impl Wall {
    /// Seconds since the epoch, with the fraction: what plots have on their time axis.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// From seconds since the epoch.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e6) as i64)
    }

    /// How long after `earlier`; zero where it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time and `by` more.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This time less `by`.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Wall {
    /// RFC 3339 in UTC with milliseconds, the form of every export.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// One instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For durations and deadlines.
    pub mono: Instant,
    /// For people and for the history.
    pub wall: Wall,
}

impl Moment {
    /// This moment and `by` more, on both clocks.
    pub fn plus(self, by: Duration) -> Self {
        Self { mono: self.mono + by, wall: self.wall.plus(by) }
    }
}

/// The machine's clocks. Under tokio's paused time the monotonic one stands still too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// Both clocks, read together.
    pub fn now(&self) -> Moment {
        Moment { mono: self.mono(), wall: self.wall() }
    }

    /// The monotonic clock alone.
    pub fn mono(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// The wall clock alone.
    pub fn wall(&self) -> Wall {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Wall(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_reads_as_rfc_3339_with_milliseconds() {
        assert_eq!(Wall(1_700_000_000_123_456).to_string(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn a_time_before_another_is_zero_after_it() {
        assert_eq!(Wall(5).since(Wall(9)), Duration::ZERO);
        assert_eq!(Wall(9).since(Wall(5)), Duration::from_micros(4));
    }
}
