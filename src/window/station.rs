//! The window's backend over the real monitor: the saved profiles, the engine, the history.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::action::{EventFormat, FigureFormat};
use super::backend::{Backend, Edit, Edited, Export, Refused};
use super::desk::Waker;
use super::vm::top::{Health, Recording};
use super::vm::words::{bytes, count};
use crate::base::{Clock, ProfileId, Secret, Wall};
use crate::engine::book::{Book, BookError, Version};
use crate::engine::{Command, Errand, Monitor, Secrets, Underway, secrets};
use crate::export::report;
use crate::export::{EventWriter, Figure, Format, Names, What, figures, history};
use crate::model::{Answer, Live, Query};
use crate::store::{self, Filter, Reader};

/// The monitor, as the window uses it.
pub struct Station {
    /// Taken out when the window closes, so that the end is waited for.
    monitor: Mutex<Option<Monitor>>,
    live: Arc<Mutex<Live>>,
    book: Option<Arc<Book>>,
    history: Option<Arc<store::StoreStatus>>,
    /// What each edited text was read as: an outside change in between is found by it.
    versions: Mutex<HashMap<ProfileId, Version>>,
    demo: bool,
}

impl Station {
    pub fn new(monitor: Monitor, demo: bool) -> Self {
        Self {
            live: Arc::clone(monitor.live()),
            book: monitor.book().cloned(),
            history: monitor.history().cloned(),
            monitor: Mutex::new(Some(monitor)),
            versions: Mutex::default(),
            demo,
        }
    }

    /// Ends the monitor: sessions are closed, the history is flushed. Blocks for some seconds at most.
    pub fn close(&self) {
        let monitor = lock(&self.monitor).take();
        if let Some(monitor) = monitor {
            monitor.shutdown();
        }
    }

    fn book(&self) -> Result<&Book, Refused> {
        self.book.as_deref().ok_or_else(|| refused("These profiles are fixed: they can't be changed."))
    }

    fn name(&self, id: ProfileId) -> String {
        lock(&self.live).get(id).map_or_else(|| "the profile".into(), |watched| watched.name.to_string())
    }

    fn reader(&self) -> Result<Reader, String> {
        let monitor = lock(&self.monitor);
        let reader = monitor.as_ref().map(Monitor::reader).transpose().map_err(|error| error.to_string())?;
        reader.flatten().ok_or_else(|| "There is no history in this window.".to_owned())
    }

    fn save_text(&self, book: &Book, id: ProfileId, text: &str) -> Result<(), BookError> {
        let known = lock(&self.versions).get(&id).copied();
        let version = match known {
            Some(version) => version,
            None => book.text(id).ok_or(BookError::Gone(id))?.1,
        };
        book.save_text(id, version, text)?;
        if let Some((_, version)) = book.text(id) {
            lock(&self.versions).insert(id, version);
        }
        Ok(())
    }

    fn import(&self, book: &Book, path: &Path) -> Result<(String, Option<ProfileId>), Refused> {
        let most = crate::profile::MAX_BYTES as u64;
        let size = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?.len();
        if most < size {
            return Err(refused(format!("{} is larger than a profile can be ({}).", path.display(), bytes(most))));
        }
        let text = std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?;
        let stem = path.file_stem().map_or_else(|| "profile".into(), |stem| stem.to_string_lossy().into_owned());
        let id = book.add_text(&stem, &text).map_err(|error| said(&error))?;
        Ok((format!("Imported {stem}."), Some(id)))
    }

    fn write_events(
        &self,
        id: ProfileId,
        format: EventFormat,
        (from, to): (Option<Wall>, Option<Wall>),
        path: &Path,
    ) -> Result<String, String> {
        let reader = self.reader()?;
        let names: Names = [(id, self.name(id))].into_iter().collect();
        let filter = Filter { profile: Some(id), from, to, kinds: Vec::new(), text: String::new() };
        let format = match format {
            EventFormat::Jsonl => Format::Jsonl,
            EventFormat::Csv => Format::Csv,
        };
        // Written beside it and renamed: an export that fails half-way leaves no half file.
        let part = part_of(path);
        let done = File::create(&part).map_err(|error| error.to_string()).and_then(|file| {
            let mut writer =
                EventWriter::new(BufWriter::new(file), format, names).map_err(|error| error.to_string())?;
            let done = history(&reader, &filter, &mut writer).map_err(|error| error.to_string())?;
            let out = writer.finish().map_err(|error| error.to_string())?;
            out.into_inner().map_err(|error| error.to_string())?.sync_all().map_err(|error| error.to_string())?;
            std::fs::rename(&part, path).map_err(|error| error.to_string())?;
            Ok(done.0)
        });
        match done {
            Ok(events) => {
                let events = usize::try_from(events).unwrap_or(usize::MAX);
                Ok(format!("{} written to {}.", count(events, "event", "events"), path.display()))
            }
            Err(why) => {
                let _ = std::fs::remove_file(&part);
                Err(format!("{} can't be written: {why}", path.display()))
            }
        }
    }

    fn write_figures(
        &self,
        id: ProfileId,
        (from, to): (Option<Wall>, Option<Wall>),
        path: &Path,
    ) -> Result<String, String> {
        let reader = self.reader()?;
        let now = Clock.wall();
        let to = to.unwrap_or(now);
        let from = from.unwrap_or_else(|| to.minus(Duration::from_secs(3_600)));
        let data = reader.range(id, from, to, figures::column(from, to)).map_err(|error| error.to_string())?;
        let summary = reader.summary(id, from, to).map_err(|error| error.to_string())?;
        let known_to = reader.last_at().map_err(|error| error.to_string())?.unwrap_or(to).min(now);
        let (name, zone) = (self.name(id), jiff::tz::TimeZone::system());
        let figure =
            Figure { name: &name, data: &data, summary: summary.as_ref(), known_to, panels: &What::ALL, zone: &zone };
        figures::save(&figure, path).map_err(|error| error.to_string())?;
        Ok(format!("Figures saved as {}.", path.display()))
    }
}

impl Backend for Station {
    fn live(&self) -> &Mutex<Live> {
        &self.live
    }

    fn send(&self, command: Command) -> Result<(), String> {
        let sent = lock(&self.monitor).as_ref().map(|monitor| monitor.send(command));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err("The engine has more to do than it can; that was not done. Try again in a moment.".into()),
        }
    }

    fn begin(&self, errand: Errand, waker: Waker) -> Result<Underway, String> {
        let begun = lock(&self.monitor).as_ref().map(|monitor| monitor.errand(errand, move || waker.wake()));
        match begun {
            Some(Ok(underway)) => Ok(underway),
            _ => Err("The engine is ending; that was not begun.".into()),
        }
    }

    fn keep(&self, secrets: &[(String, Secret)]) -> Result<String, String> {
        let system = Secrets::system();
        for (name, value) in secrets {
            system.store(name, value).map_err(|error| format!("{error}: {}.", secrets::remedy(name)))?;
        }
        Ok(format!("{} put into the keyring.", count(secrets.len(), "secret", "secrets")))
    }

    fn health(&self) -> Health {
        let lateness = lock(&self.monitor).as_ref().and_then(|monitor| monitor.status().lateness);
        let recording = match self.history.as_ref().map(|history| history.health()) {
            None => Recording::NotAsked,
            Some(store::Health::Recording) => Recording::On,
            Some(store::Health::NotRecording { problem, .. }) => Recording::Off { problem: problem.to_string() },
        };
        Health {
            recording,
            bytes: self.history.as_ref().map(|history| history.size()),
            lateness_p99: lateness.map(|spread| spread.p99),
            ..Health::default()
        }
    }

    fn is_demo(&self) -> bool {
        self.demo
    }

    fn profiles_folder(&self) -> Option<PathBuf> {
        self.book.as_ref().map(|book| book.folder().to_owned())
    }

    fn edit(&self, edit: Edit) -> Result<Edited, Refused> {
        let book = self.book()?;
        let err = |error: BookError| said(&error);
        let done = |said: String, select| Ok(Edited { said, select, undo: true });
        match edit {
            Edit::Add(profile) => {
                let id = book.add(&profile).map_err(err)?;
                done(format!("Added {}.", profile.name), Some(id))
            }
            Edit::Duplicate(id) => {
                let copy = book.duplicate(id).map_err(err)?;
                done(format!("Duplicated {}.", self.name(id)), Some(copy))
            }
            Edit::Remove(id) => {
                let name = self.name(id);
                book.remove(&[id]).map_err(err)?;
                done(format!("Removed {name}."), None)
            }
            Edit::SetEnabled(id, on) => {
                book.set_enabled(&[id], on).map_err(err)?;
                done(format!("{} {}.", if on { "Enabled" } else { "Disabled" }, self.name(id)), None)
            }
            Edit::SetGroup(id, group) => {
                book.set_group(&[id], &group).map_err(err)?;
                let to = if group.is_empty() { "no group".to_owned() } else { group.join(" / ") };
                done(format!("Moved {} to {to}.", self.name(id)), None)
            }
            Edit::SetTags(id, tags) => {
                book.set_tags(&[id], &tags).map_err(err)?;
                done(format!("Tagged {}.", self.name(id)), None)
            }
            Edit::Save(id, profile) => {
                let version = book.text(id).ok_or_else(|| said(&BookError::Gone(id)))?.1;
                book.save(id, version, &profile).map_err(err)?;
                done(format!("Saved {}.", profile.name), None)
            }
            Edit::SaveText(id, text) => {
                let name = self.name(id);
                self.save_text(book, id, &text).map_err(err)?;
                done(format!("Saved {name}."), None)
            }
            Edit::AddSamples => {
                let ids = book.add_samples().map_err(err)?;
                if ids.is_empty() {
                    return Ok(Edited { said: "The samples are all there already.".into(), select: None, undo: false });
                }
                done(format!("Added {}.", count(ids.len(), "sample", "samples")), ids.first().copied())
            }
            Edit::Import(path) => {
                let (said, id) = self.import(book, &path)?;
                done(said, id)
            }
            Edit::Undo => match book.undo().map_err(err)? {
                Some(label) => Ok(Edited { said: format!("Taken back: {label}."), select: None, undo: false }),
                None => Ok(Edited { said: "There is nothing to take back.".into(), select: None, undo: false }),
            },
        }
    }

    fn profile_text(&self, id: ProfileId) -> Result<String, String> {
        let book = self.book().map_err(|refused| refused.said)?;
        let (text, version) = book.text(id).ok_or("The profile's file can't be read as text.")?;
        lock(&self.versions).insert(id, version);
        Ok(text)
    }

    fn ask(&self, query: &Query) -> Answer {
        match self.reader() {
            Ok(reader) => reader.answer(query),
            Err(why) => Answer::Failed { query: query.clone(), why },
        }
    }

    fn export(&self, what: &Export, to: &Path) -> Result<String, String> {
        match what {
            Export::Events { id, format, from, to: until } => self.write_events(*id, *format, (*from, *until), to),
            Export::Figures { id, format, from, to: until } => {
                let ending = match format {
                    FigureFormat::Svg => "svg",
                    FigureFormat::Png => "png",
                };
                let fits = to.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
                let to = if fits { to.to_owned() } else { with_ending(to, ending) };
                self.write_figures(*id, (*from, *until), &to)
            }
            Export::Report(made) => {
                let to = if report::Format::of(to).is_ok() { to.to_owned() } else { with_ending(to, "html") };
                made.save(&to).map_err(|error| error.to_string())?;
                Ok(format!("Saved as {}.", to.display()))
            }
            Export::Text(text) => {
                let part = part_of(to);
                std::fs::write(&part, text)
                    .and_then(|()| std::fs::rename(&part, to))
                    .map_err(|error| format!("{} can't be written: {error}", to.display()))?;
                Ok(format!("Saved as {}.", to.display()))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn part_of(path: &Path) -> PathBuf {
    with_ending(path, "part")
}

/// Behind the whole name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

fn refused(said: impl Into<String>) -> Refused {
    Refused { said: said.into(), problems: Vec::new() }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Refused {
    refused(format!("{} can't be read: {error}", path.display()))
}

/// The error and what to do about it, as a sentence each.
fn said(error: &BookError) -> Refused {
    let problems = match error {
        BookError::Mistakes(problems) => problems.clone(),
        _ => Vec::new(),
    };
    let mut text = error.to_string();
    if let Some(first) = text.get(..1) {
        let upper = first.to_uppercase();
        text.replace_range(..1, &upper);
    }
    Refused { said: format!("{text}: {}.", error.hint()), problems }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use url::Url;

    use super::*;
    use crate::engine::{MonitorConfig, Profiles};
    use crate::profile::{Kind, Profile};

    /// A station over an empty folder, with a history.
    fn station() -> (tempfile::TempDir, Station) {
        let folder = tempfile::tempdir().unwrap();
        let secrets: crate::engine::SecretSource = Arc::new(|_: &[String]| Ok(HashMap::new()));
        let config = MonitorConfig {
            history: Some(folder.path().join("history.sqlite3")),
            ..MonitorConfig::new(Profiles::Folder(folder.path().join("profiles")), secrets)
        };
        let station = Station::new(Monitor::start(config).unwrap(), false);
        (folder, station)
    }

    fn add(station: &Station, name: &str) -> ProfileId {
        let mut profile = Profile::new(name, Kind::Http, Url::parse("http://127.0.0.1:9/").unwrap());
        profile.enabled = false;
        station.edit(Edit::Add(Box::new(profile))).unwrap().select.unwrap()
    }

    /// The files in the folder of the profiles.
    fn files(folder: &tempfile::TempDir) -> Vec<String> {
        let read = std::fs::read_dir(folder.path().join("profiles")).unwrap();
        let mut names: Vec<String> =
            read.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn until(what: &str, done: impl Fn() -> bool) {
        let begun: Instant = Clock.mono();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not happen");
            std::thread::yield_now();
        }
    }

    #[test]
    fn profiles_are_made_duplicated_removed_and_taken_back_on_disk() {
        let (folder, station) = station();
        let id = add(&station, "Sales chat");
        assert_eq!(files(&folder), ["sales-chat.toml"]);
        until("the row", || lock(&station.live).get(id).is_some_and(|row| &*row.name == "Sales chat"));
        station.edit(Edit::Duplicate(id)).unwrap();
        assert_eq!(files(&folder).len(), 2);
        let edited = station.edit(Edit::Remove(id)).unwrap();
        assert_eq!((edited.said.as_str(), edited.undo), ("Removed Sales chat.", true));
        assert_eq!(files(&folder).len(), 1);
        station.edit(Edit::Undo).unwrap();
        assert_eq!(files(&folder).len(), 2);
        station.edit(Edit::SetGroup(id, vec!["shop".into(), "production".into()])).unwrap();
        assert!(station.profile_text(id).unwrap().contains("group = \"shop / production\""));
        station.close();
    }

    #[test]
    fn a_text_that_changed_outside_is_not_overwritten() {
        let (folder, station) = station();
        let id = add(&station, "Sales chat");
        let text = station.profile_text(id).unwrap();
        let mine = text.replace("Sales", "Support");
        station.edit(Edit::SaveText(id, mine.clone())).unwrap();
        let file = folder.path().join("profiles").join("sales-chat.toml");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), mine);
        std::fs::write(&file, format!("# theirs\n{mine}")).unwrap();
        let refused = station.edit(Edit::SaveText(id, text)).unwrap_err();
        assert!(refused.said.contains("changed outside"), "{}", refused.said);
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("# theirs"));
        station.close();
    }

    #[test]
    fn samples_and_imports_become_files_and_a_wrong_import_says_what_is_wrong() {
        let (folder, station) = station();
        station.edit(Edit::AddSamples).unwrap();
        assert!(3 <= files(&folder).len());
        let again = station.edit(Edit::AddSamples).unwrap();
        assert!(!again.undo && again.said.contains("already"), "{}", again.said);
        let outside = folder.path().join("their chat.toml");
        std::fs::write(&outside, "name = \"Chat\"\nkind = \"websocket\"\nurl = \"wss://a.test/\"\nenabled = false\n")
            .unwrap();
        station.edit(Edit::Import(outside.clone())).unwrap();
        assert!(files(&folder).contains(&"their-chat.toml".to_owned()), "{:?}", files(&folder));
        std::fs::write(&outside, "name = \"Chat\"\npagee = 1\n").unwrap();
        let refused = station.edit(Edit::Import(outside)).unwrap_err();
        assert!(!refused.problems.is_empty() && refused.said.contains('`'), "{}", refused.said);
        station.close();
    }

    #[test]
    fn what_is_exported_is_whole_or_not_there() {
        let (folder, station) = station();
        let id = add(&station, "Sales chat");
        let file = folder.path().join("out.jsonl");
        let export = Export::Events { id, format: EventFormat::Jsonl, from: None, to: None };
        let said = station.export(&export, &file).unwrap();
        assert!(said.contains("written to") && file.exists(), "{said}");
        let nowhere = folder.path().join("no such folder").join("out.jsonl");
        assert!(station.export(&export, &nowhere).unwrap_err().contains("can't be written"));
        let figures = Export::Figures { id, format: FigureFormat::Svg, from: None, to: None };
        station.export(&figures, &folder.path().join("figures")).unwrap();
        assert!(folder.path().join("figures.svg").exists());
        let text = Export::Text("a,b\n".into());
        station.export(&text, &folder.path().join("table.csv")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("table.csv")).unwrap(), "a,b\n");
        let report = Export::Report(Box::new(report::Report::of_explained(&[], None)));
        for (name, beginning) in [("report.md", "# "), ("report.html", "<!doctype html>"), ("bare", "<!doctype html>")]
        {
            let said = station.export(&report, &folder.path().join(name)).unwrap();
            let file = said.strip_prefix("Saved as ").unwrap().strip_suffix('.').unwrap();
            assert!(std::fs::read_to_string(file).unwrap().starts_with(beginning), "{said}");
        }
        station.close();
    }
}
