//! The Reproduce view: what a person told of goes in, what was understood and what is missing stands under it, and what a run
//! came to.

mod form;
mod outcome;
#[cfg(test)]
mod tests;

use egui::{Align, Button, Frame, Id, Key, Layout, Margin, Modifiers, RichText, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::last_check::well;
use crate::diagnosis::explain::Explained;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::reproduce::{Held, Reproduce};
use crate::window::vm::words::count;

/// Lines of text are read no wider than this, in points.
const WIDTH: f32 = 920.0;
/// Of pasted lines that are known, so many are told of.
const LINES: usize = 3;
const ROW: f32 = 26.0;

/// What has the keyboard while a report is typed.
pub fn box_id() -> Id {
    Id::unique("report")
}

/// Draws it over the whole side.
pub fn ui(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) -> Option<Action> {
    let mut action = None;
    let margin = Margin::symmetric(space::L as i8, space::M as i8);
    Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(style::title("Reproduce a report"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = ui.button("Close").on_hover_text("Back to the profiles  Esc");
                close.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Close the report"));
                if close.clicked() {
                    action = Some(Action::CloseReproduce);
                }
            });
        });
        ui.add_space(space::XS);
        ScrollArea::vertical().id_salt("reproduce").auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width().min(WIDTH));
            ui.spacing_mut().item_spacing.y = space::S;
            let wish = body(ui, state, theme);
            action = wish.or(action.take());
            ui.add_space(space::L);
        });
    });
    action
}

fn body(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) -> Option<Action> {
    let mut action = brought(ui, state, theme);
    if state.is_empty() {
        let what = "It is run from this machine, as that browser from that page: you see whether it fails here too, why, and what to \
                    change. What it doesn’t say is asked for.";
        ui.add(egui::Label::new(RichText::new(what).color(theme.secondary)).wrap());
        return action;
    }
    understood(ui, state, theme);
    choices(ui, state, theme);
    if let Some(seen) = state.seen() {
        let head = egui::CollapsingHeader::new("What was seen there").id_salt("seen");
        head.show(ui, |ui| well(ui, theme, seen));
    }
    if let Some(wrong) = state.wrong() {
        form::ui(ui, state, &wrong, theme);
        let wish = form::run(ui, state, wrong.is_empty(), theme);
        action = wish.or(action);
    }
    outcome::ui(ui, state, theme).or(action)
}

/// Where it is pasted, typed, dropped or opened.
fn brought(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) -> Option<Action> {
    let mut action = None;
    match state.held().cloned() {
        Some(held) => held_ui(ui, &held, theme),
        None => text_box(ui, state),
    }
    ui.horizontal(|ui| {
        if ui.button("Open a file…").on_hover_text("A HAR of any size, a log, a saved command").clicked() {
            action = Some(Action::PickReport);
        }
        if !state.is_empty() && ui.button("Clear").clicked() {
            state.clear();
        }
        if state.is_reading() {
            ui.label(RichText::new("Reading…").color(theme.secondary));
        }
    });
    action
}

fn text_box(ui: &mut Ui, state: &mut Reproduce) {
    let rows = state.text.lines().count().clamp(3, 10);
    let edit = ui.add(
        TextEdit::multiline(&mut state.text)
            .id(box_id())
            .font(egui::TextStyle::Monospace)
            .hint_text(
                "Paste a line of Chrome’s, Firefox’s or Safari’s console, a curl command or a fetch(),\n\
                 or drop a HAR anywhere on this window.",
            )
            .char_limit(crate::window::vm::reproduce::BOX)
            .desired_rows(rows)
            .desired_width(f32::INFINITY),
    );
    let text = state.text.clone();
    edit.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::MultilineTextInput, true, "Report");
        info.current_text_value = Some(text.clone());
        info
    });
    if std::mem::take(&mut state.focus) {
        edit.request_focus();
    }
    if edit.changed() {
        state.typed();
    }
}

fn held_ui(ui: &mut Ui, held: &Held, theme: &Theme) {
    ui.label(RichText::new(&held.name).font(style::strong()));
    if let Some(shown) = &held.shown {
        let height = 160.0;
        ScrollArea::vertical().id_salt("held").max_height(height).show(ui, |ui| well(ui, theme, shown));
        let note = "Secrets are taken out of what is shown. They are kept in memory for the run, and nowhere else.";
        ui.label(RichText::new(note).font(style::small()).color(theme.secondary));
    }
}

/// What it is, what its lines mean, what is wrong with it.
fn understood(ui: &mut Ui, state: &Reproduce, theme: &Theme) {
    if let Some(why) = state.unreadable() {
        ui.label(RichText::new(why).color(theme.bad()));
    }
    let Some(found) = state.found() else { return };
    if let Some(sentence) = found.sentence() {
        ui.label(RichText::new(sentence).font(style::strong()));
    }
    // Once it was run the verdict says more.
    let lines = if state.shown().is_some() { 0 } else { LINES };
    for one in found.explained.iter().take(lines) {
        explained(ui, one, theme);
    }
    if 0 < lines && lines < found.explained.len() {
        let more = count(found.explained.len() - LINES, "more line is", "more lines are");
        ui.label(RichText::new(format!("{more} known.")).font(style::small()).color(theme.secondary));
    }
    for problem in &found.intake.problems {
        let colour = match problem.severity {
            crate::base::Severity::Error => theme.bad(),
            crate::base::Severity::Warning => theme.warn(),
        };
        ui.add(egui::Label::new(RichText::new(sentence_of(problem)).color(colour)).wrap());
    }
    if !found.intake.skipped.is_empty() {
        let all = found.intake.skipped.iter().map(|skipped| format!("{} {}", skipped.times, skipped.what));
        let text = format!("Left out: {}.", all.collect::<Vec<_>>().join("; "));
        ui.add(egui::Label::new(RichText::new(text).font(style::small()).color(theme.secondary)).wrap());
    }
}

fn sentence_of(problem: &crate::base::Problem) -> String {
    let text = problem.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// What one line means, and what it is taken for.
fn explained(ui: &mut Ui, one: &Explained, theme: &Theme) {
    let known = &one.known;
    let card = Frame::new().fill(theme.raised).corner_radius(f32::from(RADIUS)).inner_margin(space::S);
    card.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.style_mut().interaction.selectable_labels = true;
        ui.spacing_mut().item_spacing.y = 2.0;
        // Its lines as close as a text's.
        ui.spacing_mut().interact_size.y = 0.0;
        let lines = [("Means", Some(&known.means)), ("Not", known.not.as_ref()), ("Look", known.next.as_ref())];
        egui::Grid::new(("explained", &one.line)).num_columns(2).spacing([space::M, 2.0]).show(ui, |ui| {
            for (name, text) in lines {
                let Some(text) = text else { continue };
                ui.label(RichText::new(name).font(style::small()).color(theme.secondary));
                ui.add(egui::Label::new(text.as_ref()).wrap());
                ui.end_row();
            }
        });
    });
}

/// Which of the requests to run, where there are several.
fn choices(ui: &mut Ui, state: &mut Reproduce, theme: &Theme) {
    if state.choices().is_empty() {
        return;
    }
    let mut chosen = None;
    ui.label(RichText::new("Which request").font(style::small_strong()));
    let frame = Frame::new().fill(theme.well).corner_radius(f32::from(RADIUS)).inner_margin(space::XS);
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let rows = state.choices().len();
        let area = ScrollArea::vertical().id_salt("choices").max_height(ROW * 6.0).auto_shrink([false, true]);
        area.show_rows(ui, ROW, rows, |ui, range| {
            for one in state.choices().get(range).unwrap_or_default() {
                let on = state.chosen() == Some(one.index);
                let row = egui::vec2(ui.available_width(), ROW);
                let (rect, response) = ui.allocate_exact_size(row, egui::Sense::click());
                let name = format!("{}: {}", one.title, one.said);
                response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, on, &name));
                choice_ui(ui, rect, one, (on, response.hovered()), theme);
                if response.has_focus() {
                    crate::window::shape::focus_ring(ui.painter(), rect.shrink(1.0), theme.accent);
                }
                if response.clicked() {
                    chosen = Some(one.index);
                }
                response.on_hover_text(name);
            }
        });
    });
    if chosen.is_some() {
        state.choose(chosen);
    }
}

fn choice_ui(
    ui: &Ui,
    rect: egui::Rect,
    one: &crate::window::vm::reproduce::Choice,
    (on, hovered): (bool, bool),
    theme: &Theme,
) {
    let painter = ui.painter_at(rect);
    let ground = match (on, hovered) {
        (true, _) => theme.selection,
        (false, true) => theme.hover,
        (false, false) => theme.well,
    };
    painter.rect_filled(rect, f32::from(RADIUS), ground);
    let colour = if one.failed { theme.bad() } else { theme.secondary };
    let said = painter.layout_no_wrap(one.said.clone(), style::small(), colour);
    let left = rect.right() - space::S - said.size().x;
    painter.galley(egui::pos2(left, rect.center().y - said.size().y / 2.0), said, colour);
    let room = left - rect.left() - 2.0 * space::S;
    let title = super::roster_row::one_line(&painter, &one.title, style::mono(), theme.text, room);
    painter.galley(egui::pos2(rect.left() + space::S, rect.center().y - title.size().y / 2.0), title, theme.text);
}

/// The way on, as every dialog has it.
fn primary(ui: &mut Ui, word: &str, possible: bool, theme: &Theme) -> egui::Response {
    let text =
        RichText::new(word).font(style::strong()).color(if possible { theme.on_primary } else { theme.secondary });
    let fill = if possible { theme.primary } else { theme.raised };
    ui.add_enabled(possible, Button::new(text).fill(fill))
}

/// Ctrl+Enter, also while a text is typed.
fn enter(ui: &Ui) -> bool {
    ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter))
}
