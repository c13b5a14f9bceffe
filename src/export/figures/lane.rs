//! The state's lane of a figure: a colour and a pattern for each state, and what share of the time it had.

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::canvas::{Canvas, Point};
use super::panels::{Drawn, Frame, LEFT, LEGEND, RIGHT, WORDS, caption, empty};
use super::{Figure, palette};
use crate::base::Wall;
use crate::diagnosis::words;
use crate::watch::State;

pub(super) fn lane<B: DrawingBackend>(canvas: &Canvas<'_, B>, figure: &Figure<'_>, frame: &Frame) -> Drawn {
    caption(canvas, frame, "State", "")?;
    let data = figure.data;
    let mut parts: Vec<(State, Wall, Wall)> = Vec::new();
    for segment in &data.segments {
        let Some((from, to)) = segment.clip(data.from, data.to, figure.known_to) else { continue };
        match parts.last_mut() {
            // Only the reason changed.
            Some((state, _, end)) if *state == segment.state && *end == from => *end = to,
            _ => parts.push((segment.state, from, to)),
        }
    }
    if parts.is_empty() {
        return empty(canvas, frame, "nobody watched in this time");
    }
    for (state, from, to) in &parts {
        // At least a hair's breadth: a short outage is the very thing to be seen.
        let (x0, x1) = (frame.x(*from), frame.x(*to).max(frame.x(*from) + 0.8));
        block(canvas, *state, (x0, frame.top), (x1.min(RIGHT), frame.bottom))?;
    }
    canvas.line(&[(LEFT, frame.bottom), (RIGHT, frame.bottom)], palette::AXIS, 1.0)?;

    let watched: f64 = parts.iter().map(|(_, from, to)| to.since(*from).as_secs_f64()).sum();
    let mut shares: Vec<(State, f64)> = State::ALL
        .into_iter()
        .map(|state| {
            let of = parts.iter().filter(|(found, _, _)| *found == state);
            (state, of.map(|(_, from, to)| to.since(*from).as_secs_f64()).sum::<f64>() / watched.max(1e-9))
        })
        .filter(|(state, _)| parts.iter().any(|(found, _, _)| found == state))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (mut x, mut y) = (LEFT, frame.bottom + LEGEND / 2.0 + 3.0);
    for (state, share) in shares {
        let word = format!("{} {}", words::state(state), percent(share));
        let width = canvas.text_width(&word, WORDS);
        if RIGHT < x + 18.0 + width {
            x = LEFT;
            y += LEGEND;
        }
        block(canvas, state, (x, y - 5.0), (x + 14.0, y + 5.0))?;
        canvas.text(&word, (x + 18.0, y), WORDS, HPos::Left)?;
        x += 18.0 + width + 14.0;
    }
    Ok(())
}

/// `99.7 %`; never 100 where something is missing from it, nor 0 where there is something.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.1 {
        "<0.1 %".to_owned()
    } else if 99.95 <= percent && share < 1.0 - 1e-9 {
        ">99.9 %".to_owned()
    } else if 99.95 <= percent {
        "100 %".to_owned()
    } else {
        format!("{percent:.1} %")
    }
}

/// A stretch of one state: its colour, and a pattern that tells it from the others in grey, too.
fn block<B: DrawingBackend>(canvas: &Canvas<'_, B>, state: State, from: Point, to: Point) -> Drawn {
    let colour = palette::state(state);
    let (faint, full) = (0.25, 1.0);
    match state {
        State::Connected | State::Error => canvas.rect(from, to, colour, full)?,
        State::Disconnected => {}
        _ => canvas.rect(from, to, colour, faint)?,
    }
    match state {
        State::Connected => {}
        // A cross on a full ground.
        State::Error => {
            hatch(canvas, from, to, palette::GROUND, Hatch::Rising)?;
            hatch(canvas, from, to, palette::GROUND, Hatch::Falling)?;
        }
        State::CorsError => hatch(canvas, from, to, colour, Hatch::Falling)?,
        State::Reconnecting => hatch(canvas, from, to, colour, Hatch::Rising)?,
        State::AuthRequired => hatch(canvas, from, to, colour, Hatch::Level)?,
        State::Suspended => hatch(canvas, from, to, colour, Hatch::Upright)?,
        State::Connecting => {
            let middle = (from.1 + to.1) / 2.0;
            canvas.rect((from.0, middle), to, colour, full)?;
        }
        State::Disconnected => canvas.outline(from, to, colour, 0.8)?,
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Hatch {
    Rising,
    Falling,
    Level,
    Upright,
}

fn hatch<B: DrawingBackend>(canvas: &Canvas<'_, B>, from: Point, to: Point, colour: RGBColor, kind: Hatch) -> Drawn {
    const APART: f64 = 5.0;
    let ((x0, y0), (x1, y1)) = (from, to);
    let (width, height) = (x1 - x0, y1 - y0);
    match kind {
        Hatch::Level => {
            let mut y = y0 + APART / 2.0;
            while y < y1 {
                canvas.line(&[(x0, y), (x1, y)], colour, 1.0)?;
                y += APART;
            }
        }
        Hatch::Upright => {
            let mut x = x0 + APART / 2.0;
            while x < x1 {
                canvas.line(&[(x, y0), (x, y1)], colour, 1.0)?;
                x += APART;
            }
        }
        Hatch::Rising | Hatch::Falling => {
            // Lines of 45 degrees from the top edge on, clipped by the block's sides.
            let mut start = APART - height;
            while start < width {
                let (mut a, mut b) = ((start, 0.0), (start + height, height));
                if a.0 < 0.0 {
                    a = (0.0, -a.0);
                }
                if width < b.0 {
                    b = (width, height - (b.0 - width));
                }
                let place = |(x, y): Point| match kind {
                    Hatch::Rising => (x0 + x, y1 - y),
                    _ => (x0 + x, y0 + y),
                };
                canvas.line(&[place(a), place(b)], colour, 1.0)?;
                start += APART;
            }
        }
    }
    Ok(())
}
