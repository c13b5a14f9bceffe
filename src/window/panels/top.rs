//! The bar at the top: the command box, how many there are of each state, how the monitor itself does, the view.

use egui::{
    Align, Align2, Button, Color32, CornerRadius, Id, Layout, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::roster_row::one_line;
use crate::window::action::Action;
use crate::window::theme::{Look, RADIUS, SCALE, Theme, space, type_size};
use crate::window::vm::roster::Filter;
use crate::window::vm::top::TopVm;
use crate::window::{shape, style};

/// The bar's height, in points.
pub const HEIGHT: f32 = 48.0;

/// What the bar shows beside its view-model.
#[derive(Clone, Copy)]
pub struct TopCtx<'a> {
    pub vm: &'a TopVm,
    pub filter: &'a Filter,
    pub theme: &'a Theme,
    pub scale: f32,
}

/// Draws it, in a panel of that height.
pub fn ui(ui: &mut Ui, ctx: &TopCtx<'_>) -> Option<Action> {
    let theme = ctx.theme;
    let mut action = None;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        mark(ui, theme);
        ui.label(egui::RichText::new("wirewatch").font(egui::FontId::new(type_size::SECTION, style::semibold())));
        ui.add_space(space::S);
        if command_box(ui, theme) {
            action = Some(Action::OpenPalette);
        }
        ui.add_space(space::S);
        for chip in &ctx.vm.chips {
            let on = ctx.filter.states.contains(&chip.state);
            let paint = |painter: &egui::Painter, at: egui::Pos2, ground: Color32| {
                shape::paint(painter, at, 13.0, chip.state, theme.state(chip.state), ground);
            };
            if count_chip(ui, theme, chip.state.code(), chip.count, on, &chip.sentence(), paint) {
                action = Some(Action::ToggleState(chip.state));
            }
        }
        if ctx.vm.broken != 0 {
            let sentence = format!("{} broken", ctx.vm.broken);
            let paint = |painter: &egui::Painter, at: egui::Pos2, _: Color32| {
                super::roster_row::broken_mark(painter, at, theme);
            };
            if count_chip(ui, theme, "broken", ctx.vm.broken, ctx.filter.broken, &sentence, paint) {
                action = Some(Action::ToggleBroken);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let help = ui.add(Button::new("?").min_size(vec2(28.0, 28.0)));
            help.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Keys"));
            if help.on_hover_text("Keys  ?").clicked() {
                action = Some(Action::OpenKeys);
            }
            action = view_menu(ui, ctx).or(action.take());
            let report = ui.button("Reproduce…");
            if report.on_hover_text("Somebody reports a failure: is it found from here?  B").clicked() {
                action = Some(Action::OpenReproduce);
            }
            ui.add_space(space::S);
            status(ui, ctx);
        });
    });
    action
}

/// The product's mark: a pulse on a wire.
fn mark(ui: &mut Ui, theme: &Theme) {
    let (rect, _) = ui.allocate_exact_size(vec2(22.0, 22.0), Sense::hover());
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * (rect.width() / 22.0);
    let pulse = vec![at(1.0, 12.0), at(6.0, 12.0), at(9.0, 5.0), at(13.0, 18.0), at(16.0, 12.0), at(21.0, 12.0)];
    ui.painter().add(Shape::line(pulse, Stroke::new(2.0, theme.accent)));
}

/// Looks like a search box, and opens the palette.
fn command_box(ui: &mut Ui, theme: &Theme) -> bool {
    let width = (ui.available_width() * 0.24).clamp(120.0, 300.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Search or command"));
    let edge = if response.hovered() { theme.outline } else { theme.line };
    let painter = ui.painter();
    painter.rect(rect, CornerRadius::same(RADIUS), theme.well, Stroke::new(1.0, edge), StrokeKind::Inside);
    let keys = painter.layout_no_wrap(command_keys().to_owned(), style::small(), theme.secondary);
    let keys_left = rect.right() - space::S - keys.size().x;
    let room = keys_left - rect.left() - 40.0;
    // A lens.
    let lens = pos2(rect.left() + 16.0, rect.center().y - 1.0);
    painter.circle_stroke(lens, 4.5, Stroke::new(1.4, theme.secondary));
    painter.line_segment([lens + vec2(3.3, 3.3), lens + vec2(7.0, 7.0)], Stroke::new(1.4, theme.secondary));
    let text = one_line(painter, "Search or command", style::body(), theme.secondary, room);
    let place = Align2::LEFT_CENTER.anchor_size(pos2(rect.left() + 30.0, rect.center().y), text.size());
    painter.galley(place.min, text, theme.secondary);
    painter.galley(pos2(keys_left, rect.center().y - keys.size().y / 2.0), keys, theme.secondary);
    if response.has_focus() {
        shape::focus_ring(painter, rect, theme.accent);
    }
    response.clicked()
}

fn command_keys() -> &'static str {
    if cfg!(target_os = "macos") { "⌘K" } else { "Ctrl+K" }
}

/// A shape and a number that can be switched on: the roster then shows only these. True where it was clicked.
fn count_chip(
    ui: &mut Ui,
    theme: &Theme,
    key: &str,
    count: u32,
    on: bool,
    sentence: &str,
    paint: impl Fn(&egui::Painter, egui::Pos2, Color32),
) -> bool {
    let number = ui.painter().layout_no_wrap(count.to_string(), style::strong(), theme.text);
    let size = vec2(number.size().x + 36.0, 26.0);
    let (_, rect) = ui.allocate_space(size);
    let response = ui.interact(rect, Id::unique(("count chip", key)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, on, sentence));
    let ground = match (on, response.hovered()) {
        (true, _) => theme.selection,
        (false, true) => theme.hover,
        (false, false) => theme.base,
    };
    let edge = if on { Stroke::new(1.0, theme.accent) } else { Stroke::NONE };
    let painter = ui.painter();
    painter.rect(rect, CornerRadius::same(RADIUS), ground, edge, StrokeKind::Inside);
    paint(painter, pos2(rect.left() + 15.0, rect.center().y), ground);
    painter.galley(pos2(rect.left() + 27.0, rect.center().y - number.size().y / 2.0), number, theme.text);
    if response.has_focus() {
        shape::focus_ring(painter, rect, theme.accent);
    }
    let hint = if on { "click to show all again" } else { "click to show only these" };
    response.on_hover_text(format!("{sentence}, {hint}")).clicked()
}

/// As much of the status as there is room for; the whole of it, and what is wrong, under the pointer.
fn status(ui: &mut Ui, ctx: &TopCtx<'_>) {
    let theme = ctx.theme;
    let room = ui.available_width() - space::M;
    let wrong = ctx.vm.problem.is_some();
    // A word and a half tell nothing; that something is wrong is told in any room.
    let least = if wrong { 24.0 } else { 90.0 };
    if room < least || ctx.vm.status.is_empty() {
        return;
    }
    let colour = if wrong { theme.text } else { theme.secondary };
    let text = one_line(ui.painter(), &ctx.vm.status, style::small(), colour, room - 2.0 * space::S);
    let elided = text.elided;
    let (rect, response) = ui.allocate_exact_size(text.size() + vec2(2.0 * space::S, space::S), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &ctx.vm.status));
    if wrong {
        let edge = Stroke::new(1.0, theme.warn());
        ui.painter().rect_stroke(rect, CornerRadius::same(RADIUS), edge, StrokeKind::Inside);
    }
    ui.painter().galley(rect.center() - text.size() / 2.0, text, colour);
    match &ctx.vm.problem {
        Some(problem) => drop(response.on_hover_text(problem)),
        None if elided => drop(response.on_hover_text(&ctx.vm.status)),
        None => {}
    }
}

fn view_menu(ui: &mut Ui, ctx: &TopCtx<'_>) -> Option<Action> {
    let mut action = None;
    let (response, _) = egui::containers::menu::MenuButton::from_button(Button::new("View").min_size(vec2(28.0, 28.0)))
        .config(egui::containers::menu::MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside))
        .ui(ui, |ui| {
            ui.set_min_width(200.0);
            ui.label(egui::RichText::new("Theme").font(style::small()).color(ctx.theme.secondary));
            for look in Look::ALL {
                if ui.radio(ctx.theme.look == look, look.word()).clicked() {
                    action = Some(Action::SetLook(look));
                }
            }
            ui.separator();
            ui.label(egui::RichText::new("Scale").font(style::small()).color(ctx.theme.secondary));
            ui.horizontal(|ui| {
                let smaller =
                    ui.add_enabled(*SCALE.start() + 0.01 < ctx.scale, Button::new("−").min_size(vec2(28.0, 28.0)));
                smaller.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Smaller"));
                if smaller.on_hover_text("Smaller  Ctrl+−").clicked() {
                    action = Some(Action::ScaleDown);
                }
                ui.monospace(format!("{:.0} %", ctx.scale * 100.0));
                let larger =
                    ui.add_enabled(ctx.scale + 0.01 < *SCALE.end(), Button::new("+").min_size(vec2(28.0, 28.0)));
                larger.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Larger"));
                if larger.on_hover_text("Larger  Ctrl++").clicked() {
                    action = Some(Action::ScaleUp);
                }
                if ui.button("Reset").clicked() {
                    action = Some(Action::SetScale(1.0));
                }
            });
        });
    response.on_hover_text("Theme and scale");
    action
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::model::Order;
    use crate::watch::State;
    use crate::window::testing;
    use crate::window::vm::roster::sample;
    use crate::window::vm::top::Health;

    fn wished(click: &str) -> Vec<Action> {
        let counts = sample::live().roster(Order::Name).counts;
        let vm = TopVm::build(&counts, &Health::default());
        let theme = Theme::new(Look::Light);
        let filter = Filter::default();
        let wished = RefCell::new(Vec::new());
        let mut harness = testing::harness(1200.0, 400.0, Look::Light, |raw| {
            let ctx = TopCtx { vm: &vm, filter: &filter, theme: &theme, scale: 1.0 };
            raw.allocate_ui(vec2(1200.0, HEIGHT), |bar| wished.borrow_mut().extend(ui(bar, &ctx)));
        });
        harness.run();
        for name in click.split(" > ") {
            harness.get_by_label(name).click();
            harness.run();
        }
        drop(harness);
        wished.into_inner()
    }

    #[test]
    fn chips_filter_the_roster() {
        assert_eq!(wished("1 CORS error"), [Action::ToggleState(State::CorsError)]);
        assert_eq!(wished("1 broken"), [Action::ToggleBroken]);
    }

    #[test]
    fn the_command_box_the_keys_and_the_view_are_a_click_away() {
        assert_eq!(wished("Search or command"), [Action::OpenPalette]);
        assert_eq!(wished("Keys"), [Action::OpenKeys]);
        assert_eq!(wished("Reproduce…"), [Action::OpenReproduce]);
        assert_eq!(wished("View > Light > High contrast").last(), Some(&Action::SetLook(Look::HighContrast)));
        assert_eq!(wished("View > Larger"), [Action::ScaleUp]);
    }
}
