//! The views in place of plots and tabs: opened, asked again, closed; and what follows from what they found.

use std::path::Path;
use std::sync::Arc;

use super::{App, Dialog};
use crate::base::ProfileId;
use crate::engine::Command;
use crate::profile::Profile;
use crate::serverconf::Reading;
use crate::window::aside::{self, Aside};
use crate::window::panels::ask::Ask;
use crate::window::panels::other::Other;
use crate::window::toast::Tone;
use crate::window::vm::lint::LintVm;

impl App {
    /// Looks again at what fails. What was kept as "before" stays until it was mended or the view is closed.
    pub(super) fn verify(&mut self, id: ProfileId) {
        let open = self.aside.as_ref().filter(|aside| aside.id == id && aside.is_verify());
        if open.is_some_and(|aside| !aside.mended().is_some_and(|mended| mended.is_mended())) {
            return self.ask_again();
        }
        let (now, zone) = (self.clock.wall(), self.detail.zone.clone());
        match self.with_live(|live| live.get(id).and_then(|watched| aside::failure(watched, now, &zone))) {
            Some(before) => self.open(Aside::verify(id, self.name_of(id), before)),
            None => self.say(Tone::Done, "Nothing fails here that could be checked again.", false),
        }
    }

    pub(super) fn show_pages(&mut self, id: ProfileId) {
        if let Some(profile) = self.profile_of(id) {
            self.open(Aside::pages(id, self.name_of(id), profile));
        }
    }

    pub(super) fn ask_compare(&mut self, id: ProfileId) {
        let Some(base) = self.profile_of(id) else { return };
        let known = self.with_live(|live| {
            let roster = live.roster(crate::model::Order::Name);
            let others = roster.ids().filter(|other| *other != id);
            others.filter_map(|other| live.get(other)?.profile.clone()).collect()
        });
        self.dialog = Some(Dialog::Ask(Ask::Compare(Other { id, base, text: String::new(), known })));
    }

    pub(super) fn compare(&mut self, id: ProfileId, other: Profile) {
        if let Some(profile) = self.profile_of(id) {
            self.open(Aside::compare(id, self.name_of(id), profile, Arc::new(other)));
        }
    }

    pub(super) fn show_audit(&mut self, id: ProfileId) {
        if let Some(profile) = self.profile_of(id) {
            self.open(Aside::audit(id, self.name_of(id), profile));
        }
    }

    /// A server's files were read; nothing is sent yet.
    pub(super) fn show_lint(&mut self, id: ProfileId, file: &Path, reading: Arc<Reading>) {
        if let Some(profile) = self.profile_of(id) {
            let name = self.name_of(id);
            self.selected = Some(id);
            self.aside = Some(Aside::lint(id, name, LintVm::new(profile, file, reading)));
        }
    }

    pub(super) fn agree_audit(&mut self) {
        let Some(aside) = &mut self.aside else { return };
        let (backend, waker) = (&self.backend, &self.waker);
        aside.agree(&|errand| backend.begin(errand, waker.clone()));
    }

    pub(super) fn ask_again(&mut self) {
        let Some(profile) = self.aside.as_ref().and_then(|aside| self.profile_of(aside.id)) else { return };
        let (backend, waker) = (&self.backend, &self.waker);
        if let Some(aside) = &mut self.aside {
            aside.ask(&profile, &|errand| backend.begin(errand, waker.clone()));
        }
    }

    fn open(&mut self, aside: Aside) {
        self.selected = Some(aside.id);
        self.aside = Some(aside);
        self.ask_again();
    }

    fn profile_of(&self, id: ProfileId) -> Option<Arc<Profile>> {
        self.with_live(|live| live.get(id)?.profile.clone())
    }

    /// Takes in what the open view's errands brought. What is mended is checked by the monitor at once.
    pub(super) fn take_in_aside(&mut self) {
        let (now, zone) = (self.clock.wall(), self.detail.zone.clone());
        let Some(aside) = &mut self.aside else { return };
        if !aside.take_in(now, &zone) || !aside.mended().is_some_and(|mended| mended.is_mended()) {
            return;
        }
        let id = aside.id;
        let holds_session = self.with_live(|live| live.get(id).is_some_and(crate::model::Watched::is_session));
        self.command(if holds_session { Command::Reconnect(id) } else { Command::CheckNow(id) });
    }
}
