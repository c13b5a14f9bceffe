//! From tokens to egui: the fonts, the text styles, and a whole `Style`, so that nothing looks like egui's default.

use std::sync::Arc;

use egui::style::{ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{
    CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style, TextStyle,
    Visuals, vec2,
};

use super::theme::{RADIUS, Theme, space, type_size};

const SEMIBOLD: &str = "semibold";

/// The family for headings, names and whatever is to be found first.
pub fn semibold() -> FontFamily {
    FontFamily::Name(SEMIBOLD.into())
}

/// Body type.
pub fn body() -> FontId {
    FontId::proportional(type_size::BODY)
}

/// Body type, semibold.
pub fn strong() -> FontId {
    FontId::new(type_size::BODY, semibold())
}

/// Secondary type.
pub fn small() -> FontId {
    FontId::proportional(type_size::SECONDARY)
}

/// Secondary type, semibold.
pub fn small_strong() -> FontId {
    FontId::new(type_size::SECONDARY, semibold())
}

/// The one monospace: numbers, headers, frames.
pub fn mono() -> FontId {
    FontId::monospace(type_size::SECONDARY)
}

/// A section's heading.
pub fn section(text: impl Into<String>) -> RichText {
    RichText::new(text).font(FontId::new(type_size::SECTION, semibold()))
}

/// The title of what is open.
pub fn title(text: impl Into<String>) -> RichText {
    RichText::new(text).font(FontId::new(type_size::TITLE, semibold()))
}

/// Loads the fonts that the program carries; egui's own stay behind them for characters they lack.
pub fn install_fonts(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let carried: [(&str, &'static [u8], FontFamily); 3] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf"), FontFamily::Proportional),
        ("inter-semibold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf"), semibold()),
        ("jetbrains-mono", include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"), FontFamily::Monospace),
    ];
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (name, bytes, family) in carried {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
        fonts.families.entry(family).or_insert_with(|| fallback.clone()).insert(0, name.to_owned());
    }
    ctx.set_fonts(fonts);
}

/// Puts the theme on. The scale is the whole window's.
pub fn apply(ctx: &egui::Context, theme: &Theme, scale: f32) {
    let kind = if theme.is_dark() { egui::Theme::Dark } else { egui::Theme::Light };
    ctx.set_theme(kind);
    ctx.set_style_of(kind, style(theme));
    ctx.set_zoom_factor(scale);
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

/// The theme as egui's style.
pub fn style(theme: &Theme) -> Style {
    let mut style = Style {
        text_styles: [
            (TextStyle::Small, small()),
            (TextStyle::Body, body()),
            (TextStyle::Button, body()),
            (TextStyle::Heading, FontId::new(type_size::SECTION, semibold())),
            (TextStyle::Monospace, mono()),
        ]
        .into(),
        drag_value_text_style: TextStyle::Monospace,
        visuals: visuals(theme),
        animation_time: 0.0,
        scroll_animation: egui::style::ScrollAnimation::none(),
        compact_menu_style: false,
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::S, space::XS);
    spacing.window_margin = Margin::same(space::L as i8);
    spacing.menu_margin = Margin::same(space::XS as i8);
    spacing.button_padding = vec2(10.0, space::XS);
    spacing.indent = space::L;
    spacing.interact_size = vec2(28.0, 28.0);
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 9.0;
    spacing.icon_spacing = space::S;
    spacing.combo_width = 120.0;
    spacing.text_edit_width = 320.0;
    spacing.tooltip_width = 420.0;
    spacing.menu_width = 260.0;
    spacing.scroll =
        ScrollStyle { bar_width: 8.0, bar_inner_margin: 2.0, bar_outer_margin: 2.0, ..ScrollStyle::floating() };
    style.interaction.tooltip_delay = 0.25;
    style.interaction.selectable_labels = false;
    style
}

fn visuals(theme: &Theme) -> Visuals {
    let corner_radius = CornerRadius::same(RADIUS);
    let line = Stroke::new(1.0, theme.line);
    let widget = |fill, edge, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, edge),
        corner_radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let focus = Stroke::new(2.0, theme.accent);
    let shadow = |blur: u8, alpha| Shadow {
        offset: [0, (blur / 3) as i8],
        blur,
        spread: 0,
        color: theme.tint(theme.veil, alpha),
    };
    Visuals {
        widgets: Widgets {
            noninteractive: widget(theme.panel, theme.line, theme.text),
            inactive: widget(theme.raised, theme.edge, theme.text),
            hovered: widget(theme.hover, theme.outline, theme.text),
            // Also what has the keyboard's focus: the ring is the accent.
            active: WidgetVisuals { bg_stroke: focus, ..widget(theme.hover, theme.accent, theme.text) },
            open: widget(theme.hover, theme.outline, theme.text),
        },
        weak_text_color: Some(theme.secondary),
        selection: Selection { bg_fill: theme.selection, stroke: Stroke::new(1.5, theme.accent) },
        hyperlink_color: theme.link,
        faint_bg_color: theme.base,
        extreme_bg_color: theme.well,
        text_edit_bg_color: Some(theme.well),
        code_bg_color: theme.raised,
        warn_fg_color: theme.warn(),
        error_fg_color: theme.bad(),
        window_corner_radius: CornerRadius::same(RADIUS * 2),
        window_shadow: shadow(24, 0.6),
        window_fill: theme.raised,
        window_stroke: line,
        menu_corner_radius: corner_radius,
        panel_fill: theme.panel,
        popup_shadow: shadow(12, 0.5),
        // A blinking cursor asks for two frames a second for nothing.
        text_cursor: TextCursorStyle { stroke: focus, blink: false, ..TextCursorStyle::default() },
        indent_has_left_vline: false,
        slider_trailing_fill: true,
        disabled_alpha: 0.55,
        ..if theme.is_dark() { Visuals::dark() } else { Visuals::light() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::theme::Look;

    #[test]
    fn every_type_size_is_one_of_the_four() {
        let style = style(&Theme::new(Look::Dark));
        for font in style.text_styles.values() {
            assert!([12.0, 13.5, 16.0, 20.0].contains(&font.size), "{font:?}");
        }
    }

    #[test]
    fn the_carried_fonts_have_the_windows_own_characters() {
        let ctx = egui::Context::default();
        install_fonts(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |_| {});
        output.textures_delta.clear();
        let families = [body(), strong(), mono()];
        for font in families {
            assert!(ctx.fonts_mut(|fonts| fonts.has_glyphs(&font, "Aß…–·µ‹›×→✓")), "{font:?}");
        }
    }
}
