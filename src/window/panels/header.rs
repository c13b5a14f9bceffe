//! The head of the detail side: name, state, since when; and what can be asked of the profile.

use egui::{Align, Button, Layout, RichText, Sense, Ui, WidgetInfo, vec2};

use super::{menu, roster_row};
use crate::watch::State;
use crate::window::action::{Action, FigureFormat};
use crate::window::theme::{Theme, space};
use crate::window::vm::header::HeaderVm;
use crate::window::vm::roster::Mark;
use crate::window::{shape, style};

/// Draws it over the whole width.
pub fn ui(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        mark(ui, vm, theme);
        // The buttons keep their room; the words beside them give way.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            action = buttons(ui, vm, theme);
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(false), |ui| {
                words(ui, vm, theme);
            });
        });
    });
    if !vm.url.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.style_mut().interaction.selectable_labels = true;
            ui.spacing_mut().item_spacing.x = space::S;
            ui.label(RichText::new(&vm.url).font(style::mono()).color(theme.text));
            ui.label(RichText::new(&vm.as_whom).font(style::small()).color(theme.secondary));
        });
    }
    action
}

fn mark(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) {
    match vm.mark {
        Mark::State(state) => {
            shape::ui(ui, 20.0, state, theme.state(state));
        }
        Mark::Off => {
            let (rect, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            let colour = theme.state(State::Disconnected);
            ui.painter().hline(rect.shrink(3.0).x_range(), rect.center().y, egui::Stroke::new(2.0, colour));
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "Off"));
        }
        Mark::Broken => {
            let (rect, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            roster_row::broken_mark(ui.painter(), rect.center(), theme);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "Broken"));
        }
    }
}

fn words(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) {
    let name = ui.add(egui::Label::new(style::title(&vm.name)).truncate());
    name.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, vm.sentence()));
    let colour = match vm.mark {
        Mark::State(state) => theme.state(state),
        Mark::Off => theme.secondary,
        Mark::Broken => theme.bad(),
    };
    ui.add(egui::Label::new(RichText::new(&vm.word).font(style::strong()).color(colour)).truncate());
    if !vm.since.is_empty() {
        ui.add(egui::Label::new(RichText::new(&vm.since).color(theme.secondary)).truncate());
    }
    if let Some(countdown) = &vm.countdown {
        ui.add(egui::Label::new(RichText::new(countdown).font(style::mono()).color(theme.text)).truncate());
    }
}

/// From the right: more, the session's menu, the check.
fn buttons(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) -> Option<Action> {
    let id = vm.id;
    let mut action = None;
    ui.spacing_mut().item_spacing.x = space::S;
    let more = ui.menu_button("     ", |ui| {
        action = more_menu(ui, vm);
    });
    let centre = more.response.rect.center();
    for step in [-5.0, 0.0, 5.0] {
        ui.painter().circle_filled(centre + vec2(step, 0.0), 1.5, theme.text);
    }
    more.response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "More"));
    if matches!(vm.mark, Mark::Broken) {
        if ui.button("Mend the file…").clicked() {
            action = Some(Action::EditProfile(id));
        }
        return action;
    }
    if !vm.enabled {
        let enable = Button::new(RichText::new("Enable").color(theme.on_primary)).fill(theme.primary);
        if ui.add(enable).clicked() {
            action = Some(Action::SetEnabled(id, true));
        }
        return action;
    }
    if vm.session {
        let session = ui.menu_button("Reconnect      ", |ui| {
            let entries = if vm.paused {
                vec![("Resume", Action::Resume(id)), ("Connect now", Action::Reconnect(id))]
            } else if vm.disconnected {
                vec![("Connect", Action::Connect(id))]
            } else {
                vec![
                    ("Drop and reconnect now", Action::Reconnect(id)),
                    ("Disconnect", Action::Disconnect(id)),
                    ("Pause", Action::Pause(id)),
                ]
            };
            for (name, wish) in entries {
                if ui.button(name).clicked() {
                    action = Some(wish);
                    ui.close();
                }
            }
        });
        let rect = session.response.rect;
        shape::chevron(ui.painter(), rect.right_center() - vec2(16.0, 0.0), 12.0, true, theme.text);
        session.response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Reconnect, disconnect, pause"));
    } else {
        let (name, wish) = if vm.paused { ("Resume", Action::Resume(id)) } else { ("Pause", Action::Pause(id)) };
        if ui.button(name).clicked() {
            action = Some(wish);
        }
    }
    if ui.button("Check now").on_hover_text("One check, now (R)").clicked() {
        action = Some(Action::CheckNow(id));
    }
    action
}

fn more_menu(ui: &mut Ui, vm: &HeaderVm) -> Option<Action> {
    let id = vm.id;
    let mut action = None;
    if !matches!(vm.mark, Mark::Broken) {
        let entries = [
            ("Export events…", Action::AskExport(id)),
            ("Save figures as SVG…", Action::SaveFigures { id, format: FigureFormat::Svg }),
            ("Save figures as PNG…", Action::SaveFigures { id, format: FigureFormat::Png }),
        ];
        for (name, wish) in entries {
            if ui.button(name).clicked() {
                action = Some(wish);
                ui.close();
            }
        }
        ui.separator();
    }
    menu::profile(ui, id, vm.mark).or(action)
}
