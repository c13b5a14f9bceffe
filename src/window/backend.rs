//! What the window stands on: the live picture, the commands, the saved profiles, the history. A trait, so that the
//! window's tests need none of them.
//!
//! Invariant: only [`Backend::live`], [`Backend::send`], [`Backend::begin`] and [`Backend::health`] are called while a frame is made; the rest
//! may take its time and is called on the desk's threads.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::action::{EventFormat, FigureFormat};
use super::desk::Waker;
use super::vm::top::Health;
use crate::base::{Problem, ProfileId, Secret, Wall};
use crate::engine::{Command, Errand, Underway};
use crate::export::report::Report;
use crate::model::{Answer, Live, Query};
use crate::profile::Profile;

/// A change to the saved profiles.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Add(Box<Profile>),
    Duplicate(ProfileId),
    Remove(ProfileId),
    SetEnabled(ProfileId, bool),
    SetGroup(ProfileId, Vec<String>),
    SetTags(ProfileId, Vec<String>),
    Save(ProfileId, Box<Profile>),
    /// The file as a person typed it.
    SaveText(ProfileId, String),
    AddSamples,
    /// Profiles out of a file: TOML.
    Import(PathBuf),
    /// Takes the newest change back.
    Undo,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// A sentence: `Removed Sales chat.`
    pub said: String,
    /// The profile to look at now.
    pub select: Option<ProfileId>,
    /// Whether it can be taken back.
    pub undo: bool,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// A sentence that says what to change.
    pub said: String,
    /// The mistakes, where it is about the text of a profile.
    pub problems: Vec<Problem>,
}

/// What leaves the program into a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Export {
    Events {
        id: ProfileId,
        format: EventFormat,
        from: Option<Wall>,
        to: Option<Wall>,
    },
    Figures {
        id: ProfileId,
        format: FigureFormat,
        from: Option<Wall>,
        to: Option<Wall>,
    },
    /// Text as it is.
    Text(String),
    /// As the file's ending says: HTML or Markdown.
    Report(Box<Report>),
}

/// What the window stands on.
pub trait Backend: Send + Sync {
    /// The live picture; held for one short read at a time.
    fn live(&self) -> &Mutex<Live>;

    /// Passes a command on without waiting; a full queue is said.
    fn send(&self, command: Command) -> Result<(), String>;

    /// Sets out on an errand; the waker wakes the window when it has brought something.
    fn begin(&self, errand: Errand, waker: Waker) -> Result<Underway, String>;

    /// How the monitor itself does: counters, no disk.
    fn health(&self) -> Health;

    /// Whether this is the built-in lab's demo.
    fn is_demo(&self) -> bool;

    /// Where the profiles are, for the person; `None`: in memory only.
    fn profiles_folder(&self) -> Option<PathBuf>;

    /// Changes the saved profiles, on disk when it returns.
    fn edit(&self, edit: Edit) -> Result<Edited, Refused>;

    /// The text of the profile's file.
    fn profile_text(&self, id: ProfileId) -> Result<String, String>;

    /// Asks the history.
    fn ask(&self, query: &Query) -> Answer;

    /// Puts secrets into the system's keyring; the sentence says how many.
    fn keep(&self, secrets: &[(String, Secret)]) -> Result<String, String>;

    /// Writes into that file; the sentence says how much.
    fn export(&self, what: &Export, to: &Path) -> Result<String, String>;
}
