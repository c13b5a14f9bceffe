//! What a person does to the profiles: each is on disk when it returns, and can be undone.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, NotWritten, Version};
use super::undo::{Step, Undo};
use super::{Book, Entry, files};
use crate::base::{Problem, ProfileId};
use crate::profile::{self, Profile};

/// Why an operation did nothing.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("that profile is gone")]
    Gone(ProfileId),
    /// The file, or what it was to become, has mistakes: nothing was written.
    #[error("{}", first(.0))]
    Mistakes(Vec<Problem>),
    #[error("{} was changed outside meanwhile; nothing was overwritten", .0.display())]
    Conflict(PathBuf),
    #[error("{} can't be written: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

fn first(problems: &[Problem]) -> String {
    match problems {
        [] => "the profile has mistakes".into(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    }
}

impl BookError {
    pub(super) fn not_written(path: &Path, error: NotWritten) -> Self {
        match error {
            NotWritten::Changed => Self::Conflict(path.to_owned()),
            NotWritten::Io(error) => Self::Io { path: path.to_owned(), error },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Gone(_) => "its file was removed; see `wirewatch profile list`",
            Self::Mistakes(_) => "mend what is named and save again",
            Self::Conflict(_) => "look at the file as it is now and make the change again",
            Self::Io { .. } => "check the folder's permissions and the free space",
        }
    }
}

impl Book {
    /// Saves a new profile under a file name made of its name.
    ///
    /// # Errors
    /// The profile has mistakes, or can't be written.
    pub fn add(&self, profile: &Profile) -> Result<ProfileId, BookError> {
        profile::check(profile).map_err(BookError::Mistakes)?;
        self.add_file(&format!("add {:?}", profile.name), slug(&profile.name), profile::write(profile))
    }

    /// Saves a profile's text as it is, comments and all: a sample, a file of someone else's.
    ///
    /// # Errors
    /// The text has mistakes, or can't be written.
    pub fn add_text(&self, stem: &str, text: &str) -> Result<ProfileId, BookError> {
        let (profile, _) = profile::parse(text, None).map_err(BookError::Mistakes)?;
        self.add_file(&format!("add {:?}", profile.name), slug(stem), text.to_owned())
    }

    /// Saves the samples that ship with the program, those left out whose file is there already.
    ///
    /// # Errors
    /// They can't be written.
    pub fn add_samples(&self) -> Result<Vec<ProfileId>, BookError> {
        let known: Vec<_> = self.entries().into_iter().map(|entry| entry.key).collect();
        let new = profile::samples().iter().filter(|sample| !known.iter().any(|key| **key == *sample.stem));
        let files: Vec<_> = new.map(|sample| (sample.stem.to_owned(), sample.text.to_owned())).collect();
        self.add_files("add the samples", &files)
    }

    /// Saves an edited profile into its file, of which only the changed values change. `based_on` is the version that was
    /// edited: a file that is another by now is not overwritten.
    ///
    /// # Errors
    /// The profile has mistakes, its file was changed meanwhile, or can't be written.
    pub fn save(&self, id: ProfileId, based_on: Version, profile: &Profile) -> Result<(), BookError> {
        let entry = self.get(id).ok_or(BookError::Gone(id))?;
        let _io = self.shared.io();
        let text = current(&entry)?;
        if Version::of(text.as_bytes()) != based_on {
            files::refresh(&self.shared, &entry.key, &entry.path);
            return Err(BookError::Conflict(entry.path));
        }
        let changed = profile::update(&text, profile).map_err(BookError::Mistakes)?;
        self.write(&format!("change {:?}", entry.name()), vec![(entry, text, Some(changed))])
    }

    /// Saves an edited text, as it is, also one with mistakes: the person's own file.
    ///
    /// # Errors
    /// Its file was changed meanwhile, or can't be written.
    pub fn save_text(&self, id: ProfileId, based_on: Version, text: &str) -> Result<(), BookError> {
        if profile::MAX_BYTES < text.len() {
            return Err(BookError::Mistakes(vec![profile::too_large(None)]));
        }
        let entry = self.get(id).ok_or(BookError::Gone(id))?;
        let _io = self.shared.io();
        let old = current(&entry)?;
        if Version::of(old.as_bytes()) != based_on {
            files::refresh(&self.shared, &entry.key, &entry.path);
            return Err(BookError::Conflict(entry.path));
        }
        self.write(&format!("change {:?}", entry.name()), vec![(entry, old, Some(text.to_owned()))])
    }

    /// Changes profiles as they are on disk now; one step to undo. Where one can't be changed none is.
    ///
    /// # Errors
    /// A profile is gone, broken, has mistakes afterwards, or can't be written.
    pub fn edit(&self, ids: &[ProfileId], label: &str, change: impl Fn(&mut Profile)) -> Result<(), BookError> {
        let entries = self.entries_of(ids)?;
        let _io = self.shared.io();
        let mut planned = Vec::new();
        for entry in entries {
            let text = current(&entry)?;
            let (mut profile, _) = profile::parse(&text, Some(&entry.path)).map_err(BookError::Mistakes)?;
            change(&mut profile);
            let changed = profile::update(&text, &profile).map_err(BookError::Mistakes)?;
            if changed != text {
                planned.push((entry, text, Some(changed)));
            }
        }
        self.write(label, planned)
    }

    /// A copy with a name and a file of its own, comments and all; disabled, since it would only watch the same again.
    ///
    /// # Errors
    /// As for [`edit`](Self::edit).
    pub fn duplicate(&self, id: ProfileId) -> Result<ProfileId, BookError> {
        let entry = self.get(id).ok_or(BookError::Gone(id))?;
        let (text, mut profile) = {
            let _io = self.shared.io();
            let text = current(&entry)?;
            let (profile, _) = profile::parse(&text, Some(&entry.path)).map_err(BookError::Mistakes)?;
            (text, profile)
        };
        let label = format!("duplicate {:?}", profile.name);
        let names: Vec<_> = self.entries().iter().map(|entry| entry.name().to_owned()).collect();
        // A name is at most 200 characters long, and has to stay so.
        let stem: String = profile.name.chars().take(180).collect();
        let copies = std::iter::once(format!("{stem} (copy)")).chain((2..).map(|n| format!("{stem} (copy {n})")));
        let free = copies.take(names.len() + 1).find(|name| !names.contains(name));
        profile.name = free.unwrap_or(stem);
        profile.enabled = false;
        let changed = profile::update(&text, &profile).map_err(BookError::Mistakes)?;
        self.add_file(&label, slug(&profile.name), changed)
    }

    /// # Errors
    /// As for [`edit`](Self::edit).
    pub fn set_enabled(&self, ids: &[ProfileId], enabled: bool) -> Result<(), BookError> {
        let verb = if enabled { "enable" } else { "disable" };
        self.edit(ids, &self.label(verb, ids), |profile| profile.enabled = enabled)
    }

    /// # Errors
    /// As for [`edit`](Self::edit).
    pub fn set_group(&self, ids: &[ProfileId], group: &[String]) -> Result<(), BookError> {
        self.edit(ids, &self.label("regroup", ids), |profile| profile.group = group.to_vec())
    }

    /// # Errors
    /// As for [`edit`](Self::edit).
    pub fn set_tags(&self, ids: &[ProfileId], tags: &[String]) -> Result<(), BookError> {
        self.edit(ids, &self.label("tag", ids), |profile| profile.tags = tags.to_vec())
    }

    /// Gives a profile another name. Its file keeps its own, and with it its history.
    ///
    /// # Errors
    /// As for [`edit`](Self::edit).
    pub fn rename(&self, id: ProfileId, name: &str) -> Result<(), BookError> {
        self.edit(&[id], &self.label("rename", &[id]), |profile| profile.name = name.to_owned())
    }

    /// Removes profiles, broken ones too.
    ///
    /// # Errors
    /// One is gone, was changed meanwhile, or can't be removed.
    pub fn remove(&self, ids: &[ProfileId]) -> Result<(), BookError> {
        let entries = self.entries_of(ids)?;
        let label = self.label("remove", ids);
        let _io = self.shared.io();
        let mut planned = Vec::new();
        for entry in entries {
            let text = current(&entry)?;
            planned.push((entry, text, None));
        }
        self.write(&label, planned)
    }

    fn entries_of(&self, ids: &[ProfileId]) -> Result<Vec<Entry>, BookError> {
        ids.iter().map(|id| self.get(*id).ok_or(BookError::Gone(*id))).collect()
    }

    /// `remove "Sales chat"`, `disable 3 profiles`.
    fn label(&self, verb: &str, ids: &[ProfileId]) -> String {
        match ids {
            [only] => match self.get(*only) {
                Some(entry) => format!("{verb} {:?}", entry.name()),
                None => format!("{verb} a profile"),
            },
            many => format!("{verb} {} profiles", many.len()),
        }
    }

    fn add_file(&self, label: &str, stem: String, text: String) -> Result<ProfileId, BookError> {
        let mut ids = self.add_files(label, &[(stem, text)])?;
        ids.pop().ok_or(BookError::Gone(ProfileId(0)))
    }

    /// Writes new files, each under the first free name.
    fn add_files(&self, label: &str, new: &[(String, String)]) -> Result<Vec<ProfileId>, BookError> {
        let _io = self.shared.io();
        let mut steps = Vec::new();
        let mut result = Ok(());
        for (stem, text) in new {
            match self.create_free(stem, text) {
                Ok(step) => steps.push(step),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let ids = steps.iter().map(|step| self.shared.lock().ids.id_of(&step.key)).collect();
        self.remember(label, steps);
        result.map(|()| ids)
    }

    fn create_free(&self, stem: &str, text: &str) -> Result<Step, BookError> {
        let taken: Vec<_> = self.shared.lock().entries.keys().map(|key| key.to_lowercase()).collect();
        let mut number = 1;
        loop {
            let key = if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
            let path = self.shared.folder.join(format!("{key}.toml"));
            number += 1;
            if taken.contains(&key.to_lowercase()) {
                continue;
            }
            match disk::create(&path, text) {
                Ok(()) => {
                    files::refresh(&self.shared, &key, &path);
                    return Ok(Step { key, path, before: None, after: Some(text.to_owned()) });
                }
                // A file that came this moment, or one that is no profile.
                Err(NotWritten::Changed) if number <= super::MAX_FILES => {}
                Err(error) => return Err(BookError::not_written(&path, error)),
            }
        }
    }

    /// Writes the planned texts over the ones that were read; where one fails the others are put back.
    fn write(&self, label: &str, planned: Vec<(Entry, String, Option<String>)>) -> Result<(), BookError> {
        let mut steps: Vec<Step> = Vec::new();
        for (entry, before, after) in planned {
            let expected = Version::of(before.as_bytes());
            let done = match &after {
                Some(text) => disk::replace(&entry.path, text, expected),
                None => disk::remove(&entry.path, expected),
            };
            files::refresh(&self.shared, &entry.key, &entry.path);
            if let Err(error) = done {
                self.put_back(&steps);
                return Err(BookError::not_written(&entry.path, error));
            }
            steps.push(Step { key: entry.key.to_string(), path: entry.path, before: Some(before), after });
        }
        self.remember(label, steps);
        Ok(())
    }

    fn put_back(&self, steps: &[Step]) {
        for step in steps.iter().rev() {
            // What can't be put back is seen in its entry, and the failure itself is already being told.
            let _ = match (&step.before, &step.after) {
                (Some(before), Some(after)) => disk::replace(&step.path, before, Version::of(after.as_bytes())),
                (Some(before), None) => disk::create(&step.path, before),
                (None, _) => Ok(()),
            };
            files::refresh(&self.shared, &step.key, &step.path);
        }
    }

    fn remember(&self, label: &str, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.shared.lock().undo.push(Undo { label: label.to_owned(), steps });
        }
    }
}

/// The text of an entry's file as it is now.
fn current(entry: &Entry) -> Result<String, BookError> {
    match disk::read(&entry.path) {
        None => Err(BookError::Gone(entry.id)),
        Some(found) => found.text.map_err(|problem| BookError::Mistakes(vec![problem])),
    }
}

/// A file's stem made of a name: letters and digits, in small letters, with dashes between.
pub(super) fn slug(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            stem.push(c);
        } else if !stem.ends_with('-') && !stem.is_empty() {
            stem.push('-');
        }
        // In bytes: that is what file systems count.
        if 60 <= stem.len() {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    // Names that Windows keeps for its devices.
    let device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || stem
            .strip_prefix("com")
            .or(stem.strip_prefix("lpt"))
            .is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
    match stem {
        "" => "profile".into(),
        stem if device => format!("{stem}-profile"),
        stem => stem.to_owned(),
    }
}
