//! One profile's row: shape, name, one fact and its age; under them the heartbeat bar, the latency's line and success.

use std::sync::Arc;

use egui::text::LayoutJob;
use egui::{
    Align, Align2, Color32, EventFilter, FontId, Galley, Id, Painter, Rect, Sense, Shape, Stroke, TextFormat, Ui,
    WidgetInfo, pos2, vec2,
};

use super::roster::RosterCtx;
use crate::base::ProfileId;
use crate::model::Beat;
use crate::watch::State;
use crate::window::action::Action;
use crate::window::panels::menu;
use crate::window::theme::{Theme, space};
use crate::window::vm::roster::{Mark, RowVm, beat_lines};
use crate::window::{shape, style};

/// Where the text begins, right of the state's shape.
const TEXT_LEFT: f32 = 36.0;
const AGE_WIDTH: f32 = 34.0;
const SUCCESS_WIDTH: f32 = 52.0;
const SPARK_WIDTH: f32 = 72.0;
const BEAT: f32 = 4.0;
const BEAT_GAP: f32 = 2.0;
const BEAT_HEIGHT: f32 = 14.0;

/// The row's widget.
pub fn id(profile: ProfileId) -> Id {
    Id::unique(("roster row", profile))
}

/// Draws the row in `rect`.
pub fn ui(ui: &mut Ui, rect: Rect, row: &RowVm, ctx: &RosterCtx<'_>) -> Option<Action> {
    let theme = ctx.theme;
    let selected = ctx.selected == Some(row.id);
    let response = ui.interact(rect, id(row.id), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, selected, &row.sentence));
    let painter = ui.painter_at(rect);
    let ground = if selected {
        theme.selection
    } else if response.hovered() || response.context_menu_opened() {
        theme.hover
    } else {
        theme.base
    };
    if ground != theme.base {
        painter.rect_filled(rect, 0.0, ground);
    }
    if selected {
        painter.rect_filled(Rect::from_min_size(rect.min, vec2(3.0, rect.height())), 0.0, theme.accent);
    }
    if let (true, Mark::State(state)) = (row.changed, row.mark) {
        painter.rect_filled(rect, 0.0, theme.tint(theme.state(state), 0.16));
    }
    let cut = first_line(&painter, rect, row, theme, ground);
    second_line(ui, &painter, rect, row, theme);
    if response.has_focus() {
        shape::focus_ring(&painter, rect.shrink(1.0), theme.accent);
        // The arrow keys walk the roster; without this they would walk the widgets.
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    if response.gained_focus() {
        ui.scroll_to_rect(rect, None::<Align>);
    }
    let mut action = response.clicked().then_some(Action::Select(row.id));
    if response.double_clicked() {
        action = Some(Action::CheckNow(row.id));
    }
    let menu = response.context_menu(|ui| {
        if let Some(wish) = menu::profile(ui, row.id, row.mark) {
            action = Some(wish);
        }
    });
    let over_text = response.hover_pos().is_some_and(|at| at.y < rect.top() + 26.0);
    if menu.is_none() && !row.problems.is_empty() {
        response.on_hover_ui(|ui| {
            for problem in &row.problems {
                ui.label(problem);
            }
        });
    } else if menu.is_none() && cut && over_text {
        response.on_hover_text(&row.sentence);
    }
    action
}

/// True where there was no room for all of it.
fn first_line(painter: &Painter, rect: Rect, row: &RowVm, theme: &Theme, ground: Color32) -> bool {
    let middle = rect.top() + 16.0;
    let centre = pos2(rect.left() + 20.0, middle);
    match row.mark {
        Mark::State(state) => shape::paint(painter, centre, shape::SIZE, state, theme.state(state), ground),
        Mark::Off => {
            let colour = theme.tint(theme.state(State::Disconnected), 0.7);
            shape::paint(painter, centre, shape::SIZE, State::Disconnected, colour, ground);
        }
        Mark::Broken => broken_mark(painter, centre, theme),
    }
    let right = rect.right() - space::M;
    text_right(painter, pos2(right, middle), &row.age, style::mono(), theme.secondary, AGE_WIDTH);
    let fact_right = if row.age.is_empty() { right } else { right - AGE_WIDTH - space::XS };
    let room = fact_right - rect.left() - TEXT_LEFT;
    let name = one_line(painter, &row.name, style::strong(), name_colour(row, theme), room * 0.62);
    let font = if row.numeric { style::mono() } else { style::small() };
    let colour = match row.mark {
        Mark::State(state) if state.is_failure() => theme.text,
        Mark::Broken => theme.text,
        Mark::State(_) | Mark::Off => theme.secondary,
    };
    let left = room - name.size().x - space::M;
    let cut = text_right(painter, pos2(fact_right, middle), &row.fact, font, colour, left) || name.elided;
    let at = Align2::LEFT_CENTER.anchor_size(pos2(rect.left() + TEXT_LEFT, middle), name.size());
    painter.galley(at.min, name, theme.text);
    cut
}

fn name_colour(row: &RowVm, theme: &Theme) -> Color32 {
    if row.mark == Mark::Off { theme.secondary } else { theme.text }
}

/// A page with a corner torn off, in the colour of problems.
pub fn broken_mark(painter: &Painter, centre: egui::Pos2, theme: &Theme) {
    let stroke = Stroke::new(1.5, theme.bad());
    let at = |x: f32, y: f32| centre + vec2(x, y);
    painter.add(Shape::closed_line(
        vec![at(-4.5, -6.0), at(1.5, -6.0), at(4.5, -3.0), at(4.5, 6.0), at(-4.5, 6.0)],
        stroke,
    ));
    painter.line_segment([at(0.0, -2.5), at(0.0, 1.5)], stroke);
    painter.circle_filled(at(0.0, 3.8), 0.9, theme.bad());
}

fn second_line(ui: &Ui, painter: &Painter, rect: Rect, row: &RowVm, theme: &Theme) {
    let middle = rect.top() + 36.0;
    let right = rect.right() - space::M;
    if let Some(problem) = row.problems.first() {
        let left = rect.left() + TEXT_LEFT;
        let text = one_line(painter, problem, style::small(), theme.secondary, right - left);
        painter.galley(pos2(left, middle - text.size().y / 2.0), text, theme.secondary);
        return;
    }
    text_right(painter, pos2(right, middle), &row.success, style::mono(), theme.secondary, SUCCESS_WIDTH);
    let spark_right = right - SUCCESS_WIDTH - space::S;
    let spark = Rect::from_min_max(pos2(spark_right - SPARK_WIDTH, middle - 7.0), pos2(spark_right, middle + 7.0));
    sparkline(painter, spark, &row.spark, theme);
    let bar = Rect::from_min_max(
        pos2(rect.left() + TEXT_LEFT, middle - BEAT_HEIGHT / 2.0),
        pos2(spark.left() - space::M, middle + BEAT_HEIGHT / 2.0),
    );
    let fits = ((bar.width() + BEAT_GAP) / (BEAT + BEAT_GAP)).max(0.0) as usize;
    let shown = &row.beats[row.beats.len().saturating_sub(fits)..];
    let place = |from_right: usize| {
        let x = bar.right() - BEAT - from_right as f32 * (BEAT + BEAT_GAP);
        Rect::from_min_size(pos2(x, bar.top()), vec2(BEAT, bar.height()))
    };
    for (from_right, beat) in shown.iter().rev().enumerate() {
        paint_beat(painter, place(from_right), beat, theme);
    }
    let over = ui.interact(bar, id(row.id).with("beats"), Sense::hover());
    if let Some(at) = over.hover_pos() {
        let from_right = ((bar.right() - at.x) / (BEAT + BEAT_GAP)).max(0.0) as usize;
        if let Some(beat) = shown.iter().rev().nth(from_right) {
            painter.rect_stroke(
                place(from_right).expand(1.0),
                2.0,
                Stroke::new(1.0, theme.text),
                egui::StrokeKind::Outside,
            );
            over.on_hover_ui_at_pointer(|ui| {
                for line in beat_lines(beat) {
                    ui.label(line);
                }
            });
        }
    }
}

/// Up is a bar; slow a shorter one; a failure the full height; connecting and waiting a low one; unknown a dot: the bar
/// reads without its colours too.
fn paint_beat(painter: &Painter, place: Rect, beat: &Beat, theme: &Theme) {
    let (share, colour) = match beat.state {
        None => {
            painter.circle_filled(place.center(), 1.0, theme.line);
            return;
        }
        Some(_) if beat.degraded => (0.5, theme.warn()),
        Some(State::Connected) => (0.72, theme.state(State::Connected)),
        Some(state @ (State::Connecting | State::Suspended | State::Disconnected)) => (0.3, theme.state(state)),
        Some(state) => (1.0, theme.state(state)),
    };
    let bar = Rect::from_center_size(place.center(), vec2(place.width(), place.height() * share));
    painter.rect_filled(bar, BEAT / 2.0, colour);
}

/// The latencies as a line from the lowest to the highest; where there is none the line has a gap.
fn sparkline(painter: &Painter, rect: Rect, values: &[Option<f32>], theme: &Theme) {
    let known = values.iter().flatten();
    let (low, high) = known.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), ms| (low.min(*ms), high.max(*ms)));
    if low > high {
        return;
    }
    let step = rect.width() / values.len().saturating_sub(1).max(1) as f32;
    // Noise of a few percent is no mountain: the line's height stands for at least a fifth of its value.
    let span = (high - low).max(high * 0.2).max(f32::MIN_POSITIVE);
    let at = |index: usize, ms: f32| {
        let x = rect.right() - (values.len() - 1 - index) as f32 * step;
        pos2(x, rect.bottom() - 1.0 - (ms - low) / span * (rect.height() - 2.0))
    };
    let stroke = Stroke::new(1.2, theme.secondary);
    let mut run = Vec::with_capacity(values.len());
    let flush = |run: &mut Vec<egui::Pos2>| {
        match run.len() {
            0 => {}
            1 => {
                painter.circle_filled(run[0], 1.0, theme.secondary);
            }
            _ => {
                painter.add(Shape::line(std::mem::take(run), stroke));
            }
        }
        run.clear();
    };
    for (index, value) in values.iter().enumerate() {
        match value {
            Some(ms) => run.push(at(index, *ms)),
            None => flush(&mut run),
        }
    }
    flush(&mut run);
}

/// Text on one line, cut with an ellipsis where there is no room.
pub fn one_line(painter: &Painter, text: &str, font: FontId, colour: Color32, room: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, colour));
    job.wrap.max_width = room.max(1.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    painter.layout_job(job)
}

/// Text that ends at `at`, in the middle of its line. True where it had to be cut.
fn text_right(painter: &Painter, at: egui::Pos2, text: &str, font: FontId, colour: Color32, room: f32) -> bool {
    if text.is_empty() || room < 12.0 {
        return !text.is_empty();
    }
    let galley = one_line(painter, text, font, colour, room);
    let (rect, cut) = (Align2::RIGHT_CENTER.anchor_size(at, galley.size()), galley.elided);
    painter.galley(rect.min, galley, colour);
    cut
}
