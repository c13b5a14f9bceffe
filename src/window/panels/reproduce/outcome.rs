//! What the run came to: verdict, browsers, cause and fixes, steps, each request whole; and what can be done with it.

use egui::{CollapsingHeader, Frame, Grid, RichText, Stroke, Ui, WidgetInfo, vec2};

use super::super::last_check::{exchange_ui, named, well};
use super::super::why;
use crate::export::check::Came;
use crate::window::action::Action;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::reproduce::{Reproduce, Shown, StepVm, Verdict};
use crate::window::{shape, style};

/// Draws it, where there is one.
pub(super) fn ui(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) -> Option<Action> {
    let mut open = state.open;
    let shown = state.shown()?;
    let mut action = None;
    ui.style_mut().interaction.selectable_labels = true;
    ui.add_space(space::XS);
    verdict(ui, &shown.verdict, &shown.ran, theme);
    ui.horizontal_wrapped(|ui| action = ways_on(ui, shown));
    if let Some(cause) = &shown.cause {
        ui.label(RichText::new(cause).font(style::strong()));
    }
    let wish = why::ui(ui, &shown.why, None, &mut open, theme);
    action = wish.or(action);

    section(ui, "What each browser shows");
    for browser in &shown.browsers {
        let mark = if browser.own { ", as it ran" } else { "" };
        ui.label(RichText::new(format!("{}{mark}", browser.name)).font(style::small_strong()).color(theme.secondary));
        match &browser.line {
            Ok(line) => well(ui, theme, line),
            Err(said) => drop(ui.label(RichText::new(*said).color(theme.secondary))),
        }
    }

    section(ui, "Steps");
    steps(ui, &shown.steps, theme);

    section(ui, "Requests and answers");
    let check = &shown.check;
    if let Some(line) = &check.close {
        well(ui, theme, line);
    }
    named(ui, "beside", &check.beside, style::body(), theme);
    for (index, exchange) in check.exchanges.iter().enumerate() {
        let title = format!("{}  ·  {}", exchange.title, exchange.outcome);
        let colour = if exchange.failed { theme.bad() } else { theme.text };
        let head = CollapsingHeader::new(RichText::new(&title).font(style::mono()).color(colour));
        let wish = head.id_salt(("exchange", index)).show(ui, |ui| exchange_ui(ui, exchange, check.total, theme));
        action = wish.body_returned.flatten().or(action);
    }
    state.open = open;
    action
}

fn section(ui: &mut Ui, name: &str) {
    ui.add_space(space::S);
    ui.label(style::section(name));
}

/// The sentence, with its state's shape and colour.
fn verdict(ui: &mut Ui, vm: &Verdict, ran: &str, theme: &Theme) {
    let colour = vm.state.map_or(theme.secondary, |state| theme.state(state));
    let frame = Frame::new().fill(theme.raised).stroke(Stroke::new(1.0, theme.line)).corner_radius(f32::from(RADIUS));
    let card = frame.inner_margin(space::M).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let (rect, mark) = ui.allocate_exact_size(vec2(22.0, 22.0), egui::Sense::hover());
            let state = vm.state.unwrap_or(crate::watch::State::Disconnected);
            shape::paint(ui.painter(), rect.center(), 18.0, state, colour, theme.raised);
            mark.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, vm.word));
            ui.vertical(|ui| {
                ui.add(egui::Label::new(style::section(&vm.sentence)).wrap());
                for why in &vm.why {
                    ui.add(egui::Label::new(format!("– {why}")).wrap());
                }
                ui.label(RichText::new(ran).font(style::small()).color(theme.secondary));
            });
        });
    });
    let name = format!("Verdict: {}", vm.sentence);
    card.response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &name));
}

/// What can be done with it.
fn ways_on(ui: &mut Ui, shown: &Shown) -> Option<Action> {
    let mut action = None;
    if ui.button("Save as profile").on_hover_text("From now on it is watched").clicked() {
        action = Some(Action::SaveReproduced);
    }
    let copy = ui.button("Copy").on_hover_text("Verdict, cause and fixes as text");
    copy.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Copy the verdict"));
    if copy.clicked() {
        action = Some(Action::Copy(shown.text()));
    }
    ui.menu_button("Export…", |ui| {
        for (word, ending) in [("As HTML…", "html"), ("As Markdown…", "md")] {
            if ui.button(word).clicked() {
                let text = if ending == "md" { shown.report.markdown() } else { shown.report.html() };
                action = Some(Action::SaveToFile { suggested_name: format!("report.{ending}"), text });
                ui.close();
            }
        }
    });
    action
}

fn steps(ui: &mut Ui, steps: &[StepVm], theme: &Theme) {
    Grid::new("steps").num_columns(4).spacing(vec2(space::M, 3.0)).show(ui, |ui| {
        for step in steps {
            if let Some(request) = &step.request {
                ui.label("");
                ui.label("");
                ui.label("");
                ui.label(RichText::new(request).font(style::mono()).color(theme.secondary));
                ui.end_row();
            }
            let (word, colour) = match step.came {
                Came::Pass => ("ok", theme.state(crate::watch::State::Connected)),
                Came::Warn if !step.took.is_empty() => ("slow", theme.warn()),
                Came::Warn => ("warn", theme.warn()),
                Came::Fail => ("FAIL", theme.bad()),
                Came::Skip => ("–", theme.secondary),
            };
            ui.label(RichText::new(word).font(style::mono()).color(colour));
            ui.label(step.name);
            // Right aligned by its font: a layout of its own would take the height of all that is left.
            ui.label(RichText::new(format!("{:>9}", step.took)).font(style::mono()));
            ui.add(egui::Label::new(&step.detail).wrap());
            ui.end_row();
        }
    });
}
