//! The saved profiles: one folder, one TOML file each, watched while the program runs.
//!
//! Invariants: a broken file is a broken entry and disturbs no other; every change is on disk before it is told; an outside
//! edit is taken up and never overwritten; whoever subscribed is told the newest state of each profile, however late it
//! asks, so that what waits for it is bounded by the number of profiles.

mod disk;
mod feed;
mod files;
mod ops;
mod reset;
mod undo;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::Stamp;
pub use self::disk::Version;
pub use self::feed::{BookChange, Feed, What};
pub use self::ops::BookError;
use self::undo::Undo;
use crate::base::{Interner, Problem, ProfileId, Ring};
use crate::profile::Profile;

/// The most files that are read; a folder with more is not one of profiles.
pub const MAX_FILES: usize = 10_000;
/// How many operations can be undone.
const UNDO_DEPTH: usize = 50;

/// A person's profiles. Cheap to share behind an `Arc`; every method may be called from any thread. Those that write wait
/// for the disk: not from the thread that draws.
#[derive(Debug)]
pub struct Book {
    shared: Arc<Shared>,
    /// Wakes the watching thread; it ends once the book is gone.
    watching: Mutex<Option<SyncSender<()>>>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// The book is gone; consumers may still hold on to what it knew.
    closed: AtomicBool,
    /// Held while files are read or written, so that no scan sees half an operation.
    io: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ids: Interner,
    /// By key, which is the file's stem.
    entries: BTreeMap<String, Entry>,
    by_id: HashMap<ProfileId, String>,
    /// Why the folder itself can't be read.
    folder_problem: Option<Problem>,
    feeds: Vec<std::sync::Weak<feed::Slot>>,
    undo: Ring<Undo>,
}

/// One file of the folder.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: ProfileId,
    /// The file's stem: the profile's identity in the history.
    pub key: Arc<str>,
    pub path: PathBuf,
    pub version: Version,
    pub content: Content,
    stamp: Option<Stamp>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub enum Content {
    Profile { profile: Arc<Profile>, warnings: Arc<[Problem]> },
    Broken { name: Arc<str>, problems: Arc<[Problem]> },
}

impl Entry {
    /// The name in the list: the profile's, or what can be made out of a broken file.
    pub fn name(&self) -> &str {
        match &self.content {
            Content::Profile { profile, .. } => &profile.name,
            Content::Broken { name, .. } => name,
        }
    }

    /// The profile, where the file is not broken.
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        match &self.content {
            Content::Profile { profile, .. } => Some(profile),
            Content::Broken { .. } => None,
        }
    }

    /// The mistakes of a broken file, or the warnings of another.
    pub fn problems(&self) -> &[Problem] {
        match &self.content {
            Content::Profile { warnings, .. } => warnings,
            Content::Broken { problems, .. } => problems,
        }
    }
}

/// No profile is meant by a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("there is no profile {wanted:?}")]
    NotFound { wanted: String, nearest: Option<String> },
    #[error("{wanted:?} is the name of {} profiles: {}", keys.len(), keys.join(", "))]
    Ambiguous { wanted: String, keys: Vec<String> },
}

impl FindError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound { nearest: Some(nearest), .. } => format!("did you mean {nearest:?}?"),
            Self::NotFound { nearest: None, .. } => "see `wirewatch profile list`".into(),
            Self::Ambiguous { .. } => "use the file's name in place of the profile's".into(),
        }
    }
}

impl Book {
    /// Reads the folder, which is made where there is none. Never fails: what is wrong with the folder is
    /// [`folder_problem`](Self::folder_problem), what is wrong with a file is its entry's.
    pub fn open(folder: impl Into<PathBuf>, ids: Interner) -> Self {
        let folder = folder.into();
        // What can't be made can't be read either, and that is told.
        let _ = std::fs::create_dir_all(&folder);
        let book = Self::over(folder, ids);
        book.rescan();
        book
    }

    /// Reads the folder without making it, for commands that only look.
    pub fn look(folder: impl Into<PathBuf>) -> Self {
        let book = Self::over(folder.into(), Interner::default());
        book.rescan();
        book
    }

    fn over(folder: PathBuf, ids: Interner) -> Self {
        let state = State {
            ids,
            entries: BTreeMap::new(),
            by_id: HashMap::new(),
            folder_problem: None,
            feeds: Vec::new(),
            undo: Ring::new(UNDO_DEPTH),
        };
        let shared = Shared { folder, closed: AtomicBool::new(false), io: Mutex::new(()), state: Mutex::new(state) };
        Self { shared: Arc::new(shared), watching: Mutex::new(None) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Every file, by key.
    pub fn entries(&self) -> Vec<Entry> {
        self.shared.lock().entries.values().cloned().collect()
    }

    pub fn get(&self, id: ProfileId) -> Option<Entry> {
        let state = self.shared.lock();
        state.by_id.get(&id).and_then(|key| state.entries.get(key)).cloned()
    }

    /// The text of a profile's file as it is on disk, and its version, for an editor of the text.
    pub fn text(&self, id: ProfileId) -> Option<(String, Version)> {
        let path = self.get(id)?.path;
        let _io = self.shared.io();
        let found = disk::read(&path)?;
        Some((found.text.ok()?, found.version))
    }

    /// Why the folder can't be read, if it can't.
    pub fn folder_problem(&self) -> Option<Problem> {
        self.shared.lock().folder_problem.clone()
    }

    /// The entry that is meant: by key, by name, by name without regard to case.
    pub fn find(&self, wanted: &str) -> Result<Entry, FindError> {
        let state = self.shared.lock();
        if let Some(entry) = state.entries.get(wanted.strip_suffix(".toml").unwrap_or(wanted)) {
            return Ok(entry.clone());
        }
        let lower = wanted.to_lowercase();
        let exact = |entry: &&Entry| entry.name() == wanted;
        let folded = |entry: &&Entry| entry.name().to_lowercase() == lower || entry.key.to_lowercase() == lower;
        let mut found: Vec<_> = state.entries.values().filter(exact).collect();
        if found.is_empty() {
            found = state.entries.values().filter(folded).collect();
        }
        match found.as_slice() {
            [entry] => Ok((*entry).clone()),
            [] => {
                let names = state.entries.values().flat_map(|entry| [entry.name(), &entry.key]);
                let likeness = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &lower);
                // A long text is no name, and comparing it would cost.
                let near = names.filter(|name| wanted.len() <= 100 && name.len() <= 200 && 0.8 < likeness(name));
                let nearest = near.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).map(str::to_owned);
                Err(FindError::NotFound { wanted: wanted.to_owned(), nearest })
            }
            many => Err(FindError::Ambiguous {
                wanted: wanted.to_owned(),
                keys: many.iter().map(|entry| entry.key.to_string()).collect(),
            }),
        }
    }

    /// Reads again what may have changed in the folder, at once.
    pub fn rescan(&self) {
        let _io = self.shared.io();
        files::scan(&self.shared, files::Depth::EveryFile, &mut files::Missing::trusting());
    }

    /// A consumer of changes; what is there already comes as added. `wake` is called, from any thread and often, when
    /// there is something to take.
    pub fn subscribe(&self, wake: impl Fn() + Send + Sync + 'static) -> Feed {
        Feed::new(Arc::clone(&self.shared), wake)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each holder leaves the state whole between its steps: a panic elsewhere makes it no less true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self) -> MutexGuard<'_, ()> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
