//! Latency in columns, and the lines through them.
//!
//! Invariant: the history's columns come before memory's, and they meet at one instant.

use std::time::Duration;

use egui_plot::PlotPoint;

use super::{Caches, Point, Run, Source, fine_width};
use crate::base::Wall;
use crate::model::columns::column_start;
use crate::model::{Column, ColumnCache, RangeData, Segment};

/// Columns with their widths: the history's, then memory's.
pub(super) struct Columns {
    pub line: Vec<(Column, Duration)>,
    pub handshakes: Vec<(Column, Duration)>,
}

/// From when on memory speaks; before, the history does.
pub(super) fn split(source: &Source<'_>, column: Duration) -> Wall {
    match (source.history, source.watched.known_since()) {
        (None, _) => source.view.from,
        (Some(history), None) => history.to.plus(Duration::from_micros(1)),
        // Memory's first column may be half forgotten: the history has it whole.
        (Some(_), Some(known)) => column_start(known, column).plus(column).max(source.view.from),
    }
}

pub(super) fn latency_columns(source: &Source<'_>, column: Duration, caches: &mut Caches) -> Columns {
    let split = split(source, column);
    let line = past(source, split, |history| history.column, |history| &history.latency);
    let handshakes = past(source, split, |history| history.column, |history| &history.handshakes);
    Columns {
        line: line.chain(recent(source, split, column, &mut caches.line)).collect(),
        handshakes: handshakes.chain(recent(source, split, column, &mut caches.handshakes)).collect(),
    }
}

/// The latency's columns a pixel wide, or as narrow as the history still has them.
pub(super) fn fine_columns(source: &Source<'_>, caches: &mut Caches, column: Duration) -> Vec<(Column, Duration)> {
    let split = split(source, column);
    let pixel = fine_width(source.view, source.width, column);
    let line =
        past(source, split, finest, |history| history.fine.as_ref().map_or(&history.latency, |fine| &fine.columns));
    line.chain(recent(source, split, pixel, &mut caches.fine)).collect()
}

/// How wide the history's finest columns are.
pub(super) fn finest(history: &RangeData) -> Duration {
    history.fine.as_ref().map_or(history.column, |fine| fine.width)
}

/// The history's columns on view that start before `split`.
pub(super) fn past<'a>(
    source: &Source<'a>,
    split: Wall,
    width: fn(&RangeData) -> Duration,
    pick: fn(&RangeData) -> &Vec<Column>,
) -> impl Iterator<Item = (Column, Duration)> + 'a {
    let view = source.view;
    source.history.into_iter().flat_map(move |history| {
        let width = width(history);
        let on_view =
            move |column: &&Column| view.from < column.at.plus(width) && column.at < split && column.at <= view.to;
        pick(history).iter().filter(on_view).map(move |column| (*column, width))
    })
}

/// Memory's columns from `split` on.
pub(super) fn recent(
    source: &Source<'_>,
    split: Wall,
    width: Duration,
    cache: &mut ColumnCache,
) -> Vec<(Column, Duration)> {
    cache.update(&source.watched.series, split, width);
    cache.iter().take_while(|column| column.at <= source.view.to).map(|column| (*column, width)).collect()
}

pub(super) fn middle(column: &Column, width: Duration) -> f64 {
    column.at.as_secs_f64() + width.as_secs_f64() / 2.0
}

/// Where a line has to end: stretches that nobody watched, or that were not kept, in order.
#[derive(Debug, Default)]
pub(super) struct Holes(Vec<Wall>);

impl Holes {
    pub(super) fn of(source: &Source<'_>) -> Self {
        let kept = source.history.into_iter().flat_map(|history| &history.gaps).map(|(from, _)| *from);
        let lane: Vec<_> = source.watched.lane.between(source.view.from, source.view.to).collect();
        let hole = |pair: &[&Segment]| pair[0].to.filter(|end| *end < pair[1].from);
        let mut begins: Vec<Wall> = kept.chain(lane.windows(2).filter_map(hole)).collect();
        begins.sort_unstable();
        Self(begins)
    }

    /// Whether one begins in `[from, to)`.
    fn any_in(&self, from: Wall, to: Wall) -> bool {
        self.0.get(self.0.partition_point(|begin| *begin < from)).is_some_and(|begin| *begin < to)
    }

    /// Whether a line may go from a column to the next: no hole begins between them, and they are no more than three times
    /// the cadence apart.
    fn leave(&self, before: (Wall, Duration), next: Wall, cadence: Duration) -> bool {
        let (at, width) = before;
        next.since(at.plus(width)) <= cadence * 3 && !self.any_in(at, next)
    }
}

/// Joins the columns that follow each other: a hole, a longer stretch without a column, or a column of failures only, parts
/// them.
pub(super) fn runs(columns: &[(Column, Duration)], cadence: Duration, holes: &Holes) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before: Option<(Wall, Duration)> = None;
    for (column, width) in columns {
        let Some(spread) = column.spread else {
            before = None;
            continue;
        };
        if !before.is_some_and(|before| holes.leave(before, column.at, cadence)) {
            runs.push(Run::default());
        }
        if let Some(run) = runs.last_mut() {
            let x = middle(column, *width);
            run.points.push(Point { x, spread });
            run.line.push(PlotPoint::new(x, f64::from(spread.p50)));
        }
        before = Some((column.at, *width));
    }
    runs
}

/// Lowest and highest of columns that follow each other, parted as the runs are.
pub(super) fn envelope(columns: &[(Column, Duration)], cadence: Duration, holes: &Holes) -> Vec<Vec<[f64; 3]>> {
    let mut parts: Vec<Vec<[f64; 3]>> = Vec::new();
    let mut before: Option<(Wall, Duration)> = None;
    for (column, width) in columns {
        // A column with failures only is no gap here: it is a pixel wide, and the next one may well have come out.
        let Some(spread) = column.spread else { continue };
        if !before.is_some_and(|before| holes.leave(before, column.at, cadence)) {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push([middle(column, *width), spread.low.into(), spread.high.into()]);
        }
        before = Some((column.at, *width));
    }
    parts
}
