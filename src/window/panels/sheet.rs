//! The sheet behind `?`: every key, by where it works.

use egui::{Grid, Id, Modal, RichText};

use crate::window::keys::BINDINGS;
use crate::window::style;
use crate::window::theme::{Theme, space};

/// Draws it. True where it is to close.
pub fn ui(ctx: &egui::Context, theme: &Theme) -> bool {
    let modal = Modal::new(Id::unique("keys"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(&ctx.global_style()).inner_margin(space::XL))
        .show(ctx, |ui| {
            ui.label(style::title("Keys"));
            ui.add_space(space::S);
            let sections = ["Anywhere", "Roster", "Profile", "Time", "Tabs"];
            ui.columns_const(|columns: &mut [egui::Ui; 2]| {
                for (index, section) in sections.into_iter().enumerate() {
                    let ui = &mut columns[usize::from(1 < index)];
                    ui.add_space(space::S);
                    ui.label(RichText::new(section).font(style::strong()).color(theme.secondary));
                    Grid::new(("keys", section))
                        .num_columns(2)
                        .min_col_width(56.0)
                        .spacing([space::L, space::XS])
                        .show(ui, |ui| {
                            for binding in BINDINGS.iter().filter(|binding| binding.section == section) {
                                ui.label(RichText::new(binding.keys).font(style::mono()));
                                ui.label(binding.name);
                                ui.end_row();
                            }
                            if section == "Anywhere" {
                                ui.label(RichText::new("Esc").font(style::mono()));
                                ui.label("Close, or clear the filter");
                                ui.end_row();
                            }
                        });
                }
            });
            ui.add_space(space::M);
            ui.button("Close").clicked()
        });
    modal.inner || modal.should_close()
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::window::testing;
    use crate::window::theme::Look;

    #[test]
    fn the_sheet_names_every_key() {
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 800.0, Look::Dark, |raw| {
            ui(raw.ctx(), &theme);
        });
        harness.run();
        for binding in BINDINGS {
            assert!(harness.query_all_by_label(binding.name).next().is_some(), "{}", binding.name);
        }
    }
}
