//! Figures that leave the program: one profile's latency, states, reconnects and CORS failures over one time axis, as SVG
//! or PNG.
//!
//! Made for paper: 190 mm wide, a light ground, no text under 8 points, local time with dates, states told apart by
//! pattern and word as well as colour. Invariants: what was not measured is drawn as nothing; a failure is a mark, never a
//! number; the median line is broken where a failure or a hole lies between.

mod axis;
mod canvas;
mod lane;
mod palette;
mod panels;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};

use self::canvas::Canvas;
use crate::base::Wall;
use crate::model::{Column, RangeData};

/// One panel of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Latency,
    State,
    Reconnects,
    Cors,
}

impl What {
    pub const ALL: [Self; 4] = [Self::Latency, Self::State, Self::Reconnects, Self::Cors];

    /// As the command line has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::State => "state",
            Self::Reconnects => "reconnects",
            Self::Cors => "cors",
        }
    }
}

/// The forms that figures leave in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    Svg,
    Png,
}

impl FigureFormat {
    /// By the file's ending.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        [("svg", Self::Svg), ("png", Self::Png)]
            .into_iter()
            .find(|(known, _)| ending.eq_ignore_ascii_case(known))
            .map(|(_, format)| format)
    }
}

/// What is to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// The profile's name.
    pub name: &'a str,
    pub data: &'a RangeData,
    /// The whole range as one column, for the figures beside the plot.
    pub summary: Option<&'a Column>,
    /// Where an open state is known to last to: the newest event, or now.
    pub known_to: Wall,
    /// From top to bottom.
    pub panels: &'a [What],
    pub zone: &'a TimeZone,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    #[error("the file's name has to end in .svg or .png")]
    Ending,
    #[error("the figure can't be drawn ({0})")]
    Draw(String),
    #[error("the figure can't be written ({source}): {path}", path = .path.display())]
    Write { source: std::io::Error, path: PathBuf },
}

/// Pixels of 1/96 inch across: 190 mm.
const WIDTH: f64 = 720.0;
/// Pixels of a PNG to one of those: 288 dots an inch.
const PNG_SCALE: f64 = 3.0;
/// Units of an SVG to one of those: its coordinates are whole numbers, so they are made small.
const SVG_SCALE: f64 = 10.0;

/// How many columns a figure shows at most.
pub const COLUMNS: u32 = 600;

/// How wide a figure's columns are best: a length that people count time in, and not more than [`COLUMNS`] of them.
pub fn column(from: Wall, to: Wall) -> Duration {
    let least = to.since(from) / COLUMNS;
    axis::round_length(least)
}

/// Draws the figure into a file, in the form that its ending names. The file appears whole or not at all.
pub fn save(figure: &Figure<'_>, path: &Path) -> Result<(), FigureError> {
    let format = FigureFormat::of(path).ok_or(FigureError::Ending)?;
    let write = |source| FigureError::Write { source, path: path.into() };
    let part = part_of(path, format);
    let drawn = match format {
        FigureFormat::Svg => svg(figure).and_then(|text| std::fs::write(&part, text).map_err(write)),
        FigureFormat::Png => png(figure, &part),
    };
    let kept = drawn.and_then(|()| std::fs::rename(&part, path).map_err(write));
    if kept.is_err() {
        // Whatever there is of it is of no use.
        let _ = std::fs::remove_file(&part);
    }
    kept
}

/// A name beside the file's, with the same ending.
fn part_of(path: &Path, format: FigureFormat) -> PathBuf {
    let ending = match format {
        FigureFormat::Svg => "part.svg",
        FigureFormat::Png => "part.png",
    };
    path.with_extension(ending)
}

/// The figure as an SVG document.
pub fn svg(figure: &Figure<'_>) -> Result<String, FigureError> {
    let (width, height) = (WIDTH, panels::height(figure));
    let units = |length: f64| (length * SVG_SCALE).round() as u32;
    let mut text = String::new();
    draw(SVGBackend::with_string(&mut text, (units(width), units(height))), SVG_SCALE, 0.09, figure)?;
    // The size on paper; the coordinates stay in the view box.
    let size = format!("width=\"{}\" height=\"{}\"", units(width), units(height));
    Ok(text.replacen(&size, &format!("width=\"{width}\" height=\"{height}\""), 1))
}

fn png(figure: &Figure<'_>, path: &Path) -> Result<(), FigureError> {
    let units = |length: f64| (length * PNG_SCALE).round() as u32;
    let size = (units(WIDTH), units(panels::height(figure)));
    // The backend would only say that it failed.
    std::fs::File::create(path).map_err(|source| FigureError::Write { source, path: path.into() })?;
    draw(BitMapBackend::new(path, size), PNG_SCALE, 0.16, figure)
}

fn draw<B: DrawingBackend>(backend: B, scale: f64, sink: f64, figure: &Figure<'_>) -> Result<(), FigureError> {
    let area = backend.into_drawing_area();
    let canvas = Canvas::new(&area, scale, sink)?;
    panels::draw(&canvas, figure)?;
    area.present().map_err(|error| FigureError::Draw(error.to_string()))
}

#[cfg(test)]
mod tests;
