//! The eight states' shapes, drawn by the painter: told apart without colour, sharp at every scale.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

use crate::diagnosis::words;
use crate::watch::State;

/// Side of the square that a state's shape fills, in points, beside body text.
pub const SIZE: f32 = 14.0;

/// Draws the state's shape in the middle of a square with that side. `ground` is the surface behind it (the lock's key
/// hole shows it).
pub fn paint(painter: &Painter, centre: Pos2, size: f32, state: State, colour: Color32, ground: Color32) {
    for shape in shapes(centre, size, state, colour, ground) {
        painter.add(shape);
    }
}

/// Allocates a square for the shape and draws it; its accessible name is the state's word.
pub fn ui(ui: &mut egui::Ui, size: f32, state: State, colour: Color32) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), egui::Sense::hover());
    let ground = ui.visuals().panel_fill;
    paint(ui.painter(), rect.center(), size, state, colour, ground);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, words::state(state)));
    response
}

pub fn shapes(centre: Pos2, size: f32, state: State, colour: Color32, ground: Color32) -> Vec<Shape> {
    let radius = size * 0.40;
    let thin = Stroke::new((size * 0.115).max(1.0), colour);
    let thick = Stroke::new((size * 0.17).max(1.5), colour);
    let ring = |radius: f32| Shape::circle_stroke(centre, radius - thin.width / 2.0, thin);
    let line = |from: Vec2, to: Vec2, stroke: Stroke| {
        Shape::line_segment([centre + from * radius, centre + to * radius], stroke)
    };
    match state {
        State::Connected => vec![Shape::circle_filled(centre, radius, colour)],
        State::Disconnected => vec![ring(radius)],
        State::Connecting => {
            let half = arc(centre, radius - thin.width / 2.0, 180.0, 360.0);
            vec![ring(radius), Shape::convex_polygon(half, colour, Stroke::NONE)]
        }
        State::Reconnecting => {
            // Three quarters of a ring, and the arrow's head where it ends.
            let path = arc(centre, radius * 0.86, -30.0, 240.0);
            let mut drawn = Vec::with_capacity(2);
            if let Some(first) = path.first().copied() {
                let head = radius * 0.62;
                let tip = first + vec2(head * 0.35, -head * 0.95);
                let points = vec![tip, tip + vec2(-head * 1.35, head * 0.55), tip + vec2(head * 0.35, head * 1.25)];
                drawn.push(Shape::convex_polygon(points, colour, Stroke::NONE));
            }
            drawn.push(Shape::line(path, thin));
            drawn
        }
        State::Suspended => [-0.45, 0.45]
            .into_iter()
            .map(|x| {
                let bar = Rect::from_center_size(centre + vec2(x * radius, 0.0), vec2(radius * 0.52, radius * 1.7));
                Shape::rect_filled(bar, 1.0, colour)
            })
            .collect(),
        State::Error => {
            let reach = 0.78;
            vec![
                line(vec2(-reach, -reach), vec2(reach, reach), thick),
                line(vec2(-reach, reach), vec2(reach, -reach), thick),
            ]
        }
        State::AuthRequired => {
            let body = Rect::from_min_max(centre + vec2(-0.86, -0.12) * radius, centre + vec2(0.86, 1.0) * radius);
            let mut shackle = arc(centre + vec2(0.0, -0.32 * radius), radius * 0.5, 180.0, 360.0);
            shackle.insert(0, pos2(centre.x - radius * 0.5, body.top()));
            shackle.push(pos2(centre.x + radius * 0.5, body.top()));
            vec![
                Shape::line(shackle, thin),
                Shape::rect_filled(body, size * 0.08, colour),
                Shape::circle_filled(body.center(), radius * 0.22, ground),
            ]
        }
        State::CorsError => {
            let reach = std::f32::consts::FRAC_1_SQRT_2 * 0.92;
            vec![ring(radius), line(vec2(-reach, reach), vec2(reach, -reach), thin)]
        }
    }
}

/// Points of an arc, degrees clockwise from three o'clock.
fn arc(centre: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    const STEPS: u8 = 16;
    (0..=STEPS)
        .map(|step| {
            let angle = (from + (to - from) * f32::from(step) / f32::from(STEPS)).to_radians();
            centre + radius * vec2(angle.cos(), angle.sin())
        })
        .collect()
}

/// A triangle that points right, or down when open: groups and menus.
pub fn chevron(painter: &Painter, centre: Pos2, size: f32, open: bool, colour: Color32) {
    let reach = size * 0.28;
    let points = if open {
        [vec2(-1.0, -0.5), vec2(0.0, 0.5), vec2(1.0, -0.5)]
    } else {
        [vec2(-0.5, -1.0), vec2(0.5, 0.0), vec2(-0.5, 1.0)]
    };
    let path: Vec<Pos2> = points.into_iter().map(|point| centre + point * reach).collect();
    painter.add(Shape::line(path, Stroke::new(1.5, colour)));
}

/// The ring around what has the keyboard's focus.
pub fn focus_ring(painter: &Painter, rect: Rect, colour: Color32) {
    painter.rect_stroke(rect, f32::from(super::theme::RADIUS), Stroke::new(2.0, colour), StrokeKind::Inside);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shape as text: what is filled and what is only stroked, with points in whole percents of the size.
    fn outline(state: State) -> String {
        let white = Color32::WHITE;
        shapes(Pos2::ZERO, 100.0, state, white, Color32::BLACK)
            .iter()
            .map(|shape| {
                let bounds = shape.visual_bounding_rect();
                let kind = match shape {
                    Shape::Circle(circle) if circle.fill == Color32::TRANSPARENT => "ring",
                    Shape::Circle(_) => "disc",
                    Shape::LineSegment { .. } => "line",
                    Shape::Path(path) if path.fill == Color32::TRANSPARENT => "curve",
                    Shape::Path(_) => "area",
                    Shape::Rect(_) => "bar",
                    _ => "other",
                };
                format!("{kind} {:.0},{:.0} ", bounds.center().x, bounds.center().y)
            })
            .collect()
    }

    #[test]
    fn the_eight_shapes_differ_without_their_colour() {
        let mut outlines: Vec<String> = State::ALL.into_iter().map(outline).collect();
        outlines.sort();
        outlines.dedup();
        assert_eq!(outlines.len(), 8, "{outlines:#?}");
    }

    #[test]
    fn every_shape_stays_inside_its_square() {
        for state in State::ALL {
            for shape in shapes(Pos2::ZERO, 100.0, state, Color32::WHITE, Color32::BLACK) {
                let bounds = shape.visual_bounding_rect();
                assert!(
                    Rect::from_center_size(Pos2::ZERO, Vec2::splat(101.0)).contains_rect(bounds),
                    "{state:?} {bounds:?}"
                );
            }
        }
    }
}
