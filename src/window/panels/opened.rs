//! One row of a table, whole: what it says, to be read, selected and copied.

use std::sync::Arc;

use egui::{Align, Layout, RichText, ScrollArea, Ui, WidgetInfo};

use super::last_check;
use crate::watch::{Event, EventBody};
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::detail::DetailState;
use crate::window::vm::events::{EventRow, message_facts, pretty, pretty_message};
use crate::window::vm::last_check::LastCheckVm;

/// One row, whole; true where it is to be closed.
pub(super) fn opened(
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
        EventBody::Message(message) => Some(pretty_message(message)),
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
        EventBody::Message(message) => {
            for (name, value) in message_facts(message) {
                ui.horizontal_wrapped(|ui| {
                    ui.style_mut().interaction.selectable_labels = true;
                    ui.label(RichText::new(name).font(style::small()).color(theme.secondary));
                    ui.label(RichText::new(value).font(style::mono()));
                });
            }
            ui.add_space(space::XS);
            last_check::well(ui, theme, text.as_deref().unwrap_or_default());
        }
        EventBody::SignIn { exchange: Some(exchange), reason, .. } => {
            let seen = crate::model::HandshakeSeen {
                at: event.at,
                attempt: 0,
                exchange: Arc::clone(exchange),
                reason: reason.clone(),
                protocol: None,
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
