//! What the report doesn't say, asked for; and the button that runs it.

use egui::{RichText, TextEdit, Ui};

use super::{enter, primary};
use crate::profile::intake::Missing;
use crate::profile::{Browser, Kind};
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::reproduce::{Reproduce, Wrong};

const LABEL: f32 = 140.0;
const FIELD: f32 = 480.0;

/// The fields.
pub(super) fn ui(ui: &mut Ui, state: &mut Reproduce, wrong: &[Wrong], theme: &Theme) {
    let missing: Vec<Missing> = state.draft().map(|draft| draft.missing.clone()).unwrap_or_default();
    let asks_address = state.asks_address();
    let asks = |what: Missing| missing.contains(&what);
    if asks_address {
        ui.label("It names no address. Which one was asked for?");
        field(ui, "Address", |ui| line(ui, &mut state.form.address, "wss://api.example.com/ws/"));
        said(ui, wrong, "address", theme);
    }
    if let Some(asks) = state.asks() {
        field(ui, "Asks", |ui| {
            ui.add(egui::Label::new(RichText::new(asks).font(style::mono())).truncate().selectable(true))
        });
    }
    let hint = "the address’s own origin";
    field(ui, "Page", |ui| line(ui, &mut state.form.page, hint));
    said(ui, wrong, "page", theme);
    if state.form.page.trim().is_empty() && (asks_address || asks(Missing::Page)) {
        note(ui, "Not told: the page whose script connects. Its origin decides who is let in.", theme);
    }
    let form = &mut state.form;
    field(ui, "Browser", |ui| {
        let words = Browser::ALL.map(|browser| (browser, browser.name()));
        pick(ui, "Browser", &mut form.browser, &words)
    });
    if missing.contains(&Missing::Browser) {
        note(ui, "Not told: several browsers write this.", theme);
    }
    field(ui, "Kind", |ui| {
        let words = [(Kind::Http, "HTTP"), (Kind::WebSocket, "WebSocket"), (Kind::SocketIo, "Socket.IO")];
        pick(ui, "Kind", &mut form.kind, &words)
    });
    if missing.contains(&Missing::Kind) {
        note(ui, "Not told: what answers at this address.", theme);
    }
    for asked in &mut form.secrets {
        field(ui, &label_of(&asked.of), |ui| {
            let edit = TextEdit::singleline(&mut asked.value).password(true).char_limit(64 << 10);
            let edit = edit.hint_text(&asked.name).align(egui::Align2::LEFT_CENTER);
            ui.add(edit.desired_width(width(ui))).on_hover_text("Left empty: as the keyring has it")
        });
    }
    for one in &missing {
        if let Missing::Value { of } = one {
            note(ui, &format!("Not told, and left out: {of}."), theme);
        }
    }
    own_secrets(ui, state, theme);
    said(ui, wrong, "", theme);
}

/// What of secrets came along, by name.
fn own_secrets(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) {
    let names: Vec<&str> =
        state.draft().iter().flat_map(|draft| &draft.secrets).map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        let text = format!("Came along, used for the run alone: {}", names.join(", "));
        note(ui, &text, theme);
    }
    let typed = state.form.secrets.iter().any(|asked| !asked.value.is_empty());
    if !names.is_empty() || typed {
        ui.horizontal(|ui| {
            ui.add_space(LABEL + space::S);
            let word = "Keep them in the system’s keyring when this is saved as a profile";
            ui.checkbox(&mut state.form.keep, word);
        });
    }
}

/// Runs it, or ends the run.
pub(super) fn run(ui: &mut Ui, state: &mut Reproduce, possible: bool, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        if state.is_running() {
            let text = format!("Running as {}…", state.form.browser.name());
            ui.label(RichText::new(text).font(style::strong()));
            if ui.button("Stop").clicked() {
                state.stop();
            }
            return;
        }
        let word = if state.shown().is_some() { "Run again" } else { "Reproduce" };
        let run = primary(ui, word, possible, theme).on_hover_text("Ctrl+Enter");
        if run.clicked() || possible && enter(ui) {
            action = Some(Action::Reproduce);
        }
        if state.shown().is_none() {
            let text = "Makes the request from this machine, and asks what tells causes apart.";
            ui.label(RichText::new(text).font(style::small()).color(theme.secondary));
        }
    });
    if let Some(why) = state.refused() {
        ui.add(egui::Label::new(RichText::new(why).color(theme.bad())).wrap());
    }
    action
}

fn field(ui: &mut Ui, label: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.horizontal(|ui| {
        let size = egui::vec2(LABEL, ui.spacing().interact_size.y);
        let text = egui::Label::new(RichText::new(label).color(theme_secondary(ui))).truncate();
        let label = ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(LABEL);
            ui.add(text)
        });
        add(ui).labelled_by(label.inner.id);
    });
}

/// `the header X-Api-Key` as a field’s name.
fn label_of(of: &str) -> String {
    let bare = of.strip_prefix("the ").unwrap_or(of);
    let mut letters = bare.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn theme_secondary(ui: &Ui) -> egui::Color32 {
    ui.visuals().weak_text_color()
}

fn width(ui: &Ui) -> f32 {
    FIELD.min(ui.available_width())
}

fn line(ui: &mut Ui, text: &mut String, hint: &str) -> egui::Response {
    let edit = TextEdit::singleline(text).hint_text(hint).char_limit(8 << 10).align(egui::Align2::LEFT_CENTER);
    ui.add(edit.desired_width(width(ui)))
}

/// One of a few, side by side.
fn pick<T: Copy + PartialEq>(ui: &mut Ui, name: &str, value: &mut T, words: &[(T, &str)]) -> egui::Response {
    let shown = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::L;
        for (one, word) in words {
            ui.radio_value(value, *one, *word);
        }
    });
    let name = name.to_owned();
    shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::RadioGroup, true, &name));
    shown.response
}

fn note(ui: &mut Ui, text: &str, theme: &Theme) {
    ui.horizontal(|ui| {
        ui.add_space(LABEL + space::S);
        ui.add(egui::Label::new(RichText::new(text).font(style::small()).color(theme.secondary)).wrap());
    });
}

fn said(ui: &mut Ui, wrong: &[Wrong], field: &str, theme: &Theme) {
    for one in wrong.iter().filter(|one| one.field == field && !one.what.is_empty()) {
        ui.horizontal(|ui| {
            ui.add_space(LABEL + space::S);
            ui.add(egui::Label::new(RichText::new(&one.what).font(style::small()).color(theme.bad())).wrap());
        });
    }
}
