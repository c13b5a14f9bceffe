//! What was found, as a file to hand on: Markdown, or HTML that needs nothing but itself.
//!
//! Invariants: a report holds nothing that its check doesn't (whose secrets were replaced when it was made); text that came from
//! a server stays text in every form; what is long is bounded.

mod audit;
mod block;
mod check;
mod compare;
mod explain;
mod html;
mod markdown;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use self::block::Block;
use crate::profile::Profile;
use crate::watch::{CheckReport, State};

/// A report's last line.
const MADE_BY: &str = concat!("Made by wirewatch ", env!("CARGO_PKG_VERSION"), ". Secrets are replaced.");

/// A check as it is reported; everything has its secrets replaced.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    pub profile: &'a Profile,
    pub url: &'a str,
    /// What the verdict is about.
    pub deciding: &'a CheckReport,
    /// All, where there was more than one connection.
    pub reports: &'a [CheckReport],
}

/// What is reported, whatever it is written as.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    title: String,
    /// Whose shape and colour the verdict has.
    state: State,
    /// It works, and not as it should.
    degraded: bool,
    /// The verdict in a few words.
    word: String,
    /// The verdict as a sentence.
    sentence: String,
    blocks: Vec<Block>,
}

impl Report {
    /// With sentences of another source at its end, where there are any.
    pub fn and(mut self, title: &str, sentences: &[String]) -> Self {
        if !sentences.is_empty() {
            self.blocks.extend([Block::Heading(title.to_owned()), Block::List(sentences.to_vec())]);
        }
        self
    }

    /// CommonMark, with GitHub's tables.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// One file: no script, no resource from elsewhere.
    pub fn html(&self) -> String {
        html::write(self)
    }

    /// Writes the file whole, in the form that its ending names, or leaves what is there as it is.
    pub fn save(&self, path: &Path) -> Result<(), ReportError> {
        let text = match Format::of(path)? {
            Format::Markdown => self.markdown(),
            Format::Html => self.html(),
        };
        let written = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut builder = tempfile::Builder::new();
            builder.prefix(".wirewatch-").suffix(".tmp");
            #[cfg(unix)]
            builder.permissions(<std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644));
            let mut temporary = builder.tempfile_in(folder)?;
            temporary.write_all(text.as_bytes())?;
            temporary.as_file().sync_all()?;
            temporary.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(|error| ReportError::Io { path: path.to_owned(), error })
    }

    /// The colours' name.
    fn tone(&self) -> &'static str {
        if self.degraded { "degraded" } else { self.state.code() }
    }
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Html,
}

impl Format {
    /// By the file's ending: `.md`, `.markdown`, `.html`, `.htm`.
    pub fn of(path: &Path) -> Result<Self, ReportError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "md" | "markdown" => Ok(Self::Markdown),
            "html" | "htm" => Ok(Self::Html),
            _ => Err(ReportError::Ending(path.to_owned())),
        }
    }
}

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("a report's file ends in .html or .md, which {} doesn't", .0.display())]
    Ending(PathBuf),
    #[error("{} can't be written: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
}
