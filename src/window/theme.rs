//! The tokens: every colour, distance and type size of the window. No other file of the window makes a colour.
//!
//! Invariants, each held by a test: text has a contrast of at least 4.5 : 1 on every surface it stands on and marks 3 : 1;
//! in the high-contrast theme text has 7 : 1. The accent never means a state.

use egui::Color32;

use crate::watch::{Outcome, State};

/// Distances, in points.
pub mod space {
    pub const XS: f32 = 4.0;
    pub const S: f32 = 8.0;
    pub const M: f32 = 12.0;
    pub const L: f32 = 16.0;
    pub const XL: f32 = 24.0;
}

/// Type sizes, in points.
pub mod type_size {
    pub const SECONDARY: f32 = 12.0;
    pub const BODY: f32 = 13.5;
    pub const SECTION: f32 = 16.0;
    pub const TITLE: f32 = 20.0;
}

/// Corner radius of everything that has corners.
pub const RADIUS: u8 = 4;

/// Smallest and largest scale of the whole window, and the step between.
pub const SCALE: std::ops::RangeInclusive<f32> = 0.8..=2.0;
pub const SCALE_STEP: f32 = 0.1;

/// Which of the themes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    #[default]
    Dark,
    Light,
    HighContrast,
}

impl Look {
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// As the settings file writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|look| look.code() == code)
    }

    /// As the window writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "Dark",
            Self::Light => "Light",
            Self::HighContrast => "High contrast",
        }
    }
}

/// The colours of one theme. Built once when the theme changes, borrowed by every panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub look: Look,
    /// Behind everything: the roster, the bars.
    pub base: Color32,
    /// What is read: the detail side.
    pub panel: Color32,
    /// What lies on a panel: cards, menus, dialogs, chips.
    pub raised: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Where one types, and the ground of plots.
    pub well: Color32,
    /// Hairlines and outlines that only divide.
    pub line: Color32,
    /// The outline of what can be used, at rest: the fill and the words say it too.
    pub edge: Color32,
    /// Outlines that say it alone: 3 : 1.
    pub outline: Color32,
    pub text: Color32,
    /// What is less important: units, hints, ages.
    pub secondary: Color32,
    /// Selection, focus, the line of a plot. Never a state.
    pub accent: Color32,
    /// The accent as text.
    pub link: Color32,
    /// A selected row, and selected text.
    pub selection: Color32,
    /// The one button that is the way on, and its text.
    pub primary: Color32,
    pub on_primary: Color32,
    /// Grid lines of plots.
    pub grid: Color32,
    /// Behind a dialog.
    pub veil: Color32,
    states: [Color32; 8],
}

impl Theme {
    pub fn new(look: Look) -> Self {
        match look {
            Look::Dark => Self::dark(),
            Look::Light => Self::light(),
            Look::HighContrast => Self::high_contrast(),
        }
    }

    /// The state's colour, for marks, and for words on `panel`, `base` and `raised`.
    pub fn state(&self, state: State) -> Color32 {
        let index = State::ALL.iter().position(|other| *other == state).unwrap_or(0);
        self.states[index]
    }

    /// An outcome's colour: the states' own. `Unknown` is neither good nor bad: the grey of "not known".
    pub fn outcome(&self, outcome: Outcome) -> Color32 {
        match outcome {
            Outcome::Up => self.state(State::Connected),
            Outcome::Degraded => self.state(State::Connecting),
            Outcome::Down => self.state(State::Error),
            Outcome::Unknown => self.state(State::Disconnected),
        }
    }

    /// Problems and failures in text and marks.
    pub fn bad(&self) -> Color32 {
        self.state(State::Error)
    }

    /// Warnings.
    pub fn warn(&self) -> Color32 {
        self.state(State::Connecting)
    }

    /// `colour` thinned to `share` (0 to 1): bands under lines, tints under cards.
    pub fn tint(&self, colour: Color32, share: f32) -> Color32 {
        colour.gamma_multiply(share)
    }

    /// Whether light text stands on dark surfaces.
    pub fn is_dark(&self) -> bool {
        self.look != Look::Light
    }

    fn dark() -> Self {
        Self {
            look: Look::Dark,
            base: rgb(0x0E1217),
            panel: rgb(0x141920),
            raised: rgb(0x1C232C),
            hover: rgb(0x242D38),
            well: rgb(0x0B0E12),
            line: rgb(0x29323D),
            edge: rgb(0x3A4653),
            outline: rgb(0x667483),
            text: rgb(0xE6EAEF),
            secondary: rgb(0x9BA6B2),
            accent: rgb(0x5B9DF5),
            link: rgb(0x7BB0F8),
            selection: rgb(0x1D3355),
            primary: rgb(0x2667C9),
            on_primary: rgb(0xFFFFFF),
            grid: rgb(0x1F262F),
            veil: Color32::from_black_alpha(0x99),
            states: [
                rgb(0x8B949E),
                rgb(0xE3B341),
                rgb(0x34B58A),
                rgb(0xE3B341),
                rgb(0x8B949E),
                rgb(0xF0703C),
                rgb(0xA78BFA),
                rgb(0xE879B9),
            ],
        }
    }

    fn light() -> Self {
        Self {
            look: Look::Light,
            base: rgb(0xF4F6F8),
            panel: rgb(0xFFFFFF),
            raised: rgb(0xFAFBFC),
            hover: rgb(0xEAEEF2),
            well: rgb(0xFFFFFF),
            line: rgb(0xD8DEE4),
            edge: rgb(0xB9C1CA),
            outline: rgb(0x828C97),
            text: rgb(0x1B2128),
            secondary: rgb(0x555F6A),
            accent: rgb(0x1F6FEB),
            link: rgb(0x1860D0),
            selection: rgb(0xDCE9FC),
            primary: rgb(0x1F63D0),
            on_primary: rgb(0xFFFFFF),
            grid: rgb(0xECEFF2),
            veil: Color32::from_black_alpha(0x66),
            states: [
                rgb(0x5B636B),
                rgb(0x8F6400),
                rgb(0x12805C),
                rgb(0x8F6400),
                rgb(0x5B636B),
                rgb(0xB93A0A),
                rgb(0x5F3DC4),
                rgb(0xA61E69),
            ],
        }
    }

    fn high_contrast() -> Self {
        Self {
            look: Look::HighContrast,
            base: rgb(0x000000),
            panel: rgb(0x000000),
            raised: rgb(0x0D0D0D),
            hover: rgb(0x262626),
            well: rgb(0x000000),
            line: rgb(0x8C8C8C),
            edge: rgb(0xC8C8C8),
            outline: rgb(0xC8C8C8),
            text: rgb(0xFFFFFF),
            secondary: rgb(0xDADADA),
            accent: rgb(0x8FC3FF),
            link: rgb(0xA9D1FF),
            selection: rgb(0x0A2A4D),
            primary: rgb(0xFFFFFF),
            on_primary: rgb(0x000000),
            grid: rgb(0x4A4A4A),
            veil: Color32::from_black_alpha(0xCC),
            states: [
                rgb(0xC6CCD2),
                rgb(0xFFD866),
                rgb(0x5FE3B4),
                rgb(0xFFD866),
                rgb(0xC6CCD2),
                rgb(0xFF9A6B),
                rgb(0xCBB8FF),
                rgb(0xFFA6D6),
            ],
        }
    }
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// [Contrast ratio](https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio) of two opaque colours, 1 to 21.
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// [Relative luminance](https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).
fn luminance(colour: Color32) -> f32 {
    let linear = |byte: u8| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(look: Look, what: &str, colour: Color32, on: &[(&str, Color32)], least: f32) {
        for (surface, ground) in on {
            let got = contrast(colour, *ground);
            assert!(least <= got, "{look:?}: {what} on {surface} has {got:.2} : 1, wanted {least} : 1");
        }
    }

    #[test]
    fn black_on_white_is_21_to_1() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
    }

    #[test]
    fn text_and_marks_have_their_contrast_on_every_surface() {
        for look in Look::ALL {
            let theme = Theme::new(look);
            let (text, mark): (f32, f32) = if look == Look::HighContrast { (7.0, 4.5) } else { (4.5, 3.0) };
            let still = [("base", theme.base), ("panel", theme.panel), ("raised", theme.raised), ("well", theme.well)];
            let all = [&still[..], &[("hover", theme.hover), ("selection", theme.selection)]].concat();
            check(look, "text", theme.text, &all, text.max(7.0));
            check(look, "secondary text", theme.secondary, &all, text);
            check(look, "a link", theme.link, &all, text);
            check(look, "the accent", theme.accent, &all, mark);
            check(look, "an outline", theme.outline, &still, 3.0);
            check(look, "primary's text", theme.on_primary, &[("primary", theme.primary)], text);
            for state in State::ALL {
                check(look, state.code(), theme.state(state), &still, text);
                check(look, state.code(), theme.state(state), &all, mark);
            }
        }
    }

    #[test]
    fn the_accent_is_no_states_colour() {
        for look in Look::ALL {
            let theme = Theme::new(look);
            assert!(State::ALL.iter().all(|state| theme.state(*state) != theme.accent));
        }
    }

    #[test]
    fn a_look_reads_back_from_its_code() {
        for look in Look::ALL {
            assert_eq!(Look::from_code(look.code()), Some(look));
        }
    }
}
