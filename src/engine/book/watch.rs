//! Watches the folder: at once where the system tells, by looking again now and then where it does not.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::files::{self, Depth, Missing};
use super::{Book, Shared};

/// How often the files' sizes and times are looked at, told or not: network folders tell nothing.
const LOOK: Duration = Duration::from_millis(700);
/// So long nothing must come before files are read: who writes in pieces is left to finish.
const QUIET: Duration = Duration::from_millis(40);
/// A flood of changes is not waited out for longer than so many pieces.
const PIECES: usize = 10;

impl Book {
    /// Takes up outside edits from now on, within a second. A second call does nothing.
    pub fn watch(&self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_some() {
            return;
        }
        // One waiting tick is enough: whoever takes it reads everything.
        let (tick, ticks) = sync_channel(1);
        let (shared, told) = (Arc::downgrade(&self.shared), tick.clone());
        // Here and not in the thread: an edit right after this call is seen at once.
        let watcher = watcher_of(&self.shared, tick.clone());
        let thread = std::thread::Builder::new().name("profiles".into());
        if thread.spawn(move || run(&shared, watcher, &told, &ticks)).is_ok() {
            *watching = Some(tick);
        }
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        let watching = self.watching.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(tick) = watching.take() {
            // Full: it wakes up anyway.
            let _ = tick.try_send(());
        }
    }
}

fn run(shared: &Weak<Shared>, mut watcher: Option<RecommendedWatcher>, tick: &SyncSender<()>, ticks: &Receiver<()>) {
    let mut missing = Missing::patient();
    loop {
        if watcher.is_none() {
            let Some(shared) = shared.upgrade() else { return };
            watcher = watcher_of(&shared, tick.clone());
        }
        let wait = if missing.is_unsure() { 2 * QUIET } else { LOOK };
        let depth = match ticks.recv_timeout(wait) {
            Ok(()) => {
                for _ in 0..PIECES {
                    if ticks.recv_timeout(QUIET).is_err() {
                        break;
                    }
                }
                Depth::EveryFile
            }
            Err(RecvTimeoutError::Timeout) => Depth::Touched,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(shared) = shared.upgrade() else { return };
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        let _io = shared.io();
        files::scan(&shared, depth, &mut missing);
        if shared.lock().folder_problem.is_some() {
            // The folder may be made anew; what the system watched then is another.
            watcher = None;
        }
    }
}

/// The system's own notice of changes, if it has one for this folder.
fn watcher_of(shared: &Shared, tick: SyncSender<()>) -> Option<RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // Reading is no change; otherwise each scan would call for the next.
        let only_read = event.is_ok_and(|event| {
            event.kind.is_access() && event.kind != EventKind::Access(AccessKind::Close(AccessMode::Write))
        });
        if !only_read {
            let _ = tick.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    watcher.watch(&shared.folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}
