//! The origin matrix as a table: who asks, whether the server lets it in, what it comes to, what was answered.

use egui::{Align, Label, Layout, RichText, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};

use crate::watch::State;
use crate::window::theme::{Theme, space};
use crate::window::vm::pages::{PageRow, PagesVm, Told};
use crate::window::{shape, style};

const ROW: f32 = 26.0;
/// What the word for "let in" takes, and the shares of the other columns in the room that is left.
const STANDING: f32 = 78.0;
const SHARES: [f32; 4] = [0.24, 0.25, 0.27, 0.24];

/// Draws it, as high as it is.
pub fn ui(ui: &mut Ui, vm: &PagesVm, theme: &Theme) {
    if !vm.conclusion.is_empty() {
        let text = RichText::new(&vm.conclusion).font(style::strong());
        ui.add(Label::new(text).wrap().selectable(true));
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.visuals_mut().widgets.noninteractive.bg_stroke.color = theme.grid;
    let room = ui.available_width() - STANDING - 5.0 * space::S;
    let mut table = TableBuilder::new(ui)
        .id_salt("pages")
        .vscroll(false)
        .sense(Sense::hover())
        .cell_layout(Layout::left_to_right(Align::Center));
    for (index, share) in SHARES.iter().enumerate() {
        if index == 2 {
            table = table.column(Column::exact(STANDING).clip(true));
        }
        table = table.column(Column::exact((room * share).max(60.0)).clip(true));
    }
    table
        .header(ROW, |mut header| {
            for head in ["Page", "Why it is tried", "Let in", "Comes to", "Answered"] {
                header.col(|ui| {
                    ui.label(RichText::new(head).font(style::small_strong()).color(theme.secondary));
                });
            }
        })
        .body(|body| {
            body.rows(ROW, vm.rows.len(), |mut row| {
                let Some(page) = vm.rows.get(row.index()) else { return };
                cells(&mut row, page, theme);
                let response = row.response();
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Row, true, page.sentence()));
            });
        });
}

fn cells(row: &mut egui_extras::TableRow<'_, '_>, page: &PageRow, theme: &Theme) {
    let cell = |row: &mut egui_extras::TableRow<'_, '_>, text: RichText, hint: &str| {
        row.col(|ui| {
            let label = ui.add(Label::new(text).truncate().selectable(true));
            if !hint.is_empty() {
                label.on_hover_text(hint);
            }
        });
    };
    cell(row, RichText::new(&page.page).font(style::mono()), "");
    cell(row, RichText::new(page.why).color(theme.secondary), "");
    let Some(told) = &page.told else {
        cell(row, RichText::new("…").color(theme.secondary), "");
        cell(row, RichText::new("").color(theme.secondary), "");
        return cell(row, RichText::new(""), "");
    };
    cell(row, RichText::new(told.standing).font(style::strong()).color(standing_colour(told, theme)), "");
    row.col(|ui| {
        ui.spacing_mut().item_spacing.x = space::S - 2.0;
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
        shape::paint(ui.painter(), rect.center(), 12.0, told.state, theme.state(told.state), theme.panel);
        let label = ui.add(Label::new(&told.verdict).truncate().selectable(true));
        label.on_hover_text(&told.summary);
    });
    cell(row, RichText::new(&told.answered).font(style::mono()), "");
}

fn standing_colour(told: &Told, theme: &Theme) -> egui::Color32 {
    match told.standing {
        "let in" => theme.state(State::Connected),
        "refused" => theme.state(State::CorsError),
        _ => theme.secondary,
    }
}
