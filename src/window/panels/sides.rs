//! Two checks side by side: what each comes to, the steps of both, the headers that differ.

use egui::{Align, Frame, Label, Layout, RichText, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::export::check::Came;
use crate::export::compare::HeaderChange;
use crate::watch::State;
use crate::window::aside::{Purpose, Sides, Slot};
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::sides::StepRow;
use crate::window::{shape, style};

const ROW: f32 = 24.0;
/// What the names take, with the mark before those that differ.
const NAME: f32 = 112.0;
/// The same for the names of headers.
const HEADER: f32 = 228.0;

const ABSENT: &str = "not there";

/// Draws both, as high as they are.
pub fn ui(ui: &mut Ui, both: &Sides, theme: &Theme) {
    banner(ui, both, theme);
    // Both as high as the higher was in the frame before.
    let key = egui::Id::unique("height of the heads");
    let wanted: f32 = ui.data(|data| data.get_temp(key)).unwrap_or_default();
    let mut highest: f32 = 0.0;
    ui.columns(2, |columns| {
        for (ui, slot) in columns.iter_mut().zip(&both.slots) {
            highest = highest.max(head(ui, slot, wanted, theme));
        }
    });
    if 0.5 < (highest - wanted).abs() {
        ui.data_mut(|data| data.insert_temp(key, highest));
        ui.ctx().request_repaint();
    }
    let Some(vm) = &both.vm else { return };
    table(ui, "steps of both", NAME, vm.steps.len(), |row, index| match vm.steps.get(index) {
        Some(step) => step_row(row, step, theme),
        None => String::new(),
    });
    if !vm.headers.is_empty() {
        ui.add_space(space::S);
        ui.label(RichText::new("Headers that differ").font(style::small_strong()).color(theme.secondary));
        table(ui, "headers of both", HEADER, vm.headers.len(), |row, index| match vm.headers.get(index) {
            Some(change) => header_row(row, change, theme),
            None => String::new(),
        });
    }
}

/// What they come to: mended or not, or where they part.
fn banner(ui: &mut Ui, both: &Sides, theme: &Theme) {
    let (words, colour) = match (&both.purpose, &both.vm) {
        (Purpose::Verify(Some(mended)), vm) => {
            let after = vm.as_ref().map_or(State::Disconnected, |vm| vm.sides[1].state);
            (format!("{}.", mended.words()), Some(after))
        }
        (Purpose::Compare, Some(vm)) => (vm.parting(), None),
        (Purpose::Verify(None), _) | (Purpose::Compare, None) => return,
    };
    ui.horizontal(|ui| {
        if let Some(state) = colour {
            shape::ui(ui, 18.0, state, theme.state(state));
        }
        let label = ui.add(Label::new(style::section(&words)).wrap().selectable(true));
        label.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &words));
    });
}

/// How high what stands in it is; it is drawn at least `wanted` high.
fn head(ui: &mut Ui, slot: &Slot, wanted: f32, theme: &Theme) -> f32 {
    let frame = Frame::new().fill(theme.raised).stroke(egui::Stroke::new(1.0, theme.line));
    let shown = frame.corner_radius(f32::from(RADIUS)).inner_margin(space::S).show(ui, |ui| {
        // A column of its own accord would stretch the words to its width.
        let inside = ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.set_min_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.style_mut().interaction.selectable_labels = true;
            inside_head(ui, slot, theme);
        });
        let height = inside.response.rect.height();
        ui.add_space((wanted - height).max(0.0));
        height
    });
    let sentence = match (&slot.head, &slot.trouble) {
        (Some(head), _) => format!("{}: {}. {}", head.title, head.verdict, head.summary),
        (None, Some(why)) => format!("{}: {why}", slot.title),
        (None, None) => format!("{}: asking", slot.title),
    };
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &sentence));
    shown.inner
}

fn inside_head(ui: &mut Ui, slot: &Slot, theme: &Theme) {
    let title = slot.head.as_ref().map_or(&slot.title, |head| &head.title);
    ui.add(Label::new(RichText::new(title).font(style::small_strong()).color(theme.secondary)).truncate());
    match (&slot.head, &slot.trouble) {
        (Some(head), _) => {
            ui.horizontal(|ui| {
                shape::ui(ui, shape::SIZE, head.state, theme.state(head.state));
                ui.add(Label::new(RichText::new(&head.verdict).font(style::strong())).wrap());
            });
            ui.add(Label::new(&head.summary).wrap());
            if let Some(cause) = head.cause {
                ui.label(RichText::new(format!("cause: {cause}")).font(style::mono()).color(theme.secondary));
            }
        }
        (None, Some(why)) => {
            ui.add(Label::new(RichText::new(why).color(theme.bad())).wrap());
        }
        (None, None) => {
            ui.label(RichText::new("Asking…").color(theme.secondary));
        }
    }
}

/// Rows under the two heads: a name of that width, then what each side has of it.
fn table(ui: &mut Ui, salt: &str, name: f32, rows: usize, mut add: impl FnMut(&mut TableRow<'_, '_>, usize) -> String) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let gap = ui.spacing().item_spacing.x;
        let half = (ui.available_width() - gap) / 2.0;
        let table = TableBuilder::new(ui)
            .id_salt(salt)
            .vscroll(false)
            .sense(Sense::hover())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(name).clip(true))
            .column(Column::exact((half - name - gap).max(60.0)).clip(true))
            .column(Column::remainder().clip(true));
        table.body(|body| {
            body.rows(ROW, rows, |mut row| {
                let index = row.index();
                let sentence = add(&mut row, index);
                row.response().widget_info(|| WidgetInfo::labeled(egui::Role::Row, true, &sentence));
            });
        });
    });
}

/// What differs is marked and stands out, the rest steps back. Its sentence.
fn step_row(row: &mut TableRow<'_, '_>, step: &StepRow, theme: &Theme) -> String {
    row.col(|ui| {
        if step.differs {
            let rect = ui.max_rect();
            let bar = egui::Rect::from_min_size(rect.left_top(), vec2(3.0, rect.height())).shrink2(vec2(0.0, 4.0));
            ui.painter().rect_filled(bar, 1.0, theme.accent);
        }
        ui.add_space(space::S);
        let font = if step.differs { style::strong() } else { style::body() };
        let colour = if step.differs { theme.text } else { theme.secondary };
        ui.add(Label::new(RichText::new(step.name).font(font).color(colour)).truncate());
    });
    for cell in &step.cells {
        row.col(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let Some((came, text)) = cell else {
                ui.label(RichText::new("never came so far").color(theme.secondary));
                return;
            };
            let colour = match came {
                Came::Pass => theme.state(State::Connected),
                Came::Warn => theme.warn(),
                Came::Fail => theme.bad(),
                Came::Skip => theme.secondary,
            };
            ui.label(RichText::new(came.word()).font(style::small_strong()).color(colour));
            let colour = if step.differs { theme.text } else { theme.secondary };
            let label = ui.add(Label::new(RichText::new(text).color(colour)).truncate().selectable(true));
            label.on_hover_text(text);
        });
    }
    sentence(step)
}

fn sentence(step: &StepRow) -> String {
    let said = |cell: &Option<(Came, String)>| match cell {
        Some((came, text)) => format!("{} {text}", came.word()),
        None => "never came so far".to_owned(),
    };
    let [one, other] = step.cells.each_ref().map(said);
    let differs = if step.differs { ", differs" } else { "" };
    format!("{}: {one}; {other}{differs}", step.name)
}

fn header_row(row: &mut TableRow<'_, '_>, change: &HeaderChange, theme: &Theme) -> String {
    let cell = |row: &mut TableRow<'_, '_>, text: RichText, hint: &str| {
        row.col(|ui| {
            ui.add(Label::new(text).truncate().selectable(true)).on_hover_text(hint);
        });
    };
    cell(row, RichText::new(&change.name).font(style::mono()).color(theme.secondary), &change.name);
    for value in &change.values {
        match value {
            Some(value) => cell(row, RichText::new(value).font(style::mono()), value),
            None => cell(row, RichText::new(ABSENT).color(theme.secondary), ABSENT),
        }
    }
    let [one, other] = change.values.each_ref().map(|value| value.as_deref().unwrap_or(ABSENT));
    format!("{}: {one}; {other}", change.name)
}
