//! The head of the detail side: name, state, since when; and what can be asked of the profile.

use egui::{Align, Button, Label, Layout, RichText, Sense, Ui, WidgetInfo, vec2};

use super::{link, menu, roster_row};
use crate::watch::State;
use crate::window::action::{Action, FigureFormat};
use crate::window::theme::{Theme, space, type_size};
use crate::window::vm::header::HeaderVm;
use crate::window::vm::roster::Mark;
use crate::window::{shape, style};

/// What the buttons take, in points.
const BUTTONS: f32 = 280.0;
/// What the time since when, and a countdown, take beside the state.
const SINCE: f32 = 170.0;
const COUNTDOWN: f32 = 130.0;

/// Draws it over the whole width.
pub fn ui(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) -> Option<Action> {
    let mut action = None;
    let in_one = fits(ui, vm);
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        mark(ui, vm, theme);
        // The buttons keep their room; the words beside them give way.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            action = buttons(ui, vm, theme);
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(false), |ui| {
                name(ui, vm);
                if in_one {
                    state(ui, vm, theme);
                }
            });
        });
    });
    if !in_one {
        lines(ui, |ui| state(ui, vm, theme));
    }
    if !vm.url.is_empty() {
        lines(ui, |ui| {
            ui.style_mut().interaction.selectable_labels = true;
            ui.spacing_mut().item_spacing.x = space::S;
            ui.label(RichText::new(&vm.url).font(style::mono()).color(theme.text));
            // In one piece, on a line of its own where there is no room beside the address.
            ui.add(Label::new(RichText::new(&vm.as_whom).font(style::small()).color(theme.secondary)).extend());
        });
    }
    if let Some(condition) = &vm.condition {
        ui.add(Label::new(RichText::new(condition).color(theme.secondary)).wrap().selectable(true));
    }
    if let Some(vm) = &vm.link {
        link::ui(ui, vm, theme);
    }
    action
}

/// Words that go on in the next line: as close as lines of text, not of buttons.
fn lines(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.horizontal_wrapped(add);
    });
}

/// Whether name, state and buttons have room beside each other. By what stays while the countdown counts, so that nothing
/// jumps.
fn fits(ui: &Ui, vm: &HeaderVm) -> bool {
    let width = |text: &str, font: egui::FontId| {
        ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER).size().x
    };
    let title = egui::FontId::new(type_size::TITLE, style::semibold());
    let since = if vm.since.is_empty() { 0.0 } else { SINCE };
    let countdown = if vm.session { COUNTDOWN } else { 0.0 };
    let words = width(&vm.name, title) + width(&vm.word, style::strong()) + since + countdown;
    words + BUTTONS + 5.0 * space::S < ui.available_width()
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

fn name(ui: &mut Ui, vm: &HeaderVm) {
    let name = ui.add(Label::new(style::title(&vm.name)).truncate());
    name.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, vm.sentence()));
}

fn state(ui: &mut Ui, vm: &HeaderVm, theme: &Theme) {
    let colour = match vm.mark {
        Mark::State(state) => theme.state(state),
        Mark::Off => theme.secondary,
        Mark::Broken => theme.bad(),
    };
    ui.label(RichText::new(&vm.word).font(style::strong()).color(colour));
    if !vm.since.is_empty() {
        ui.label(RichText::new(&vm.since).color(theme.secondary));
    }
    if let Some(countdown) = &vm.countdown {
        ui.label(RichText::new(countdown).font(style::mono()).color(theme.text));
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
            if let Some((name, wish)) = menu::polling_only(id, vm.link.as_ref().and_then(|link| link.polling_only)) {
                ui.separator();
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
