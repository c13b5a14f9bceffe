//! A server's configuration in place of plots and tabs: who would be let in, each finding with its line, then what the server
//! really does.

use egui::{Frame, Label, RichText, Ui, WidgetInfo};

use super::audit::colour;
use super::last_check::well;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::lint::{GuardVm, LineVm, LintVm, with};

/// Draws it, as high as it is.
pub fn ui(ui: &mut Ui, vm: &LintVm, is_underway: bool, theme: &Theme) -> Option<Action> {
    ui.add(Label::new(RichText::new(&vm.file).font(style::mono()).color(theme.secondary)).wrap().selectable(true));
    for problem in &vm.problems {
        ui.add(Label::new(RichText::new(problem).color(theme.bad())).wrap().selectable(true));
    }
    if vm.guards.is_empty() {
        ui.label("Nothing in it says who may connect.");
    }
    for guard in &vm.guards {
        guard_ui(ui, guard, theme);
    }
    let action = compared(ui, vm, is_underway, theme);
    ui.add_space(space::S);
    ui.label(style::section("Findings"));
    if vm.findings.is_empty() {
        ui.label("Nothing wrong was found.");
    }
    for finding in &vm.findings {
        finding_ui(ui, finding, theme);
    }
    action
}

fn guard_ui(ui: &mut Ui, guard: &GuardVm, theme: &Theme) {
    ui.add(Label::new(RichText::new(&guard.title).font(style::strong())).wrap().selectable(true));
    for (origin, why) in &guard.origins {
        let colour = if why.is_empty() { theme.text } else { theme.secondary };
        let text = RichText::new(format!("    {}", with(origin, why))).font(style::mono()).color(colour);
        ui.add(Label::new(text).wrap().selectable(true));
    }
}

/// Configured against observed.
fn compared(ui: &mut Ui, vm: &LintVm, is_underway: bool, theme: &Theme) -> Option<Action> {
    ui.add_space(space::S);
    ui.label(style::section("Configured against observed"));
    if !vm.comparable {
        let none = "It says nothing of who may connect to an endpoint of this kind, so there is nothing to compare.";
        ui.label(RichText::new(none).color(theme.secondary));
        return None;
    }
    for tried in &vm.tried {
        let colour = if tried.differs { theme.bad() } else { theme.text };
        let text = RichText::new(tried.sentence()).font(style::mono()).color(colour);
        ui.add(Label::new(text).wrap().selectable(true));
    }
    if is_underway {
        ui.label(RichText::new("Asking the server…").color(theme.secondary));
        return None;
    }
    let hint = "A check from each page that it names, and one from a page that it doesn't, to this profile's host";
    ui.button("Ask the server").on_hover_text(hint).clicked().then_some(Action::AskAgain)
}

fn finding_ui(ui: &mut Ui, finding: &LineVm, theme: &Theme) {
    let shown =
        Frame::new().fill(theme.raised).corner_radius(f32::from(RADIUS)).inner_margin(space::S).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                let word = RichText::new(finding.word.to_uppercase()).font(style::small_strong());
                ui.label(word.color(colour(finding.severity, theme)));
                ui.label(RichText::new(finding.rule).font(style::mono()).color(theme.secondary));
                ui.label(RichText::new(&finding.place).font(style::mono()).color(theme.secondary));
            });
            ui.add(Label::new(&finding.text).wrap().selectable(true));
            well(ui, theme, &finding.line);
            if let Some(instead) = &finding.instead {
                ui.add(Label::new(format!("Write: {instead}")).wrap().selectable(true));
            }
        });
    let name = format!("{} in {}: {}", finding.word, finding.place, finding.text);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &name));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;
    use std::sync::Arc;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::profile::{Kind, Profile};
    use crate::window::testing::harness;
    use crate::window::theme::Look;
    use crate::window::vm::lint::sample::reading;

    #[test]
    fn who_is_let_in_stands_with_each_finding_s_line_and_the_server_is_asked_only_when_wanted() {
        let text = "SOCKETIO_CORS_ORIGINS=https://a.test/path\nCORS_ORIGINS=https://a.test\nFLASK_PORT=5000\n";
        let profile = Arc::new(Profile::new("Sales chat", Kind::Http, "https://api.test/".parse().unwrap()));
        let vm = LintVm::new(profile, Path::new(".env"), reading(text));
        let (theme, wish) = (Theme::new(Look::Light), RefCell::new(None));
        let mut harness = harness(900.0, 1200.0, Look::Light, |ui| {
            if let Some(action) = super::ui(ui, &vm, false, &theme) {
                *wish.borrow_mut() = Some(action);
            }
        });
        harness.run();
        harness.get_by_label_contains("HTTP (CORS) (.env:2) lets in:");
        harness.get_by_label_contains("in .env:1: ");
        harness.get_by_label("SOCKETIO_CORS_ORIGINS=https://a.test/path");
        harness.get_by_label("Ask the server").click();
        harness.run();
        drop(harness);
        assert_eq!(wish.into_inner(), Some(Action::AskAgain));
    }
}
