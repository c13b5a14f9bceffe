//! What the lab's connections share: counters for the faults that have a memory, the sessions of `/login`, and a bounded
//! record of the requests that came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Seen;
use super::conn::Head;
use super::script::Script;
use crate::base::{Clock, Ring};

/// How many keys may have a memory at once; beyond it all of them forget.
const MAX_KEYS: usize = 10_000;
/// How many requests are remembered.
const MAX_SEEN: usize = 1000;

pub(super) struct Shared {
    clock: Clock,
    /// The session cookie's value: another one in each lab, and after each [`Shared::end_sessions`].
    session: watch::Sender<String>,
    inner: Mutex<Inner>,
}

struct Inner {
    keys: HashMap<String, Memory>,
    seen: Ring<Seen>,
}

/// What one key remembers.
#[derive(Default)]
struct Memory {
    /// When the requests within the limit's window came.
    recent: VecDeque<Instant>,
    first: Option<Instant>,
    count: u64,
}

/// What the memory says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Serve,
    /// Over the limit; the earliest time at which another request passes.
    Limited {
        retry: Duration,
    },
    /// One of the first, which are to fail.
    FailFirst,
    /// In the down part of its outage's cycle.
    Down,
}

impl Shared {
    pub fn new() -> Self {
        Self {
            clock: Clock,
            session: watch::Sender::new(new_session()),
            inner: Mutex::new(Inner { keys: HashMap::new(), seen: Ring::new(MAX_SEEN) }),
        }
    }

    pub fn session(&self) -> String {
        self.session.borrow().clone()
    }

    /// Whoever is signed in is so no longer.
    pub fn end_sessions(&self) {
        self.session.send_replace(new_session());
    }

    /// Changes when [`Shared::end_sessions`] is called.
    pub fn sessions(&self) -> watch::Receiver<String> {
        self.session.subscribe()
    }

    pub fn note(&self, head: &Head, tls: bool, http2: bool) {
        let seen = Seen {
            method: head.method.clone(),
            target: head.target.clone(),
            headers: head.headers.clone(),
            body: head.body.clone(),
            tls,
            http2,
        };
        self.lock().seen.push(seen);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.iter().cloned().collect()
    }

    /// Counts the request under its key, and says how it stands and which number it has (from 0). `opens`: the limits are
    /// meant for it.
    pub fn count(&self, script: &Script, path: &str, opens: bool) -> (Standing, u64) {
        let now = self.clock.mono();
        let mut inner = self.lock();
        if MAX_KEYS <= inner.keys.len() {
            inner.keys.clear();
        }
        let key = script.key.as_deref().unwrap_or(path);
        if !inner.keys.contains_key(key) {
            inner.keys.insert(key.to_owned(), Memory::default());
        }
        let Some(memory) = inner.keys.get_mut(key) else { return (Standing::Serve, 0) };
        let number = memory.count;
        memory.count += 1;
        let first = *memory.first.get_or_insert(now);
        if let Some((up, down)) = script.outage
            && left_of_up(now - first, up, down).is_none()
        {
            return (Standing::Down, number);
        }
        if !opens {
            return (Standing::Serve, number);
        }
        if number < u64::from(script.fail_first) {
            return (Standing::FailFirst, number);
        }
        if let Some((limit, window)) = script.limit {
            while memory.recent.front().is_some_and(|at| window <= now - *at) {
                memory.recent.pop_front();
            }
            if limit as usize <= memory.recent.len() {
                let retry = memory.recent.front().map_or(window, |at| window.saturating_sub(now - *at));
                return (Standing::Limited { retry }, number);
            }
            memory.recent.push_back(now);
        }
        (Standing::Serve, number)
    }

    /// How long this key's cycle stays up from now.
    pub fn up_for(&self, script: &Script, path: &str) -> Option<Duration> {
        let (up, down) = script.outage?;
        let now = self.clock.mono();
        let key = script.key.as_deref().unwrap_or(path);
        let first = self.lock().keys.get(key).and_then(|memory| memory.first).unwrap_or(now);
        Some(left_of_up(now - first, up, down).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_session() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

/// What is left of the up part `since` the cycle's first start; `None` in the down part.
fn left_of_up(since: Duration, up: Duration, down: Duration) -> Option<Duration> {
    let cycle = (up + down).as_nanos().max(1);
    let at = Duration::from_nanos(u64::try_from(since.as_nanos() % cycle).unwrap_or(0));
    (at < up).then(|| up - at)
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    #[test]
    fn a_limit_counts_for_each_key_on_its_own() {
        let shared = Shared::new();
        let script = parse("limit=2/1h").unwrap();
        let standing = |path| shared.count(&script, path, true).0;
        assert_eq!([standing("/a"), standing("/a")], [Standing::Serve; 2]);
        assert!(matches!(standing("/a"), Standing::Limited { .. }));
        assert_eq!(standing("/b"), Standing::Serve);
    }

    #[test]
    fn the_first_so_many_fail() {
        let shared = Shared::new();
        let script = parse("fail-first=1&key=k").unwrap();
        assert_eq!(shared.count(&script, "/a", true), (Standing::FailFirst, 0));
        assert_eq!(shared.count(&script, "/b", true), (Standing::Serve, 1));
    }

    #[test]
    fn an_outage_comes_round() {
        let secs = Duration::from_secs;
        assert_eq!(left_of_up(secs(0), secs(8), secs(4)), Some(secs(8)));
        assert_eq!(left_of_up(secs(9), secs(8), secs(4)), None);
        assert_eq!(left_of_up(secs(13), secs(8), secs(4)), Some(secs(7)));
    }
}
