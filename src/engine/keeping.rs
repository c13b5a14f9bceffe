//! `history.toml` beside the profiles' folder: how long the history keeps what.
//!
//! Invariant: a mistake in it is told and nothing is let go by it, as what is gone does not come back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{DocumentMut, Item};

use crate::profile::parse_duration;
use crate::store::Retention;

/// The file's name in the folder of the configuration.
pub const FILE: &str = "history.toml";

/// More than this is no such file.
const MAX_BYTES: u64 = 64 * 1024;
/// Nothing is kept for less.
const LEAST: Duration = Duration::from_secs(3_600);
const LEAST_MEGABYTES: i64 = 16;

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct KeepingError {
    pub file: PathBuf,
    pub why: String,
}

impl KeepingError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "mend it, or remove it to keep events for 14d, five-minute sums for 90d and hourly ones for 1825d, in 4096 MB"
    }
}

/// What the file in that folder says; the defaults where there is none.
///
/// # Errors
/// It can't be read, or says what can't be.
pub fn load(config: &Path) -> Result<Retention, KeepingError> {
    let file = config.join(FILE);
    let wrong = |why: String| KeepingError { file: file.clone(), why };
    match std::fs::metadata(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Retention::default()),
        Err(error) => return Err(wrong(error.to_string())),
        Ok(found) if MAX_BYTES < found.len() => return Err(wrong("it is too large".into())),
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    parse(&text).map_err(wrong)
}

fn parse(text: &str) -> Result<Retention, String> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let mut keep = Retention::default();
    for (key, item) in document.iter() {
        match key {
            "events" => keep.events = duration(key, item)?,
            "five_minutes" => keep.five_minutes = duration(key, item)?,
            "hours" => keep.hours = duration(key, item)?,
            "megabytes" => {
                let megabytes = item.as_integer().filter(|megabytes| LEAST_MEGABYTES <= *megabytes);
                let megabytes = megabytes.and_then(|megabytes| u64::try_from(megabytes).ok());
                let bytes = megabytes.and_then(|megabytes| megabytes.checked_mul(1024 * 1024));
                keep.max_bytes = bytes.ok_or(format!("`{key}` has to be a number from {LEAST_MEGABYTES} on"))?;
            }
            _ => return Err(format!("`{key}` is no key of it; it has `events`, `five_minutes`, `hours`, `megabytes`")),
        }
    }
    Ok(keep)
}

fn duration(key: &str, item: &Item) -> Result<Duration, String> {
    let text = item.as_str().ok_or(format!("`{key}` has to be a time in quotes, as \"14d\""))?;
    let time = parse_duration(text).map_err(|error| format!("`{key}`: {error}"))?;
    if time < LEAST { Err(format!("`{key}` has to be at least \"1h\"")) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_leaves_out_is_as_without_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()).unwrap(), Retention::default());
        std::fs::write(folder.path().join(FILE), "events = \"2d\"\nmegabytes = 512\n").unwrap();
        let expected =
            Retention { events: Duration::from_secs(2 * 86_400), max_bytes: 512 * 1024 * 1024, ..Retention::default() };
        assert_eq!(load(folder.path()).unwrap(), expected);
    }

    #[test]
    fn a_mistake_names_the_file_and_the_key() {
        let folder = tempfile::tempdir().unwrap();
        for (text, named) in [
            ("events = 14", "`events` has to be a time in quotes"),
            ("events = \"14\"", "`events`: \"14\" has no unit"),
            ("hours = \"5m\"", "`hours` has to be at least \"1h\""),
            ("megabytes = 0", "`megabytes` has to be a number from 16 on"),
            ("evnts = \"14d\"", "`evnts` is no key of it"),
            ("events = ", "history.toml: "),
        ] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = load(folder.path()).unwrap_err();
            let said = error.to_string();
            assert!(said.contains("history.toml") && said.contains(named), "{text}: {said}");
            assert!(!error.hint().is_empty());
        }
    }
}
