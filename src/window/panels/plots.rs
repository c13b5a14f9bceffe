//! The plots: latency, the state lane, a Socket.IO session's heartbeats, reconnect attempts and CORS failures over one axis
//! of time.
//!
//! Drag zooms, a double click goes back, a click picks the instant; a cross-hair runs through all. Each strip says in a
//! sentence what it shows.

use egui::{
    Align2, Color32, Key, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2,
};
use egui_plot::{Plot, PlotTransform};
use jiff::tz::TimeZone;

use super::plot_items::{Bands, BarItem, Gaps, Grid, LaneItem, Marks};
use crate::base::Wall;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::local;
use crate::window::vm::plots::{Heartbeats, PlotsVm, View};

/// Room for the names and the axis' numbers at the left.
const GUTTER: f32 = 84.0;
const LANE: f32 = 22.0;
const BARS: f32 = 30.0;
const HEARTBEATS: f32 = 40.0;
const AXIS: f32 = 18.0;
/// Shorter drags are clicks.
const DRAG: f32 = 5.0;

/// What the plots remember between frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlotsUi {
    /// Where a drag began.
    drag: Option<Wall>,
    /// Where the keyboard has the cross-hair.
    cursor: Option<Wall>,
}

/// What the plots are drawn with.
pub struct PlotsCtx<'a> {
    pub vm: &'a PlotsVm,
    pub theme: &'a Theme,
    pub zone: &'a TimeZone,
    /// The instant that was picked.
    pub instant: Option<Wall>,
    pub now: Wall,
    /// How high the latency plot is.
    pub height: f32,
    /// Why there is nothing to see.
    pub empty: &'a str,
}

/// How wide the strips are in a panel of that width.
pub fn strip_width(available: f32) -> f32 {
    (available - GUTTER).max(80.0)
}

/// How high the whole is over a latency plot of that height.
fn height(latency: f32, heartbeats: bool) -> f32 {
    let heartbeats = if heartbeats { HEARTBEATS + space::S } else { 0.0 };
    latency + LANE + heartbeats + 2.0 * BARS + AXIS + 3.0 * space::S + space::XS
}

/// Draws the strips; the wish is a zoom or an instant.
pub fn ui(ui: &mut Ui, state: &mut PlotsUi, ctx: &PlotsCtx<'_>) -> Option<Action> {
    let theme = ctx.theme;
    let whole = Rect::from_min_size(
        ui.cursor().min,
        vec2(ui.available_width(), height(ctx.height, ctx.vm.heartbeats.is_some())),
    );
    let left = whole.left() + GUTTER;
    let strip = |top: f32, height: f32| Rect::from_min_max(pos2(left, top), pos2(whole.right(), top + height));
    let latency = strip(whole.top(), ctx.height);
    let lane = strip(latency.bottom() + space::S, LANE);
    let beats = ctx.vm.heartbeats.as_ref().map(|vm| (vm, strip(lane.bottom() + space::S, HEARTBEATS)));
    let above = beats.map_or(lane, |(_, rect)| rect);
    let attempts = strip(above.bottom() + space::S, BARS);
    let cors = strip(attempts.bottom() + space::S, BARS);
    let axis = strip(cors.bottom() + space::XS, AXIS);

    // The strips' ground takes the pointer; the plots on it only draw.
    let stack = Rect::from_min_max(latency.min, axis.max);
    let response = ui.interact(stack, ui.scope_id().with("time"), Sense::click_and_drag());
    let vm = ctx.vm;
    show(ui, "latency", latency, vm, (0.0, vm.top), &vm.latency_sentence, |plot| {
        plot.add(Grid::new(vm, theme.grid, true));
        plot.add(Bands::new(vm, theme));
        for run in &vm.runs {
            let line = egui_plot::Line::new("median", egui_plot::PlotPoints::Borrowed(&run.line));
            plot.line(line.color(theme.accent).width(1.75).allow_hover(false));
        }
        plot.add(Marks::new(vm, theme));
    });
    show(ui, "state", lane, vm, (0.0, 1.0), &vm.lane_sentence, |plot| {
        plot.add(LaneItem::new(vm, theme));
    });
    if let Some((beats, rect)) = beats {
        show(ui, "heartbeats", rect, vm, (0.0, beats.top), &beats.sentence, |plot| {
            plot.add(Grid::new(vm, theme.grid, false));
            plot.add(Gaps::new(beats, theme));
        });
    }
    for (id, rect, bars, colour, sentence) in [
        ("attempts", attempts, &vm.attempts, theme.state(crate::watch::State::Reconnecting), &vm.attempts_sentence),
        ("cors", cors, &vm.cors, theme.state(crate::watch::State::CorsError), &vm.cors_sentence),
    ] {
        show(ui, id, rect, vm, (0.0, f64::from(bars.most.max(1)) * 1.15), sentence, |plot| {
            plot.add(Grid::new(vm, theme.grid, false));
            plot.add(BarItem::new(bars, colour));
        });
    }
    ui.allocate_rect(whole, Sense::hover());
    let mut strips = vec![("State", lane), ("Reconnects", attempts), ("CORS failures", cors)];
    strips.extend(beats.map(|(_, rect)| ("Heartbeats", rect)));
    gutter(ui, ctx, latency, &strips);
    time_axis(ui, ctx, axis);
    if vm.empty {
        let words = if vm.loading { "Reading the history…" } else { ctx.empty };
        let painter = ui.painter();
        painter.text(latency.center(), Align2::CENTER_CENTER, words, style::body(), theme.secondary);
    } else if vm.marks.is_empty() && !vm.failures.is_empty() {
        let words = "Nothing came out well in this range: there is no latency to draw";
        ui.painter().text(latency.center(), Align2::CENTER_CENTER, words, style::body(), theme.secondary);
    }
    pointer(ui, state, ctx, &response, latency, stack)
}

/// One strip: an empty plot of the view's bounds with `add`'s items; it says `sentence`.
fn show<'a>(
    ui: &mut Ui,
    id: &'static str,
    rect: Rect,
    vm: &'a PlotsVm,
    y: (f64, f64),
    sentence: &str,
    add: impl FnOnce(&mut egui_plot::PlotUi<'a>) + 'a,
) {
    let View { from, to } = vm.view;
    let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
    let mut inside = ui.new_child(UiBuilder::new().id_salt(id).max_rect(rect));
    let response = Plot::new(id)
        .width(rect.width())
        .height(rect.height())
        .show_axes(false)
        .show_grid(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .allow_axis_zoom_drag(false)
        .sense(Sense::hover())
        .show(&mut inside, move |plot| {
            plot.set_plot_bounds_x(from..=to);
            plot.set_plot_bounds_y(y.0..=y.1);
            add(plot);
        })
        .response;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, sentence));
}

/// The names of the strips and the latency's numbers.
fn gutter(ui: &Ui, ctx: &PlotsCtx<'_>, latency: Rect, strips: &[(&str, Rect)]) {
    let (theme, vm) = (ctx.theme, ctx.vm);
    let painter = ui.painter();
    let left = latency.left() - GUTTER;
    let text = |at: Pos2, align: Align2, words: &str, colour: Color32| {
        painter.text(at, align, words, style::small(), colour);
    };
    text(pos2(left, latency.top()), Align2::LEFT_TOP, "Latency", theme.text);
    for (ms, label) in &vm.marks {
        let y = latency.bottom() - (ms / vm.top) as f32 * latency.height();
        // The name stands in the top corner.
        if latency.top() + 22.0 < y {
            text(pos2(latency.left() - space::S, y), Align2::RIGHT_CENTER, label, theme.secondary);
        }
    }
    if !vm.marks.is_empty() {
        text(pos2(latency.left() - space::S, latency.bottom()), Align2::RIGHT_BOTTOM, "0", theme.secondary);
    }
    for (name, rect) in strips {
        let count = |count: u32| Some(if count == 0 { "none".to_owned() } else { count.to_string() });
        let below = match *name {
            "Reconnects" => count(vm.attempts.total),
            "CORS failures" => count(vm.cors.total),
            "Heartbeats" => vm.heartbeats.as_ref().and_then(Heartbeats::limit_words),
            _ => None,
        };
        let name_y = if below.is_some() { rect.top() + 7.0 } else { rect.center().y };
        text(pos2(left, name_y), Align2::LEFT_CENTER, name, theme.text);
        if let Some(words) = below {
            text(pos2(left, rect.bottom()), Align2::LEFT_BOTTOM, &words, theme.secondary);
        }
    }
}

fn x_of(vm: &PlotsVm, rect: Rect, at: Wall) -> f32 {
    let View { from, to } = vm.view;
    let share = (at.0 - from.0) as f64 / (to.0 - from.0).max(1) as f64;
    rect.left() + share as f32 * rect.width()
}

fn at_of(vm: &PlotsVm, rect: Rect, x: f32) -> Wall {
    let View { from, to } = vm.view;
    let share = f64::from((x - rect.left()) / rect.width()).clamp(0.0, 1.0);
    Wall(from.0 + ((to.0 - from.0) as f64 * share) as i64)
}

fn time_axis(ui: &Ui, ctx: &PlotsCtx<'_>, axis: Rect) {
    let painter = ui.painter();
    let mut free_from = axis.left() - space::L;
    for tick in &ctx.vm.ticks {
        let x = x_of(ctx.vm, axis, tick.at);
        let (font, colour) =
            if tick.day { (style::small_strong(), ctx.theme.text) } else { (style::small(), ctx.theme.secondary) };
        let galley = painter.layout_no_wrap(tick.label.clone(), font, colour);
        let start = (x - galley.size().x / 2.0).min(axis.right() - galley.size().x);
        if free_from + space::S <= start {
            free_from = start + galley.size().x;
            painter.galley(pos2(start, axis.top()), galley, colour);
        }
    }
}

/// Cross-hair, drag and clicks, by pointer and by keyboard.
fn pointer(
    ui: &mut Ui,
    state: &mut PlotsUi,
    ctx: &PlotsCtx<'_>,
    response: &Response,
    latency: Rect,
    stack: Rect,
) -> Option<Action> {
    let (vm, theme) = (ctx.vm, ctx.theme);
    let mut action = None;
    response.widget_info(|| {
        let label =
            "Time: drag to zoom, double click to go back, click to see the events; with the keyboard ← → and Enter";
        egui::WidgetInfo::labeled(egui::Role::Slider, true, label)
    });
    if let Some(instant) = ctx.instant.filter(|at| vm.view.from <= *at && *at <= vm.view.to) {
        let x = x_of(vm, latency, instant);
        ui.painter().vline(x, stack.y_range(), Stroke::new(1.0, theme.accent));
        let top = stack.top();
        let flag = vec![pos2(x - 4.0, top), pos2(x + 4.0, top), pos2(x, top + 6.0)];
        ui.painter().add(Shape::convex_polygon(flag, theme.accent, Stroke::NONE));
    }
    if response.has_focus() {
        crate::window::shape::focus_ring(ui.painter(), stack.expand(2.0), theme.accent);
        action = keyboard(ui, state, vm, response);
    } else {
        state.cursor = None;
    }
    let hover = response.hover_pos().map(|pos| at_of(vm, latency, pos.x));
    if response.drag_started() {
        let press = ui.input(|input| input.pointer.press_origin());
        state.drag = press.map(|pos| at_of(vm, latency, pos.x));
    }
    let drag = state.drag.zip(response.interact_pointer_pos());
    if let Some((from, pos)) = drag {
        let to = at_of(vm, latency, pos.x);
        let (from, to) = (from.min(to), from.max(to));
        let (left, right) = (x_of(vm, latency, from), x_of(vm, latency, to));
        let area = Rect::from_x_y_ranges(left..=right, stack.y_range());
        ui.painter().rect(
            area,
            0.0,
            theme.tint(theme.accent, 0.18),
            Stroke::new(1.0, theme.accent),
            StrokeKind::Inside,
        );
        if response.drag_stopped() {
            state.drag = None;
            if DRAG < right - left {
                action = Some(Action::ZoomTo { from, to });
            }
        } else if DRAG < right - left {
            let words = local::interval(from, to, ctx.now, ctx.zone);
            tip(ui, theme, pos2(right, pos.y), &[words]);
        }
        return action;
    }
    state.drag = None;
    if response.double_clicked() {
        return Some(Action::ZoomBack);
    }
    if response.clicked()
        && let Some(at) = hover
    {
        action = Some(Action::SelectInstant(at));
    }
    if let Some(at) = hover.or(state.cursor) {
        let x = x_of(vm, latency, at);
        ui.painter().vline(x, stack.y_range(), Stroke::new(1.0, theme.secondary));
        let y = response.hover_pos().map_or(latency.top(), |pos| pos.y);
        tip(ui, theme, pos2(x, y), &vm.at(at, ctx.zone));
    }
    action
}

/// ← → move the cross-hair, Enter picks its instant.
fn keyboard(ui: &Ui, state: &mut PlotsUi, vm: &PlotsVm, response: &Response) -> Option<Action> {
    let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let (left, right, enter) = ui.input(|input| {
        (input.key_pressed(Key::ArrowLeft), input.key_pressed(Key::ArrowRight), input.key_pressed(Key::Enter))
    });
    let step = vm.column.max(vm.view.length() / 200);
    let at = state.cursor.unwrap_or(vm.view.to);
    if left {
        state.cursor = Some(at.minus(step).max(vm.view.from));
    } else if right {
        state.cursor = Some(at.plus(step).min(vm.view.to));
    }
    if enter { state.cursor.map(Action::SelectInstant) } else { None }
}

/// Lines beside the pointer, inside the window, above everything.
fn tip(ui: &Ui, theme: &Theme, at: Pos2, lines: &[String]) {
    let Some((head, rest)) = lines.split_first() else { return };
    let layer = egui::LayerId::new(egui::Order::Tooltip, ui.scope_id().with("tip"));
    let painter = ui.ctx().layer_painter(layer);
    let mut galleys = vec![painter.layout(head.clone(), style::small(), theme.secondary, 360.0)];
    galleys.extend(rest.iter().map(|line| painter.layout(line.clone(), style::small(), theme.text, 360.0)));
    let wide = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max);
    let high: f32 = galleys.iter().map(|galley| galley.size().y + 2.0).sum();
    let size = vec2(wide, high) + Vec2::splat(2.0 * space::S);
    let room = ui.ctx().content_rect().shrink(space::XS);
    let mut corner = at + vec2(space::M, space::M);
    if room.right() < corner.x + size.x {
        corner.x = at.x - space::M - size.x;
    }
    corner.y = corner.y.min(room.bottom() - size.y);
    let rect = Rect::from_min_size(corner, size);
    painter.rect(rect, f32::from(RADIUS), theme.raised, Stroke::new(1.0, theme.outline), StrokeKind::Inside);
    let mut y = rect.top() + space::S;
    for galley in galleys {
        let height = galley.size().y;
        painter.galley(pos2(rect.left() + space::S, y), galley, theme.text);
        y += height + 2.0;
    }
}

/// A point of a plot on the screen.
pub(super) fn place(transform: &PlotTransform, x: f64, y: f64) -> Pos2 {
    pos2(transform.position_from_point_x(x), transform.position_from_point_y(y))
}
