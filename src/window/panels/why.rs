//! The card that says why, before anything is plotted.

use egui::{Frame, Margin, RichText, Stroke, Ui, WidgetInfo};

use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::why::WhyVm;

/// Facts beyond these are left to the tables.
const FACTS: usize = 4;

/// Draws the card over the whole width. `verify`: what looks again, where that can be; `open`: with every fix and what else
/// it may be.
pub fn ui(ui: &mut Ui, vm: &WhyVm, verify: Option<Action>, open: &mut bool, theme: &Theme) -> Option<Action> {
    let mut action = None;
    let colour = vm.state.map_or(theme.bad(), |state| theme.state(state));
    let shown = Frame::new()
        .fill(theme.raised)
        .stroke(Stroke::new(1.0, theme.line))
        .corner_radius(f32::from(RADIUS))
        .inner_margin(Margin {
            left: space::L as i8,
            right: space::S as i8,
            top: space::S as i8,
            bottom: space::S as i8,
        })
        .show(ui, |ui| {
            ui.style_mut().interaction.selectable_labels = true;
            ui.horizontal_top(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
                    let copy = ui.button("Copy").on_hover_text("Copy all of it as text");
                    copy.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Copy why"));
                    if copy.clicked() {
                        action = Some(Action::Copy(vm.text()));
                    }
                    // A mistake in the file is mended in the file.
                    if let Some(wish) = verify.filter(|_| vm.state.is_some())
                        && ui
                            .button("Verify the fix")
                            .on_hover_text("Look again: before and after, side by side")
                            .clicked()
                    {
                        action = Some(wish);
                    }
                    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.add(egui::Label::new(RichText::new(&vm.headline).font(style::strong())).wrap());
                        for fact in vm.facts.iter().take(FACTS) {
                            let text = RichText::new(fact).font(style::mono()).color(theme.secondary);
                            ui.add(egui::Label::new(text).wrap());
                        }
                        if FACTS < vm.facts.len() {
                            let more = format!("and {} more", vm.facts.len() - FACTS);
                            ui.label(RichText::new(more).font(style::small()).color(theme.secondary));
                        }
                        for line in &vm.beside {
                            ui.add(egui::Label::new(RichText::new(line).color(theme.secondary)).wrap());
                        }
                        action = fixes(ui, vm, open, theme).or(action.take());
                    });
                });
            });
        });
    // The state's colour along the left edge, as wide as the focus is not.
    let rect = shown.response.rect;
    let edge = egui::Rect::from_min_max(rect.min, egui::pos2(rect.left() + 3.0, rect.bottom()));
    ui.painter().rect_filled(edge, f32::from(RADIUS), colour);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, format!("Why: {}", vm.headline)));
    action
}

/// The likeliest fix in a line; the rest, with what to paste, behind a button.
fn fixes(ui: &mut Ui, vm: &WhyVm, open: &mut bool, theme: &Theme) -> Option<Action> {
    let mut action = None;
    let shown = if *open { vm.fixes.len() } else { 1 };
    for (index, fix) in vm.fixes.iter().take(shown).enumerate() {
        ui.horizontal_wrapped(|ui| {
            // Its lines as close as a text's.
            ui.spacing_mut().interact_size.y = 0.0;
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(RichText::new("Fix").font(style::small_strong()).color(theme.link));
            ui.label(&fix.text);
        });
        if *open && let Some(snippet) = &fix.snippet {
            ui.horizontal_top(|ui| {
                Frame::new().fill(theme.well).corner_radius(f32::from(RADIUS)).inner_margin(space::S).show(ui, |ui| {
                    ui.label(RichText::new(snippet).font(style::mono()));
                });
                let copy = ui.button("Copy").on_hover_text("Copy these lines");
                copy.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Copy fix {}", index + 1)));
                if copy.clicked() {
                    action = Some(Action::Copy(snippet.clone()));
                }
            });
        }
    }
    if *open {
        for line in vm.others.iter().chain(&vm.unknowable) {
            ui.label(RichText::new(line).font(style::small()).color(theme.secondary));
        }
    }
    let more = 1 < vm.fixes.len() || vm.others.is_some() || vm.fixes.iter().any(|fix| fix.snippet.is_some());
    if more {
        let word = if *open { "Less" } else { "How to mend it, and what else it may be" };
        let link = ui
            .add(egui::Label::new(RichText::new(word).color(theme.link)).selectable(false).sense(egui::Sense::click()));
        link.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, word));
        if link.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
            *open = !*open;
            ui.ctx().request_repaint();
        }
    }
    action
}
