//! The first verb: take in what came, on a budget, and build again what it changed. Also runs while the window is hidden;
//! draws nothing.

use std::time::Duration;

use super::{App, Dialog, Keep};
use crate::base::Wall;
use crate::model::Offline;
use crate::window::action::{Action, Tab};
use crate::window::desk::Notice;
use crate::window::panels::ask::Ask;
use crate::window::toast::Tone;
use crate::window::vm::top::TopVm;
use crate::window::vm::words;

/// More than this in one frame would be felt.
const BUDGET: Duration = Duration::from_millis(4);

impl App {
    pub(super) fn take_in(&mut self, ctx: &egui::Context) {
        let started = self.clock.mono();
        while let Some(notice) = self.desk.try_recv() {
            self.notice(notice);
            if BUDGET < self.clock.mono().saturating_duration_since(started) {
                ctx.request_repaint(); // More is queued: come back at once.
                break;
            }
        }
        self.take_in_aside();
        self.refresh();
        self.reproduce_in();
        self.wake_when_stale(ctx);
        let title = self.top.title();
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        self.keep_settings(ctx);
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Edited(Ok(edited)) => {
                if !edited.said.is_empty() {
                    self.say(Tone::Done, edited.said, edited.undo);
                }
                if let Some(id) = edited.select {
                    self.wishes.push(Action::Select(id));
                }
            }
            Notice::Edited(Err(refused)) => {
                self.editor.refused();
                self.say(Tone::Problem, refused.said, false);
            }
            Notice::Text(id, text) => self.editor.take(id, text),
            Notice::Exported(Err(why)) => self.say(Tone::Problem, why, false),
            Notice::Exported(Ok(said)) => self.say(Tone::Done, said, false),
            Notice::SettingsNotKept(error) => {
                self.keep = Keep::Nowhere;
                self.say(Tone::Problem, error.to_string(), false);
            }
            Notice::Kept(Err(why)) => self.say(Tone::Problem, why, false),
            Notice::Kept(Ok(said)) => self.say(Tone::Done, said, false),
            Notice::Read(found) => self.reproduce.take(found),
            Notice::Answer(answer) => self.detail.answer(answer),
            Notice::Config(id, file, reading) => self.show_lint(id, &file, reading),
            Notice::Picked(purpose, path) => self.picked(purpose, path),
            Notice::NoDialog(purpose, name) => {
                let text = directories::BaseDirs::new()
                    .map(|dirs| dirs.home_dir().join(&name).display().to_string())
                    .unwrap_or(name);
                self.dialog = Some(Dialog::Ask(Ask::Path { purpose, text }));
            }
        }
    }

    /// Builds again what the live picture changed: one short read.
    fn refresh(&mut self) {
        let mut health = self.backend.health();
        let now = self.clock.wall();
        let live = self.backend.live().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.roster.refresh(&live);
        health.offline = live.offline().map(|offline| offline_words(offline, now));
        health.lost = live.lost().values().sum();
        if self.seen != Some(live.version()) || health != self.health {
            self.top = TopVm::build(&self.roster.vm().counts, &health);
            self.seen = Some(live.version());
            self.health = health;
        }
        // What is selected may have gone; the first start selects what wants attention most.
        let there = |id| live.get(id).is_some_and(crate::model::Watched::is_listed);
        if !self.selected.is_some_and(there) {
            self.selected = self.roster.vm().ids.first().copied();
        }
        if self.aside.as_ref().is_some_and(|aside| !there(aside.id)) {
            self.aside = None;
        }
        let shown = self.selected.and_then(|id| live.get(id));
        self.broken = shown.is_some_and(crate::model::Watched::is_broken);
        self.detail.refresh(&live, self.selected.filter(|_| !self.broken), now);
        let edited = shown.filter(|_| self.broken || self.detail.tab == Tab::Profile);
        let asked =
            edited.filter(|watched| self.editor.turn_to(watched.id, watched.profile.as_ref())).map(|one| one.id);
        drop(live);
        for query in self.detail.wanted() {
            self.desk.ask(query);
        }
        if let Some(id) = asked {
            // Finds the desk full only where it is drowning anyway; selecting again asks again.
            let _ = self.desk.text(id);
        }
    }

    /// What the detail side shows may be out of date then though nothing happened: a countdown.
    fn wake_when_stale(&self, ctx: &egui::Context) {
        if let Some(at) = self.detail.stale_at() {
            ctx.request_repaint_after(at.since(self.clock.wall()));
        }
    }

    fn keep_settings(&mut self, ctx: &egui::Context) {
        self.settings.selected = self.selected;
        self.settings.order = self.roster.order;
        self.settings.range = self.detail.range;
        self.settings.collapsed = self.roster.collapsed.iter().cloned().collect();
        if let Some(inner) = ctx.input(|input| input.viewport().inner_rect) {
            // In points of the unscaled window, so that the next start opens it as large as it is.
            self.settings.size = (inner.width() * self.settings.scale, inner.height() * self.settings.scale);
        }
        let kept = |settings: &crate::window::settings::Settings| {
            let mut settings = settings.clone();
            // Which profile is selected, and the size, change all the time: they go along with the rest, or at the end.
            (settings.selected, settings.size, settings.roster_width) = (None, (0.0, 0.0), 0.0);
            settings
        };
        if let Keep::File(file) = &self.keep
            && kept(&self.settings) != kept(&self.saved)
            && self.desk.save(self.settings.clone(), file.clone()).is_ok()
        {
            self.saved = self.settings.clone();
        }
    }
}

/// `This machine is offline for 4 min: 12 endpoints fail in the same phase (dns).`
fn offline_words(offline: Offline, now: Wall) -> String {
    let since = words::lasted(now.since(offline.since));
    let affected = words::count(offline.affected as usize, "endpoint fails", "endpoints fail");
    match offline.phase {
        Some(phase) => format!("This machine is offline for {since}: {affected} in the same phase ({}).", phase.code()),
        None => format!("This machine is offline for {since}: there is no route to the network."),
    }
}
