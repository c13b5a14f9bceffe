//! The plots over one stretch of time: latency, the state lane, reconnect attempts, CORS failures.
//!
//! Invariants: a failure is a mark and never part of a number; where nothing was watched nothing is drawn; memory and
//! history meet at one instant, so that nothing is counted twice.

use std::time::Duration;

use egui_plot::PlotPoint;
use jiff::tz::TimeZone;

use super::axis::{Tick, milliseconds, round_up, ticks};
use super::{local, words};
use crate::base::Wall;
use crate::diagnosis;
use crate::model::columns::{Which, column_start};
use crate::model::{Bin, Column, ColumnCache, RangeData, SampleKind, Segment, Spread, Watched};
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
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            line: ColumnCache::new(Which::Line),
            fine: ColumnCache::new(Which::Line),
            handshakes: ColumnCache::new(Which::Handshakes),
        }
    }
}

impl Caches {
    /// Another profile is on view.
    pub fn reset(&mut self) {
        self.line.reset();
        self.fine.reset();
        self.handshakes.reset();
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

impl PlotsVm {
    pub fn build(source: Source<'_>, caches: &mut Caches) -> Self {
        let Source { watched, view, width, zone, .. } = source;
        let column = column_width(view, width, watched.cadence());
        let columns = latency_columns(&source, column, caches);
        let singly = watched.series.between(view.from, view.to).len() <= DOTS && source.history.is_none();
        let runs = runs(&columns.line, watched.cadence());
        let (mut dots, mut envelope) = (Vec::new(), Vec::new());
        let (handshakes, failures);
        if singly {
            (dots, handshakes, failures) = samples(&source);
        } else {
            let fine = fine_columns(&source, caches, column);
            envelope = self::envelope(&fine, watched.cadence());
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

/// Columns with their widths: the history's, then memory's.
struct Columns {
    line: Vec<(Column, Duration)>,
    handshakes: Vec<(Column, Duration)>,
}

/// From when on memory speaks; before, the history does.
fn split(source: &Source<'_>, column: Duration) -> Wall {
    match (source.history, source.watched.known_since()) {
        (None, _) => source.view.from,
        (Some(history), None) => history.to.plus(Duration::from_micros(1)),
        // Memory's first column may be half forgotten: the history has it whole.
        (Some(_), Some(known)) => column_start(known, column).plus(column).max(source.view.from),
    }
}

fn latency_columns(source: &Source<'_>, column: Duration, caches: &mut Caches) -> Columns {
    let split = split(source, column);
    let line = past(source, split, |history| &history.latency);
    let handshakes = past(source, split, |history| &history.handshakes);
    Columns {
        line: line.chain(recent(source, split, column, &mut caches.line)).collect(),
        handshakes: handshakes.chain(recent(source, split, column, &mut caches.handshakes)).collect(),
    }
}

/// The latency's columns a pixel wide, as far as memory reaches; before, as wide as the history has them.
fn fine_columns(source: &Source<'_>, caches: &mut Caches, column: Duration) -> Vec<(Column, Duration)> {
    let split = split(source, column);
    let pixel = steady(source.view.length().div_f64(f64::from(source.width.max(40.0))));
    let line = past(source, split, |history| &history.latency);
    line.chain(recent(source, split, pixel, &mut caches.fine)).collect()
}

/// The same width for a while: up to three percent more, so that a view that grows ("all" does, all the time) does not make
/// every column anew with each frame.
fn steady(width: Duration) -> Duration {
    let us = u64::try_from(width.as_micros()).unwrap_or(u64::MAX / 2).max(1);
    let drop = 59_u32.saturating_sub(us.leading_zeros());
    Duration::from_micros((us + (1 << drop) - 1) >> drop << drop)
}

/// The history's columns on view that start before `split`.
fn past<'a>(
    source: &Source<'a>,
    split: Wall,
    pick: fn(&RangeData) -> &Vec<Column>,
) -> impl Iterator<Item = (Column, Duration)> + 'a {
    let view = source.view;
    source.history.into_iter().flat_map(move |history| {
        let on_view = move |column: &&Column| {
            view.from < column.at.plus(history.column) && column.at < split && column.at <= view.to
        };
        pick(history).iter().filter(on_view).map(move |column| (*column, history.column))
    })
}

/// Memory's columns from `split` on.
fn recent(source: &Source<'_>, split: Wall, width: Duration, cache: &mut ColumnCache) -> Vec<(Column, Duration)> {
    cache.update(&source.watched.series, split, width);
    cache.iter().take_while(|column| column.at <= source.view.to).map(|column| (*column, width)).collect()
}

fn middle(column: &Column, width: Duration) -> f64 {
    column.at.as_secs_f64() + width.as_secs_f64() / 2.0
}

/// Joins the columns that follow each other: an empty one more than three times the cadence long, or one of failures only,
/// parts them.
fn runs(columns: &[(Column, Duration)], cadence: Duration) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut end: Option<Wall> = None;
    for (column, width) in columns {
        let Some(spread) = column.spread else {
            end = None;
            continue;
        };
        let joins = end.is_some_and(|end| column.at.since(end) <= cadence * 3);
        if !joins {
            runs.push(Run::default());
        }
        if let Some(run) = runs.last_mut() {
            let x = middle(column, *width);
            run.points.push(Point { x, spread });
            run.line.push(PlotPoint::new(x, f64::from(spread.p50)));
        }
        end = Some(column.at.plus(*width));
    }
    runs
}

/// Lowest and highest of columns that follow each other, parted as the runs are.
fn envelope(columns: &[(Column, Duration)], cadence: Duration) -> Vec<Vec<[f64; 3]>> {
    let mut parts: Vec<Vec<[f64; 3]>> = Vec::new();
    let mut end: Option<Wall> = None;
    for (column, width) in columns {
        // A column with failures only is no gap here: it is a pixel wide, and the next one may well have come out.
        let Some(spread) = column.spread else { continue };
        if end.is_none_or(|end| cadence * 3 < column.at.since(end)) {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push([middle(column, *width), spread.low.into(), spread.high.into()]);
        }
        end = Some(column.at.plus(*width));
    }
    parts
}

/// Every sample by itself: on the line, handshakes, failures.
fn samples(source: &Source<'_>) -> (Vec<[f64; 2]>, Vec<[f64; 2]>, Vec<FailureMark>) {
    let (mut dots, mut handshakes, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for sample in source.watched.series.between(source.view.from, source.view.to) {
        let x = sample.at.as_secs_f64();
        match (sample.ms(), sample.what) {
            (None, _) => failures.push(FailureMark { x, count: 1 }),
            (Some(ms), SampleKind::Handshake) => handshakes.push([x, ms.into()]),
            (Some(ms), _) => dots.push([x, ms.into()]),
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

fn blocks(source: &Source<'_>) -> Vec<Block> {
    let Source { watched, view, now, .. } = *source;
    let split = match (source.history, watched.lane.first_at()) {
        (None, _) => view.from,
        (Some(history), None) => history.to,
        (Some(_), Some(first)) => first,
    };
    let pixel = view.length().div_f64(f64::from(source.width.max(1.0)));
    let mut blocks: Vec<Block> = Vec::new();
    let mut take = |segment: &Segment, until: Wall| {
        let Some((from, to)) = segment.clip(view.from, until, now) else { return };
        let open = segment.to.is_none() && to == now.min(view.to);
        if let Some(last) = blocks.last_mut()
            && to.since(last.from) < pixel
        {
            if last.state.severity() < segment.state.severity() {
                last.state = segment.state;
                last.why = segment.reason.as_ref().map(diagnosis::words::phrase);
            }
            last.to = to;
            last.merged += 1;
            last.open = open;
            return;
        }
        let why = segment.reason.as_ref().map(diagnosis::words::phrase);
        blocks.push(Block { from, to, state: segment.state, why, merged: 1, open });
    };
    if let Some(history) = source.history {
        history.segments.iter().filter(|segment| segment.from < split).for_each(|one| take(one, split.min(view.to)));
    }
    watched.lane.between(view.from.max(split), view.to).for_each(|segment| take(segment, view.to));
    blocks
}

fn bars(
    source: &Source<'_>,
    width: Duration,
    pick: fn(&RangeData) -> &Vec<Bin>,
    live: impl DoubleEndedIterator<Item = Wall>,
) -> Bars {
    let view = source.view;
    let width = source.history.map_or(width, |history| width.max(history.column));
    let split = split(source, source.history.map_or(width, |history| history.column));
    let mut bins: Vec<Bin> = Vec::new();
    let mut add = |at: Wall, count: u32| {
        let at = column_start(at, width);
        match bins.last_mut() {
            Some(last) if last.at == at => last.count += count,
            _ => bins.push(Bin { at, count }),
        }
    };
    if let Some(history) = source.history {
        let on_view = |bin: &&Bin| view.from < bin.at.plus(history.column) && bin.at < split && bin.at <= view.to;
        pick(history).iter().filter(on_view).for_each(|bin| add(bin.at, bin.count));
    }
    let from = if source.history.is_some() { split } else { view.from };
    let mut recent: Vec<Wall> = live.rev().take_while(|at| from <= *at).filter(|at| *at <= view.to).collect();
    recent.reverse();
    recent.into_iter().for_each(|at| add(at, 1));
    let total = bins.iter().map(|bin| bin.count).sum();
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    Bars { bins, width, total, most }
}

/// The value at that share of all good samples on view, by the columns' own: exact where a column is one sample.
fn overall(columns: &[(Column, Duration)], pick: fn(&Spread) -> f32, share: f64) -> Option<f32> {
    let mut weighted: Vec<(f32, u32)> =
        columns.iter().filter_map(|(column, _)| Some((pick(&column.spread?), column.good))).collect();
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: u64 = weighted.iter().map(|(_, count)| u64::from(*count)).sum();
    let mut seen = 0;
    weighted.into_iter().find_map(|(ms, count)| {
        seen += u64::from(count);
        (share * all as f64 <= seen as f64).then_some(ms)
    })
}

/// Median and 95th percentile of what is on view: of the samples themselves where they are few.
fn quantiles(source: &Source<'_>, columns: &Columns) -> Option<(f32, f32)> {
    let (from, to) = (source.view.from, source.view.to);
    let series = &source.watched.series;
    if source.history.is_none() && series.between(from, to).len() <= 10_000 {
        let on_line = series.between(from, to).filter(|sample| sample.what.on_line());
        let mut values: Vec<f32> = on_line.filter_map(|sample| sample.ms()).collect();
        let spread = crate::model::columns::spread(&mut values)?;
        return Some((spread.p50, spread.p95));
    }
    Some((overall(&columns.line, |spread| spread.p50, 0.5)?, overall(&columns.line, |spread| spread.p95, 0.95)?))
}

fn latency_sentence(source: &Source<'_>, columns: &Columns) -> String {
    let mut sentence = format!("latency of {}, {}", source.watched.name, source.range);
    let values = quantiles(source, columns);
    let failures: u32 = columns.line.iter().map(|(column, _)| column.failures).sum();
    match values {
        Some((p50, p95)) => {
            sentence.push_str(&format!(": median {}, p95 {}", latency_ms(p50), latency_ms(p95)));
        }
        None => match overall(&columns.handshakes, |spread| spread.p50, 0.5) {
            Some(p50) => sentence.push_str(&format!(": handshakes, median {}", latency_ms(p50))),
            None => sentence.push_str(": nothing measured"),
        },
    }
    if failures != 0 {
        let first = columns.line.iter().find(|(column, _)| column.failures != 0).map(|(column, _)| column.at);
        let since = first.map_or(String::new(), |at| {
            let first = source.watched.series.between(at.max(source.view.from), source.view.to);
            let exact = first.filter(|sample| sample.is_failure()).map(|sample| sample.at).next();
            format!(" since {}", local::minute(exact.unwrap_or(at), source.zone))
        });
        sentence.push_str(&format!(", {}{since}", words::count(failures as usize, "failure", "failures")));
    }
    sentence
}

fn lane_sentence(source: &Source<'_>, blocks: &[Block]) -> String {
    let mut sentence = format!("state of {}, {}", source.watched.name, source.range);
    let Some(last) = blocks.last() else { return sentence + ": nothing watched" };
    let whole: f64 = blocks.iter().map(|block| block.to.since(block.from).as_secs_f64()).sum();
    let mut shares: Vec<(State, f64)> = Vec::new();
    for block in blocks {
        let took = block.to.since(block.from).as_secs_f64();
        match shares.iter_mut().find(|(state, _)| *state == block.state) {
            Some((_, share)) => *share += took,
            None => shares.push((block.state, took)),
        }
    }
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = shares
        .into_iter()
        .map(|(state, took)| {
            let word = diagnosis::words::state(state).to_owned();
            format!("{} {}", word, words::percent(if whole == 0.0 { 1.0 } else { took / whole }))
        })
        .collect();
    sentence.push_str(&format!(": {}; ", parts.join(", ")));
    let word = diagnosis::words::state(last.state);
    sentence.push_str(&format!("last {word} since {}", local::minute(last.from, source.zone)));
    sentence
}

fn count_sentence(source: &Source<'_>, what: &str, bars: &Bars) -> String {
    let count = if bars.total == 0 { "none".to_owned() } else { bars.total.to_string() };
    format!("{what} of {}, {}: {count}", source.watched.name, source.range)
}

#[cfg(test)]
mod tests;
