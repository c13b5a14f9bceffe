//! What takes time, away from the drawing thread: saving, exporting, file dialogs, the history.
//!
//! Invariants: both ways are bounded; a full queue is said, never waited for; every answer wakes the window once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::backend::{Backend, Edit, Edited, Export, Refused};
use super::settings::{Settings, SettingsError};
use super::vm::reproduce::{Found, Source};
use crate::base::{Clock, ProfileId, Secret};
use crate::engine::disk::Disk;
use crate::model::{Answer, Query};
use crate::serverconf::{self, Input, Reading};

const QUEUE: usize = 64;

/// What a file is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    Export(Export),
    Import,
    /// What a person told of: a HAR, a log, a saved command.
    Report,
    /// A server's configuration, held against that profile.
    Config(ProfileId),
}

impl Purpose {
    /// The dialog's title.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Import => "Import profiles",
            Self::Report => "Open a report",
            Self::Config(_) => "Read server configuration",
            Self::Export(Export::Figures { .. }) => "Save figures",
            Self::Export(Export::Report(_)) => "Save a report",
            Self::Export(Export::Events { .. } | Export::Text(_)) => "Export",
        }
    }
}

/// What is asked of the desk.
#[derive(Debug)]
enum Job {
    Edit(Edit),
    Text(ProfileId),
    Export(Export, PathBuf),
    Settings(Settings, PathBuf),
    Keep(Vec<(String, Secret)>),
    Config(ProfileId, PathBuf),
}

/// What the desk has to say.
#[derive(Debug)]
pub enum Notice {
    Edited(Result<Edited, Refused>),
    /// The text of a profile's file.
    Text(ProfileId, Result<String, String>),
    Exported(Result<String, String>),
    SettingsNotKept(SettingsError),
    /// Secrets went into the keyring, or why not.
    Kept(Result<String, String>),
    /// A report was read, or why it can't be.
    Read(Result<Box<Found>, String>),
    Answer(Answer),
    /// What a server's file says, for that profile.
    Config(ProfileId, PathBuf, Arc<Reading>),
    /// The person chose a file.
    Picked(Purpose, PathBuf),
    /// No file dialog on this machine: the path is to be typed. The second is the file's name to begin with.
    NoDialog(Purpose, String),
}

/// The desk's near side.
#[derive(Debug)]
pub struct Desk {
    jobs: SyncSender<Job>,
    queries: SyncSender<Query>,
    from: Receiver<Notice>,
    notices: SyncSender<Notice>,
    waker: Waker,
}

/// Wakes the window.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waker")
    }
}

impl Waker {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    pub fn wake(&self) {
        (self.0)();
    }
}

impl Desk {
    /// Starts the desk's two threads: one for what is saved, one for what is asked of the history, so that a long query
    /// holds no edit up. They end when the desk is dropped.
    pub fn start(backend: Arc<dyn Backend>, waker: Waker) -> std::io::Result<Self> {
        let (jobs, todo) = sync_channel::<Job>(QUEUE);
        let (queries, asked) = sync_channel::<Query>(QUEUE);
        let (notices, from) = sync_channel(QUEUE);
        let (back, tell, wake) = (Arc::clone(&backend), notices.clone(), waker.clone());
        std::thread::Builder::new().name("window desk".into()).spawn(move || {
            while let Ok(job) = todo.recv() {
                let notice = match job {
                    Job::Edit(edit) => Some(Notice::Edited(back.edit(edit))),
                    Job::Text(id) => Some(Notice::Text(id, back.profile_text(id))),
                    Job::Export(what, to) => Some(Notice::Exported(back.export(&what, &to))),
                    Job::Keep(secrets) => Some(Notice::Kept(back.keep(&secrets))),
                    Job::Config(id, path) => {
                        let inputs = [Input { path: path.clone(), form: None }];
                        Some(Notice::Config(id, path, Arc::new(serverconf::read(&inputs, &Disk))))
                    }
                    Job::Settings(settings, file) => settings.save(&file).err().map(Notice::SettingsNotKept),
                };
                // A closed channel: the window has gone, and what was asked for is done all the same.
                if notice.is_some_and(|notice| tell.send(notice).is_ok()) {
                    wake.wake();
                }
            }
        })?;
        let (tell, wake) = (notices.clone(), waker.clone());
        std::thread::Builder::new().name("window history".into()).spawn(move || {
            while let Ok(query) = asked.recv() {
                if tell.send(Notice::Answer(backend.ask(&query))).is_err() {
                    return;
                }
                wake.wake();
            }
        })?;
        Ok(Self { jobs, queries, from, notices, waker })
    }

    pub fn edit(&self, edit: Edit) -> Result<(), Busy> {
        self.put(Job::Edit(edit))
    }

    pub fn text(&self, id: ProfileId) -> Result<(), Busy> {
        self.put(Job::Text(id))
    }

    pub fn export(&self, what: Export, to: PathBuf) -> Result<(), Busy> {
        self.put(Job::Export(what, to))
    }

    /// Reads a server's configuration.
    pub fn config(&self, id: ProfileId, path: PathBuf) -> Result<(), Busy> {
        self.put(Job::Config(id, path))
    }

    pub fn save(&self, settings: Settings, file: PathBuf) -> Result<(), Busy> {
        self.put(Job::Settings(settings, file))
    }

    pub fn keep(&self, secrets: Vec<(String, Secret)>) -> Result<(), Busy> {
        self.put(Job::Keep(secrets))
    }

    /// Reads a report on a thread of its own: a large one holds no edit up.
    pub fn read(&self, source: Source) -> std::io::Result<()> {
        let (tell, wake) = (self.notices.clone(), self.waker.clone());
        let read = move || {
            if tell.send(Notice::Read(read(source))).is_ok() {
                wake.wake();
            }
        };
        std::thread::Builder::new().name("report".into()).spawn(read).map(drop)
    }

    /// Asks the history; a question that finds the queue full is asked again when it is still wanted.
    pub fn ask(&self, query: Query) {
        let _ = self.queries.try_send(query);
    }

    /// What has come in.
    pub fn try_recv(&self) -> Option<Notice> {
        self.from.try_recv().ok()
    }

    /// Opens the platform's file dialog on a thread of its own.
    pub fn pick(&self, purpose: Purpose, name: &str) {
        let (tell, wake, name) = (self.notices.clone(), self.waker.clone(), name.to_owned());
        let spawned = std::thread::Builder::new().name("file dialog".into()).spawn(move || {
            if let Some(notice) = dialog(purpose, &name)
                && tell.send(notice).is_ok()
            {
                wake.wake();
            }
        });
        // No thread to be had: the machine is at its limits, and the person sees that nothing opened.
        drop(spawned);
    }

    fn put(&self, job: Job) -> Result<(), Busy> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

/// The desk has more to do than it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The disk is not keeping up; that was not done. Try again in a moment.")]
pub struct Busy;

fn read(source: Source) -> Result<Box<Found>, String> {
    let found = match source {
        Source::Text(text) => Ok(Found::of_text(&text)),
        Source::File(path) => std::fs::File::open(&path)
            .and_then(Found::of_source)
            .map_err(|error| format!("{} can’t be read: {error}. Check the name and the permissions.", path.display())),
    };
    found.map(Box::new)
}

/// Nobody closes a dialog faster than this: one that comes back sooner never opened.
const NO_DIALOG: Duration = Duration::from_secs(1);

fn dialog(purpose: Purpose, name: &str) -> Option<Notice> {
    if !has_dialogs() {
        return Some(Notice::NoDialog(purpose, name.to_owned()));
    }
    let asked = Clock.mono();
    let dialog = rfd::FileDialog::new().set_title(purpose.title());
    let picked = match &purpose {
        Purpose::Import => dialog.add_filter("Profiles", &["toml"]).pick_file(),
        // A log and a `.env` have no ending to go by.
        Purpose::Report | Purpose::Config(_) => dialog.pick_file(),
        Purpose::Export(_) => dialog.set_file_name(name).save_file(),
    };
    match picked {
        Some(path) => Some(Notice::Picked(purpose, path)),
        None if Clock.mono().saturating_duration_since(asked) < NO_DIALOG => {
            Some(Notice::NoDialog(purpose, name.to_owned()))
        }
        None => None,
    }
}

/// Whether there can be a file dialog: on Linux it is the desktop portal's, over the session bus, or zenity's.
fn has_dialogs() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty())
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| PathBuf::from(dir).join("bus").exists());
    let zenity = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("zenity").is_file()));
    bus || zenity
}
