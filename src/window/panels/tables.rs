//! The tabs of events, frames and messages: what narrows each table, what leaves it, what is sent beside it.

use egui::{Button, Label, Panel, RichText, TextEdit, Ui, WidgetInfo};

use super::composer;
use super::rows::beside;
use crate::export::{EventWriter, Format};
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::detail::DetailState;
use crate::window::vm::events::{Chip, EventRow, Table, Which};
use crate::window::vm::words;

/// The Events tab.
pub fn events(ui: &mut Ui, state: &mut DetailState, theme: &Theme) -> Option<Action> {
    let mut action = events_bar(ui, state, theme);
    ui.add_space(space::XS);
    let wish = beside(ui, state, theme, Which::Events);
    action = wish.or(action);
    action
}

/// The Frames tab.
pub fn frames(ui: &mut Ui, state: &mut DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        filter_box(ui, &mut state.frames.typed, "Filter frames", "text, dir:in, op:text, size:>1k");
        ui.checkbox(&mut state.frames.hide_heartbeats, "Hide heartbeats")
            .on_hover_text("Leave out pings, pongs and the profile's own application heartbeats");
        ui.checkbox(&mut state.follow, "Follow").on_hover_text("Stay at the newest row");
        count(ui, &state.frames, theme, state.has_more_events());
    });
    ui.add_space(space::XS);
    // A Socket.IO session's frames are the protocol's own: its events have a tab of their own.
    let texts = state.header().is_some_and(|header| header.session && header.link.is_none());
    if texts {
        let wish = below(ui, |ui| composer::text(ui, state));
        action = wish;
    }
    beside(ui, state, theme, Which::Frames).or(action)
}

/// The Messages tab.
pub fn messages(ui: &mut Ui, state: &mut DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        let hint = "text, ns:/admin, event:chat, dir:in, op:ack";
        filter_box(ui, &mut state.messages.typed, "Filter messages", hint);
        ui.checkbox(&mut state.follow, "Follow").on_hover_text("Stay at the newest row");
        action = export_menu(ui, state, Which::Messages);
        count(ui, &state.messages, theme, state.has_more_events());
    });
    ui.add_space(space::XS);
    let wish = below(ui, |ui| composer::event(ui, state, theme));
    beside(ui, state, theme, Which::Messages).or(wish).or(action)
}

/// What stands under a table.
fn below<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    Panel::bottom("send").show_separator_line(false).frame(egui::Frame::new()).show(ui, add).inner
}

fn events_bar(ui: &mut Ui, state: &mut DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        filter_box(ui, &mut state.events.typed, "Filter events", "kind:state, -ping, status:>=500, words");
        for chip in Chip::ALL {
            let on = state.events.chip == Some(chip);
            if ui.add(Button::selectable(on, chip.word())).clicked() {
                state.events.chip = if on { None } else { Some(chip) };
            }
        }
        ui.checkbox(&mut state.follow, "Follow").on_hover_text("Stay at the newest row");
        action = export_menu(ui, state, Which::Events);
        count(ui, &state.events, theme, state.has_more_events());
    });
    action
}

fn export_menu(ui: &mut Ui, state: &DetailState, which: Which) -> Option<Action> {
    let table = state.table(which);
    if table.is_empty() {
        return None;
    }
    let mut action = None;
    let menu = ui.menu_button("Export…", |ui| {
        let name = state.header().map(|header| file_name(&header.name)).unwrap_or_default();
        let what = which.word().to_lowercase();
        for (word, format, ending) in [("As JSONL…", Format::Jsonl, "jsonl"), ("As CSV…", Format::Csv, "csv")] {
            if ui.button(word).clicked() {
                action = Some(match written(state, table, format) {
                    Ok(text) => Action::SaveToFile { suggested_name: format!("{name}-{what}.{ending}"), text },
                    Err(problem) => Action::Say(format!("The {what} can't be written: {problem}")),
                });
                ui.close();
            }
        }
        if ui.button("Copy as text").clicked() {
            let lines = (0..table.len()).filter_map(|index| table.get(index)).map(EventRow::line);
            action = Some(Action::Copy(lines.collect::<Vec<_>>().join("\n")));
            ui.close();
        }
    });
    menu.response.on_hover_text("What is shown, and nothing else");
    action
}

fn filter_box(ui: &mut Ui, typed: &mut String, name: &str, hint: &'static str) {
    let width = (ui.available_width() * 0.35).clamp(140.0, 320.0);
    let edit = ui.add(TextEdit::singleline(typed).hint_text(hint).desired_width(width));
    let text = typed.clone();
    edit.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::TextInput, true, name);
        info.current_text_value = Some(text.clone());
        info
    });
    if !typed.is_empty() && ui.button("Clear").clicked() {
        typed.clear();
    }
}

fn count(ui: &mut Ui, table: &Table, theme: &Theme, more: bool) {
    let mut text = if table.len() == table.total() {
        words::count(table.len(), "row", "rows")
    } else {
        format!("{} of {}", table.len(), words::count(table.total(), "row", "rows"))
    };
    if more {
        text.push_str(", the newest of more");
    }
    ui.add(Label::new(RichText::new(text).font(style::small()).color(theme.secondary)).extend());
}

/// A file's name out of a profile's.
fn file_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    safe.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The rows on view, as `wirewatch export` writes them.
fn written(state: &DetailState, table: &Table, format: Format) -> std::io::Result<String> {
    let names = state.header().map(|header| (header.id, header.name.clone())).into_iter().collect();
    let mut writer = EventWriter::new(Vec::new(), format, names)?;
    for event in table.events() {
        writer.write(event)?;
    }
    String::from_utf8(writer.finish()?).map_err(std::io::Error::other)
}
