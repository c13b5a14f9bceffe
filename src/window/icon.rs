//! The window's icon: the pulse on the wire, drawn into pixels so that no image has to be carried.

use super::theme::{Look, Theme};

const SIDE: u32 = 64;
/// The pulse, in parts of the side.
const PULSE: [(f32, f32); 6] = [(0.10, 0.55), (0.30, 0.55), (0.41, 0.25), (0.58, 0.80), (0.70, 0.55), (0.90, 0.55)];

/// The icon's pixels.
pub fn data() -> egui::IconData {
    let theme = Theme::new(Look::Dark);
    let side = SIDE as f32;
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = ((x as f32 + 0.5) / side, (y as f32 + 0.5) / side);
            let line = PULSE.windows(2).map(|ends| distance(at, ends[0], ends[1])).fold(f32::INFINITY, f32::min);
            // Half a pixel of softness on either side of the edge.
            let ink = ((0.055 - line) * side + 0.5).clamp(0.0, 1.0);
            let ground = ((0.5 - rounded(at)) * 2.0 * side).clamp(0.0, 1.0);
            let colour = theme.raised.lerp_to_gamma(theme.accent, ink);
            rgba.extend([colour.r(), colour.g(), colour.b(), (ground * 255.0) as u8]);
        }
    }
    egui::IconData { rgba, width: SIDE, height: SIDE }
}

/// How far a point is from a line between two others.
fn distance((x, y): (f32, f32), (ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

/// How far a point is from the middle of a square with rounded corners, its edge at a half.
fn rounded((x, y): (f32, f32)) -> f32 {
    const RADIUS: f32 = 0.2;
    let inner = 0.5 - RADIUS;
    let (dx, dy) = (((x - 0.5).abs() - inner).max(0.0), ((y - 0.5).abs() - inner).max(0.0));
    if dx == 0.0 && dy == 0.0 { 0.0 } else { inner + dx.hypot(dy) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_icon_has_a_pulse_and_clear_corners() {
        let icon = super::data();
        assert_eq!(icon.rgba.len(), 64 * 64 * 4);
        assert_eq!(icon.rgba[3], 0, "the corner is clear");
        let middle = ((40 * 64 + 32) * 4) as usize;
        assert_eq!(icon.rgba[middle + 3], 255);
    }
}
