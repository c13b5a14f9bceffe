//! The figure's parts: its head, the panels one under the other, and the time axis that they share.

use std::time::Duration;

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::axis::{Scale, Tick, local, ms_label, round_length, time_ticks};
use super::canvas::{Canvas, Point, Type};
use super::lane::lane;
use super::{Figure, FigureError, WIDTH, What, palette};
use crate::base::Wall;
use crate::model::{Bin, Column};
use crate::watch::State;

pub(super) type Drawn = Result<(), FigureError>;

pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = WIDTH - 16.0;
const HEAD: f64 = 58.0;
/// A panel's own line of words above it.
const CAPTION: f64 = 22.0;
const BETWEEN: f64 = 14.0;
const FOOT: f64 = 44.0;
pub(super) const LEGEND: f64 = 20.0;

const TITLE: Type = Type { size: 16.0, colour: palette::TEXT, bold: true };
const NAME: Type = Type { size: 12.0, colour: palette::TEXT, bold: true };
pub(super) const WORDS: Type = Type { size: 11.0, colour: palette::SECONDARY, bold: false };

fn body(what: What) -> f64 {
    match what {
        What::Latency => 180.0,
        What::State => 30.0,
        What::Reconnects | What::Cors => 64.0,
    }
}

fn whole(what: What, figure: &Figure<'_>) -> f64 {
    let under = match what {
        What::State => legend_rows(figure) * LEGEND,
        What::Latency | What::Reconnects | What::Cors => 0.0,
    };
    CAPTION + body(what) + BETWEEN + under
}

/// Five words fit beside each other.
fn legend_rows(figure: &Figure<'_>) -> f64 {
    let shown = |state| figure.data.segments.iter().any(|segment| segment.state == state);
    if State::ALL.into_iter().filter(|state| shown(*state)).count() <= 5 { 1.0 } else { 2.0 }
}

/// The figure's height in pixels.
pub(super) fn height(figure: &Figure<'_>) -> f64 {
    HEAD + figure.panels.iter().map(|what| whole(*what, figure)).sum::<f64>() - BETWEEN + FOOT
}

/// Where a panel is, and what time means there.
pub(super) struct Frame {
    pub top: f64,
    pub bottom: f64,
    from: Wall,
    to: Wall,
}

impl Frame {
    pub(super) fn x(&self, at: Wall) -> f64 {
        let span = (self.to.0 - self.from.0).max(1) as f64;
        let share = (at.0.saturating_sub(self.from.0)) as f64 / span;
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }

    /// The middle of a column.
    fn middle(&self, at: Wall, width: Duration) -> f64 {
        self.x(at.plus(width / 2))
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &Canvas<'_, B>, figure: &Figure<'_>) -> Drawn {
    head(canvas, figure)?;
    let ticks = time_ticks(figure.data.from, figure.data.to, 9, figure.zone);
    let mut top = HEAD;
    for what in figure.panels {
        let frame = Frame {
            top: top + CAPTION,
            bottom: top + CAPTION + body(*what),
            from: figure.data.from,
            to: figure.data.to,
        };
        ground(canvas, figure, &frame, &ticks)?;
        match what {
            What::Latency => latency(canvas, figure, &frame)?,
            What::State => lane(canvas, figure, &frame)?,
            What::Reconnects => {
                let bins = &figure.data.attempts;
                bars(canvas, figure, &frame, "Reconnect attempts", bins, palette::state(State::Reconnecting))?;
            }
            What::Cors => {
                let bins = &figure.data.cors;
                bars(canvas, figure, &frame, "CORS failures", bins, palette::state(State::CorsError))?;
            }
        }
        top += whole(*what, figure);
    }
    let frame = Frame { top, bottom: top - BETWEEN, from: figure.data.from, to: figure.data.to };
    time_axis(canvas, &frame, &ticks)
}

fn head<B: DrawingBackend>(canvas: &Canvas<'_, B>, figure: &Figure<'_>) -> Drawn {
    canvas.text(&shortened(canvas, figure.name, TITLE, RIGHT - LEFT), (LEFT, 22.0), TITLE, HPos::Left)?;
    let time = |at| local(at, figure.zone).map(|at| at.strftime("%-d %b %Y %H:%M").to_string()).unwrap_or_default();
    let (from, to) = (time(figure.data.from), time(figure.data.to));
    let zone = figure.zone.iana_name().unwrap_or("local time");
    canvas.text(&format!("{from} to {to}, {zone}"), (LEFT, 41.0), WORDS, HPos::Left)
}

/// The text, its end left out where there is no room for it.
fn shortened<B: DrawingBackend>(canvas: &Canvas<'_, B>, text: &str, kind: Type, room: f64) -> String {
    if canvas.text_width(text, kind) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().take(200).collect();
    loop {
        let short = format!("{}…", kept.iter().collect::<String>().trim_end());
        if canvas.text_width(&short, kind) <= room || kept.pop().is_none() {
            return short;
        }
    }
}

/// The time's grid, and the stretches in which nobody watched.
fn ground<B: DrawingBackend>(canvas: &Canvas<'_, B>, figure: &Figure<'_>, frame: &Frame, ticks: &[Tick]) -> Drawn {
    for (from, to) in &figure.data.gaps {
        canvas.rect((frame.x(*from), frame.top), (frame.x(*to), frame.bottom), palette::UNWATCHED, 1.0)?;
    }
    for tick in ticks {
        let x = frame.x(tick.at);
        canvas.line(&[(x, frame.top), (x, frame.bottom)], palette::GRID, 1.0)?;
    }
    Ok(())
}

fn floor<B: DrawingBackend>(canvas: &Canvas<'_, B>, frame: &Frame) -> Drawn {
    canvas.line(&[(LEFT, frame.bottom), (RIGHT, frame.bottom)], palette::AXIS, 1.0)
}

pub(super) fn caption<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    name: &str,
    words: &str,
) -> Result<f64, FigureError> {
    let y = frame.top - 11.0;
    canvas.text(name, (LEFT, y), NAME, HPos::Left)?;
    let x = LEFT + canvas.text_width(name, NAME) + 10.0;
    canvas.text(words, (x, y), WORDS, HPos::Left)?;
    Ok(x + canvas.text_width(words, WORDS))
}

pub(super) fn empty<B: DrawingBackend>(canvas: &Canvas<'_, B>, frame: &Frame, words: &str) -> Drawn {
    floor(canvas, frame)?;
    canvas.text(words, ((LEFT + RIGHT) / 2.0, (frame.top + frame.bottom) / 2.0), WORDS, HPos::Center)
}

// ---- Latency -----------------------------------------------------------------------------------------------------------

fn latency<B: DrawingBackend>(canvas: &Canvas<'_, B>, figure: &Figure<'_>, frame: &Frame) -> Drawn {
    let columns = &figure.data.latency;
    caption(canvas, frame, "Latency", &summary(figure.summary))?;
    if columns.is_empty() {
        return empty(canvas, frame, "nothing was measured in this time");
    }
    legend(canvas, frame)?;
    let spreads = || columns.iter().filter_map(|column| column.spread);
    let most = spreads().map(|spread| f64::from(spread.p95)).fold(0.0, f64::max);
    let least = spreads().map(|spread| f64::from(spread.p50)).fold(f64::INFINITY, f64::min);
    // Two orders of magnitude on a linear scale would be a flat line with needles.
    let scale = if least.is_finite() && 0.0 < least && 80.0 < most / least {
        Scale::logarithmic(least, most)
    } else {
        Scale::linear(most, 4, false)
    };
    values(canvas, frame, &scale, ms_label)?;
    let bad = palette::state(State::Error);
    for column in columns.iter().filter(|column| 0 < column.failures) {
        let x = frame.middle(column.at, figure.data.column);
        canvas.rect((x - 0.7, frame.bottom - 9.0), (x + 0.7, frame.bottom), bad, 1.0)?;
    }
    for run in runs(columns, figure) {
        let point = |column: &Column, ms: f32| {
            (frame.middle(column.at, figure.data.column), frame.y(scale.place(f64::from(ms))))
        };
        let median: Vec<Point> = run.iter().filter_map(|c| Some(point(c, c.spread?.p50))).collect();
        let high: Vec<Point> = run.iter().filter_map(|c| Some(point(c, c.spread?.p95))).collect();
        match (&median[..], &high[..]) {
            ([one], [top]) => {
                canvas.line(&[*one, *top], palette::ACCENT, 0.7)?;
                canvas.disc(*one, 1.5, palette::ACCENT)?;
            }
            _ => {
                let band: Vec<Point> = high.iter().chain(median.iter().rev()).copied().collect();
                canvas.polygon(&band, palette::ACCENT, 0.22)?;
                canvas.line(&median, palette::ACCENT, 1.3)?;
            }
        }
    }
    floor(canvas, frame)
}

/// The numbers of the whole range, in words.
fn summary(summary: Option<&Column>) -> String {
    let Some(Column { good, failures, spread, .. }) = summary else { return String::new() };
    let counted = match failures {
        0 => "no failures".to_owned(),
        1 => "1 failure".to_owned(),
        failures => format!("{failures} failures"),
    };
    let all = good + failures;
    match spread {
        Some(spread) => {
            let (p50, p95) = (ms_label(spread.p50.into()), ms_label(spread.p95.into()));
            format!("median {p50}, 95th percentile {p95}, {counted} in {all}")
        }
        None => format!("{counted} in {all}"),
    }
}

fn legend<B: DrawingBackend>(canvas: &Canvas<'_, B>, frame: &Frame) -> Drawn {
    let y = frame.top - 11.0;
    let mut x = RIGHT;
    let mut entry = |word: &str| -> Result<f64, FigureError> {
        canvas.text(word, (x, y), WORDS, HPos::Right)?;
        x -= canvas.text_width(word, WORDS) + 5.0;
        let end = x;
        x -= 16.0 + 10.0;
        Ok(end)
    };
    let end = entry("failure")?;
    canvas.rect((end - 4.7, y - 4.5), (end - 3.3, y + 4.5), palette::state(State::Error), 1.0)?;
    let end = entry("to p95")?;
    canvas.rect((end - 14.0, y - 4.5), (end, y + 4.5), palette::ACCENT, 0.22)?;
    let end = entry("median")?;
    canvas.line(&[(end - 14.0, y), (end, y)], palette::ACCENT, 1.6)
}

fn values<B: DrawingBackend>(canvas: &Canvas<'_, B>, frame: &Frame, scale: &Scale, label: fn(f64) -> String) -> Drawn {
    for value in &scale.ticks {
        let y = frame.y(scale.place(*value));
        canvas.line(&[(LEFT, y), (RIGHT, y)], palette::GRID, 1.0)?;
        canvas.text(&label(*value), (LEFT - 6.0, y), WORDS, HPos::Right)?;
    }
    Ok(())
}

/// The stretches over which the line may go: no failure, no hole and no end of a run inside.
fn runs<'a>(columns: &'a [Column], figure: &Figure<'_>) -> Vec<&'a [Column]> {
    let mut steps: Vec<i64> = columns.windows(2).map(|pair| pair[1].at.0 - pair[0].at.0).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let hole = |a: &Column, b: &Column| {
        usual.saturating_mul(5) / 2 < b.at.0 - a.at.0
            || figure.data.gaps.iter().any(|(from, to)| a.at < *to && *from < b.at.plus(figure.data.column))
                && figure.data.gaps.iter().any(|(from, _)| (a.at..=b.at).contains(from))
    };
    columns
        .chunk_by(|a, b| a.spread.is_some() && b.spread.is_some() && !hole(a, b))
        .filter(|run| run[0].spread.is_some())
        .collect()
}

// ---- Bars --------------------------------------------------------------------------------------------------------------

/// How wide a bar is at least.
const BAR: f64 = 5.0;

fn bars<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    figure: &Figure<'_>,
    frame: &Frame,
    name: &str,
    bins: &[Bin],
    colour: RGBColor,
) -> Drawn {
    let data = figure.data;
    let inside = bins.iter().filter(|bin| data.from <= bin.at.plus(data.column) && bin.at <= data.to);
    let total: u64 = inside.clone().map(|bin| u64::from(bin.count)).sum();
    // As many columns to a bar as make it wide enough to be seen.
    let column_px = (RIGHT - LEFT) * data.column.as_secs_f64() / data.to.since(data.from).as_secs_f64().max(1e-6);
    let least = data.column.mul_f64((BAR / column_px).clamp(1.0, 1e6));
    let bar_us = i64::try_from(round_length(least).as_micros()).unwrap_or(i64::MAX).max(1);
    let mut heights: Vec<(i64, u64)> = Vec::new();
    for bin in inside {
        let start = bin.at.0.div_euclid(bar_us) * bar_us;
        match heights.last_mut() {
            Some((last, count)) if *last == start => *count += u64::from(bin.count),
            _ => heights.push((start, bin.count.into())),
        }
    }
    let each = words_for(Duration::from_micros(bar_us.unsigned_abs()));
    caption(
        canvas,
        frame,
        name,
        &if total == 0 { String::new() } else { format!("{total} in all, a bar for each {each}") },
    )?;
    let Some(most) = heights.iter().map(|(_, count)| *count).max() else {
        return empty(canvas, frame, "none in this time");
    };
    let scale = Scale::linear(most as f64, 2, true);
    values(canvas, frame, &scale, |value| format!("{value}"))?;
    for (start, count) in heights {
        let (x0, x1) = (frame.x(Wall(start)), frame.x(Wall(start.saturating_add(bar_us))));
        let inset = ((x1 - x0) * 0.1).min(1.0);
        let top = frame.y(scale.place(count as f64));
        canvas.rect((x0 + inset, top), ((x1 - inset).max(x0 + inset + 0.8), frame.bottom), colour, 1.0)?;
    }
    floor(canvas, frame)
}

/// `5 min`, `2 h`, `90 s`.
fn words_for(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    let round = super::axis::round;
    if 86_400.0 <= seconds {
        format!("{} d", round(seconds / 86_400.0))
    } else if 3_600.0 <= seconds {
        format!("{} h", round(seconds / 3_600.0))
    } else if 120.0 <= seconds {
        format!("{} min", round(seconds / 60.0))
    } else {
        format!("{} s", round(seconds))
    }
}

// ---- The time axis -----------------------------------------------------------------------------------------------------

fn time_axis<B: DrawingBackend>(canvas: &Canvas<'_, B>, frame: &Frame, ticks: &[Tick]) -> Drawn {
    let (mut free, mut free_under) = (0.0, 0.0);
    for tick in ticks {
        let x = frame.x(tick.at);
        canvas.line(&[(x, frame.bottom + 1.0), (x, frame.bottom + 5.0)], palette::AXIS, 1.0)?;
        let half = canvas.text_width(&tick.label, WORDS) / 2.0;
        if free <= x - half && x + half <= WIDTH {
            canvas.text(&tick.label, (x, frame.bottom + 14.0), WORDS, HPos::Center)?;
            free = x + half + 6.0;
        }
        if let Some(under) = &tick.under {
            let half = canvas.text_width(under, WORDS) / 2.0;
            if free_under <= x - half {
                let x = x.min(WIDTH - half - 4.0);
                canvas.text(under, (x, frame.bottom + 29.0), WORDS, HPos::Center)?;
                free_under = x + half + 6.0;
            }
        }
    }
    Ok(())
}
