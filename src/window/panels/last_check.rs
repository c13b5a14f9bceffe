//! The last check: waterfall, requests and answers whole, what the handshake showed, and the same as a command line.

use egui::{Align2, Frame, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::window::action::Action;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::last_check::{Bar, ExchangeVm, LastCheckVm};
use crate::window::vm::plots::latency_ms;
use crate::window::{shape, style};

/// Draws it, scrolling where it is long.
pub fn ui(ui: &mut Ui, vm: Option<&LastCheckVm>, theme: &Theme) -> Option<Action> {
    let Some(vm) = vm else {
        ui.add_space(space::XL);
        ui.vertical_centered(|ui| {
            ui.label(RichText::new("No check has ended yet. “Check now” makes one.").color(theme.secondary));
        });
        return None;
    };
    ScrollArea::vertical().id_salt("last check").auto_shrink(false).show(ui, |ui| body(ui, vm, theme)).inner
}

/// The same without a scroll area of its own.
pub fn body(ui: &mut Ui, vm: &LastCheckVm, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.style_mut().interaction.selectable_labels = true;
    ui.spacing_mut().item_spacing.y = space::XS;
    ui.horizontal_wrapped(|ui| {
        if let Some(state) = vm.state {
            shape::ui(ui, shape::SIZE, state, theme.state(state));
        }
        ui.label(RichText::new(&vm.outcome).font(style::strong()));
        if !vm.reason.is_empty() {
            ui.label(&vm.reason);
        }
        ui.label(RichText::new(&vm.title).color(theme.secondary));
        if let Some(late) = &vm.lateness {
            ui.label(RichText::new(late).font(style::small()).color(theme.secondary));
        }
    });
    for line in vm.console.iter().chain(&vm.close) {
        well(ui, theme, line);
    }
    named(ui, "beside", &vm.beside, style::body(), theme);
    for (index, exchange) in vm.exchanges.iter().enumerate() {
        ui.add_space(space::S);
        let wish = ui.push_id(index, |ui| exchange_ui(ui, exchange, vm.total, theme)).inner;
        action = wish.or(action);
    }
    ui.add_space(space::S);
    action
}

pub(super) fn exchange_ui(ui: &mut Ui, vm: &ExchangeVm, total: f32, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&vm.title).font(style::strong()));
        let colour = if vm.failed { theme.bad() } else { theme.text };
        ui.label(RichText::new(&vm.outcome).font(style::mono()).color(colour));
    });
    for bar in &vm.bars {
        bar_ui(ui, bar, total, theme);
    }
    named(ui, "facts", &vm.facts, style::mono(), theme);
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        let mut copy = |name: &str, text: &str| {
            if ui.button(name).clicked() {
                action = Some(Action::Copy(text.to_owned()));
            }
        };
        copy("Copy as curl", &vm.curl);
        if let Some(websocat) = &vm.websocat {
            copy("Copy as websocat", websocat);
        }
        copy("Copy request and answer", &vm.whole);
    });
    // Side by side where there is room for two columns of headers.
    let answer = vm.answer.as_deref().unwrap_or("No answer came.");
    if 640.0 < ui.available_width() {
        ui.columns(2, |columns| {
            well(&mut columns[0], theme, &vm.request);
            well(&mut columns[1], theme, answer);
        });
    } else {
        well(ui, theme, &vm.request);
        well(ui, theme, answer);
    }
    action
}

/// Names, and what there is to say of each.
pub(super) fn named(ui: &mut Ui, id: &str, lines: &[(&'static str, String)], font: egui::FontId, theme: &Theme) {
    if lines.is_empty() {
        return;
    }
    ui.add_space(space::XS);
    egui::Grid::new(id).num_columns(2).spacing(vec2(space::L, 2.0)).show(ui, |ui| {
        for (name, value) in lines {
            ui.label(RichText::new(*name).font(style::small()).color(theme.secondary));
            ui.add(egui::Label::new(RichText::new(value).font(font.clone())).wrap());
            ui.end_row();
        }
    });
}

/// Monospace text on the ground of plots and fields, wrapped, to be selected.
pub fn well(ui: &mut Ui, theme: &Theme, text: &str) {
    let edge = egui::Stroke::new(1.0, theme.line);
    let frame = Frame::new().fill(theme.well).stroke(edge).corner_radius(f32::from(RADIUS)).inner_margin(space::S);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(egui::Label::new(RichText::new(text).font(style::mono())).wrap().selectable(true));
    });
}

/// One phase: its name, where it lies in the whole, how long it took.
fn bar_ui(ui: &mut Ui, bar: &Bar, total: f32, theme: &Theme) {
    const NAME: f32 = 96.0;
    const TIME: f32 = 72.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let painter = ui.painter_at(rect);
    painter.text(rect.left_center(), Align2::LEFT_CENTER, bar.name, style::small(), theme.secondary);
    let time = latency_ms(bar.length);
    painter.text(
        pos2(rect.left() + NAME + TIME - space::S, rect.center().y),
        Align2::RIGHT_CENTER,
        &time,
        style::mono(),
        theme.text,
    );
    let track = Rect::from_min_max(pos2(rect.left() + NAME + TIME, rect.top()), rect.max);
    let scale = track.width() / total.max(0.001);
    let left = track.left() + bar.start * scale;
    let width = (bar.length * scale).max(2.0);
    let place = Rect::from_min_size(pos2(left.min(track.right() - 2.0), track.center().y - 5.0), vec2(width, 10.0));
    painter.rect_filled(Rect::from_center_size(track.center(), vec2(track.width(), 1.0)), 0.0, theme.grid);
    let colour = if bar.name == "until it failed" { theme.bad() } else { theme.accent };
    painter.rect_filled(place, 2.0, colour);
    let sentence = format!("{}: {time}, from {}", bar.name, latency_ms(bar.start));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &sentence));
    response.on_hover_text(sentence.clone());
}
