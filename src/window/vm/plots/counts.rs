//! The lane's blocks and the bars.

use std::time::Duration;

use super::columns::split;
use super::{Bars, Block, Source};
use crate::base::Wall;
use crate::diagnosis;
use crate::model::columns::column_start;
use crate::model::{Bin, RangeData, Segment};

pub(super) fn blocks(source: &Source<'_>) -> Vec<Block> {
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

pub(super) fn bars(
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
