//! A bounded, time-ordered series of latencies and failures.
//!
//! Invariants: times never fall (a clock set back repeats the last time); the counts over the success window are those of
//! the samples inside it.

use std::time::Duration;

use super::Reading;
use crate::base::{Ring, Wall};

/// What a sample timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SampleKind {
    /// A whole check.
    Check,
    /// A WebSocket ping's round trip.
    Ping,
    /// An opening handshake.
    Handshake,
    /// An open session, which was lost.
    Session,
    /// The time between two heartbeats of the server: no latency.
    Heartbeat,
}

impl SampleKind {
    /// Whether it belongs on the latency line; a handshake is drawn beside it.
    pub fn on_line(self) -> bool {
        matches!(self, Self::Check | Self::Ping)
    }
}

/// One point: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub at: Wall,
    /// Milliseconds; `NaN` inside stands for a failure. Read it through [`Sample::ms`].
    ms: f32,
    pub what: SampleKind,
    pub cors: bool,
}

impl Sample {
    pub fn new(at: Wall, reading: Reading) -> Self {
        let ms = reading.took.map_or(f32::NAN, |took| took.as_secs_f32() * 1e3);
        Self { at, ms, what: reading.what, cors: reading.cors }
    }

    /// A good sample of so many milliseconds.
    pub fn good(at: Wall, ms: f32, what: SampleKind) -> Self {
        Self { at, ms, what, cors: false }
    }

    /// A failure.
    pub fn failed(at: Wall, what: SampleKind, cors: bool) -> Self {
        Self { at, ms: f32::NAN, what, cors }
    }

    /// Milliseconds; `None`: it failed.
    pub fn ms(&self) -> Option<f32> {
        (!self.ms.is_nan()).then_some(self.ms)
    }

    pub fn is_failure(&self) -> bool {
        self.ms.is_nan()
    }
}

/// The samples of one profile.
#[derive(Clone, Debug)]
pub struct Series {
    samples: Ring<Sample>,
    /// Samples older than this behind the newest are outside the success window.
    window: Duration,
    /// Absolute index of the first sample inside the window.
    inside_from: u64,
    good: u32,
    bad: u32,
}

impl Series {
    pub fn new(capacity: usize, window: Duration) -> Self {
        Self { samples: Ring::new(capacity), window, inside_from: 0, good: 0, bad: 0 }
    }

    /// Adds a sample at the end. A time before the last sample's is taken as the last sample's.
    pub fn push(&mut self, mut sample: Sample) {
        if let Some(last) = self.samples.last() {
            sample.at = sample.at.max(last.at);
        }
        let oldest_index = self.first_index();
        if let Some(gone) = self.samples.push(sample)
            && self.inside_from <= oldest_index
        {
            self.uncount(&gone);
            self.inside_from = oldest_index + 1;
        }
        if sample.is_failure() {
            self.bad += 1;
        } else {
            self.good += 1;
        }
        self.advance(sample.at);
    }

    /// Takes what `now` puts outside the window out of the counts.
    pub fn advance(&mut self, now: Wall) {
        let since = now.minus(self.window);
        while let Some(sample) = self.at(self.inside_from).copied()
            && sample.at < since
        {
            self.uncount(&sample);
            self.inside_from += 1;
        }
    }

    /// Sets another success window and counts anew.
    pub fn set_window(&mut self, window: Duration) {
        if window == self.window {
            return;
        }
        self.window = window;
        let Some(newest) = self.samples.last().map(|sample| sample.at) else { return };
        let since = newest.minus(window);
        let first = self.samples.partition_point(|sample| sample.at < since);
        self.inside_from = self.first_index() + first as u64;
        self.bad = 0;
        self.good = 0;
        for sample in self.samples.range(first..self.samples.len()) {
            if sample.is_failure() {
                self.bad += 1;
            } else {
                self.good += 1;
            }
        }
    }

    /// Good samples among all inside the window, 0 to 1; `None` where there are none.
    pub fn success(&self) -> Option<f64> {
        let all = self.good + self.bad;
        (all != 0).then(|| f64::from(self.good) / f64::from(all))
    }

    /// Good samples and failures inside the window.
    pub fn counts(&self) -> (u32, u32) {
        (self.good, self.bad)
    }

    /// Absolute index of the oldest sample that is kept: how many were forgotten.
    pub fn first_index(&self) -> u64 {
        self.samples.forgotten()
    }

    /// Absolute index after the newest sample.
    pub fn end_index(&self) -> u64 {
        self.first_index() + self.samples.len() as u64
    }

    /// The sample of that absolute index.
    pub fn at(&self, index: u64) -> Option<&Sample> {
        self.samples.get(usize::try_from(index.checked_sub(self.first_index())?).ok()?)
    }

    /// The samples from that absolute index on.
    pub fn from_index(&self, index: u64) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        let skip = usize::try_from(index.saturating_sub(self.first_index())).unwrap_or(usize::MAX);
        self.samples.range(skip.min(self.samples.len())..self.samples.len())
    }

    /// Absolute index of the first sample at or after that time.
    pub fn index_at(&self, from: Wall) -> u64 {
        self.first_index() + self.samples.partition_point(|sample| sample.at < from) as u64
    }

    /// The samples of `[from, to]`.
    pub fn between(&self, from: Wall, to: Wall) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        let first = self.samples.partition_point(|sample| sample.at < from);
        let end = self.samples.partition_point(|sample| sample.at <= to);
        self.samples.range(first..end.max(first))
    }

    pub fn first(&self) -> Option<&Sample> {
        self.samples.first()
    }

    pub fn last(&self) -> Option<&Sample> {
        self.samples.last()
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    fn uncount(&mut self, sample: &Sample) {
        if sample.is_failure() {
            self.bad = self.bad.saturating_sub(1);
        } else {
            self.good = self.good.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn series(capacity: usize, window_secs: u64, samples: &[(i64, Option<f32>)]) -> Series {
        let mut series = Series::new(capacity, Duration::from_secs(window_secs));
        for (at, ms) in samples {
            series.push(match ms {
                Some(ms) => Sample::good(Wall(at * SECOND), *ms, SampleKind::Check),
                None => Sample::failed(Wall(at * SECOND), SampleKind::Check, false),
            });
        }
        series
    }

    #[test]
    fn success_counts_only_what_lies_in_the_window() {
        let mut got = series(10, 10, &[(0, None), (5, Some(1.0)), (10, Some(1.0)), (14, None)]);
        assert_eq!(got.counts(), (2, 1));
        got.advance(Wall(30 * SECOND));
        assert_eq!(got.success(), None);
    }

    #[test]
    fn a_sample_that_the_ring_forgets_leaves_the_counts() {
        let got = series(2, 100, &[(0, None), (1, None), (2, Some(1.0)), (3, Some(1.0))]);
        assert_eq!(got.counts(), (2, 0));
        assert_eq!((got.first_index(), got.end_index()), (2, 4));
    }

    #[test]
    fn another_window_counts_anew() {
        let mut got = series(10, 100, &[(0, None), (5, Some(1.0)), (10, None)]);
        got.set_window(Duration::from_secs(5));
        assert_eq!(got.counts(), (1, 1));
        got.set_window(Duration::from_secs(50));
        assert_eq!(got.counts(), (1, 2));
    }

    #[test]
    fn a_clock_set_back_repeats_the_last_time() {
        let got = series(10, 100, &[(10, Some(1.0)), (4, Some(2.0))]);
        assert_eq!(got.last().map(|sample| sample.at), Some(Wall(10 * SECOND)));
    }

    #[test]
    fn a_sample_is_sixteen_bytes() {
        assert_eq!(size_of::<Sample>(), 16);
    }
}
