//! A thin layer over plotters in which lengths are pixels of 1/96 inch, whatever the form has.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font};

use super::FigureError;

/// The first is embedded for measuring and for PNG; a viewer of an SVG takes the first that it has.
const FAMILY: &str = "Inter, Helvetica, Arial, sans-serif";

/// What plotters' sizes are to the size of type that SVG has.
const FONT_FACTOR: f64 = 1.24;

/// Where to draw, and how many of its units a pixel is.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
    /// How much lower than asked a text has to be, as a share of its size, for its digits' middle to be where it should:
    /// each backend of plotters has its own idea of a text's middle.
    sink: f64,
}

/// A point, from the top left.
pub(super) type Point = (f64, f64);

/// How a text stands.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub size: f64,
    pub colour: RGBColor,
    pub bold: bool,
}

type Drawn = Result<(), FigureError>;

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> FigureError {
    FigureError::Draw(error.to_string())
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    pub(super) fn new(area: &'a DrawingArea<B, Shift>, scale: f64, sink: f64) -> Result<Self, FigureError> {
        static FONTS: Once = Once::new();
        FONTS.call_once(|| {
            let regular = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fonts/Inter-Regular.otf"));
            let bold = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fonts/Inter-SemiBold.otf"));
            // A font that can't be read is told by the first text that wants it.
            let _ = register_font(FAMILY, FontStyle::Normal, regular);
            let _ = register_font(FAMILY, FontStyle::Bold, bold);
        });
        let canvas = Self { area, scale, sink };
        canvas.area.fill(&super::palette::GROUND).map_err(failed)?;
        Ok(canvas)
    }

    fn unit(&self, length: f64) -> i32 {
        (length * self.scale).round() as i32
    }

    fn point(&self, (x, y): Point) -> (i32, i32) {
        (self.unit(x), self.unit(y))
    }

    fn width(&self, width: f64) -> u32 {
        self.unit(width).max(1).unsigned_abs()
    }

    pub(super) fn line(&self, points: &[Point], colour: RGBColor, width: f64) -> Drawn {
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: self.width(width) };
        let points: Vec<_> = points.iter().map(|point| self.point(*point)).collect();
        self.area.draw(&PathElement::new(points, style)).map_err(failed)
    }

    pub(super) fn rect(&self, from: Point, to: Point, colour: RGBColor, opacity: f64) -> Drawn {
        let style = ShapeStyle { color: colour.mix(opacity), filled: true, stroke_width: 0 };
        self.area.draw(&Rectangle::new([self.point(from), self.point(to)], style)).map_err(failed)
    }

    pub(super) fn outline(&self, (x0, y0): Point, (x1, y1): Point, colour: RGBColor, width: f64) -> Drawn {
        self.line(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], colour, width)
    }

    pub(super) fn polygon(&self, points: &[Point], colour: RGBColor, opacity: f64) -> Drawn {
        let points: Vec<_> = points.iter().map(|point| self.point(*point)).collect();
        self.area.draw(&Polygon::new(points, colour.mix(opacity))).map_err(failed)
    }

    pub(super) fn disc(&self, centre: Point, radius: f64, colour: RGBColor) -> Drawn {
        let style = ShapeStyle { color: colour.to_rgba(), filled: true, stroke_width: 0 };
        self.area.draw(&Circle::new(self.point(centre), self.unit(radius).max(1), style)).map_err(failed)
    }

    fn style(&self, kind: Type, pos: Pos) -> TextStyle<'static> {
        let weight = if kind.bold { FontStyle::Bold } else { FontStyle::Normal };
        let size = kind.size * FONT_FACTOR * self.scale;
        let font: FontDesc<'static> = FontDesc::new(FontFamily::Name(FAMILY), size, weight);
        TextStyle { font, color: kind.colour.to_backend_color(), pos }
    }

    /// Text with its vertical middle at `at`.
    pub(super) fn text(&self, text: &str, at: Point, kind: Type, h: HPos) -> Drawn {
        let style = self.style(kind, Pos::new(h, VPos::Center));
        self.area.draw_text(text, &style, self.point((at.0, at.1 + self.sink * kind.size))).map_err(failed)
    }

    /// How wide the text is, in pixels.
    pub(super) fn text_width(&self, text: &str, kind: Type) -> f64 {
        let style = self.style(kind, Pos::default());
        self.area.estimate_text_size(text, &style).map_or(0.0, |(width, _)| f64::from(width) / self.scale)
    }
}
