//! A table of events, frames or messages, and the open row beside it.
//!
//! Only rows on view are built. A click opens a row beside the table; text there can be selected and copied.

use std::sync::Arc;

use egui::{Align, Id, Label, Layout, Panel, RichText, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};

use super::opened::opened;
use crate::watch::{EventBody, MessageKind, State};
use crate::window::action::Action;
use crate::window::theme::{Theme, space};
use crate::window::vm::detail::DetailState;
use crate::window::vm::events::{EventRow, Which, arrow, one_line, preview};
use crate::window::vm::words;
use crate::window::{shape, style};
use crate::wire::Direction;

const ROW: f32 = 26.0;
/// The width of an event's kind, and the share of what happened in the room that the words have.
const KIND: f32 = 92.0;
const WHAT: f32 = 0.58;

/// The table, and the open row beside it.
pub(super) fn beside(ui: &mut Ui, state: &mut DetailState, theme: &Theme, which: Which) -> Option<Action> {
    let mut action = None;
    let table = state.table(which);
    let row = table.open.and_then(|seq| table.by_seq(seq));
    let row = row.map(|row| (Arc::clone(&row.event), row.kind, row.time.clone()));
    if let Some((event, kind, time)) = row {
        let room = ui.available_width();
        let side = Panel::right(("open row", which.word()))
            .default_size(room * 0.42)
            .size_range(220.0..=(room * 0.7).max(221.0))
            .frame(egui::Frame::new().inner_margin(egui::Margin { left: space::M as i8, ..egui::Margin::ZERO }));
        let (closed, wish) = side.show(ui, |ui| opened(ui, state, &event, kind, &time, theme)).inner;
        if closed {
            state.table_mut(which).open = None;
        }
        action = wish;
    }
    rows(ui, state, theme, which);
    action
}

fn rows(ui: &mut Ui, state: &mut DetailState, theme: &Theme, which: Which) {
    let go_to = state.go_to;
    let table = state.table(which);
    if table.is_empty() {
        let words =
            if table.total() == 0 { "Nothing has happened in this time." } else { "No row matches the filter." };
        ui.add_space(space::XL);
        ui.vertical_centered(|ui| ui.label(RichText::new(words).color(theme.secondary)));
        return;
    }
    let go_to = go_to.and_then(|at| table.nearest(at));
    let picked = go_to.and_then(|index| table.get(index)).map(|row| row.event.seq);
    let mut open = table.open;
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
    let salt = egui::IdSalt::new(("table", which.word()));
    let id = inside.scope_id().with(salt);
    let mut builder = TableBuilder::new(&mut inside)
        .id_salt(("table", which.word()))
        .striped(false)
        .resizable(true)
        .sense(Sense::click())
        .auto_shrink(false)
        .stick_to_bottom(follow)
        .animate_scrolling(false)
        .cell_layout(Layout::left_to_right(Align::Center));
    // Columns keep the widths that a person gave them until there is another room to share out.
    let key = Id::unique(("room of the table", which.word()));
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
        Which::Messages => builder
            .column(Column::exact(104.0))
            .column(Column::initial(104.0).range(24.0..=140.0).clip(true))
            .column(Column::initial(84.0).range(40.0..=300.0).clip(true))
            .column(Column::initial(132.0).range(40.0..=500.0).clip(true))
            .column(Column::remainder().clip(true))
            .column(Column::exact(72.0))
            .column(Column::exact(72.0)),
    };
    let heads: &[&str] = match which {
        Which::Events => &["Time", "Kind", "What", "Reason"],
        Which::Frames => &["Time", "Frame", "Size", "Payload"],
        Which::Messages => &["Time", "Message", "Namespace", "Event", "Data", "Ack", "Size"],
    };
    let mut clicked = None;
    builder
        .header(ROW, |mut header| {
            for head in heads {
                header.col(|ui| {
                    ui.label(RichText::new(*head).font(style::small_strong()).color(theme.secondary));
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
                    Which::Messages => message_row(&mut row, entry, theme),
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
    name_handles(&ctx, id, heads);
    let open = match clicked {
        Some(seq) if open == Some(seq) => None,
        Some(seq) => Some(seq),
        None => open,
    };
    state.go_to = None;
    if state.table(which).open != open {
        state.table_mut(which).open = open;
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

fn message_row(row: &mut egui_extras::TableRow<'_, '_>, entry: &EventRow, theme: &Theme) -> bool {
    let EventBody::Message(message) = &entry.event.body else { return false };
    let mut clicked = time_cell(row, entry, theme);
    let colour = match (message.kind, message.direction) {
        (MessageKind::AckMissing, _) => theme.bad(),
        (_, Direction::In) => theme.state(State::Connected),
        (_, Direction::Out) => theme.link,
    };
    let kind = match message.kind {
        MessageKind::Event => "event",
        MessageKind::Ack => "ack",
        MessageKind::AckMissing => "no ack",
    };
    let text = format!("{} {kind}", arrow(message.direction));
    clicked |= cell(row, RichText::new(text).font(style::small()).color(colour));
    clicked |= cell(row, RichText::new(&*message.namespace).font(style::mono()).color(theme.secondary));
    clicked |= cell(row, RichText::new(&*message.event).font(style::mono()));
    let data = one_line(&message.data, message.is_cut());
    clicked |= cell(row, RichText::new(data).font(style::mono()));
    let took = message.took.map(words::latency).unwrap_or_default();
    for text in [took, words::bytes(message.size)] {
        row.col(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(space::S);
                if !text.is_empty() {
                    clicked |= ui.label(RichText::new(text).font(style::mono())).clicked();
                }
            });
        });
    }
    clicked
}
