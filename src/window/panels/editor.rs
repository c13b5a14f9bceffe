//! The Profile tab: a form over the whole profile with each mistake beside its field, or the file's text as it is. What
//! has no mistake is saved when a field is left; Ctrl+Z takes it back.

use std::sync::Arc;

use egui::{Button, CollapsingHeader, ComboBox, Key, Modifiers, RichText, ScrollArea, TextEdit, Ui};

use crate::base::{ProfileId, Severity};
use crate::profile::Profile;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};
use crate::window::vm::editor::Draft;
use crate::window::vm::fields::{Field, Form, SECTIONS};
use crate::window::vm::words::count;

const LABEL_WIDTH: f32 = 150.0;
const FIELD_WIDTH: f32 = 460.0;

/// The editor of one profile at a time.
#[derive(Debug, Default)]
pub struct Editor {
    id: Option<ProfileId>,
    draft: Draft,
    /// The text has been asked for and has not come.
    waiting: bool,
    /// Why the text could not be read.
    failed: Option<String>,
    as_text: bool,
    /// What is being typed into the field that has the keyboard: a comma that ends a list must not vanish.
    typing: Option<(&'static str, String)>,
    /// The profile as it was when the text was read: another one means that the file changed.
    of: Option<Arc<Profile>>,
    /// The file changed while it was being edited.
    overtaken: bool,
}

impl Editor {
    /// Turns to that profile. True where its text has to be asked for.
    pub fn turn_to(&mut self, id: ProfileId, profile: Option<&Arc<Profile>>) -> bool {
        let same = match (&self.of, profile) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        if self.id == Some(id) && same {
            return false;
        }
        if self.id == Some(id) && self.draft.is_dirty() && !self.waiting {
            // Mistakes keep it from being saved, and now the file is another: the person decides.
            self.overtaken = true;
            self.of = profile.cloned();
            return false;
        }
        let broken = profile.is_none();
        if self.id != Some(id) {
            *self = Self { as_text: self.as_text || broken, ..Self::default() };
        }
        self.id = Some(id);
        self.of = profile.cloned();
        self.waiting = true;
        true
    }

    /// The text that was asked for.
    pub fn take(&mut self, id: ProfileId, text: Result<String, String>) {
        if self.id != Some(id) {
            return;
        }
        self.waiting = false;
        match text {
            // The same text: a field that is being typed in keeps its place.
            Ok(text) if text == self.draft.text() => {
                self.draft.mark_saved();
                self.failed = None;
            }
            Ok(text) => {
                self.draft = Draft::new(text);
                self.typing = None;
                self.failed = None;
            }
            Err(why) => self.failed = Some(why),
        }
    }

    /// The change could not be saved: it stays to be mended.
    pub fn refused(&mut self) {
        self.overtaken = self.draft.is_dirty();
    }

    /// Draws it.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme) -> Option<Action> {
        let id = self.id?;
        if let Some(why) = &self.failed {
            ui.label(RichText::new(why).color(theme.bad()));
            return None;
        }
        if self.waiting && self.draft.text().is_empty() {
            ui.weak("Reading the profile…");
            return None;
        }
        let mut action = self.bar(ui, theme, id);
        ui.add_space(space::XS);
        ScrollArea::vertical().id_salt(("editor", id, self.as_text)).auto_shrink(false).show(ui, |ui| {
            if self.as_text {
                action = self.text(ui, theme, id).or(action.take());
            } else if self.draft.has_form() {
                action = self.form(ui, theme, id).or(action.take());
            } else {
                ui.label("The text is no TOML, so there is no form for it.");
                if ui.button("Show the text").clicked() {
                    self.as_text = true;
                }
            }
            ui.add_space(space::L);
        });
        action
    }

    fn bar(&mut self, ui: &mut Ui, theme: &Theme, id: ProfileId) -> Option<Action> {
        let mut action = None;
        ui.horizontal(|ui| {
            if ui.selectable_label(!self.as_text, "Form").clicked() {
                self.as_text = false;
            }
            if ui.selectable_label(self.as_text, "Text").clicked() {
                self.as_text = true;
            }
            ui.add_space(space::S);
            let mistakes = self.draft.mistakes();
            if self.overtaken {
                ui.label(RichText::new("The file was changed outside meanwhile.").color(theme.warn()));
                if ui.button("Load it").clicked() {
                    self.overtaken = false;
                    self.draft.revert();
                    self.id = None;
                }
                if ui.add_enabled(mistakes == 0, Button::new("Keep mine")).clicked() {
                    self.overtaken = false;
                    action = Some(Action::SaveText(id, self.draft.text().to_owned()));
                }
            } else if mistakes != 0 {
                let text = format!("Not saved: {}", count(mistakes, "mistake", "mistakes"));
                ui.label(RichText::new(text).color(theme.bad()));
                if self.draft.is_dirty() && ui.button("Revert").clicked() {
                    self.draft.revert();
                    self.typing = None;
                }
            } else if self.draft.is_dirty() {
                ui.label(RichText::new("Not saved yet").color(theme.secondary));
            } else {
                ui.label(RichText::new("Saved").color(theme.secondary));
            }
        });
        action
    }

    fn form(&mut self, ui: &mut Ui, theme: &Theme, id: ProfileId) -> Option<Action> {
        let mut settled = false;
        let kind = self.draft.kind();
        for section in SECTIONS.iter().filter(|section| section.fits(kind)) {
            let troubled = section.fields.iter().any(|field| self.draft.about(field.key).next().is_some());
            let title = RichText::new(section.title).font(style::strong());
            CollapsingHeader::new(title)
                .id_salt((id, section.title))
                .default_open(section.open)
                .open(troubled.then_some(true))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = space::S;
                    for field in section.fields {
                        settled |= self.field(ui, theme, field);
                    }
                });
        }
        // What the form has no field for: unknown keys, a whole text that does not fit.
        for problem in self.draft.problems() {
            let known = SECTIONS
                .iter()
                .flat_map(|section| section.fields)
                .any(|field| problem.key.as_deref().is_some_and(|key| key.starts_with(field.key)));
            if !known {
                ui.label(RichText::new(problem.to_string()).font(style::small()).color(tone(theme, problem.severity)));
            }
        }
        self.save_if(settled, id)
    }

    /// One row of the form. True where the field was left, or a choice made.
    fn field(&mut self, ui: &mut Ui, theme: &Theme, field: &'static Field) -> bool {
        let mut settled = false;
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(LABEL_WIDTH, 28.0), egui::Sense::hover());
            let label = egui::Label::new(RichText::new(field.label).color(theme.secondary)).truncate();
            let mut place = ui.new_child(
                egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::left_to_right(egui::Align::Center)),
            );
            let label = place.add(label).on_hover_text(field.help);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                settled = self.input(ui, field, label.id);
                for problem in self.draft.about(field.key) {
                    let mut text = problem.message.clone();
                    if let Some(hint) = &problem.hint {
                        text.push_str(": ");
                        text.push_str(hint);
                    }
                    let text = RichText::new(text).font(style::small()).color(tone(theme, problem.severity));
                    ui.add(egui::Label::new(text).wrap());
                }
            });
        });
        settled
    }

    fn input(&mut self, ui: &mut Ui, field: &'static Field, label: egui::Id) -> bool {
        let width = FIELD_WIDTH.min(ui.available_width());
        match field.form {
            Form::Toggle(default) => {
                let mut on = self.draft.is_on(field, default);
                let word = if on { "On" } else { "Off" };
                let response = ui.checkbox(&mut on, word).labelled_by(label);
                if response.changed() {
                    self.draft.switch(field, on);
                }
                response.changed()
            }
            Form::Choice(words) => {
                let now = self.draft.get(field);
                let mut chosen = None;
                let shown = if now.is_empty() { words[0] } else { now.as_str() };
                let combo = ComboBox::from_id_salt(field.key).width(180.0).selected_text(shown).show_ui(ui, |ui| {
                    for word in words {
                        if ui.selectable_label(shown == *word, *word).clicked() {
                            chosen = Some(*word);
                        }
                    }
                });
                combo.response.labelled_by(label);
                if let Some(word) = chosen {
                    self.draft.set(field, word);
                }
                chosen.is_some()
            }
            Form::Line | Form::Lines | Form::Number | Form::Words | Form::Pairs | Form::Toml => {
                let mut text = match &self.typing {
                    Some((key, text)) if *key == field.key => text.clone(),
                    _ => self.draft.get(field),
                };
                let lines = matches!(field.form, Form::Lines | Form::Pairs) || text.contains('\n');
                let edit = if lines { TextEdit::multiline(&mut text) } else { TextEdit::singleline(&mut text) };
                let edit = edit.hint_text(field.hint).desired_width(width).char_limit(64 * 1024);
                let edit = if lines { edit.desired_rows(2) } else { edit.align(egui::Align2::LEFT_CENTER) };
                let edit = if field.form == Form::Toml { edit.font(egui::TextStyle::Monospace) } else { edit };
                let response = ui.add(edit).labelled_by(label);
                if response.changed() {
                    self.draft.set(field, &text);
                    self.typing = Some((field.key, text));
                }
                if response.lost_focus() {
                    self.typing = None;
                }
                response.lost_focus()
            }
        }
    }

    fn text(&mut self, ui: &mut Ui, theme: &Theme, id: ProfileId) -> Option<Action> {
        let mut text = self.draft.text().to_owned();
        let edit = ui.add(
            TextEdit::multiline(&mut text)
                .font(egui::TextStyle::Monospace)
                .code_editor()
                .desired_width(f32::INFINITY)
                .desired_rows(16)
                .char_limit(1024 * 1024),
        );
        let edit = edit.accessible_name("The profile's file");
        if edit.changed() {
            self.draft.set_text(text);
        }
        for problem in self.draft.problems() {
            ui.label(RichText::new(problem.to_string()).font(style::small()).color(tone(theme, problem.severity)));
        }
        let key = edit.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::S));
        let save = ui
            .horizontal(|ui| {
                let possible = self.draft.is_dirty() && self.draft.mistakes() == 0;
                let word = RichText::new("Save").color(if possible { theme.on_primary } else { theme.secondary });
                let save = Button::new(word).fill(if possible { theme.primary } else { theme.raised });
                let clicked = ui.add_enabled(possible, save).on_hover_text("Ctrl+S").clicked();
                if ui.add_enabled(self.draft.is_dirty(), Button::new("Revert")).clicked() {
                    self.draft.revert();
                }
                clicked
            })
            .inner;
        self.save_if(save || key || edit.lost_focus(), id)
    }

    fn save_if(&mut self, settled: bool, id: ProfileId) -> Option<Action> {
        if settled && self.draft.is_dirty() && self.draft.mistakes() == 0 && !self.overtaken {
            self.draft.mark_saved();
            return Some(Action::SaveText(id, self.draft.text().to_owned()));
        }
        None
    }
}

fn tone(theme: &Theme, severity: Severity) -> egui::Color32 {
    match severity {
        Severity::Warning => theme.warn(),
        Severity::Error => theme.bad(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::window::testing;
    use crate::window::theme::Look;
    use crate::window::vm::roster::sample;

    const TEXT: &str = "name = \"Sales chat\"\nkind = \"websocket\"\nurl = \"wss://a.test/ws\"\n";

    /// Draws the editor on that text, does `with`, and hands back what was wished.
    fn wished(with: impl FnOnce(&mut egui_kittest::Harness<'_>)) -> Vec<Action> {
        let profile = Arc::new(sample::profile("Sales chat", &[]));
        let mut editor = Editor::default();
        assert!(editor.turn_to(ProfileId(1), Some(&profile)));
        editor.take(ProfileId(1), Ok(TEXT.into()));
        let (editor, got) = (RefCell::new(editor), RefCell::new(Vec::new()));
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 1_200.0, Look::Dark, |ui| {
            got.borrow_mut().extend(editor.borrow_mut().ui(ui, &theme));
        });
        harness.run();
        with(&mut harness);
        harness.run();
        drop(harness);
        got.into_inner()
    }

    fn replace(harness: &mut egui_kittest::Harness<'_>, label: &str, text: &str) {
        harness.get_by_label(label).focus();
        harness.run();
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run();
        harness.get_by_label(label).type_text(text);
        harness.run();
    }

    #[test]
    fn a_field_that_is_left_is_saved() {
        let got = wished(|harness| {
            replace(harness, "Every", "5s");
            harness.key_press(Key::Enter);
        });
        assert_eq!(got, [Action::SaveText(ProfileId(1), format!("{TEXT}interval = \"5s\"\n"))]);
    }

    #[test]
    fn a_mistake_is_told_beside_its_field_and_nothing_is_saved() {
        let got = wished(|harness| {
            replace(harness, "URL", "https://a.test/ws");
            harness.key_press(Key::Enter);
            harness.run();
            harness.get_by_label("Not saved: 1 mistake");
            harness.get_by_label_contains("begins with https://");
            harness.get_by_label("Revert").click();
            harness.run();
            harness.get_by_label("Saved");
        });
        assert_eq!(got, []);
    }

    #[test]
    fn the_text_is_the_other_face_of_the_form() {
        let got = wished(|harness| {
            harness.get_by_label("Text").click();
            harness.run();
            replace(harness, "The profile's file", &TEXT.replace("Sales", "Support"));
            harness.get_by_label("Save").click();
        });
        assert_eq!(got, [Action::SaveText(ProfileId(1), TEXT.replace("Sales", "Support"))]);
    }

    #[test]
    fn a_file_that_changed_outside_is_never_overwritten_unasked() {
        let mut editor = Editor::default();
        let first = Arc::new(sample::profile("Sales chat", &[]));
        editor.turn_to(ProfileId(1), Some(&first));
        editor.take(ProfileId(1), Ok(TEXT.into()));
        editor.draft.set_text(format!("{TEXT}interval = \"soon\"\n"));
        let second = Arc::new(sample::profile("Sales chat", &[]));
        assert!(!editor.turn_to(ProfileId(1), Some(&second)));
        assert!(editor.overtaken && editor.draft.text().contains("soon"));
    }
}
