//! The window's root: what it holds. Its three verbs stand beside it: `logic` takes in what came, `ui` draws, `actions`
//! carries out what was wished.

mod actions;
mod asides;
mod logic;
mod reproduce;
mod ui;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::action::Action;
use super::aside::Aside;
use super::backend::Backend;
use super::desk::{Desk, Waker};
use super::panels::ask::Ask;
use super::panels::editor::Editor;
use super::panels::palette::Palette;
use super::panels::roster::RosterState;
use super::settings::{Settings, SettingsError};
use super::style;
use super::theme::Theme;
use super::toast::{Toasts, Tone};
use super::vm::detail::DetailState;
use super::vm::reproduce::Reproduce;
use super::vm::top::{Health, TopVm};
use crate::base::{Clock, ProfileId};
use crate::model::Live;

/// What lies over everything else.
#[derive(Debug)]
enum Dialog {
    Palette(Palette),
    Keys,
    Ask(Ask),
}

/// Where the settings are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keep {
    File(PathBuf),
    /// Nowhere: the file is broken, or there is none.
    Nowhere,
}

/// The window.
pub struct App {
    backend: Arc<dyn Backend>,
    desk: Desk,
    waker: Waker,
    clock: Clock,
    theme: Theme,
    settings: Settings,
    saved: Settings,
    keep: Keep,
    selected: Option<ProfileId>,
    /// The selected profile's file can't be used.
    broken: bool,
    roster: RosterState,
    top: TopVm,
    health: Health,
    /// The live picture's version that the view-models were built of.
    seen: Option<u64>,
    detail: DetailState,
    /// What stands in place of a profile's plots and tabs.
    aside: Option<Aside>,
    editor: Editor,
    /// A report that somebody told of; kept while the view is closed.
    reproduce: Reproduce,
    reproducing: bool,
    dialog: Option<Dialog>,
    toasts: Toasts,
    /// Wishes of this frame, carried out at its end.
    wishes: Vec<Action>,
    title: String,
}

impl App {
    /// The window on that backend. `settings`: as loaded, or why not; the file they are kept in.
    pub fn new(
        ctx: &egui::Context,
        backend: Arc<dyn Backend>,
        waker: Waker,
        settings: Result<Settings, SettingsError>,
        file: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        let clock = Clock;
        let mut toasts = Toasts::default();
        let keep = match (&settings, file) {
            (Ok(_), Some(file)) => Keep::File(file),
            (Err(error), _) => {
                toasts.push(Tone::Problem, error.to_string(), false, clock.mono());
                Keep::Nowhere
            }
            (Ok(_), None) => Keep::Nowhere,
        };
        let settings = settings.unwrap_or_default();
        let theme = Theme::new(settings.look);
        style::install_fonts(ctx);
        style::apply(ctx, &theme, settings.scale);
        let roster = RosterState::new(settings.order, settings.collapsed.iter().cloned());
        let mut detail = DetailState::new(jiff::tz::TimeZone::system());
        detail.range = settings.range;
        Ok(Self {
            desk: Desk::start(Arc::clone(&backend), waker.clone())?,
            waker,
            backend,
            clock,
            theme,
            selected: settings.selected,
            broken: false,
            saved: settings.clone(),
            settings,
            keep,
            roster,
            top: TopVm::default(),
            health: Health::default(),
            seen: None,
            detail,
            aside: None,
            editor: Editor::default(),
            reproduce: Reproduce::default(),
            reproducing: false,
            dialog: None,
            toasts,
            wishes: Vec::new(),
            title: String::new(),
        })
    }

    fn with_live<T>(&self, read: impl FnOnce(&Live) -> T) -> T {
        read(&self.backend.live().lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn say(&mut self, tone: Tone, text: impl Into<String>, undo: bool) {
        self.toasts.push(tone, text, undo, self.clock.mono());
    }

    /// The name of a profile, for a sentence.
    fn name_of(&self, id: ProfileId) -> String {
        self.with_live(|live| live.get(id).map_or_else(|| "the profile".into(), |watched| watched.name.to_string()))
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        // The desk's thread may be gone before its queue is: the last save is made here.
        if let Keep::File(file) = &self.keep
            && self.settings != self.saved
        {
            let _ = self.settings.save(file);
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.theme.base.to_normalized_gamma_f32()
    }
}
