//! A line of the head: over what a Socket.IO session runs and why, and a chip for each namespace.

use egui::{CornerRadius, Label, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::link::{LinkVm, NamespaceVm};
use crate::window::{shape, style};

const CHIP: f32 = 22.0;

/// Draws it; wraps where there is no room.
pub fn ui(ui: &mut Ui, vm: &LinkVm, theme: &Theme) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
        ui.spacing_mut().interact_size.y = CHIP;
        if !vm.transport.is_empty() {
            let colour = if vm.held_back { theme.warn() } else { theme.text };
            let label = ui.add(Label::new(RichText::new(&vm.transport).font(style::strong()).color(colour)).extend());
            label.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, vm.sentence()));
            label.on_hover_text(&vm.terms);
        }
        for namespace in &vm.namespaces {
            chip(ui, namespace, theme);
        }
        for more in [vm.fell_back.as_deref().unwrap_or_default(), &vm.counts] {
            if !more.is_empty() {
                ui.add(Label::new(RichText::new(more).font(style::small()).color(theme.secondary)).extend());
            }
        }
    });
}

/// A shape and a name; what is not simply joined says how it stands.
fn chip(ui: &mut Ui, vm: &NamespaceVm, theme: &Theme) {
    let colour = theme.state(vm.mark);
    let plain = vm.mark == crate::watch::State::Connected;
    let text = if plain { vm.name.clone() } else { format!("{}  {}", vm.name, vm.word) };
    let text = ui.painter().layout_no_wrap(text, style::small(), theme.text);
    let (rect, response) = ui.allocate_exact_size(vec2(text.size().x + 32.0, CHIP), Sense::hover());
    let name = format!("namespace {}: {}", vm.name, vm.word);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
    let painter = ui.painter();
    let edge = Stroke::new(1.0, theme.outline);
    painter.rect(rect, CornerRadius::same(RADIUS), theme.well, edge, StrokeKind::Inside);
    shape::paint(painter, pos2(rect.left() + 13.0, rect.center().y), 12.0, vm.mark, colour, theme.well);
    painter.galley(pos2(rect.left() + 24.0, rect.center().y - text.size().y / 2.0), text, theme.text);
    let told = [vm.word.as_str(), vm.detail.as_str()];
    response.on_hover_text(told.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"));
}
