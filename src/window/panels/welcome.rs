//! What the window shows where there is nothing to show: the ways to begin.

use egui::{Align2, CornerRadius, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::roster_row::one_line;
use crate::window::action::Action;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::{shape, style};

/// The ways to begin. `folder`: where the profiles will be.
pub fn ui(ui: &mut Ui, theme: &Theme, folder: Option<&str>) -> Option<Action> {
    let mut action = None;
    let width = (ui.available_width() - 2.0 * space::XL).min(520.0);
    let left = (ui.available_width() - width) / 2.0;
    ui.add_space((ui.available_height() * 0.18).max(space::L));
    ui.horizontal_top(|ui| {
        ui.add_space(left);
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.label(style::title("Nothing is being watched yet"));
            ui.label(
                RichText::new(
                    "wirewatch holds HTTP and WebSocket endpoints under watch the way a page in a browser uses \
                               them, and says why one fails and what to change.",
                )
                .color(theme.secondary),
            );
            ui.add_space(space::L);
            ui.spacing_mut().item_spacing.y = space::S;
            let choices = [
                ("New profile", "Watch an endpoint by its URL", "N", Action::NewProfile),
                (
                    "Open the demo",
                    "Every state and fault, live, from servers inside this program",
                    "",
                    Action::OpenDemo,
                ),
                ("Add the samples", "One profile for each kind and stack, to edit", "", Action::AddSamples),
                ("Import…", "Profiles from a TOML file", "", Action::Import),
                (
                    "Reproduce a report…",
                    "A console line, a curl command, a HAR: is it found from here?",
                    "B",
                    Action::OpenReproduce,
                ),
            ];
            for (index, (name, what, keys, wish)) in choices.into_iter().enumerate() {
                if choice(ui, theme, width, (name, what, keys), index == 0) {
                    action = Some(wish);
                }
            }
            if let Some(folder) = folder {
                ui.add_space(space::M);
                let text = format!("Profiles are files, one each, in {folder}. A file put there is taken up at once.");
                ui.label(RichText::new(text).font(style::small()).color(theme.secondary));
            }
        });
    });
    action
}

/// What stands in the detail side where no profile is selected.
pub fn nothing_selected(ui: &mut Ui, theme: &Theme) {
    ui.add_space(ui.available_height() * 0.35);
    ui.vertical_centered(|ui| {
        ui.label(style::section("No profile selected"));
        ui.label(RichText::new("Choose one on the left, or press ↓.").color(theme.secondary));
    });
}

fn choice(ui: &mut Ui, theme: &Theme, width: f32, (name, what, keys): (&str, &str, &str), first: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 58.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("{name}: {what}")));
    let ground = if response.hovered() { theme.hover } else { theme.raised };
    let edge = if first { theme.accent } else { theme.line };
    let painter = ui.painter();
    painter.rect(rect, CornerRadius::same(RADIUS), ground, Stroke::new(1.0, edge), StrokeKind::Inside);
    let left = rect.left() + space::L;
    let name = painter.layout_no_wrap(name.to_owned(), style::strong(), theme.text);
    painter.galley(pos2(left, rect.top() + 11.0), name, theme.text);
    let what = one_line(painter, what, style::small(), theme.secondary, width - 2.0 * space::L - 40.0);
    painter.galley(pos2(left, rect.top() + 32.0), what, theme.secondary);
    let keys = painter.layout_no_wrap(keys.to_owned(), style::mono(), theme.secondary);
    let place = Align2::RIGHT_CENTER.anchor_size(pos2(rect.right() - space::L, rect.center().y), keys.size());
    painter.galley(place.min, keys, theme.secondary);
    if response.has_focus() {
        shape::focus_ring(painter, rect, theme.accent);
    }
    response.clicked()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::window::testing;
    use crate::window::theme::Look;

    #[track_caller]
    fn check(name: &str, expected: Action) {
        let wished = RefCell::new(None);
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 700.0, Look::Dark, |raw| {
            let wish = ui(raw, &theme, Some("~/.config/wirewatch/profiles"));
            if wish.is_some() {
                *wished.borrow_mut() = wish;
            }
        });
        harness.run();
        harness.get_by_label_contains(name).click();
        harness.run();
        drop(harness);
        assert_eq!(wished.into_inner(), Some(expected));
    }

    #[test]
    fn the_first_start_offers_demo_samples_import_a_report_and_a_new_profile() {
        check("Open the demo", Action::OpenDemo);
        check("Add the samples", Action::AddSamples);
        check("Import…", Action::Import);
        check("Reproduce a report…", Action::OpenReproduce);
        check("New profile", Action::NewProfile);
    }
}
