//! What is typed to be sent: a text over a WebSocket, an event over Socket.IO with what came of it under it.

use std::sync::Arc;

use egui::{Align, Button, ComboBox, Layout, RichText, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::last_check;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::composer::Said;
use crate::window::vm::detail::DetailState;
use crate::window::vm::events::pretty_json;

/// One line of text.
pub fn text(ui: &mut Ui, state: &mut DetailState) -> Option<Action> {
    let mut action = None;
    let open = state.composer.is_open();
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let ready = open && !state.composer.text.is_empty();
            let send = ui.add_enabled(ready, Button::new("Send"));
            let hint = if open { "A text message to send" } else { "The session is not open" };
            let edit = TextEdit::singleline(&mut state.composer.text).hint_text(hint).font(style::mono());
            let edit = ui.add_enabled(open, edit.desired_width(f32::INFINITY));
            let text = state.composer.text.clone();
            edit.widget_info(|| {
                let mut info = WidgetInfo::labeled(egui::Role::TextInput, open, "Message to send");
                info.current_text_value = Some(text.clone());
                info
            });
            let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if (send.clicked() || entered && ready)
                && let Some(id) = state.profile()
            {
                action = Some(Action::SendText { id, text: std::mem::take(&mut state.composer.text) });
            }
        });
    });
    action
}

/// An event: namespace, name, arguments; whether it is to be acknowledged, or may be dropped.
pub fn event(ui: &mut Ui, state: &mut DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        namespace(ui, state, theme);
        let composer = &mut state.composer;
        let name = TextEdit::singleline(&mut composer.event).hint_text("Event name").font(style::mono());
        let name = ui.add(name.desired_width(150.0));
        named(&name, "Event name", &composer.event);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let ready = composer.ready();
            let send = ui.add_enabled(ready.is_some(), Button::new("Send"));
            ui.checkbox(&mut composer.volatile, "Volatile")
                .on_hover_text("Dropped, not kept for later, where it can't be sent at once");
            ui.checkbox(&mut composer.ack, "Acknowledge").on_hover_text("The server is asked to answer it");
            let hint = "Arguments: JSON values with commas between";
            let arguments = TextEdit::multiline(&mut composer.arguments).hint_text(hint).font(style::mono());
            let arguments = ui.add(arguments.desired_rows(1).desired_width(f32::INFINITY));
            named(&arguments, "Arguments as JSON", &composer.arguments);
            let entered = name.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if (send.clicked() || entered)
                && let Some(wanted) = ready
            {
                composer.sent(&wanted);
                action = Some(wanted);
            }
        });
    });
    said(ui, state, theme);
    let id = state.profile()?;
    action.map(|wanted| Action::Emit { id, emit: Arc::new(wanted) })
}

fn named(edit: &egui::Response, name: &str, text: &str) {
    edit.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::TextInput, true, name);
        info.current_text_value = Some(text.to_owned());
        info
    });
}

fn namespace(ui: &mut Ui, state: &mut DetailState, theme: &Theme) {
    let composer = &mut state.composer;
    let chosen = RichText::new(&composer.namespace).font(style::mono());
    let list = ComboBox::from_id_salt("namespace").selected_text(chosen).width(110.0);
    let shown = list.show_ui(ui, |ui| {
        for choice in &composer.namespaces {
            let colour = if choice.joined { theme.text } else { theme.secondary };
            let note = if choice.joined { "" } else { "  not joined" };
            let text = RichText::new(format!("{}{note}", choice.name)).color(colour);
            ui.selectable_value(&mut composer.namespace, choice.name.clone(), text);
        }
    });
    let name = format!("Namespace {}", composer.namespace);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &name));
}

/// What is wrong with what is typed, or what became of what was sent. Its line is there while it is empty too, so that nothing
/// moves as one types.
fn said(ui: &mut Ui, state: &mut DetailState, theme: &Theme) {
    let Some(said) = state.composer.said() else {
        let line = ui.fonts_mut(|fonts| fonts.row_height(&style::small()));
        ui.allocate_space(egui::vec2(0.0, line));
        return;
    };
    let line = |ui: &mut Ui, text: &str, colour| {
        ui.label(RichText::new(text).font(style::small()).color(colour));
    };
    match said {
        Said::Wrong(text) => line(ui, &text, theme.warn()),
        Said::Told(text) => line(ui, &text, theme.secondary),
        Said::Failed(text) => line(ui, &text, theme.bad()),
        Said::Answered { line: text, data } => {
            line(ui, &text, theme.secondary);
            let answer = ScrollArea::vertical().id_salt("acknowledgement").max_height(96.0);
            answer.show(ui, |ui| last_check::well(ui, theme, &pretty_json(&data)));
        }
    }
}
