//! The third verb: carry out what was wished. What takes time goes to the desk.

use std::path::PathBuf;

use super::{App, Dialog};
use crate::base::ProfileId;
use crate::engine::Command;
use crate::export::report::{Checked, Report};
use crate::model::Watched;
use crate::profile::without_credentials;
use crate::window::action::{Action, EventFormat, FigureFormat, Tab};
use crate::window::backend::{Edit, Export};
use crate::window::desk::Purpose;
use crate::window::panels::ask::{Ask, NewProfile};
use crate::window::panels::palette::Palette;
use crate::window::style;
use crate::window::theme::{Look, SCALE, SCALE_STEP, Theme};
use crate::window::toast::Tone;
use crate::window::vm::reproduce::Source;

impl App {
    pub(super) fn act(&mut self, ctx: &egui::Context, action: Action) {
        if self.detail.act(&action) {
            return;
        }
        match action {
            Action::Select(id) => self.select(Some(id)),
            Action::SelectNext => self.select(self.roster.vm().step(self.selected, 1)),
            Action::SelectPrevious => self.select(self.roster.vm().step(self.selected, -1)),
            Action::FocusFilter => self.roster.focus_filter(),
            Action::ToggleState(state) => self.roster.toggle_state(state),
            Action::ToggleBroken => {
                self.roster.filter.broken = !self.roster.filter.broken;
                self.roster.changed();
            }
            Action::SetOrder(order) => {
                self.roster.order = order;
                self.roster.changed();
            }
            Action::Escape => self.escape(ctx),

            Action::CheckNow(id) => self.command(Command::CheckNow(id)),
            Action::Connect(id) => self.command(Command::Connect(id)),
            Action::Disconnect(id) => self.command(Command::Disconnect(id)),
            Action::Pause(id) => self.command(Command::Pause(id)),
            Action::Resume(id) => self.command(Command::Resume(id)),
            Action::Reconnect(id) => self.command(Command::Reconnect(id)),
            Action::SendText { id, text } => self.command(Command::SendText { id, text }),
            Action::Emit { id, emit } => self.command(Command::Emit { id, emit }),
            Action::PollingOnly { id, on } => self.command(Command::PollingOnly { id, on }),

            Action::VerifyFix(id) => self.verify(id),
            Action::ShowPages(id) => self.show_pages(id),
            Action::AskCompare(id) => self.ask_compare(id),
            Action::CompareWith { id, other } => self.compare(id, *other),
            Action::ShowAudit(id) => self.show_audit(id),
            Action::AgreeAudit => self.agree_audit(),
            Action::ReadConfig(id) => self.desk.pick(Purpose::Config(id), ""),
            Action::AskAgain => self.ask_again(),
            Action::CloseAside => self.aside = None,

            Action::NewProfile => self.dialog = Some(Dialog::Ask(Ask::New(NewProfile::default()))),
            Action::Create(profile) => self.edit(Edit::Add(profile)),
            Action::EditProfile(id) => {
                self.select(Some(id));
                self.detail.act(&Action::SetTab(Tab::Profile));
            }
            Action::Duplicate(id) => self.edit(Edit::Duplicate(id)),
            Action::Remove(id) => self.remove(id),
            Action::SetEnabled(id, on) => self.edit(Edit::SetEnabled(id, on)),
            Action::AskGroup(id) => self.ask_group(id),
            Action::AskTags(id) => self.ask_tags(id),
            Action::SetGroup(id, group) => self.edit(Edit::SetGroup(id, group)),
            Action::SetTags(id, tags) => self.edit(Edit::SetTags(id, tags)),
            Action::Save(id, profile) => self.edit(Edit::Save(id, profile)),
            Action::SaveText(id, text) => self.edit(Edit::SaveText(id, text)),
            Action::AddSamples => self.edit(Edit::AddSamples),
            Action::OpenReproduce => self.open_reproduce(),
            Action::CloseReproduce => self.reproducing = false,
            Action::PickReport => self.desk.pick(Purpose::Report, ""),
            Action::Reproduce => self.run_reproduce(),
            Action::SaveReproduced => self.save_reproduced(),
            Action::Import => self.desk.pick(Purpose::Import, ""),
            Action::ImportFile(path) => self.edit(Edit::Import(path)),
            Action::OpenDemo => self.open_demo(),
            Action::Undo => self.edit(Edit::Undo),

            // The detail side's own, done above.
            Action::SetRange(_)
            | Action::ShorterRange
            | Action::LongerRange
            | Action::ZoomTo { .. }
            | Action::ZoomBack
            | Action::ToggleFreeze
            | Action::SelectInstant(_)
            | Action::SetTab(_) => {}

            Action::AskExport(id) => {
                let name = self.name_of(id);
                self.dialog = Some(Dialog::Ask(Ask::Export { id, name }));
            }
            Action::ExportEvents { id, format } => {
                let ending = match format {
                    EventFormat::Jsonl => "jsonl",
                    EventFormat::Csv => "csv",
                };
                let (name, view) = (file_name(&self.name_of(id), ending), self.detail.view);
                self.desk.pick(
                    Purpose::Export(Export::Events { id, format, from: Some(view.from), to: Some(view.to) }),
                    &name,
                );
            }
            Action::SaveFigures { id, format } => {
                let ending = match format {
                    FigureFormat::Svg => "svg",
                    FigureFormat::Png => "png",
                };
                let (name, view) = (file_name(&self.name_of(id), ending), self.detail.view);
                self.desk.pick(
                    Purpose::Export(Export::Figures { id, format, from: Some(view.from), to: Some(view.to) }),
                    &name,
                );
            }
            Action::SaveReport(id) => match self.with_live(|live| live.get(id).and_then(report_of)) {
                Some(report) => {
                    let name = file_name(&self.name_of(id), "html");
                    self.desk.pick(Purpose::Export(Export::Report(Box::new(report))), &name);
                }
                None => self.say(Tone::Problem, "Nothing was checked yet: check now, then save its report.", false),
            },
            Action::SaveToFile { suggested_name, text } => {
                self.desk.pick(Purpose::Export(Export::Text(text)), &suggested_name);
            }
            Action::Copy(text) => {
                ctx.copy_text(text);
                self.say(Tone::Done, "Copied.", false);
            }

            Action::OpenPalette => {
                let palette = self.with_live(|live| Palette::open(live, self.selected));
                self.dialog = Some(Dialog::Palette(palette));
            }
            Action::OpenKeys => self.dialog = Some(Dialog::Keys),
            Action::SetLook(look) => self.put_on(ctx, look, self.settings.scale),
            Action::SetScale(scale) => self.put_on(ctx, self.settings.look, scale),
            Action::ScaleUp => self.put_on(ctx, self.settings.look, self.settings.scale + SCALE_STEP),
            Action::ScaleDown => self.put_on(ctx, self.settings.look, self.settings.scale - SCALE_STEP),
            Action::Say(text) => self.say(Tone::Done, text, false),
            Action::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
        }
    }

    /// What to do with the file that the person chose.
    pub(super) fn picked(&mut self, purpose: Purpose, path: PathBuf) {
        let done = match purpose {
            Purpose::Import => self.desk.edit(Edit::Import(path)),
            Purpose::Report => {
                self.bring(Source::File(path));
                Ok(())
            }
            Purpose::Config(id) => self.desk.config(id, path),
            Purpose::Export(what) => self.desk.export(what, path),
        };
        if let Err(busy) = done {
            self.say(Tone::Problem, busy.to_string(), false);
        }
    }

    fn select(&mut self, id: Option<ProfileId>) {
        let Some(id) = id else { return };
        self.selected = Some(id);
        self.reproducing = false;
        self.roster.reveal(id);
    }

    fn escape(&mut self, ctx: &egui::Context) {
        let typing = ctx.memory(|memory| memory.focused().is_some()) && ctx.text_edit_focused();
        if !typing && self.reproducing {
            self.reproducing = false;
            return;
        }
        if !typing && self.aside.as_ref().is_some_and(|aside| Some(aside.id) == self.selected) {
            self.aside = None;
            return;
        }
        if !typing && self.detail.escape() {
            return;
        }
        if !self.roster.filter.is_empty() {
            self.roster.clear_filter();
        }
        ctx.memory_mut(|memory| {
            if let Some(id) = memory.focused() {
                memory.surrender_focus(id);
            }
        });
    }

    pub(super) fn command(&mut self, command: Command) {
        if let Err(why) = self.backend.send(command) {
            self.say(Tone::Problem, why, false);
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        if let Err(busy) = self.desk.edit(edit) {
            self.say(Tone::Problem, busy.to_string(), false);
        }
    }

    fn remove(&mut self, id: ProfileId) {
        if self.selected == Some(id) {
            // The neighbour is looked at next, not the roster's top.
            let next = self.roster.vm().step(Some(id), 1).filter(|next| *next != id);
            self.selected = next.or_else(|| self.roster.vm().step(Some(id), -1));
        }
        self.edit(Edit::Remove(id));
    }

    fn ask_group(&mut self, id: ProfileId) {
        let name = self.name_of(id);
        let (text, known) = self.with_live(|live| {
            let text = live.get(id).map(|watched| watched.group().join(" / ")).unwrap_or_default();
            let groups = live.roster(crate::model::Order::Name).groups;
            let mut known: Vec<String> =
                groups.iter().map(crate::model::Group::label).filter(|label| !label.is_empty()).collect();
            known.truncate(12);
            (text, known)
        });
        self.dialog = Some(Dialog::Ask(Ask::Group { id, name, text, known }));
    }

    fn ask_tags(&mut self, id: ProfileId) {
        let name = self.name_of(id);
        let text = self.with_live(|live| {
            let profile = live.get(id).and_then(|watched| watched.profile.as_ref());
            profile.map(|profile| profile.tags.join(", ")).unwrap_or_default()
        });
        self.dialog = Some(Dialog::Ask(Ask::Tags { id, name, text }));
    }

    /// The demo is a window of its own: what is watched here goes on.
    fn open_demo(&mut self) {
        if self.backend.is_demo() {
            self.say(Tone::Done, "This is the demo.", false);
            return;
        }
        let started = std::env::current_exe()
            .and_then(|program| std::process::Command::new(program).arg("--demo").spawn().map(drop));
        if let Err(error) = started {
            self.say(Tone::Problem, format!("The demo could not be started: {error}. Run wirewatch --demo."), false);
        }
    }

    fn put_on(&mut self, ctx: &egui::Context, look: Look, scale: f32) {
        let scale = ((scale * 10.0).round() / 10.0).clamp(*SCALE.start(), *SCALE.end());
        self.settings.look = look;
        self.settings.scale = scale;
        self.theme = Theme::new(look);
        style::apply(ctx, &self.theme, scale);
    }
}

/// `Sales chat` as a file's name: `sales-chat.csv`.
/// Of the last check; `None`: there was none.
fn report_of(watched: &Watched) -> Option<Report> {
    let profile = without_credentials(watched.profile.as_ref()?);
    let (_, deciding) = watched.last_check.as_ref()?;
    let reports = std::slice::from_ref(&**deciding);
    Some(Report::of_check(Checked { url: profile.url.as_str(), profile: &profile, deciding, reports }))
}

fn file_name(name: &str, ending: &str) -> String {
    let mut stem = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            stem.extend(letter.to_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    format!("{}.{ending}", if stem.is_empty() { "wirewatch" } else { stem })
}
