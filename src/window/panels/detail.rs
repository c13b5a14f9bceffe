//! The detail side: head, why, range, plots, tabs.

use egui::{Align, Button, Frame, Layout, Margin, RichText, ScrollArea, Stroke, Ui, UiBuilder, WidgetInfo, vec2};

use super::{aside, audit, header, last_check, plots, tables, why};
use crate::window::action::{Action, Range, Tab};
use crate::window::aside::Aside;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::detail::DetailState;
use crate::window::vm::local;

/// Less than this is no room for a table.
const LEAST_TAB: f32 = 200.0;

/// What the shell gives.
pub struct DetailCtx<'a> {
    pub theme: &'a Theme,
    /// What stands in place of plots and tabs.
    pub aside: Option<&'a Aside>,
    /// The Profile tab's body.
    pub profile_tab: &'a mut dyn FnMut(&mut Ui) -> Option<Action>,
}

/// Draws the profile that `state` was refreshed for; nothing where there is none.
pub fn ui(ui: &mut Ui, state: &mut DetailState, ctx: &mut DetailCtx<'_>) -> Option<Action> {
    let theme = ctx.theme;
    let header = state.header().cloned()?;
    let mut action = None;
    let whole = ui.available_height();
    ScrollArea::vertical().id_salt("detail").auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::L as i8, space::M as i8)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            let top = ui.cursor().top();
            action = header::ui(ui, &header, theme);
            if let Some(why) = state.why().cloned() {
                let verify = state.profile().map(Action::VerifyFix);
                action = why::ui(ui, &why, verify, &mut state.why_open, theme).or(action.take());
            }
            action = audit::warnings(ui, state.warnings(), theme).or(action.take());
            if let Some(open) = ctx.aside {
                action = aside::ui(ui, open, theme).or(action.take());
                return;
            }
            action = range_bar(ui, state, theme).or(action.take());
            // What stands above leaves less for the plots, and both leave room for the table.
            let left = whole - (ui.cursor().top() - top);
            action = plots_ui(ui, state, theme, left).or(action.take());
            action = tab_strip(ui, state, theme).or(action.take());
            let used = ui.cursor().top() - top;
            let room = (whole - used - 2.0 * space::M).max(LEAST_TAB);
            let size = vec2(ui.available_width(), room);
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            let mut body = ui.new_child(UiBuilder::new().id_salt(("tab", state.tab.word())).max_rect(rect));
            body.set_clip_rect(rect.expand(2.0).intersect(ui.clip_rect()));
            let wish = match state.tab {
                Tab::Events => tables::events(&mut body, state, theme),
                Tab::Frames => tables::frames(&mut body, state, theme),
                Tab::Messages => tables::messages(&mut body, state, theme),
                Tab::LastCheck => last_check::ui(&mut body, state.last_check(), theme),
                Tab::Profile => (ctx.profile_tab)(&mut body),
            };
            action = wish.or(action.take());
        });
    });
    action
}

fn range_bar(ui: &mut Ui, state: &DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        for range in Range::ALL {
            let on = state.range == range && state.zoomed() == 0;
            let chip = ui.add(Button::selectable(on, range.word()).min_size(vec2(36.0, 26.0)));
            if chip.on_hover_text("Range; [ and ] step through them").clicked() {
                action = Some(Action::SetRange(range));
            }
        }
        ui.add_space(space::S);
        let words = local::interval(state.view.from, state.view.to, state.now, &state.zone);
        ui.label(RichText::new(words).font(style::mono()).color(theme.text));
        if state.zoomed() != 0 && ui.button("Zoom back").on_hover_text("Also: double click in the plots").clicked() {
            action = Some(Action::ZoomBack);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let pinned = state.is_pinned();
            let now = ui.add(Button::selectable(pinned, "     Now").min_size(vec2(64.0, 26.0)));
            now.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, pinned, "Pinned to now"));
            let centre = now.rect.left_center() + vec2(16.0, 0.0);
            let colour = if pinned { theme.accent } else { theme.secondary };
            ui.painter().circle_stroke(centre, 5.0, Stroke::new(1.5, colour));
            if pinned {
                ui.painter().circle_filled(centre, 2.5, colour);
            }
            let hint = if pinned { "The right edge is now. Space freezes" } else { "Go back to now (Space)" };
            if now.on_hover_text(hint).clicked() {
                action = Some(Action::ToggleFreeze);
            }
            if state.frozen.is_some() {
                let at = state.frozen.unwrap_or(state.now);
                let words = format!("Frozen at {}", local::near(at, state.now, &state.zone));
                ui.label(RichText::new(words).font(style::strong()).color(theme.warn()));
            }
            if let Some(trouble) = state.trouble() {
                let label = ui.label(RichText::new("History can't be read").font(style::small()).color(theme.bad()));
                label.on_hover_text(trouble);
            } else if state.is_loading() {
                ui.label(RichText::new("Reading the history…").font(style::small()).color(theme.secondary));
            } else {
                legend(ui, state, theme);
            }
        });
    });
    action
}

/// What the latency plot's marks mean, where there is room to say so. From the right.
fn legend(ui: &mut Ui, state: &DetailState, theme: &Theme) {
    let Some(vm) = state.plots().filter(|_| 300.0 < ui.available_width()) else { return };
    ui.add_space(space::M);
    ui.spacing_mut().item_spacing.x = space::XS;
    let mut entry = |word: &str, draw: &dyn Fn(&egui::Painter, egui::Rect)| {
        ui.label(RichText::new(word).font(style::small()).color(theme.secondary));
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 12.0), egui::Sense::hover());
        draw(ui.painter(), rect);
        ui.add_space(space::S);
    };
    if let Some(by) = vm.measured_by {
        entry(&format!("by {by}"), &|_, _| {});
    }
    if !vm.handshakes.is_empty() {
        entry("handshake", &|painter, rect| {
            painter.circle_stroke(rect.center(), 2.75, Stroke::new(1.25, theme.secondary));
        });
    }
    entry("failure", &|painter, rect| {
        let x = rect.center().x;
        painter.vline(x, rect.y_range(), Stroke::new(2.0, theme.bad()));
    });
    entry("to p95", &|painter, rect| {
        painter.rect_filled(rect.shrink2(vec2(0.0, 1.0)), 2.0, theme.tint(theme.accent, 0.30));
    });
    entry("median", &|painter, rect| {
        painter.hline(rect.x_range(), rect.center().y, Stroke::new(1.75, theme.accent));
    });
}

fn plots_ui(ui: &mut Ui, state: &mut DetailState, theme: &Theme, room: f32) -> Option<Action> {
    let width = plots::strip_width(ui.available_width());
    if 0.5 < (width - state.plot_width).abs() {
        state.plot_width = width;
        // The columns fit the new width with the next frame.
        ui.ctx().request_repaint();
    }
    let mut plots_ui = state.plots_ui;
    let ctx = plots::PlotsCtx {
        vm: state.plots()?,
        theme,
        zone: &state.zone,
        instant: state.instant,
        now: state.now,
        height: (room * 0.22).clamp(84.0, 240.0),
        empty: state.empty(),
    };
    let action = plots::ui(ui, &mut plots_ui, &ctx);
    state.plots_ui = plots_ui;
    action
}

fn tab_strip(ui: &mut Ui, state: &DetailState, theme: &Theme) -> Option<Action> {
    let mut action = None;
    let shown = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::L;
        let kind = state.kind();
        for tab in Tab::ALL.into_iter().filter(|tab| tab.is_of(kind)) {
            let on = state.tab == tab;
            let text = RichText::new(tab.word()).font(if on { style::strong() } else { style::body() });
            let colour = if on { theme.text } else { theme.secondary };
            let button = ui.add(Button::new(text.color(colour)).frame(false).min_size(vec2(0.0, 28.0)));
            button.widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, on, tab.word()));
            let line = if on { theme.accent } else { theme.outline };
            if on || button.hovered() {
                ui.painter().hline(button.rect.x_range(), button.rect.bottom(), Stroke::new(2.0, line));
            }
            if button.has_focus() {
                crate::window::shape::focus_ring(ui.painter(), button.rect.expand2(vec2(6.0, 0.0)), theme.accent);
            }
            if button.clicked() {
                action = Some(Action::SetTab(tab));
            }
        }
    });
    let rect = shown.response.rect;
    let range = rect.left()..=rect.left().max(ui.max_rect().right());
    ui.painter().hline(range, rect.bottom() + 0.5, Stroke::new(1.0, theme.line));
    action
}

#[cfg(test)]
mod tests;
