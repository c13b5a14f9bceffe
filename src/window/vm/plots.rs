//! The plots over one stretch of time: latency, the state lane, heartbeats, reconnect attempts, CORS failures.
//!
//! Invariants: a failure is a mark and never part of a number; where nothing was watched nothing is drawn; memory and
//! history meet at one instant, so that nothing is counted twice.

mod columns;
mod counts;
mod heartbeats;
mod sentences;

use std::time::Duration;

use egui_plot::PlotPoint;
use jiff::tz::TimeZone;

use super::axis::{Tick, milliseconds, round_up, ticks};
use super::{local, words};
use columns::{Holes, fine_columns, latency_columns, middle, runs};
use counts::{bars, blocks};
pub use heartbeats::Heartbeats;
use sentences::{count_sentence, lane_sentence, latency_sentence};

use crate::base::Wall;
use crate::diagnosis::{self, session_words};
use crate::model::columns::{Which, column_start};
use crate::model::{Bin, Column, ColumnCache, RangeData, SampleKind, Spread, Watched};
use crate::watch::State;

/// The stretch of time on view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub from: Wall,
    pub to: Wall,
}

impl View {
    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }
}

/// One point of the median line, with what lies around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The middle of its column, seconds since the epoch.
    pub x: f64,
    pub spread: Spread,
}

/// Points without a gap between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub points: Vec<Point>,
    /// The medians once more, as the plot borrows them.
    pub line: Vec<PlotPoint>,
}

/// Failures at one place on the floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureMark {
    pub x: f64,
    pub count: u32,
}

/// A stretch of the lane; perhaps several that lie within one pixel, of which it is the worst.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub from: Wall,
    pub to: Wall,
    pub state: State,
    /// Why, in a few words.
    pub why: Option<String>,
    /// How many segments it stands for.
    pub merged: u32,
    /// It lasts.
    pub open: bool,
}

/// Counts as bars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    pub bins: Vec<Bin>,
    pub width: Duration,
    pub total: u32,
    pub most: u32,
}

/// Everything that the plots draw and say.
#[derive(Clone, Debug)]
pub struct PlotsVm {
    pub view: View,
    pub ticks: Vec<Tick>,
    /// How wide a column of the median line is.
    pub column: Duration,
    pub runs: Vec<Run>,
    /// Lowest and highest of each pixel, where there are too many samples to draw each: (seconds, low, high), parted at
    /// gaps.
    pub envelope: Vec<Vec<[f64; 3]>>,
    /// Every good sample by itself, where there are few enough.
    pub dots: Vec<[f64; 2]>,
    /// Handshakes that came out well, drawn beside the line.
    pub handshakes: Vec<[f64; 2]>,
    pub failures: Vec<FailureMark>,
    /// The top of the latency axis in milliseconds, and its marks.
    pub top: f64,
    pub marks: Vec<(f64, String)>,
    pub blocks: Vec<Block>,
    /// Of a Socket.IO session.
    pub heartbeats: Option<Heartbeats>,
    /// By what round trips are measured, where it is not always the same.
    pub measured_by: Option<&'static str>,
    pub attempts: Bars,
    pub cors: Bars,
    /// What the latency plot says to who can't see it.
    pub latency_sentence: String,
    pub lane_sentence: String,
    pub attempts_sentence: String,
    pub cors_sentence: String,
    /// Whether there is nothing at all on view.
    pub empty: bool,
    /// History before memory is still being read.
    pub loading: bool,
}

/// What the columns are kept in from frame to frame.
#[derive(Clone, Debug)]
pub struct Caches {
    line: ColumnCache,
    /// A pixel wide.
    fine: ColumnCache,
    handshakes: ColumnCache,
    heartbeats: ColumnCache,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            line: ColumnCache::new(Which::Line),
            fine: ColumnCache::new(Which::Line),
            handshakes: ColumnCache::new(Which::Handshakes),
            heartbeats: ColumnCache::new(Which::Heartbeats),
        }
    }
}

impl Caches {
    /// Another profile is on view.
    pub fn reset(&mut self) {
        self.line.reset();
        self.fine.reset();
        self.handshakes.reset();
        self.heartbeats.reset();
    }
}

/// What the plots are built of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub watched: &'a Watched,
    /// What the history says of the time before memory.
    pub history: Option<&'a RangeData>,
    pub loading: bool,
    pub view: View,
    pub now: Wall,
    /// How wide the plots are, in points.
    pub width: f32,
    /// The range's words: `last hour`.
    pub range: &'a str,
    pub zone: &'a TimeZone,
}

/// More samples than this are not drawn one by one.
const DOTS: usize = 1_500;

/// How wide the median line's columns are: ten samples where the view has room for that, four points at least, a fortieth
/// of the view at most.
pub fn column_width(view: View, width: f32, cadence: Duration) -> Duration {
    let length = view.length();
    let four_points = length.div_f64(f64::from(width.max(40.0)) / 4.0);
    let most = length / 40;
    round_up((cadence * 10).min(most).max(four_points).max(Duration::from_millis(10)))
}

/// How wide the columns of what lies around the line are: about a pixel, a whole number of them to one of the line's.
pub fn fine_width(view: View, width: f32, column: Duration) -> Duration {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2).max(1);
    let (column, pixel) = (us(column), us(view.length().div_f64(f64::from(width.max(40.0)))));
    let parts = (1..=(column / pixel).max(1)).rev().find(|parts| column % parts == 0);
    Duration::from_micros(column / parts.unwrap_or(1))
}

/// The history, where it knows more than memory does.
fn beyond_memory<'a>(source: &Source<'a>) -> Option<&'a RangeData> {
    let known = source.watched.known_since();
    // What came before the first sample or state, by a moment, was nothing to be drawn.
    let all_known = |first: Wall| known.is_some_and(|known| known <= first.plus(Duration::from_secs(1)));
    // One that was asked before the profile's first event was written has nothing, and no column of its own.
    source.history.filter(|history| history.first.is_some_and(|first| !all_known(first)))
}

impl PlotsVm {
    pub fn build(source: Source<'_>, caches: &mut Caches) -> Self {
        let source = Source { history: beyond_memory(&source), ..source };
        let Source { watched, view, width, zone, .. } = source;
        let column = column_width(view, width, watched.cadence());
        let columns = latency_columns(&source, column, caches);
        let singly = watched.series.between(view.from, view.to).len() <= DOTS && source.history.is_none();
        let holes = Holes::of(&source);
        let runs = runs(&columns.line, watched.cadence(), &holes);
        let (mut dots, mut envelope) = (Vec::new(), Vec::new());
        let (handshakes, failures);
        if singly {
            (dots, handshakes, failures) = samples(&source);
        } else {
            let fine = fine_columns(&source, caches, column);
            envelope = self::columns::envelope(&fine, watched.cadence(), &holes);
            let failed = fine.iter().filter(|(column, _)| column.failures != 0);
            failures = failed
                .map(|(column, width)| FailureMark { x: middle(column, *width), count: column.failures })
                .collect();
            let point =
                |(column, width): &(Column, Duration)| Some([middle(column, *width), column.spread?.p50.into()]);
            handshakes = columns.handshakes.iter().filter_map(point).collect();
        }
        let highest = highest(&runs, &dots, &handshakes);
        let (top, marks) = milliseconds(highest);
        // An axis of numbers says that something was measured.
        let marks = if highest > 0.0 { marks } else { Vec::new() };
        let marks = marks.into_iter().map(|ms| (ms, latency_ms(ms as f32))).collect();
        let blocks = blocks(&source);
        let bar = round_up(view.length().div_f64(f64::from(width.max(80.0)) / 10.0));
        let attempts = bars(&source, bar, |history| &history.attempts, watched.attempts.iter().copied());
        let cors = bars(&source, bar, |history| &history.cors, watched.cors.iter().copied());
        let empty = runs.is_empty() && dots.is_empty() && handshakes.is_empty() && failures.is_empty();
        let mut vm = Self {
            view,
            ticks: ticks(view.from, view.to, (width / 88.0).max(1.0) as usize, zone),
            column,
            runs,
            envelope,
            dots,
            handshakes,
            failures,
            top,
            marks,
            empty: empty && blocks.is_empty(),
            blocks,
            heartbeats: Heartbeats::build(&source, column, caches),
            measured_by: watched.socketio.as_ref().and_then(|seen| seen.measured_by).map(session_words::measured_by),
            attempts,
            cors,
            latency_sentence: String::new(),
            lane_sentence: String::new(),
            attempts_sentence: String::new(),
            cors_sentence: String::new(),
            loading: source.loading,
        };
        vm.latency_sentence = latency_sentence(&source, &columns);
        vm.lane_sentence = lane_sentence(&source, &vm.blocks);
        vm.attempts_sentence = count_sentence(&source, "reconnect attempts", &vm.attempts);
        vm.cors_sentence = count_sentence(&source, "CORS failures", &vm.cors);
        vm
    }

    /// What is known of that instant, a line each; the first is the time.
    pub fn at(&self, at: Wall, zone: &TimeZone) -> Vec<String> {
        let mut lines = vec![local::whole(at, zone)];
        if let Some(block) = self.block_at(at) {
            let word = diagnosis::words::state(block.state);
            let until = if block.open { String::new() } else { format!(" – {}", local::second(block.to, zone)) };
            let lasted = words::lasted(block.to.since(block.from));
            lines.push(format!("{word} {}{until} ({lasted})", local::second(block.from, zone)));
            lines.extend(block.why.clone());
            if 1 < block.merged {
                lines.push(format!("{} changes of state in this moment", block.merged));
            }
        }
        let x = at.as_secs_f64();
        let half = self.column.as_secs_f64() / 2.0;
        let near = |point: &&Point| (point.x - x).abs() <= half;
        if let Some(point) = self.runs.iter().flat_map(|run| &run.points).find(near) {
            let Spread { low, p50, p95, high } = point.spread;
            if low == high {
                lines.push(latency_ms(p50));
            } else {
                lines.push(format!("median {}, p95 {}", latency_ms(p50), latency_ms(p95)));
                lines.push(format!("{} to {}", latency_ms(low), latency_ms(high)));
            }
        }
        let handshake = self.handshakes.iter().find(|[hx, _]| (hx - x).abs() <= self.reach());
        lines.extend(handshake.map(|[_, ms]| format!("handshake {}", latency_ms(*ms as f32))));
        lines.extend(self.heartbeats.as_ref().and_then(|heartbeats| heartbeats.at(x, self.reach())));
        let failures: u32 = self.failures.iter().filter(|m| (m.x - x).abs() <= self.reach()).map(|m| m.count).sum();
        if failures != 0 {
            lines.push(words::count(failures as usize, "failure", "failures"));
        }
        for (bars, one, many) in
            [(&self.attempts, "reconnect attempt", "reconnect attempts"), (&self.cors, "CORS failure", "CORS failures")]
        {
            let start = column_start(at, bars.width);
            if let Some(bin) = bars.bins.iter().find(|bin| bin.at == start) {
                lines.push(words::count(bin.count as usize, one, many));
            }
        }
        lines
    }

    fn block_at(&self, at: Wall) -> Option<&Block> {
        let index = self.blocks.partition_point(|block| block.to <= at);
        self.blocks.get(index).filter(|block| block.from <= at)
    }

    /// How far from the pointer a mark may be and still be meant, in seconds.
    fn reach(&self) -> f64 {
        self.view.length().as_secs_f64() / 200.0
    }
}

/// Milliseconds with their unit.
pub fn latency_ms(ms: f32) -> String {
    words::latency(Duration::from_secs_f32(ms.max(0.0) / 1e3))
}

/// Every sample by itself: on the line, handshakes, failures.
fn samples(source: &Source<'_>) -> (Vec<[f64; 2]>, Vec<[f64; 2]>, Vec<FailureMark>) {
    let (mut dots, mut handshakes, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for sample in source.watched.series.between(source.view.from, source.view.to) {
        let x = sample.at.as_secs_f64();
        match (sample.ms(), sample.what) {
            (None, _) => failures.push(FailureMark { x, count: 1 }),
            (Some(ms), SampleKind::Handshake) => handshakes.push([x, ms.into()]),
            (Some(ms), SampleKind::Check | SampleKind::Ping | SampleKind::Session) => dots.push([x, ms.into()]),
            // Drawn by themselves: see `heartbeats`.
            (Some(_), SampleKind::Heartbeat) => {}
        }
    }
    (dots, handshakes, failures)
}

/// The value that has to fit: the highest, unless it stands far above nearly all others.
fn highest(runs: &[Run], dots: &[[f64; 2]], handshakes: &[[f64; 2]]) -> f64 {
    let points = || runs.iter().flat_map(|run| &run.points);
    let p95 = points().map(|point| f64::from(point.spread.p95)).fold(0.0, f64::max);
    let high = points().map(|point| f64::from(point.spread.high)).fold(0.0, f64::max);
    let dots = dots.iter().chain(handshakes).map(|[_, ms]| *ms).fold(0.0, f64::max);
    let all = high.max(dots).max(p95);
    if 0.0 < p95 { all.min(p95 * 4.0).max(p95) } else { all }
}

#[cfg(test)]
mod tests;
