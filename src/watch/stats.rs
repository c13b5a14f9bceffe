//! Percentiles and shares over bounded windows.

use std::time::Duration;

use crate::base::Ring;

/// Nearest-rank percentile of sorted values: the smallest one that at least `share` of all don't exceed.
pub fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The newest durations, up to a number.
#[derive(Clone, Debug)]
pub struct Window {
    values: Ring<Duration>,
}

/// What plots and tables show of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

impl Window {
    pub fn new(capacity: usize) -> Self {
        Self { values: Ring::new(capacity) }
    }

    pub fn push(&mut self, value: Duration) {
        self.values.push(value);
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `None` while the window is empty.
    pub fn spread(&self) -> Option<Spread> {
        let mut sorted: Vec<Duration> = self.values.iter().copied().collect();
        sorted.sort_unstable();
        Some(Spread {
            p50: percentile(&sorted, 0.5)?,
            p95: percentile(&sorted, 0.95)?,
            p99: percentile(&sorted, 0.99)?,
        })
    }
}

/// Sub-buckets of each doubling: a value is known to within a sixteenth.
const FINE: u32 = 16;
/// 1 µs to 2^36 µs (19 hours).
const DOUBLINGS: u32 = 36;

/// Durations counted in buckets that grow with the value: any number of them in constant memory, each known to 6 %.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = usize::try_from(FINE * DOUBLINGS).unwrap_or_default();
        Self { counts: vec![0; buckets].into(), total: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    pub fn record(&mut self, value: Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        if let Some(count) = self.counts.get_mut(bucket(micros).min(last)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(value);
    }

    pub fn count(&self) -> u64 {
        self.total
    }

    pub fn max(&self) -> Duration {
        self.max
    }

    /// The upper edge of the bucket in which the percentile lies; `None` while nothing was recorded.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let rank = ((share.clamp(0.0, 1.0) * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if rank <= seen {
                return Some(Duration::from_micros(upper_edge(index)).min(self.max));
            }
        }
        None
    }
}

/// Values below [`FINE`] each have their own bucket; above, each doubling has [`FINE`] of them.
fn bucket(micros: u64) -> usize {
    let fine = u64::from(FINE);
    if micros < fine {
        return usize::try_from(micros).unwrap_or_default();
    }
    let doubling = micros.ilog2() - FINE.ilog2();
    let within = (micros >> doubling) - fine;
    usize::try_from(fine + u64::from(doubling) * fine + within).unwrap_or(usize::MAX)
}

fn upper_edge(bucket: usize) -> u64 {
    let fine = u64::from(FINE);
    let bucket = bucket as u64;
    if bucket < fine {
        return bucket;
    }
    let (doubling, within) = ((bucket - fine) / fine, (bucket - fine) % fine);
    ((fine + within + 1) << doubling) - 1
}

/// The share of good ones; `None` of nothing.
pub fn share(good: u64, all: u64) -> Option<f64> {
    (all != 0).then(|| good as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u32> = (1..=100).collect();
        assert_eq!([0.0, 0.5, 0.95, 0.99, 1.0].map(|p| percentile(&sorted, p).unwrap()), [1, 50, 95, 99, 100]);
        assert_eq!(percentile::<u32>(&[], 0.5), None);
        assert_eq!(percentile(&[7], 0.99), Some(7));
    }

    #[test]
    fn a_window_forgets_what_is_old() {
        let mut window = Window::new(3);
        assert_eq!(window.spread(), None);
        for value in [1000, 1, 2, 3] {
            window.push(MS * value);
        }
        assert_eq!(window.spread(), Some(Spread { p50: MS * 2, p95: MS * 3, p99: MS * 3 }));
    }

    #[test]
    fn nothing_has_no_share() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(19, 20), Some(0.95));
    }

    proptest! {
        #[test]
        fn a_histograms_percentile_is_within_a_sixteenth(mut values in prop::collection::vec(0_u64..10_000_000_000, 1..200), share in 0.0..1.0) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            values.sort_unstable();
            let exact = percentile(&values, share).unwrap();
            let got = u64::try_from(histogram.percentile(share).unwrap().as_micros()).unwrap();
            prop_assert!(exact <= got && got <= exact + exact / 16 + 1, "{exact} became {got}");
        }
    }
}
