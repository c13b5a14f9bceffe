//! The figures' colours: the window's light tokens, on white.

use plotters::style::RGBColor;

use crate::watch::State;

pub(super) const GROUND: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(super) const TEXT: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
pub(super) const SECONDARY: RGBColor = RGBColor(0x57, 0x60, 0x6a);
pub(super) const GRID: RGBColor = RGBColor(0xe6, 0xe9, 0xed);
pub(super) const AXIS: RGBColor = RGBColor(0xaf, 0xb6, 0xbf);
pub(super) const ACCENT: RGBColor = RGBColor(0x1f, 0x6f, 0xeb);
pub(super) const UNWATCHED: RGBColor = RGBColor(0xf3, 0xf4, 0xf6);

pub(super) fn state(state: State) -> RGBColor {
    match state {
        State::Connected => RGBColor(0x12, 0x80, 0x5c),
        State::Connecting | State::Reconnecting => RGBColor(0x8f, 0x64, 0x00),
        State::Suspended | State::Disconnected => RGBColor(0x5b, 0x63, 0x6b),
        State::Error => RGBColor(0xb9, 0x3a, 0x0a),
        State::AuthRequired => RGBColor(0x5f, 0x3d, 0xc4),
        State::CorsError => RGBColor(0xa6, 0x1e, 0x69),
    }
}
