//! The second verb: draw. Nothing is performed here; wishes are collected and carried out at the frame's end.

use egui::{CentralPanel, Frame, Key, Margin, Modifiers, Panel, Ui};

use super::{App, Dialog};
use crate::base::ProfileId;
use crate::window::action::Action;
use crate::window::keys::{self, Focus};
use crate::window::panels::ask::Answered;
use crate::window::panels::detail::{self, DetailCtx};
use crate::window::panels::palette::Chosen;
use crate::window::panels::roster::RosterCtx;
use crate::window::panels::top::{self, TopCtx};
use crate::window::panels::{reproduce, roster_row, sheet, welcome};
use crate::window::style;
use crate::window::theme::space;

/// The roster's width, in points.
const ROSTER: std::ops::RangeInclusive<f32> = 280.0..=620.0;

impl App {
    /// One frame.
    pub(super) fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        // The window itself, by its title: the first thing that a screen reader says.
        ctx.accesskit_node_builder(egui::accesskit_root_id(), |node| node.set_label(self.title.as_str()));
        self.brought(&ctx);
        self.keyboard(&ctx);
        self.top_bar(ui);
        self.roster_side(ui);
        self.detail_side(ui);
        self.dialogs(&ctx);
        let undo = self.toasts.ui(&ctx, &self.theme, self.clock.mono());
        self.wishes.extend(undo);
        let acted = !self.wishes.is_empty();
        for action in std::mem::take(&mut self.wishes) {
            self.act(&ctx, action);
        }
        if acted {
            ctx.request_repaint();
        }
    }

    fn keyboard(&mut self, ctx: &egui::Context) {
        if self.dialog.is_some() {
            return;
        }
        let focused = ctx.memory(|memory| memory.focused());
        let focus = match focused {
            None => Focus::Nothing,
            Some(_) if ctx.text_edit_focused() => Focus::Text,
            Some(id) if self.selected.is_some_and(|selected| roster_row::id(selected) == id) => Focus::Row,
            Some(_) => Focus::Widget,
        };
        let suspended = self.selected.is_some_and(|id| {
            self.with_live(|live| live.get(id).is_some_and(|one| one.state == crate::watch::State::Suspended))
        });
        let pressed = keys::pressed(ctx, focus).into_iter();
        let pressed = pressed.filter(|does| !self.reproducing || !does.is_of_profile());
        self.wishes.extend(pressed.filter_map(|does| keys::action(does, self.selected, suspended)));
        if !egui::Popup::is_any_open(ctx) && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.wishes.push(Action::Escape);
        }
    }

    fn top_bar(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(self.theme.base).inner_margin(Margin::symmetric(space::M as i8, 0));
        let wish = Panel::top("top")
            .exact_size(top::HEIGHT)
            .frame(frame)
            .show(ui, |ui| {
                let bar = TopCtx {
                    vm: &self.top,
                    filter: &self.roster.filter,
                    theme: &self.theme,
                    scale: self.settings.scale,
                };
                top::ui(ui, &bar)
            })
            .inner;
        self.wishes.extend(wish);
    }

    fn roster_side(&mut self, ui: &mut Ui) {
        let room = (ui.available_width() * 0.5).max(*ROSTER.start());
        let shown = Panel::left("roster")
            .default_size(self.settings.roster_width)
            .size_range(*ROSTER.start()..=room.min(*ROSTER.end()))
            .frame(Frame::new().fill(self.theme.base))
            .show(ui, |ui| {
                let ctx = RosterCtx {
                    live: self.backend.live(),
                    theme: &self.theme,
                    now: self.clock.wall(),
                    selected: self.selected,
                };
                self.roster.ui(ui, &ctx)
            });
        self.settings.roster_width = shown.response.rect.width();
        self.wishes.extend(shown.inner);
    }

    fn detail_side(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(self.theme.panel);
        let wish = CentralPanel::default()
            .frame(frame)
            .show(ui, |ui| match self.selected {
                _ if self.reproducing => reproduce::ui(ui, &mut self.reproduce, &self.theme),
                Some(id) if self.broken => self.broken_side(ui, id),
                Some(_) => {
                    let (editor, theme) = (&mut self.editor, &self.theme);
                    let mut profile_tab = |ui: &mut Ui| editor.ui(ui, theme);
                    let aside = self.aside.as_ref().filter(|aside| Some(aside.id) == self.selected);
                    detail::ui(ui, &mut self.detail, &mut DetailCtx { theme, aside, profile_tab: &mut profile_tab })
                }
                None if self.roster.vm().total == 0 => {
                    let folder = self.backend.profiles_folder().map(|folder| folder.display().to_string());
                    welcome::ui(ui, &self.theme, folder.as_deref())
                }
                None => {
                    welcome::nothing_selected(ui, &self.theme);
                    None
                }
            })
            .inner;
        self.wishes.extend(wish);
    }

    /// A profile whose file can't be used: what is wrong with it, and its text to be mended.
    fn broken_side(&mut self, ui: &mut Ui, id: ProfileId) -> Option<Action> {
        let name = self.name_of(id);
        let margin = Margin::symmetric(space::L as i8, space::M as i8);
        Frame::new()
            .inner_margin(margin)
            .show(ui, |ui| {
                ui.label(style::title(name));
                ui.label("This profile's file can't be used, so it is not watched. The others go on.");
                ui.add_space(space::S);
                self.editor.ui(ui, &self.theme)
            })
            .inner
    }

    fn dialogs(&mut self, ctx: &egui::Context) {
        let Some(mut dialog) = self.dialog.take() else { return };
        let (keep, wish) = match &mut dialog {
            Dialog::Palette(palette) => match palette.ui(ctx, &self.theme) {
                None => (true, None),
                Some(Chosen::Closed) => (false, None),
                Some(Chosen::Action(action)) => (false, Some(action)),
            },
            Dialog::Keys => (!sheet::ui(ctx, &self.theme), None),
            Dialog::Ask(ask) => match ask.ui(ctx, &self.theme) {
                None => (true, None),
                Some(Answered::Closed) => (false, None),
                Some(Answered::Action(action)) => (false, Some(action)),
                Some(Answered::New(profile)) => (false, Some(Action::Create(profile))),
                Some(Answered::Path(purpose, path)) => {
                    self.picked(purpose, path);
                    (false, None)
                }
            },
        };
        if keep {
            self.dialog = Some(dialog);
        } else {
            ctx.request_repaint();
        }
        self.wishes.extend(wish);
    }
}
