//! The left side: filter, order, and the rows by group. Only the rows in view are built.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use egui::{
    Align, Align2, ComboBox, Id, Key, Modifiers, Rect, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::roster_row;
use crate::base::{ProfileId, Wall};
use crate::model::{Live, Order};
use crate::watch::State;
use crate::window::action::Action;
use crate::window::theme::{Theme, space};
use crate::window::vm::roster::{Empty, Filter, GroupLine, Line, RosterVm, RowCache};
use crate::window::{shape, style};

/// Heights of a group's head and of a row, in points.
pub const GROUP_HEIGHT: f32 = 32.0;
pub const ROW_HEIGHT: f32 = 50.0;

/// What the roster remembers between frames.
#[derive(Debug, Default)]
pub struct RosterState {
    pub filter: Filter,
    /// Labels of closed groups.
    pub collapsed: BTreeSet<String>,
    pub order: Order,
    vm: RosterVm,
    /// Where each line begins, and after the last one where the list ends.
    tops: Vec<f32>,
    rows: RowCache,
    built_of: Option<u64>,
    /// The filter box is to take the keyboard.
    focus_filter: bool,
    /// This row is to come into view and take the keyboard.
    reveal: Option<ProfileId>,
}

/// What the roster needs beside its own state.
#[derive(Clone, Copy)]
pub struct RosterCtx<'a> {
    /// Read for the rows in view, and let go before anything is drawn.
    pub live: &'a Mutex<Live>,
    pub theme: &'a Theme,
    pub now: Wall,
    pub selected: Option<ProfileId>,
}

impl RosterState {
    pub fn new(order: Order, collapsed: impl IntoIterator<Item = String>) -> Self {
        Self { order, collapsed: collapsed.into_iter().collect(), ..Self::default() }
    }

    /// Builds the lines again where the roster, the filter or the order changed.
    pub fn refresh(&mut self, live: &Live) {
        if self.built_of == Some(live.roster_version()) {
            return;
        }
        self.vm = RosterVm::build(live, self.order, &self.filter, &self.collapsed);
        self.tops.clear();
        self.tops.push(0.0);
        let mut top = 0.0;
        self.tops.extend(self.vm.lines.iter().map(|line| {
            top += height(line);
            top
        }));
        self.built_of = Some(live.roster_version());
    }

    /// What is shown is to be built again: the filter, the order or the groups changed.
    pub fn changed(&mut self) {
        self.built_of = None;
    }

    pub fn vm(&self) -> &RosterVm {
        &self.vm
    }

    pub fn focus_filter(&mut self) {
        self.focus_filter = true;
    }

    pub fn reveal(&mut self, id: ProfileId) {
        self.reveal = Some(id);
    }

    pub fn toggle_group(&mut self, label: &str) {
        if !self.collapsed.remove(label) {
            self.collapsed.insert(label.to_owned());
        }
        self.changed();
    }

    /// Shows only the states chosen so, or all again.
    pub fn toggle_state(&mut self, state: State) {
        self.filter.toggle(state);
        self.changed();
    }

    pub fn clear_filter(&mut self) {
        self.filter = Filter::default();
        self.changed();
    }

    /// Draws it.
    pub fn ui(&mut self, ui: &mut Ui, ctx: &RosterCtx<'_>) -> Option<Action> {
        let mut action = self.header(ui);
        match self.vm.empty() {
            Some(Empty::NoProfiles) => {
                centred(ui, "No profiles yet.");
            }
            Some(Empty::NoMatch) => {
                centred(ui, "No profile matches the filter.");
                ui.vertical_centered(|ui| {
                    if ui.button("Clear filter").clicked() {
                        self.clear_filter();
                    }
                });
            }
            None => action = action.or(self.list(ui, ctx)),
        }
        action
    }

    fn header(&mut self, ui: &mut Ui) -> Option<Action> {
        let mut action = None;
        egui::Frame::new().inner_margin(egui::Margin::symmetric(space::M as i8, space::S as i8)).show(ui, |ui| {
            let side = ui.spacing().interact_size.y;
            let row = vec2(ui.available_width(), side);
            // From the right: the filter gets what is left, and never pushes the panel wider.
            ui.allocate_ui_with_layout(row, egui::Layout::right_to_left(Align::Center), |ui| {
                let add = ui.add(egui::Button::new("+").min_size(vec2(side, side)));
                add.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "New profile"));
                if add.on_hover_text("New profile  N").clicked() {
                    action = Some(Action::NewProfile);
                }
                let order = ComboBox::from_id_salt("roster order")
                    .width(104.0)
                    .selected_text(order_word(self.order))
                    .show_ui(ui, |ui| {
                        for order in Order::ALL {
                            if ui.selectable_label(self.order == order, order_word(order)).clicked() {
                                self.order = order;
                                self.built_of = None;
                            }
                        }
                    });
                order.response.accessible_name("Order of the roster");
                let filter = ui.add(
                    TextEdit::singleline(&mut self.filter.text)
                        .id(Id::unique("roster filter"))
                        .hint_text("Filter  /")
                        .align(Align2::LEFT_CENTER)
                        .min_size(vec2(0.0, side))
                        .desired_width(ui.available_width().max(40.0)),
                );
                filter.widget_info(|| WidgetInfo::labeled(egui::Role::SearchInput, true, "Filter profiles"));
                if std::mem::take(&mut self.focus_filter) {
                    filter.request_focus();
                }
                if filter.changed() {
                    self.changed();
                }
                // From the filter straight into what it found.
                if filter.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown))
                    || filter.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
                {
                    action = self.vm.ids.first().copied().map(Action::Select);
                }
            });
            if !self.filter.is_empty() {
                ui.horizontal(|ui| {
                    let text = format!("{} of {} shown", self.vm.shown, self.vm.total);
                    ui.label(egui::RichText::new(text).font(style::small()).weak());
                    if ui.link("Clear").clicked() {
                        self.clear_filter();
                    }
                });
            }
        });
        action
    }

    fn list(&mut self, ui: &mut Ui, ctx: &RosterCtx<'_>) -> Option<Action> {
        let mut action = None;
        let reveal = self.reveal.take();
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().id_salt("roster rows").auto_shrink(false).show_viewport(ui, |ui, viewport| {
            let total = self.tops.last().copied().unwrap_or(0.0);
            ui.set_height(total);
            let origin = ui.max_rect().min;
            let width = ui.available_width();
            let place = |tops: &[f32], index: usize| {
                let top = tops[index];
                Rect::from_min_size(pos2(origin.x, origin.y + top), vec2(width, tops[index + 1] - top))
            };
            if let Some(id) = reveal
                && let Some(index) = self.vm.lines.iter().position(|line| *line == Line::Row(id))
            {
                ui.scroll_to_rect(place(&self.tops, index), None);
                ui.memory_mut(|memory| memory.request_focus(roster_row::id(id)));
            }
            let visible = self.visible(viewport.min.y, viewport.max.y);
            let ids = self.vm.lines[visible.clone()].iter().filter_map(|line| match line {
                Line::Row(id) => Some(*id),
                Line::Group(_) => None,
            });
            {
                let live = ctx.live.lock().unwrap_or_else(PoisonError::into_inner);
                self.rows.refresh(&live, ids, ctx.now);
            }
            let mut stale: Option<Wall> = None;
            let mut toggled = None;
            for index in visible {
                let rect = place(&self.tops, index);
                match &self.vm.lines[index] {
                    Line::Group(group) => {
                        if group_ui(ui, rect, group, ctx.theme) {
                            toggled = Some(group.label.clone());
                        }
                    }
                    Line::Row(id) => {
                        let Some(row) = self.rows.get(*id) else { continue };
                        stale = [stale, row.stale_at].into_iter().flatten().min();
                        action = roster_row::ui(ui, rect, row, ctx).or(action.take());
                    }
                }
            }
            if let Some(at) = stale {
                // What is in view changes by itself then: one frame, not a stream of them.
                ui.ctx().request_repaint_after(at.since(ctx.now));
            }
            if let Some(label) = toggled {
                self.toggle_group(&label);
                ui.ctx().request_repaint();
            }
        });
        action
    }

    /// The lines between two heights.
    fn visible(&self, from: f32, to: f32) -> Range<usize> {
        let last = self.vm.lines.len();
        let first = self.tops.partition_point(|top| *top <= from).saturating_sub(1).min(last);
        let end = self.tops.partition_point(|top| *top < to).min(last);
        first..end.max(first)
    }
}

fn height(line: &Line) -> f32 {
    match line {
        Line::Group(_) => GROUP_HEIGHT,
        Line::Row(_) => ROW_HEIGHT,
    }
}

fn order_word(order: Order) -> &'static str {
    match order {
        Order::WorstFirst => "Worst first",
        Order::Name => "By name",
        Order::Newest => "Latest change",
    }
}

fn centred(ui: &mut Ui, text: &str) {
    ui.add_space(space::XL);
    ui.vertical_centered(|ui| ui.weak(text));
    ui.add_space(space::S);
}

/// A group's head. True where it was clicked.
fn group_ui(ui: &mut Ui, rect: Rect, group: &GroupLine, theme: &Theme) -> bool {
    let response = ui.interact(rect, Id::unique(("roster group", &group.label)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, group.open, group.sentence()));
    let painter = ui.painter_at(rect);
    if response.hovered() {
        painter.rect_filled(rect, 0.0, theme.hover);
    }
    let middle = rect.center().y + 2.0;
    shape::chevron(&painter, pos2(rect.left() + 20.0, middle), 14.0, group.open, theme.secondary);
    let mut x = rect.right() - space::M;
    for state in State::ALL.into_iter().rev() {
        let count = group.counts.of(state);
        if count == 0 || group.open && !state.is_failure() {
            continue;
        }
        let number = painter.layout_no_wrap(count.to_string(), style::small(), theme.secondary);
        x -= number.size().x;
        painter.galley(pos2(x, middle - number.size().y / 2.0), number, theme.secondary);
        x -= 10.0;
        shape::paint(&painter, pos2(x, middle), 11.0, state, theme.state(state), theme.base);
        x -= 12.0;
    }
    let room = (x - rect.left() - 36.0).max(20.0);
    let label = roster_row::one_line(&painter, &group.label, style::small_strong(), theme.secondary, room);
    let at = Align2::LEFT_CENTER.anchor_size(pos2(rect.left() + 34.0, middle), label.size());
    painter.galley(at.min, label, theme.secondary);
    if response.has_focus() {
        shape::focus_ring(&painter, rect.shrink(1.0), theme.accent);
    }
    if response.gained_focus() {
        ui.scroll_to_rect(rect, None::<Align>);
    }
    response.clicked()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::window::testing;
    use crate::window::theme::Look;
    use crate::window::vm::roster::sample;

    struct Shown {
        state: RefCell<RosterState>,
        live: Mutex<Live>,
        wished: RefCell<Vec<Action>>,
        selected: Option<ProfileId>,
    }

    impl Shown {
        fn new(live: Live) -> Self {
            Self {
                state: RefCell::default(),
                live: Mutex::new(live),
                wished: RefCell::default(),
                selected: Some(ProfileId(1)),
            }
        }

        fn harness(&self) -> Harness<'_> {
            let theme = Theme::new(Look::Dark);
            testing::harness(360.0, 700.0, Look::Dark, move |ui| {
                let mut state = self.state.borrow_mut();
                state.refresh(&self.live.lock().unwrap());
                let ctx = RosterCtx { live: &self.live, theme: &theme, now: sample::NOW, selected: self.selected };
                self.wished.borrow_mut().extend(state.ui(ui, &ctx));
            })
        }
    }

    #[test]
    fn rows_are_found_by_what_they_say_and_selected_by_a_click() {
        let shown = Shown::new(sample::live());
        let mut harness = shown.harness();
        harness.run();
        harness.get_by_label_contains("Sales chat: CORS error");
        harness.get_by_label_contains("API carts: Connected, 34 ms").click();
        harness.run();
        assert_eq!(*shown.wished.borrow(), [Action::Select(ProfileId(2))]);
    }

    #[test]
    fn a_group_closes_over_its_rows() {
        let shown = Shown::new(sample::live());
        let mut harness = shown.harness();
        harness.run();
        harness.get_by_label_contains("Group shop / production: ").click();
        harness.run();
        assert!(harness.query_by_label_contains("Sales chat: ").is_none());
    }

    #[test]
    fn the_filter_box_filters_and_clears() {
        let shown = Shown::new(sample::live());
        let mut harness = shown.harness();
        harness.run();
        harness.get_by_label("Filter profiles").focus();
        harness.run();
        harness.get_by_label("Filter profiles").type_text("carts");
        harness.run();
        assert!(harness.query_by_label_contains("Sales chat: ").is_none());
        harness.get_by_label("1 of 4 shown");
        harness.get_by_label("Clear").click();
        harness.run();
        harness.get_by_label_contains("Sales chat: ");
    }

    #[test]
    fn a_broken_profile_is_a_row_that_says_how_many_mistakes() {
        let shown = Shown::new(sample::live());
        let mut harness = shown.harness();
        harness.run();
        harness.get_by_label_contains("notes: Its file can't be used, 1 mistake");
    }

    #[test]
    fn of_ten_thousand_rows_only_those_in_view_are_built() {
        let mut live = Live::new();
        for id in 1..=10_000 {
            live.set_profile(ProfileId(id), std::sync::Arc::new(sample::profile(&format!("Endpoint {id:05}"), &[])));
        }
        let shown = Shown::new(live);
        let mut harness = shown.harness();
        harness.run();
        let rows = harness.query_all_by_label_contains("Endpoint ").count();
        assert!((10..=20).contains(&rows), "{rows} rows are in the tree");
        shown.state.borrow_mut().reveal(ProfileId(9_000));
        harness.run();
        harness.get_by_label_contains("Endpoint 09000");
    }

    #[test]
    fn a_countdown_asks_for_one_frame_a_second_and_no_more() {
        let mut live = sample::live();
        sample::enter(&mut live, 1, sample::NOW, State::Reconnecting, None);
        let body = crate::watch::EventBody::Retry {
            attempt: 4,
            wait: std::time::Duration::from_secs(9),
            until: sample::NOW.plus(std::time::Duration::from_secs(9)),
        };
        live.apply(&std::sync::Arc::new(crate::watch::Event {
            seq: 1_000,
            at: sample::NOW,
            profile: Some(ProfileId(1)),
            body,
        }));
        let shown = Shown::new(live);
        let mut harness = shown.harness();
        harness.run();
        harness.get_by_label_contains("try 4, 9 s");
        assert_eq!(testing::repaint_delay(&harness), std::time::Duration::from_secs(1));
    }
}
