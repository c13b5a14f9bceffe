//! What stands in place of plots and tabs: its head with what can be done, then the table of pages or the two sides.

use egui::{Align, Button, Layout, RichText, Ui, WidgetInfo, vec2};

use super::{audit, lint, pages, sides};
use crate::window::action::Action;
use crate::window::aside::{Aside, Purpose, What};
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::audit::Stage;

/// Draws it, as high as it is.
pub fn ui(ui: &mut Ui, aside: &Aside, theme: &Theme) -> Option<Action> {
    let mut action = head(ui, aside, theme);
    let trouble = match &aside.what {
        What::Pages { vm, trouble, .. } => {
            pages::ui(ui, vm, theme);
            trouble.as_ref()
        }
        What::Sides(both) => {
            sides::ui(ui, both, theme);
            None
        }
        What::Lint { vm, underway, trouble } => {
            action = lint::ui(ui, vm, underway.is_some(), theme).or(action);
            trouble.as_ref()
        }
        What::Audit { vm, trouble, .. } => {
            if trouble.is_none() {
                action = audit::ui(ui, vm, theme).or(action);
            }
            trouble.as_ref()
        }
    };
    if let Some(why) = trouble {
        ui.label(RichText::new(why).color(theme.bad()));
    }
    action
}

fn head(ui: &mut Ui, aside: &Aside, theme: &Theme) -> Option<Action> {
    let (title, file) = match &aside.what {
        What::Audit { .. } => ("Audit", "audit.txt"),
        What::Lint { .. } => ("Server configuration", "configuration.txt"),
        What::Pages { .. } => ("From which pages it works", "pages.txt"),
        What::Sides(both) => match both.purpose {
            Purpose::Verify(_) => ("Verify the fix", "before-after.txt"),
            Purpose::Compare => ("Compare", "compare.txt"),
        },
    };
    let mut action = None;
    let line = ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        let label = ui.label(style::section(title));
        label.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, title));
        if let What::Pages { vm, .. } = &aside.what
            && !vm.is_over
        {
            let (done, all) = vm.progress();
            ui.label(RichText::new(format!("{done} of {all}")).font(style::mono()).color(theme.secondary));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let mut offer = |name: &str, hint: &str, possible: bool, wish: &dyn Fn() -> Option<Action>| {
                if ui.add_enabled(possible, Button::new(name)).on_hover_text(hint).clicked() {
                    action = wish();
                }
            };
            offer("Close", "Back to plots and tables (Esc)", true, &|| Some(Action::CloseAside));
            let text = || aside.text();
            let there = match &aside.what {
                What::Pages { vm, .. } => 0 < vm.progress().0,
                What::Sides(both) => both.vm.is_some(),
                What::Lint { .. } => true,
                What::Audit { vm, .. } => matches!(vm.stage, Stage::Over(_)),
            };
            offer("Copy all", "Copy all of it as text", there, &|| text().map(Action::Copy));
            offer("Save…", "Save all of it as text", there, &|| {
                text().map(|text| Action::SaveToFile { suggested_name: file.to_owned(), text })
            });
            offer("Ask again", "The same once more", !aside.is_underway(), &|| Some(Action::AskAgain));
        });
    });
    let rect = line.response.rect;
    ui.painter().hline(rect.x_range(), rect.bottom() + space::XS, egui::Stroke::new(1.0, theme.line));
    ui.allocate_space(vec2(0.0, space::XS));
    action
}

#[cfg(test)]
mod tests;
