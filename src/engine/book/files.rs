//! The folder's files → entries.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{self, Stamp};
use super::feed::tell;
use super::{Content, Entry, MAX_FILES, Shared};
use crate::base::{Problem, Severity};
use crate::profile;

/// Which files a scan reads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Depth {
    /// Those whose size, time or inode is another.
    Touched,
    EveryFile,
}

/// Files that were not there at the last scan. Editors that replace a file leave a moment without one: only what is
/// missing twice is gone.
pub(super) struct Missing {
    seen: HashSet<String>,
    patient: bool,
}

impl Missing {
    /// Believes the first look.
    pub fn trusting() -> Self {
        Self { seen: HashSet::new(), patient: false }
    }

    pub fn patient() -> Self {
        Self { seen: HashSet::new(), patient: true }
    }

    /// Whether something waits for a second look.
    pub fn is_unsure(&self) -> bool {
        !self.seen.is_empty()
    }

    fn is_gone(&mut self, key: &str) -> bool {
        !self.patient || !self.seen.insert(key.to_owned())
    }
}

/// Takes up what has changed. The caller holds the book's `io` lock.
pub(super) fn scan(shared: &Shared, depth: Depth, missing: &mut Missing) {
    let listed = match list(&shared.folder) {
        Ok(listed) => listed,
        Err(problem) => {
            // A folder that can't be read says nothing about the profiles that were in it.
            shared.lock().folder_problem = Some(problem);
            return;
        }
    };
    shared.lock().folder_problem = listed.problem;
    for (key, path) in &listed.files {
        missing.seen.remove(key);
        let stamp = fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
        let known = shared.lock().entries.get(key).map(|entry| (entry.stamp, entry.path.clone()));
        let same = known.is_some_and(|(known, at)| known == stamp && known.is_some() && at == *path);
        if depth == Depth::EveryFile || !same {
            take_up(shared, key, path, stamp);
        }
    }
    let gone: Vec<_> = {
        let state = shared.lock();
        let absent = state.entries.keys().filter(|key| !listed.files.contains_key(*key));
        absent.cloned().collect()
    };
    for key in gone {
        if missing.is_gone(&key) {
            missing.seen.remove(&key);
            drop_entry(shared, &key);
        }
    }
}

/// Reads one file again, which an operation has just written or removed.
pub(super) fn refresh(shared: &Shared, key: &str, path: &Path) {
    match fs::metadata(path) {
        Ok(metadata) => take_up(shared, key, path, Some(Stamp::of(&metadata))),
        Err(_) => drop_entry(shared, key),
    }
}

fn drop_entry(shared: &Shared, key: &str) {
    let mut state = shared.lock();
    if let Some(entry) = state.entries.remove(key) {
        state.by_id.remove(&entry.id);
        tell(state, entry.id, &entry.key);
    }
}

fn take_up(shared: &Shared, key: &str, path: &Path, stamp: Option<Stamp>) {
    let Some(found) = disk::read(path) else { return };
    {
        let mut state = shared.lock();
        if let Some(entry) = state.entries.get_mut(key)
            && entry.version == found.version
            && entry.path == path
        {
            entry.stamp = stamp;
            return;
        }
    }
    let content = match &found.text {
        Ok(text) => match profile::parse(text, Some(path)) {
            Ok((profile, warnings)) => Content::Profile { profile: Arc::new(profile), warnings: warnings.into() },
            Err(problems) => Content::Broken { name: name_in(text).unwrap_or(key).into(), problems: problems.into() },
        },
        Err(problem) => Content::Broken { name: key.into(), problems: vec![problem.clone()].into() },
    };
    let mut state = shared.lock();
    let id = state.ids.id_of(key);
    let key: Arc<str> = key.into();
    let entry = Entry { id, key: Arc::clone(&key), path: path.to_owned(), version: found.version, content, stamp };
    state.entries.insert(key.to_string(), entry);
    state.by_id.insert(id, key.to_string());
    tell(state, id, &key);
}

/// The name that a broken file seems to give.
fn name_in(text: &str) -> Option<&str> {
    let head = text.lines().take(200).take_while(|line| !line.trim_start().starts_with('['));
    let value = head.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "name")?.1.trim();
    let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let name = value[1..].split(quote).next()?.trim();
    (!name.is_empty() && name.len() <= 200 && !name.contains('\\')).then_some(name)
}

struct Listed {
    /// Key and path.
    files: BTreeMap<String, PathBuf>,
    problem: Option<Problem>,
}

/// The folder's profiles: plain files `*.toml` whose names don't begin with a dot.
fn list(folder: &Path) -> Result<Listed, Problem> {
    let problem = |message: String, hint: &str| Problem {
        severity: Severity::Error,
        file: Some(folder.to_owned()),
        line: None,
        key: None,
        message,
        hint: Some(hint.to_owned()),
    };
    let unreadable = |error: std::io::Error| {
        problem(
            format!("the folder of the profiles can't be read: {error}"),
            "check its permissions, or name another with --profiles",
        )
    };
    let mut listed = Listed { files: BTreeMap::new(), problem: None };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // A name that is no Unicode is kept with signs in place of what is not: its file can be read all the same.
        let (Some(stem), Some("toml")) = (
            path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
            path.extension().and_then(|e| e.to_str()),
        ) else {
            continue;
        };
        // Reading a pipe or a device would wait for ever.
        if stem.starts_with('.') || !fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        if MAX_FILES <= listed.files.len() {
            listed.problem = Some(problem(
                format!("the folder has more than {MAX_FILES} profiles; the others are left out"),
                "keep other files elsewhere",
            ));
            break;
        }
        listed.files.insert(stem, path);
    }
    Ok(listed)
}
