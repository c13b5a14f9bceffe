//! Many samples as few columns: low, median, 95th percentile and high of each stretch of time, and its failures.
//!
//! Columns start at whole multiples of their width since the epoch, so that a moving right edge never reshuffles them.
//! Invariants: a column's numbers come from good samples only; a stretch without samples has no column; the cache holds
//! what [`columns`] would compute from the series as it is.
//!
//! Percentiles are nearest-rank: the smallest value that at least that share of the values does not exceed.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Sample, SampleKind, Series};
use crate::base::Wall;

/// Of the good samples of a column, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub low: f32,
    pub p50: f32,
    pub p95: f32,
    pub high: f32,
}

/// One stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Where it starts.
    pub at: Wall,
    /// Good samples.
    pub good: u32,
    pub failures: u32,
    /// `None`: there is no good sample.
    pub spread: Option<Spread>,
}

/// Which samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Checks and round trips, and every failure.
    Line,
    /// Handshakes that came out well.
    Handshakes,
    /// Gaps between heartbeats.
    Heartbeats,
}

impl Which {
    fn takes(self, sample: &Sample) -> bool {
        match self {
            Self::Line => sample.what.on_line() || sample.is_failure(),
            Self::Handshakes => sample.what == SampleKind::Handshake && !sample.is_failure(),
            Self::Heartbeats => sample.what == SampleKind::Heartbeat,
        }
    }
}

/// The value at that quantile (0 to 1), nearest-rank; reorders the values. `None`: there are none.
pub fn quantile(values: &mut [f32], quantile: f64) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    let rank = (quantile.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    let (_, value, _) = values.select_nth_unstable_by(rank.saturating_sub(1).min(last), f32::total_cmp);
    Some(*value)
}

/// Low, median, 95th percentile and high; reorders the values. `None`: there are none.
pub fn spread(values: &mut [f32]) -> Option<Spread> {
    let low = values.iter().copied().min_by(f32::total_cmp)?;
    let high = values.iter().copied().max_by(f32::total_cmp)?;
    Some(Spread { low, p50: quantile(values, 0.5)?, p95: quantile(values, 0.95)?, high })
}

/// Width in whole microseconds, at least one.
fn width_us(width: Duration) -> i64 {
    i64::try_from(width.as_micros()).unwrap_or(i64::MAX).max(1)
}

/// Where the column of that time starts.
pub fn column_start(at: Wall, width: Duration) -> Wall {
    let width = width_us(width);
    Wall(at.0.div_euclid(width).saturating_mul(width))
}

/// The columns of time-ordered samples.
pub fn columns<'a>(samples: impl Iterator<Item = &'a Sample>, width: Duration, which: Which) -> Vec<Column> {
    let mut builder = Builder::new(width, which);
    samples.for_each(|sample| builder.push(sample));
    builder.close();
    builder.columns.into()
}

/// Puts samples into columns, one after the other.
#[derive(Clone, Debug)]
struct Builder {
    width_us: i64,
    which: Which,
    columns: VecDeque<Column>,
    /// The good values of the last column, and whether they are not yet in its spread.
    open: Vec<f32>,
    stale: bool,
}

impl Builder {
    fn new(width: Duration, which: Which) -> Self {
        Self { width_us: width_us(width), which, columns: VecDeque::new(), open: Vec::new(), stale: false }
    }

    fn push(&mut self, sample: &Sample) {
        if !self.which.takes(sample) {
            return;
        }
        let in_last =
            self.columns.back().is_some_and(|last| (0..self.width_us).contains(&sample.at.0.saturating_sub(last.at.0)));
        if !in_last {
            self.close();
            self.open.clear();
            let at = Wall(sample.at.0.div_euclid(self.width_us).saturating_mul(self.width_us));
            self.columns.push_back(Column { at, good: 0, failures: 0, spread: None });
        }
        let Some(last) = self.columns.back_mut() else { return };
        match sample.ms() {
            Some(ms) => {
                last.good += 1;
                self.open.push(ms);
                self.stale = true;
            }
            None => last.failures += 1,
        }
    }

    /// Brings the last column's spread up to date.
    fn close(&mut self) {
        if self.stale
            && let Some(last) = self.columns.back_mut()
        {
            last.spread = spread(&mut self.open);
            self.stale = false;
        }
    }
}

/// The columns of a growing series over a moving range, kept from frame to frame: only new samples are looked at.
#[derive(Clone, Debug)]
pub struct ColumnCache {
    builder: Builder,
    from: Wall,
    /// Absolute index after the last sample taken.
    consumed: u64,
    /// Whose series, so that another one's is never mixed in.
    filled: bool,
}

impl ColumnCache {
    pub fn new(which: Which) -> Self {
        Self { builder: Builder::new(Duration::from_secs(1), which), from: Wall(i64::MIN), consumed: 0, filled: false }
    }

    /// Forgets everything: the next update is of another series.
    pub fn reset(&mut self) {
        self.filled = false;
    }

    /// Brings the columns up to date with the series from `from` on; true where any changed.
    pub fn update(&mut self, series: &Series, from: Wall, width: Duration) -> bool {
        let from = column_start(from, width);
        let rebuild = !self.filled
            || self.builder.width_us != width_us(width)
            || from < self.from
            || series.end_index() < self.consumed
            || self.consumed < series.first_index();
        let mut changed = rebuild;
        if rebuild {
            self.builder = Builder::new(width, self.builder.which);
            self.consumed = series.index_at(from);
            self.filled = true;
        }
        self.from = from;
        if self.consumed < series.end_index() {
            for sample in series.from_index(self.consumed) {
                self.builder.push(sample);
            }
            self.consumed = series.end_index();
            self.builder.close();
            changed = true;
        }
        // What the series forgot can't be told from what was never there: its column goes with it.
        let known = series.first().filter(|_| series.first_index() != 0).map_or(from, |first| first.at.max(from));
        while let Some(first) = self.builder.columns.front()
            && first.at < known
            && (1 < self.builder.columns.len() || first.at < from)
        {
            self.builder.columns.pop_front();
            changed = true;
        }
        changed
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Column> + ExactSizeIterator {
        self.builder.columns.iter()
    }

    pub fn width(&self) -> Duration {
        Duration::from_micros(self.builder.width_us.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(at: i64, ms: Option<f32>) -> Sample {
        match ms {
            Some(ms) => Sample::good(Wall(at), ms, SampleKind::Check),
            None => Sample::failed(Wall(at), SampleKind::Check, false),
        }
    }

    /// The definition, without haste: every column by itself, from sorted values.
    fn naive(samples: &[Sample], width: i64) -> Vec<Column> {
        let mut starts: Vec<i64> = samples.iter().map(|sample| sample.at.0.div_euclid(width) * width).collect();
        starts.dedup();
        let ranked = |sorted: &[f32], share: f64| {
            sorted
                .iter()
                .copied()
                .enumerate()
                .find(|(i, _)| share * sorted.len() as f64 <= (i + 1) as f64)
                .map(|(_, v)| v)
        };
        let column = |start: i64| {
            let inside = || samples.iter().filter(|sample| (start..start + width).contains(&sample.at.0));
            let mut values: Vec<f32> = inside().filter_map(Sample::ms).collect();
            values.sort_by(f32::total_cmp);
            let spread = (!values.is_empty()).then(|| Spread {
                low: values[0],
                p50: ranked(&values, 0.5).unwrap(),
                p95: ranked(&values, 0.95).unwrap(),
                high: values[values.len() - 1],
            });
            let failures = inside().filter(|sample| sample.is_failure()).count() as u32;
            Column { at: Wall(start), good: values.len() as u32, failures, spread }
        };
        starts.into_iter().map(column).collect()
    }

    #[test]
    fn a_failure_never_enters_a_percentile() {
        let samples = [sample(0, Some(10.0)), sample(1, None), sample(2, Some(30.0))];
        let got = columns(samples.iter(), Duration::from_micros(10), Which::Line);
        let spread = Spread { low: 10.0, p50: 10.0, p95: 30.0, high: 30.0 };
        assert_eq!(got, [Column { at: Wall(0), good: 2, failures: 1, spread: Some(spread) }]);
    }

    #[test]
    fn a_stretch_without_samples_has_no_column_and_one_with_only_failures_no_value() {
        let samples = [sample(0, Some(1.0)), sample(25, None), sample(41, Some(2.0))];
        let got = columns(samples.iter(), Duration::from_micros(10), Which::Line);
        assert_eq!(
            got.iter().map(|c| (c.at.0, c.spread.is_some())).collect::<Vec<_>>(),
            [(0, true), (20, false), (40, true)]
        );
    }

    #[test]
    fn a_handshake_is_not_on_the_line_but_its_failure_is() {
        let samples = [
            Sample::good(Wall(0), 9.0, SampleKind::Handshake),
            Sample::failed(Wall(1), SampleKind::Handshake, true),
            Sample::good(Wall(2), 1.0, SampleKind::Ping),
        ];
        let width = Duration::from_micros(10);
        let line = columns(samples.iter(), width, Which::Line);
        assert_eq!((line[0].good, line[0].failures, line[0].spread.map(|s| s.high)), (1, 1, Some(1.0)));
        let handshakes = columns(samples.iter(), width, Which::Handshakes);
        assert_eq!((handshakes[0].good, handshakes[0].failures), (1, 0));
    }

    proptest! {
        #[test]
        fn columns_are_what_the_definition_says(
            steps in prop::collection::vec((0_i64..30, prop::option::of(0.0_f32..500.0)), 0..300),
            width in 1_i64..50,
        ) {
            let mut at = -40;
            let samples: Vec<Sample> = steps.iter().map(|(step, ms)| { at += step; sample(at, *ms) }).collect();
            let got = columns(samples.iter(), Duration::from_micros(width as u64), Which::Line);
            prop_assert_eq!(got, naive(&samples, width));
        }

        #[test]
        fn the_cache_holds_what_would_be_computed_anew(
            steps in prop::collection::vec((0_i64..30, prop::option::of(0.0_f32..500.0), 0_usize..4), 1..300),
            width in 1_i64..50,
            span in 20_i64..2000,
        ) {
            let mut series = Series::new(100_000, Duration::from_secs(1));
            let mut cache = ColumnCache::new(Which::Line);
            let mut at = 0;
            for (step, ms, look) in steps {
                at += step;
                series.push(sample(at, ms));
                // Looked at now and then, as a window that draws less often than samples come.
                if look == 0 {
                    let from = column_start(Wall(at - span), Duration::from_micros(width as u64));
                    cache.update(&series, from, Duration::from_micros(width as u64));
                    let fresh: Vec<Sample> = series.between(from, Wall(i64::MAX)).copied().collect();
                    prop_assert_eq!(cache.iter().copied().collect::<Vec<_>>(), naive(&fresh, width));
                }
            }
        }

        #[test]
        fn a_forgetting_series_leaves_no_half_column_but_the_newest(
            steps in prop::collection::vec((1_i64..30, prop::option::of(0.0_f32..500.0), 0_usize..40), 30..200),
            width in 1_i64..50,
        ) {
            let mut series = Series::new(20, Duration::from_secs(1));
            let mut all = Vec::new();
            let mut cache = ColumnCache::new(Which::Line);
            let mut at = 0;
            for (step, ms, look) in steps {
                at += step;
                all.push(sample(at, ms));
                series.push(sample(at, ms));
                if look % 3 != 0 {
                    continue;
                }
                cache.update(&series, Wall(0), Duration::from_micros(width as u64));
                let whole = naive(&all, width);
                let got: Vec<Column> = cache.iter().copied().collect();
                prop_assert!(whole.ends_with(&got), "{got:?} is not the end of {whole:?}");
            }
        }
    }
}
