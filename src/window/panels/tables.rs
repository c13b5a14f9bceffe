//! The tables of events and frames, and what one row of them holds.
//!
//! Only rows on view are built. A click opens a row beside the table; text there can be selected and copied.

use std::sync::Arc;

use egui::{Align, Button, Id, Label, Layout, Panel, RichText, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};

use super::last_check;
use crate::export::{EventWriter, Format};
use crate::watch::{Event, EventBody, State};
use crate::window::action::Action;
use crate::window::theme::{Theme, space};
use crate::window::vm::detail::DetailState;
use crate::window::vm::events::{Chip, EventRow, Table, arrow, pretty, preview};
use crate::window::vm::last_check::LastCheckVm;
use crate::window::vm::words;
use crate::window::{shape, style};

const ROW: f32 = 26.0;
/// The width of an event's kind, and the share of what happened in the room that the words have.
const KIND: f32 = 92.0;
const WHAT: f32 = 0.58;

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
    let open =
        state.header().is_some_and(|header| header.mark == crate::window::vm::roster::Mark::State(State::Connected));
    let session = state.header().is_some_and(|header| header.session);
    if session {
        let wish = Panel::bottom("send")
            .show_separator_line(false)
            .frame(egui::Frame::new())
            .show(ui, |ui| send_box(ui, state, open));
        action = wish.inner;
    }
    beside(ui, state, theme, Which::Frames).or(action)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Events,
    Frames,
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
        if !state.events.is_empty() {
            ui.menu_button("Export…", |ui| {
                let name = state.header().map(|header| file_name(&header.name)).unwrap_or_default();
                for (word, format, ending) in [("As JSONL…", Format::Jsonl, "jsonl"), ("As CSV…", Format::Csv, "csv")]
                {
                    if ui.button(word).clicked() {
                        action = Some(match written(state, format) {
                            Ok(text) => Action::SaveToFile { suggested_name: format!("{name}-events.{ending}"), text },
                            Err(problem) => Action::Say(format!("The events can't be written: {problem}")),
                        });
                        ui.close();
                    }
                }
                if ui.button("Copy as text").clicked() {
                    let lines = (0..state.events.len()).filter_map(|index| state.events.get(index)).map(EventRow::line);
                    action = Some(Action::Copy(lines.collect::<Vec<_>>().join("\n")));
                    ui.close();
                }
            })
            .response
            .on_hover_text("What is shown, and nothing else");
        }
        count(ui, &state.events, theme, state.has_more_events());
    });
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

/// The events on view, as `wirewatch export` writes them.
fn written(state: &DetailState, format: Format) -> std::io::Result<String> {
    let names = state.header().map(|header| (header.id, header.name.clone())).into_iter().collect();
    let mut writer = EventWriter::new(Vec::new(), format, names)?;
    for event in state.events.events() {
        writer.write(event)?;
    }
    String::from_utf8(writer.finish()?).map_err(std::io::Error::other)
}

fn send_box(ui: &mut Ui, state: &mut DetailState, open: bool) -> Option<Action> {
    let mut action = None;
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let ready = open && !state.message.is_empty();
            let send = ui.add_enabled(ready, Button::new("Send"));
            let hint = if open { "A text message to send" } else { "The session is not open" };
            let edit = TextEdit::singleline(&mut state.message).hint_text(hint).font(style::mono());
            let edit = ui.add_enabled(open, edit.desired_width(f32::INFINITY));
            let text = state.message.clone();
            edit.widget_info(|| {
                let mut info = WidgetInfo::labeled(egui::Role::TextInput, open, "Message to send");
                info.current_text_value = Some(text.clone());
                info
            });
            let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if (send.clicked() || entered && ready)
                && let Some(id) = state.profile()
            {
                action = Some(Action::SendText { id, text: std::mem::take(&mut state.message) });
            }
        });
    });
    action
}

/// The table, and the open row beside it.
fn beside(ui: &mut Ui, state: &mut DetailState, theme: &Theme, which: Which) -> Option<Action> {
    let mut action = None;
    let open = if which == Which::Events { state.open_event } else { state.open_frame };
    let row = open.and_then(|seq| {
        let table = if which == Which::Events { &state.events } else { &state.frames };
        table.by_seq(seq).map(|row| (Arc::clone(&row.event), row.kind, row.time.clone()))
    });
    if let Some((event, kind, time)) = row {
        let room = ui.available_width();
        let side = Panel::right(("open row", which == Which::Events))
            .default_size(room * 0.42)
            .size_range(220.0..=(room * 0.7).max(221.0))
            .frame(egui::Frame::new().inner_margin(egui::Margin { left: space::M as i8, ..egui::Margin::ZERO }));
        let (closed, wish) = side.show(ui, |ui| opened(ui, state, &event, kind, &time, theme)).inner;
        if closed {
            if which == Which::Events {
                state.open_event = None;
            } else {
                state.open_frame = None;
            }
        }
        action = wish;
    }
    table(ui, state, theme, which);
    action
}

fn table(ui: &mut Ui, state: &mut DetailState, theme: &Theme, which: Which) {
    let table = if which == Which::Events { &state.events } else { &state.frames };
    if table.is_empty() {
        let words =
            if table.total() == 0 { "Nothing has happened in this time." } else { "No row matches the filter." };
        ui.add_space(space::XL);
        ui.vertical_centered(|ui| ui.label(RichText::new(words).color(theme.secondary)));
        return;
    }
    let go_to = state.go_to.take().and_then(|at| table.nearest(at));
    let picked = go_to.and_then(|index| table.get(index)).map(|row| row.event.seq);
    let mut open = if which == Which::Events { state.open_event } else { state.open_frame };
    if which == Which::Events && picked.is_some() {
        open = picked;
    }
    let follow = state.follow && state.is_pinned();
    let ctx = ui.ctx().clone();
    // The lines between columns end where the table does.
    let room = ui.available_rect_before_wrap();
    let mut inside = ui.new_child(egui::UiBuilder::new().id_salt("rows").max_rect(room));
    inside.set_clip_rect(room.intersect(ui.clip_rect()));
    inside.spacing_mut().item_spacing.y = 0.0;
    inside.visuals_mut().widgets.noninteractive.bg_stroke.color = theme.grid;
    let salt = egui::IdSalt::new(("table", which == Which::Events));
    let id = inside.scope_id().with(salt);
    let mut builder = TableBuilder::new(&mut inside)
        .id_salt(("table", which == Which::Events))
        .striped(false)
        .resizable(true)
        .sense(Sense::click())
        .auto_shrink(false)
        .stick_to_bottom(follow)
        .animate_scrolling(false)
        .cell_layout(Layout::left_to_right(Align::Center));
    // Columns keep the widths that a person gave them until there is another room to share out.
    let key = Id::unique(("room of the table", which == Which::Events));
    let before: Option<f32> = ctx.data_mut(|data| {
        let before = data.get_temp(key);
        data.insert_temp(key, room.width());
        before
    });
    if before.is_some_and(|before| 1.0 < (before - room.width()).abs()) {
        builder.reset();
    }
    let texts = (room.width() - 104.0 - KIND).max(0.0);
    if let Some(index) = go_to {
        builder = builder.scroll_to_row(index, Some(Align::Center));
    }
    builder = match which {
        Which::Events => builder
            .column(Column::exact(104.0))
            .column(Column::initial(KIND).range(72.0..=200.0).clip(true))
            .column(Column::initial(texts * WHAT).range(120.0..=1200.0).clip(true))
            .column(Column::remainder().clip(true)),
        Which::Frames => builder
            .column(Column::exact(104.0))
            .column(Column::exact(84.0))
            .column(Column::exact(76.0))
            .column(Column::remainder().clip(true)),
    };
    let heads: [&str; 4] = match which {
        Which::Events => ["Time", "Kind", "What", "Reason"],
        Which::Frames => ["Time", "Frame", "Size", "Payload"],
    };
    let mut clicked = None;
    builder
        .header(ROW, |mut header| {
            for head in heads {
                header.col(|ui| {
                    ui.label(RichText::new(head).font(style::small_strong()).color(theme.secondary));
                });
            }
        })
        .body(|body| {
            body.rows(ROW, table.len(), |mut row| {
                let Some(entry) = table.get(row.index()) else { return };
                row.set_selected(open == Some(entry.event.seq));
                let pressed = match which {
                    Which::Events => event_row(&mut row, entry, theme),
                    Which::Frames => frame_row(&mut row, entry, theme),
                };
                let response = row.response();
                let name = format!("{} {} {} {}", entry.time, entry.kind, entry.what, entry.reason);
                response.widget_info(|| {
                    WidgetInfo::selected(egui::Role::Row, true, open == Some(entry.event.seq), name.trim())
                });
                if pressed || response.clicked() {
                    clicked = Some(entry.event.seq);
                }
            });
        });
    name_handles(&ctx, id, &heads);
    let open = match clicked {
        Some(seq) if open == Some(seq) => None,
        Some(seq) => Some(seq),
        None => open,
    };
    let place = if which == Which::Events { &mut state.open_event } else { &mut state.open_frame };
    if *place != open {
        *place = open;
        // It is drawn beside the table, which comes first.
        ctx.request_repaint();
    }
}

/// Names the lines between columns, which can be dragged, for those who can't see them; the table itself names nothing.
fn name_handles(ctx: &egui::Context, table: Id, heads: &[&str]) {
    for (index, head) in heads.iter().enumerate() {
        let handle = table.with("resize_column").with(index);
        if ctx.has_accesskit_node(handle) {
            ctx.accesskit_node_builder(handle, |node| {
                node.set_role(egui::accesskit::Role::Splitter);
                node.set_label(format!("Width of {head}"));
            });
        }
    }
}

/// A cell's text, to be selected; true where it was clicked.
fn cell(row: &mut egui_extras::TableRow<'_, '_>, text: RichText) -> bool {
    let mut clicked = false;
    row.col(|ui| {
        if !text.text().is_empty() {
            clicked = ui.add(Label::new(text).truncate().selectable(true)).clicked();
        }
    });
    clicked
}

fn time_cell(row: &mut egui_extras::TableRow<'_, '_>, entry: &EventRow, theme: &Theme) -> bool {
    let mut clicked = false;
    row.col(|ui| {
        let text = RichText::new(&entry.time).font(style::mono()).color(theme.secondary);
        let label = ui.add(Label::new(text).selectable(true));
        clicked = label.clicked();
        if label.hovered() {
            label.on_hover_text(format!("{} (UTC)", entry.utc()));
        }
    });
    clicked
}

fn event_row(row: &mut egui_extras::TableRow<'_, '_>, entry: &EventRow, theme: &Theme) -> bool {
    let mut clicked = time_cell(row, entry, theme);
    clicked |= cell(row, RichText::new(entry.kind).font(style::small()).color(theme.secondary));
    row.col(|ui| {
        ui.spacing_mut().item_spacing.x = space::S - 2.0;
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
        if let Some(state) = entry.mark {
            shape::paint(ui.painter(), rect.center(), 12.0, state, theme.state(state), theme.panel);
        }
        clicked |= ui.add(Label::new(RichText::new(&entry.what)).truncate().selectable(true)).clicked();
    });
    clicked |= cell(row, RichText::new(&entry.reason).color(theme.text));
    clicked
}

fn frame_row(row: &mut egui_extras::TableRow<'_, '_>, entry: &EventRow, theme: &Theme) -> bool {
    let EventBody::Frame(frame) = &entry.event.body else { return false };
    let mut clicked = time_cell(row, entry, theme);
    let colour = match frame.direction {
        crate::wire::Direction::In => theme.state(State::Connected),
        crate::wire::Direction::Out => theme.link,
    };
    let text = format!("{} {}", arrow(frame.direction), frame.opcode.word());
    clicked |= cell(row, RichText::new(text).font(style::small()).color(colour));
    row.col(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(space::S);
            clicked |= ui.label(RichText::new(words::bytes(frame.size)).font(style::mono())).clicked();
        });
    });
    clicked |= cell(row, RichText::new(preview(frame)).font(style::mono()));
    clicked
}

/// One row, whole; true where it is to be closed.
fn opened(
    ui: &mut Ui,
    state: &DetailState,
    event: &Event,
    kind: &str,
    time: &str,
    theme: &Theme,
) -> (bool, Option<Action>) {
    let mut action = None;
    let mut closed = false;
    let text = match &event.body {
        EventBody::Frame(frame) => Some(pretty(frame)),
        _ => None,
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(kind).font(style::strong()));
        ui.label(RichText::new(time).font(style::mono()).color(theme.secondary))
            .on_hover_text(format!("{} (UTC)", event.at));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button("Close");
            close.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Close the row"));
            closed = close.clicked();
            if let Some(text) = &text
                && ui.button("Copy").clicked()
            {
                action = Some(Action::Copy(text.clone()));
            }
        });
    });
    ScrollArea::vertical().id_salt("opened").auto_shrink(false).show(ui, |ui| match &event.body {
        EventBody::Check(report) => {
            let vm = LastCheckVm::of_check(event.at, report, state.watched_profile(), state.now, &state.zone);
            action = last_check::body(ui, &vm, theme).or(action.take());
        }
        EventBody::Handshake { attempt, exchange, reason, protocol } => {
            let seen = crate::model::HandshakeSeen {
                at: event.at,
                attempt: *attempt,
                exchange: Arc::clone(exchange),
                reason: reason.clone(),
                protocol: protocol.clone(),
            };
            let vm = LastCheckVm::of_handshake(&seen, None, state.watched_profile(), state.now, &state.zone);
            action = last_check::body(ui, &vm, theme).or(action.take());
        }
        _ => {
            let row = EventRow::new(Arc::new(event.clone()), &state.zone);
            let told = text.unwrap_or_else(|| {
                [row.what.as_str(), row.reason.as_str()]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join("\n")
            });
            last_check::well(ui, theme, &told);
        }
    });
    (closed, action)
}
