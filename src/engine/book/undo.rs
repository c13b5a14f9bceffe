//! Undoing: each operation remembers what its files held before and after it.

use std::path::PathBuf;

use super::disk::{self, Version};
use super::ops::BookError;
use super::{Book, files};

/// One operation's files.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    /// What was done, as the window says it: `remove "Sales chat"`.
    pub label: String,
    pub steps: Vec<Step>,
}

/// One file: `None` where there was, or is, none.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub key: String,
    pub path: PathBuf,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Book {
    /// What [`undo`](Self::undo) would take back.
    pub fn undo_label(&self) -> Option<String> {
        self.shared.lock().undo.last().map(|undo| undo.label.clone())
    }

    /// Takes the last operation back and says what it was; `None` where there is nothing to take back.
    ///
    /// # Errors
    /// A file was changed outside meanwhile, or can't be written. What was done to the other files of the operation is
    /// taken back; the operation is forgotten.
    pub fn undo(&self) -> Result<Option<String>, BookError> {
        let _io = self.shared.io();
        let Some(undo) = self.shared.lock().undo.pop() else { return Ok(None) };
        let mut result = Ok(());
        for step in undo.steps.iter().rev() {
            let done = match (&step.before, &step.after) {
                (Some(before), Some(after)) => disk::replace(&step.path, before, Version::of(after.as_bytes())),
                (Some(before), None) => disk::create(&step.path, before),
                (None, Some(after)) => disk::remove(&step.path, Version::of(after.as_bytes())),
                (None, None) => Ok(()),
            };
            if let Err(error) = done {
                result = Err(BookError::not_written(&step.path, error));
            }
            files::refresh(&self.shared, &step.key, &step.path);
        }
        result.map(|()| Some(undo.label))
    }
}
