//! The Reproduce view's part of the three verbs: what is dropped and pasted, what is read and run, what is kept.

use std::sync::Arc;

use egui::{Align2, Id, LayerId, Order};

use super::App;
use crate::diagnosis::reproduce::STAY;
use crate::engine::errand::Errand;
use crate::engine::further::Often;
use crate::window::backend::Edit;
use crate::window::panels::reproduce::box_id;
use crate::window::style;
use crate::window::toast::Tone;
use crate::window::vm::reproduce::{BOX, Source};

impl App {
    /// Takes what is dropped on the window, and what is pasted while nothing else takes it.
    pub(super) fn brought(&mut self, ctx: &egui::Context) {
        if ctx.input(|input| !input.raw.hovered_files.is_empty()) {
            self.invite(ctx);
        }
        let dropped = ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            self.dialog = None;
            self.bring(Source::File(path));
        }
        let focused = ctx.memory(|memory| memory.focused());
        let is_box = self.reproducing && focused == Some(box_id());
        if self.dialog.is_some() || !(is_box || focused.is_none()) {
            return;
        }
        let beside = is_box && !self.reproduce.text.is_empty();
        let pasted = ctx.input_mut(|input| {
            let is_ours = |event: &egui::Event| {
                matches!(event, egui::Event::Paste(text) if !text.trim().is_empty() && (!beside || BOX < text.len()))
            };
            let at = input.events.iter().position(is_ours)?;
            Some(input.events.remove(at))
        });
        if let Some(egui::Event::Paste(text)) = pasted {
            self.bring(Source::Text(text));
        }
    }

    /// What a file that hangs over the window is good for.
    fn invite(&self, ctx: &egui::Context) {
        let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
        let all = ctx.content_rect();
        painter.rect_filled(all, 0.0, self.theme.veil);
        let text = painter.layout_no_wrap(
            "Drop it to reproduce what it tells of".to_owned(),
            egui::FontId::new(crate::window::theme::type_size::TITLE, style::semibold()),
            self.theme.text,
        );
        let card = Align2::CENTER_CENTER.anchor_size(all.center(), text.size()).expand(crate::window::theme::space::XL);
        painter.rect_filled(card, f32::from(crate::window::theme::RADIUS), self.theme.raised);
        painter.galley(card.center() - text.size() / 2.0, text, self.theme.text);
    }

    pub(super) fn open_reproduce(&mut self) {
        self.reproducing = true;
        self.reproduce.focus = self.reproduce.is_empty();
    }

    pub(super) fn bring(&mut self, source: Source) {
        self.reproducing = true;
        self.reproduce.bring(source);
    }

    /// Has read what is to be read, and takes in what a run brought.
    pub(super) fn reproduce_in(&mut self) {
        if let Some(source) = self.reproduce.to_read()
            && let Err(error) = self.desk.read(source)
        {
            self.reproduce.take(Err(format!("It can’t be read: {error}. Try again in a moment.")));
        }
        let zone = self.detail.zone.clone();
        self.reproduce.refresh(self.clock.wall(), &zone);
    }

    pub(super) fn run_reproduce(&mut self) {
        let Some(wanted) = self.reproduce.run() else { return };
        let errand = Errand::Examine {
            profile: Arc::clone(&wanted.profile),
            own: wanted.own.clone(),
            observe: Some(wanted.profile.observe.max(STAY)),
            often: Often::ONCE,
        };
        let begun = self.backend.begin(errand, self.waker.clone());
        self.reproduce.began(wanted, begun);
    }

    /// Watches it from now on; its secrets go into the keyring where that was asked for.
    pub(super) fn save_reproduced(&mut self) {
        let Some(wanted) = self.reproduce.run() else { return };
        if self.reproduce.form.keep
            && !wanted.own.is_empty()
            && let Err(busy) = self.desk.keep(wanted.own)
        {
            return self.say(Tone::Problem, busy.to_string(), false);
        }
        self.edit(Edit::Add(Box::new(wanted.profile.as_ref().clone())));
    }
}
