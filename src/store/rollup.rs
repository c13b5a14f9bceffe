//! Roll-ups: what happened to one profile in five minutes, or an hour, in a row of fixed meaning.
//!
//! Invariants: a failure is never part of a latency; two buckets add up to what one bucket of both would hold.

use std::time::Duration;

use crate::watch::State;

/// The lengths of the buckets, in seconds.
pub(super) const SPANS: [i64; 2] = [300, 3600];

/// Counts of latencies on a logarithmic scale: eight steps an octave of microseconds, so that a quantile read from it is at
/// most 6 % off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Step and count, by step.
    counts: Vec<(u8, u32)>,
}

const STEPS_LOG2: u32 = 3;

/// The step of a latency: its highest bit's place, and the three bits below that.
fn step(us: u64) -> u8 {
    let us = us.clamp(1, u64::from(u32::MAX));
    let octave = us.ilog2();
    let fine = if STEPS_LOG2 <= octave { us >> (octave - STEPS_LOG2) } else { us << (STEPS_LOG2 - octave) } & 0b111;
    u8::try_from(u64::from(octave) << STEPS_LOG2 | fine).unwrap_or(u8::MAX)
}

/// The middle of a step, in microseconds.
fn middle(step: u8) -> f64 {
    let (octave, fine) = (i32::from(step >> STEPS_LOG2), f64::from(step & 0b111));
    (1.0 + (fine + 0.5) / 8.0) * 2f64.powi(octave)
}

impl Histogram {
    pub fn add(&mut self, us: u64) {
        self.add_many(step(us), 1);
    }

    fn add_many(&mut self, step: u8, count: u32) {
        match self.counts.binary_search_by_key(&step, |(known, _)| *known) {
            Ok(index) => self.counts[index].1 = self.counts[index].1.saturating_add(count),
            Err(index) => self.counts.insert(index, (step, count)),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (step, count) in &other.counts {
            self.add_many(*step, *count);
        }
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The latency below which `quantile` (0 to 1) of all are; `None` where there are none.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0);
        let mut seen = 0.0;
        let found = self.counts.iter().find(|(_, count)| {
            seen += f64::from(*count);
            rank <= seen
        });
        found.map(|(step, _)| Duration::from_secs_f64(middle(*step) / 1e6))
    }

    /// Step and count of each, the count in seven-bit groups, low first.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.counts.len() * 3);
        for (step, count) in &self.counts {
            bytes.push(*step);
            let mut rest = *count;
            while 0x7f < rest {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes
    }

    /// What [`Self::to_bytes`] wrote; what can't be read is left out.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut histogram = Self::default();
        let mut bytes = bytes.iter().copied();
        while let Some(step) = bytes.next() {
            let (mut count, mut shift) = (0u32, 0);
            for byte in bytes.by_ref() {
                count |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if 0 < count {
                histogram.add_many(step, count);
            }
        }
        histogram
    }
}

/// Latencies and failures of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub good: i64,
    pub failed: i64,
    pub sum_us: i64,
    pub min_us: Option<i64>,
    pub max_us: Option<i64>,
    pub histogram: Histogram,
}

impl Tally {
    pub(super) fn add(&mut self, took_us: Option<i64>) {
        let Some(took) = took_us else {
            self.failed += 1;
            return;
        };
        self.good += 1;
        self.sum_us = self.sum_us.saturating_add(took);
        self.min_us = Some(self.min_us.map_or(took, |least| least.min(took)));
        self.max_us = Some(self.max_us.map_or(took, |most| most.max(took)));
        self.histogram.add(u64::try_from(took).unwrap_or(0));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.good += other.good;
        self.failed += other.failed;
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.min_us = self.min_us.into_iter().chain(other.min_us).min();
        self.max_us = self.max_us.into_iter().chain(other.max_us).max();
        self.histogram.merge(&other.histogram);
    }
}

/// One profile's bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Checks and round trips.
    pub line: Tally,
    pub handshakes: Tally,
    pub cors: i64,
    pub reconnects: i64,
    pub worst: Option<State>,
}

impl Bucket {
    pub(super) fn merge(&mut self, other: &Self) {
        self.line.merge(&other.line);
        self.handshakes.merge(&other.handshakes);
        self.cors += other.cors;
        self.reconnects += other.reconnects;
        if let Some(state) = other.worst {
            self.enter(state);
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        if self.worst.is_none_or(|worst| worst.severity() < state.severity()) {
            self.worst = Some(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|us| histogram.add(*us));
        histogram
    }

    #[test]
    fn a_quantile_is_at_most_six_percent_off() {
        for us in [1u64, 9, 150, 999, 12_345, 987_654, 60_000_000] {
            let got = of(&[us]).quantile(0.5).unwrap().as_secs_f64() * 1e6;
            let off = (got - us as f64).abs() / us as f64;
            assert!(off <= 0.0625 || (got - us as f64).abs() <= 1.0, "{us} read as {got}");
        }
    }

    #[test]
    fn quantiles_follow_the_ranks() {
        let histogram = of(&(1..=100).map(|n| n * 1000).collect::<Vec<_>>());
        let ms = |quantile| histogram.quantile(quantile).unwrap().as_secs_f64() * 1e3;
        assert!((47.0..54.0).contains(&ms(0.5)), "{}", ms(0.5));
        assert!((89.0..101.0).contains(&ms(0.95)), "{}", ms(0.95));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn a_histogram_reads_back_from_its_bytes() {
        let mut histogram = of(&[3, 3, 500, 70_000, 4_000_000]);
        histogram.add_many(9, 1_000_000);
        assert_eq!(Histogram::from_bytes(&histogram.to_bytes()), histogram);
        assert_eq!(Histogram::from_bytes(&[]), Histogram::default());
    }

    #[test]
    fn merged_buckets_hold_what_one_would() {
        let (mut one, mut two, mut both) = (Tally::default(), Tally::default(), Tally::default());
        for (index, took) in [Some(5), None, Some(9_000), Some(2)].into_iter().enumerate() {
            if index % 2 == 0 {
                one.add(took)
            } else {
                two.add(took)
            }
            both.add(took);
        }
        one.merge(&two);
        assert_eq!(one, both);
    }
}
