//! Beginning anew: every profile goes into a backup beside the others, and the samples come.

use std::fs;
use std::path::PathBuf;

use super::{Book, BookError, files};

impl Book {
    /// Moves all profiles, broken ones too, into the folder `name` inside the book's own, which must not be there yet, and
    /// saves the samples if they are wanted. Answers with the backup's folder; `None` where there was nothing to keep.
    ///
    /// # Errors
    /// The backup can't be made; then the profiles are where they were.
    pub fn reset(&self, name: &str, samples: bool) -> Result<Option<PathBuf>, BookError> {
        self.rescan();
        let entries = self.entries();
        let backup = self.folder().join(name);
        if !entries.is_empty() {
            let _io = self.shared.io();
            let failed = |path: &PathBuf, error| BookError::Io { path: path.clone(), error };
            fs::create_dir(&backup).map_err(|error| failed(&backup, error))?;
            let mut moved = Vec::new();
            for entry in &entries {
                let Some(file) = entry.path.file_name() else { continue };
                let kept = backup.join(file);
                if let Err(error) = fs::rename(&entry.path, &kept) {
                    for (from, to) in moved.iter().rev() {
                        // What can't be moved back is in the backup, which the error's reader will look at.
                        let _ = fs::rename(to, from);
                    }
                    let _ = fs::remove_dir(&backup);
                    return Err(failed(&entry.path, error));
                }
                moved.push((entry.path.clone(), kept));
            }
            for entry in &entries {
                files::refresh(&self.shared, &entry.key, &entry.path);
            }
        }
        if samples {
            self.add_samples()?;
        }
        Ok((!entries.is_empty()).then_some(backup))
    }
}
