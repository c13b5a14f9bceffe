//! What the plots say to who can't see them.

use std::time::Duration;

use super::columns::Columns;
use super::{Bars, Block, Source, latency_ms, local, words};
use crate::diagnosis::{self, session_words};
use crate::model::{Column, Spread};
use crate::watch::State;

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

pub(super) fn latency_sentence(source: &Source<'_>, columns: &Columns) -> String {
    let by = source.watched.socketio.as_ref().and_then(|seen| seen.measured_by);
    let by = by.map_or(String::new(), |by| format!(" by {}", session_words::measured_by(by)));
    let mut sentence = format!("latency of {}{by}, {}", source.watched.name, source.range);
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

pub(super) fn lane_sentence(source: &Source<'_>, blocks: &[Block]) -> String {
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

pub(super) fn count_sentence(source: &Source<'_>, what: &str, bars: &Bars) -> String {
    let count = if bars.total == 0 { "none".to_owned() } else { bars.total.to_string() };
    format!("{what} of {}, {}: {count}", source.watched.name, source.range)
}
