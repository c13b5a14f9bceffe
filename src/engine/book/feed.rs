//! What a consumer of the book is told: the newest state of each profile that changed since it last asked.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{Content, Shared, State};
use crate::base::{Problem, ProfileId};
use crate::profile::Profile;

/// One profile's news.
#[derive(Clone, Debug, PartialEq)]
pub struct BookChange {
    pub id: ProfileId,
    /// The file's stem.
    pub key: Arc<str>,
    pub what: What,
}

/// `Added` or `Broken` first, then any of them; after `Removed` the same id may come back as `Added`.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Added(Arc<Profile>),
    Changed(Arc<Profile>),
    /// The file has mistakes; the profile that it held before is no longer to be watched.
    Broken {
        name: Arc<str>,
        problems: Arc<[Problem]>,
    },
    Removed,
}

/// What waits for one consumer.
pub(super) struct Slot {
    dirty: Mutex<BTreeSet<(ProfileId, Arc<str>)>>,
    filled: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(ProfileId, Arc<str>)>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("waiting", &self.lock().len()).finish_non_exhaustive()
    }
}

/// One consumer's end.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    /// Those whose profile the consumer has.
    told: HashSet<ProfileId>,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let mut state = shared.lock();
        let all = state.entries.values().map(|entry| (entry.id, Arc::clone(&entry.key))).collect();
        let slot = Arc::new(Slot { dirty: Mutex::new(all), filled: Condvar::new(), wake: Box::new(wake) });
        state.feeds.push(Arc::downgrade(&slot));
        drop(state);
        (slot.wake)();
        Self { shared, slot, told: HashSet::new() }
    }

    /// What has changed since the last call, each profile at most once.
    pub fn drain(&mut self) -> Vec<BookChange> {
        // The state first, then the slot: in the order in which a writer takes them.
        let state = self.shared.lock();
        let dirty = std::mem::take(&mut *self.slot.lock());
        let mut changes = Vec::with_capacity(dirty.len());
        for (id, key) in dirty {
            let what = match state.entries.get(&*key).map(|entry| &entry.content) {
                Some(Content::Profile { profile, .. }) if self.told.insert(id) => What::Added(Arc::clone(profile)),
                Some(Content::Profile { profile, .. }) => What::Changed(Arc::clone(profile)),
                Some(Content::Broken { name, problems }) => {
                    self.told.remove(&id);
                    What::Broken { name: Arc::clone(name), problems: Arc::clone(problems) }
                }
                None => {
                    self.told.remove(&id);
                    What::Removed
                }
            };
            changes.push(BookChange { id, key, what });
        }
        changes
    }

    /// The same, waiting at most so long for the first change.
    pub fn wait(&mut self, at_most: Duration) -> Vec<BookChange> {
        let waiting = self.slot.lock();
        drop(self.slot.filled.wait_timeout_while(waiting, at_most, |dirty| dirty.is_empty()));
        self.drain()
    }
}

/// Notes for every consumer that a profile has news. Takes the state's lock to let go of it before it wakes anyone, so
/// that who is woken may ask the book.
pub(super) fn tell(mut state: MutexGuard<'_, State>, id: ProfileId, key: &Arc<str>) {
    let mut woken = Vec::new();
    state.feeds.retain(|feed| {
        let Some(slot) = Weak::upgrade(feed) else { return false };
        slot.lock().insert((id, Arc::clone(key)));
        woken.push(slot);
        true
    });
    drop(state);
    for slot in woken {
        slot.filled.notify_all();
        (slot.wake)();
    }
}
