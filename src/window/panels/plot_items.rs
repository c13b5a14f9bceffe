//! What the plots draw: grid, bands, marks, the lane's blocks, bars. Each borrows the view-model; none computes anything
//! that is not a place on the screen.

use std::ops::RangeInclusive;
use std::sync::Arc;

use egui::{Color32, Mesh, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};

use super::plots::place;
use crate::watch::State;
use crate::window::shape;
use crate::window::theme::Theme;
use crate::window::vm::plots::{Bars, Block, Heartbeats, PlotsVm};

/// The part of a plot item that is the same for all: they are drawn, and neither hovered nor measured.
macro_rules! drawn {
    ($item:ty) => {
        impl PlotItem for $item {
            fn shapes(&self, _: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
                self.draw(transform, shapes);
            }

            fn initialize(&mut self, _: RangeInclusive<f64>) {}

            fn color(&self) -> Color32 {
                Color32::TRANSPARENT
            }

            fn geometry(&self) -> PlotGeometry<'_> {
                PlotGeometry::None
            }

            fn bounds(&self) -> PlotBounds {
                PlotBounds::NOTHING
            }

            fn base(&self) -> &PlotItemBase {
                &self.base
            }

            fn base_mut(&mut self) -> &mut PlotItemBase {
                &mut self.base
            }
        }
    };
}

fn base(name: &str) -> PlotItemBase {
    PlotItemBase::new(name.to_owned())
}

/// Hairlines at the marks of the axes, on sharp pixels.
pub(super) struct Grid<'a> {
    base: PlotItemBase,
    vm: &'a PlotsVm,
    colour: Color32,
    /// Across for the milliseconds, too.
    across: bool,
}

impl<'a> Grid<'a> {
    pub(super) fn new(vm: &'a PlotsVm, colour: Color32, across: bool) -> Self {
        Self { base: base("grid"), vm, colour, across }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        let stroke = Stroke::new(1.0, self.colour);
        for tick in &self.vm.ticks {
            let x = transform.position_from_point_x(tick.at.as_secs_f64()).round() + 0.5;
            shapes.push(Shape::line_segment([pos2(x, frame.top()), pos2(x, frame.bottom())], stroke));
        }
        if self.across {
            for (ms, _) in &self.vm.marks {
                let y = transform.position_from_point_y(*ms).round() + 0.5;
                shapes.push(Shape::line_segment([pos2(frame.left(), y), pos2(frame.right(), y)], stroke));
            }
        }
        let floor = frame.bottom() - 0.5;
        shapes.push(Shape::line_segment([pos2(frame.left(), floor), pos2(frame.right(), floor)], stroke));
    }
}

drawn!(Grid<'_>);

/// Lowest to highest, faint; median to 95th percentile, stronger.
pub(super) struct Bands<'a> {
    base: PlotItemBase,
    vm: &'a PlotsVm,
    faint: Color32,
    strong: Color32,
}

impl<'a> Bands<'a> {
    pub(super) fn new(vm: &'a PlotsVm, theme: &Theme) -> Self {
        let (faint, strong) = (theme.tint(theme.accent, 0.14), theme.tint(theme.accent, 0.30));
        Self { base: base("bands"), vm, faint, strong }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let mut faint = Mesh::default();
        for part in &self.vm.envelope {
            band(&mut faint, transform, self.faint, part.iter().copied());
        }
        shapes.push(Shape::Mesh(Arc::new(faint)));
        let mut strong = Mesh::default();
        for run in &self.vm.runs {
            let points = run.points.iter().map(|point| [point.x, point.spread.p50.into(), point.spread.p95.into()]);
            band(&mut strong, transform, self.strong, points);
        }
        shapes.push(Shape::Mesh(Arc::new(strong)));
    }
}

drawn!(Bands<'_>);

/// Adds the area between low and high of (x, low, high), in order.
fn band(mesh: &mut Mesh, transform: &PlotTransform, colour: Color32, points: impl Iterator<Item = [f64; 3]>) {
    let mut joined = false;
    for [x, low, high] in points {
        let index = mesh.vertices.len() as u32;
        let (mut top, bottom) = (place(transform, x, high), place(transform, x, low));
        // Never thinner than a line.
        top.y = top.y.min(bottom.y - 1.0);
        mesh.colored_vertex(top, colour);
        mesh.colored_vertex(bottom, colour);
        if joined {
            mesh.add_triangle(index - 2, index - 1, index);
            mesh.add_triangle(index - 1, index + 1, index);
        }
        joined = true;
    }
}

/// Single samples, handshakes, and the failures on the floor.
pub(super) struct Marks<'a> {
    base: PlotItemBase,
    vm: &'a PlotsVm,
    dot: Color32,
    handshake: Color32,
    failure: Color32,
    line: Color32,
}

impl<'a> Marks<'a> {
    pub(super) fn new(vm: &'a PlotsVm, theme: &Theme) -> Self {
        Self {
            base: base("marks"),
            vm,
            dot: theme.tint(theme.accent, 0.65),
            handshake: theme.secondary,
            failure: theme.bad(),
            line: theme.accent,
        }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        let radius = if self.vm.dots.len() < 300 { 1.75 } else { 1.25 };
        for [x, ms] in &self.vm.dots {
            if *ms <= self.vm.top {
                shapes.push(Shape::circle_filled(place(transform, *x, *ms), radius, self.dot));
            } else {
                shapes.push(above(transform.position_from_point_x(*x), frame, self.line));
            }
        }
        // A median that stands alone has no line through it.
        for run in self.vm.runs.iter().filter(|run| run.points.len() == 1 && self.vm.dots.is_empty()) {
            for point in &run.points {
                shapes.push(Shape::circle_filled(place(transform, point.x, point.spread.p50.into()), 2.0, self.line));
            }
        }
        for [x, ms] in &self.vm.handshakes {
            let at = place(transform, *x, ms.min(self.vm.top));
            shapes.push(Shape::circle_stroke(at, 2.75, Stroke::new(1.25, self.handshake)));
        }
        let stroke = Stroke::new(2.0, self.failure);
        for mark in &self.vm.failures {
            let x = transform.position_from_point_x(mark.x);
            let height = 10.0 + 2.0 * mark.count.saturating_sub(1).min(6) as f32;
            shapes.push(Shape::line_segment([pos2(x, frame.bottom()), pos2(x, frame.bottom() - height)], stroke));
        }
    }
}

drawn!(Marks<'_>);

/// An arrow at the top: this one lies above.
fn above(x: f32, frame: Rect, colour: Color32) -> Shape {
    let top = frame.top() + 1.0;
    Shape::convex_polygon(vec![pos2(x, top), pos2(x + 3.0, top + 5.0), pos2(x - 3.0, top + 5.0)], colour, Stroke::NONE)
}

/// The states as blocks, told apart by height and hatching as well as by colour; wide ones carry the state's shape.
pub(super) struct LaneItem<'a> {
    base: PlotItemBase,
    vm: &'a PlotsVm,
    theme: &'a Theme,
}

impl<'a> LaneItem<'a> {
    pub(super) fn new(vm: &'a PlotsVm, theme: &'a Theme) -> Self {
        Self { base: base("lane"), vm, theme }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        for block in &self.vm.blocks {
            self.block(block, transform, shapes);
        }
    }

    fn block(&self, block: &Block, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        let left = transform.position_from_point_x(block.from.as_secs_f64()).max(frame.left());
        let right = transform.position_from_point_x(block.to.as_secs_f64()).min(frame.right());
        // A pixel between two blocks, where both have room for it.
        let right = if 3.0 < right - left { right - 1.0 } else { right.max(left + 1.0) };
        let rect = Rect::from_min_max(pos2(left, frame.top()), pos2(right, frame.bottom()));
        let colour = self.theme.state(block.state);
        let ground = self.theme.well;
        // Corners and hatching only where they can be seen.
        let wide = 5.0 <= rect.width();
        let radius = if wide { 2.0 } else { 0.0 };
        let fill = |shapes: &mut Vec<Shape>, rect: Rect| shapes.push(Shape::rect_filled(rect, radius, colour));
        match block.state {
            State::Connected | State::Error | State::AuthRequired | State::CorsError | State::Reconnecting => {
                fill(shapes, rect);
            }
            State::Connecting => {
                fill(shapes, Rect::from_min_max(pos2(rect.left(), rect.center().y), rect.max));
            }
            State::Suspended => {
                let bar = vec2(rect.width(), rect.height() * 0.2);
                for y in [0.3, 0.7] {
                    let centre = pos2(rect.center().x, rect.top() + rect.height() * y);
                    fill(shapes, Rect::from_center_size(centre, bar));
                }
            }
            State::Disconnected => {
                let edge = Stroke::new(1.0, colour);
                shapes.push(Shape::rect_stroke(rect.shrink2(vec2(0.0, 4.0)), 2.0, edge, StrokeKind::Inside));
            }
        }
        let hatch = Stroke::new(1.5, self.theme.tint(ground, 0.45));
        if !wide {
            return;
        }
        match block.state {
            State::Reconnecting => hatching(rect, Lean::Right, hatch, shapes),
            State::CorsError => hatching(rect, Lean::Left, hatch, shapes),
            State::AuthRequired => hatching(rect, Lean::Upright, hatch, shapes),
            State::Error => {
                hatching(rect, Lean::Right, hatch, shapes);
                hatching(rect, Lean::Left, hatch, shapes);
            }
            State::Connected | State::Connecting | State::Suspended | State::Disconnected => {}
        }
        let has_room = 30.0 <= rect.width();
        if has_room && !matches!(block.state, State::Suspended | State::Disconnected | State::Connecting) {
            let centre = pos2(rect.left() + 13.0, rect.center().y);
            // The mark stands on a plain patch of the block, so that the hatching does not run through it.
            let patch = Rect::from_center_size(centre, vec2(22.0, rect.height())).intersect(rect);
            shapes.push(Shape::rect_filled(patch, 2.0, colour));
            shapes.extend(shape::shapes(centre, 14.0, block.state, ground, colour));
        }
    }
}

drawn!(LaneItem<'_>);

/// Which way hatching leans.
#[derive(Clone, Copy)]
enum Lean {
    Right,
    Left,
    Upright,
}

/// Parallel lines every seven points inside the rectangle, cut at its edges.
fn hatching(rect: Rect, lean: Lean, stroke: Stroke, shapes: &mut Vec<Shape>) {
    const STEP: f32 = 7.0;
    let run = match lean {
        Lean::Right => rect.height(),
        Lean::Left => -rect.height(),
        Lean::Upright => 0.0,
    };
    // From the block's own left edge they would jump when it scrolls: they stand on whole multiples.
    let mut x = ((rect.left() - run.abs()) / STEP).ceil() * STEP;
    while x < rect.right() + run.abs() {
        let (bottom, top) = (pos2(x, rect.bottom()), pos2(x + run, rect.top()));
        if let Some(line) = cut(bottom, top, rect.x_range().min, rect.x_range().max) {
            shapes.push(Shape::line_segment(line, stroke));
        }
        x += STEP;
    }
}

/// The part of a line between two uprights.
fn cut(a: Pos2, b: Pos2, left: f32, right: f32) -> Option<[Pos2; 2]> {
    let clamp = |p: Pos2| {
        let x = p.x.clamp(left, right);
        let share = if a.x == b.x { 0.0 } else { (x - a.x) / (b.x - a.x) };
        if a.x == b.x { p } else { pos2(x, a.y + share * (b.y - a.y)) }
    };
    let inside = a.x.max(b.x) >= left && a.x.min(b.x) <= right;
    inside.then(|| [clamp(a), clamp(b)])
}

/// The gaps between heartbeats as points under the line that none may pass; those that did are marked.
pub(super) struct Gaps<'a> {
    base: PlotItemBase,
    beats: &'a Heartbeats,
    dot: Color32,
    late: Color32,
    limit: Color32,
}

impl<'a> Gaps<'a> {
    pub(super) fn new(beats: &'a Heartbeats, theme: &Theme) -> Self {
        let dot = theme.tint(theme.accent, 0.8);
        Self { base: base("heartbeats"), beats, dot, late: theme.bad(), limit: theme.secondary }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        if let Some(limit) = self.beats.limit {
            let y = transform.position_from_point_y(limit).round() + 0.5;
            let ends = [pos2(frame.left(), y), pos2(frame.right(), y)];
            shapes.extend(Shape::dashed_line(&ends, Stroke::new(1.0, self.limit), 5.0, 4.0));
        }
        for [x, gap] in &self.beats.gaps {
            let at = place(transform, *x, *gap);
            if self.beats.limit.is_some_and(|limit| limit < *gap) {
                shapes.push(Shape::circle_filled(at, 3.0, self.late));
            } else {
                shapes.push(Shape::circle_filled(at, 1.75, self.dot));
            }
        }
    }
}

drawn!(Gaps<'_>);

/// Counts.
pub(super) struct BarItem<'a> {
    base: PlotItemBase,
    bars: &'a Bars,
    colour: Color32,
}

impl<'a> BarItem<'a> {
    pub(super) fn new(bars: &'a Bars, colour: Color32) -> Self {
        Self { base: base("bars"), bars, colour }
    }

    fn draw(&self, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        let width = self.bars.width.as_secs_f64();
        for bin in &self.bars.bins {
            let from = bin.at.as_secs_f64();
            let left = transform.position_from_point_x(from).max(frame.left());
            let right = transform.position_from_point_x(from + width).min(frame.right());
            let top = transform.position_from_point_y(f64::from(bin.count)).min(frame.bottom() - 3.0);
            let right = (right - 1.0).max(left + 2.0);
            let rect = Rect::from_min_max(pos2(left, top), pos2(right, frame.bottom()));
            shapes.push(Shape::rect_filled(rect, 1.0, self.colour));
        }
    }
}

drawn!(BarItem<'_>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_inside_its_block() {
        let rect = Rect::from_min_max(pos2(13.0, 5.0), pos2(40.0, 27.0));
        for lean in [Lean::Right, Lean::Left, Lean::Upright] {
            let mut shapes = Vec::new();
            hatching(rect, lean, Stroke::new(1.0, Color32::WHITE), &mut shapes);
            assert!(2 < shapes.len());
            for shape in shapes {
                let Shape::LineSegment { points, .. } = shape else { panic!("not a line") };
                assert!(points.iter().all(|point| rect.expand(0.01).contains(*point)), "{points:?}");
            }
        }
    }

    #[test]
    fn a_band_has_two_triangles_between_two_points() {
        let bounds = PlotBounds::from_min_max([0.0, 0.0], [10.0, 10.0]);
        let frame = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0));
        let transform = PlotTransform::new(frame, bounds, false);
        let mut mesh = Mesh::default();
        band(&mut mesh, &transform, Color32::WHITE, [[0.0, 1.0, 2.0], [5.0, 1.0, 3.0], [9.0, 2.0, 3.0]].into_iter());
        assert_eq!((mesh.vertices.len(), mesh.indices.len() / 3), (6, 4));
        assert!(mesh.is_valid());
    }
}
