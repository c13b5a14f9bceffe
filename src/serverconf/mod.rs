//! Layer 2: server configuration, read as the server would: who would be let in, and what is wrong.
//!
//! - `source`, `finding`, `policy`: a file's text, what is wrong where, who is let in by what.
//! - `origin`, `pattern`, `list`: one entry of a list of origins, an expression over them, the forms a list may have.
//! - `dotenv`, `env`: the grammar of `.env`, and what the variables of the three stacks mean.
//! - `observed`, `profiles`: configured against observed, and profiles that watch what is configured.
//!
//! Invariants: files come through [`Files`], so nothing here opens one; what is held of them is bounded by [`MAX_FILE`] and
//! [`MAX_TOTAL`]. Findings are in the order of the files and stand at the line that a person would change.

pub mod dotenv;
pub mod env;
pub mod finding;
pub mod list;
pub mod observed;
pub mod origin;
pub mod pattern;
pub mod policy;
mod profiles;
pub mod source;

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::Problem;

pub use env::Addresses;
pub use finding::{Finding, Rule, Severity};
pub use observed::{Observed, compare};
pub use policy::{Allowed, Guard, Guarded, Origins, Policy, SocketIo, Which};
pub use source::{Encoding, MAX_FILE, Place, Source};

/// The most that all files together may have, in bytes.
pub const MAX_TOTAL: usize = 16 << 20;

/// In which language a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Env,
}

impl Form {
    /// What a file's name says; `None` where it says nothing.
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let is_env = name == "env" || name.starts_with(".env") || name.ends_with(".env") || name.starts_with("env.");
        is_env.then_some(Self::Env)
    }
}

/// Where files come from: a disk, or a test's table.
pub trait Files {
    /// The first `most` bytes of a file and, where there are more, at least one more.
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>>;
    /// A variable of the process's environment.
    fn variable(&self, name: &str) -> Option<String>;
}

/// A file to be read.
#[derive(Clone, Debug)]
pub struct Input {
    pub path: PathBuf,
    /// `None`: told by its name.
    pub form: Option<Form>,
}

/// What the files come to.
#[derive(Debug, Default)]
pub struct Reading {
    pub policy: Policy,
    pub addresses: Addresses,
    pub findings: Vec<Finding>,
    /// Files that could not be read whole: what is said above leaves them out.
    pub problems: Vec<Problem>,
    sources: Vec<Source>,
}

impl Reading {
    /// The line that a place stands on. Of a `.env`, values that are not understood here stay hidden: they may be secrets.
    pub fn line(&self, place: &Place) -> String {
        let source = self.sources.iter().find(|source| Arc::ptr_eq(source.path(), &place.file));
        let line = source.map(|source| source.line(place.line)).unwrap_or_default();
        origin::without_password(&env::shown(line))
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Reads the files together.
pub fn read(inputs: &[Input], files: &dyn Files) -> Reading {
    let mut reading = Reading::default();
    let mut room = MAX_TOTAL;
    for input in inputs {
        match open(input, files, room) {
            Ok(source) => {
                room = room.saturating_sub(source.text().len());
                reading.sources.push(source);
            }
            Err(problem) => reading.problems.push(problem),
        }
    }
    let envs: Vec<&Source> = reading.sources.iter().collect();
    let environment = env::read(&envs, &|name| files.variable(name));
    reading.policy = environment.policy;
    reading.addresses = environment.addresses;
    reading.findings = environment.findings;
    settle(&mut reading.findings, &reading.sources);
    reading
}

fn open(input: &Input, files: &dyn Files, room: usize) -> Result<Source, Problem> {
    let problem = |message: &str, hint: &str| source::problem(&input.path, None, message, hint);
    if input.form.or_else(|| Form::of_name(&input.path)).is_none() {
        return Err(problem("its name doesn't say what it is", "say it with --as"));
    }
    let most = MAX_FILE.min(room);
    let bytes = files
        .read(&input.path, most)
        .map_err(|error| problem(&format!("it can't be read: {error}"), "name a file that is there"))?;
    if room < bytes.len() && bytes.len() <= MAX_FILE {
        let message = format!("with it the files are larger than {} MiB together", MAX_TOTAL >> 20);
        return Err(problem(&message, "name fewer files"));
    }
    Source::new(&input.path, &bytes, Encoding::Utf8)
}

/// In the order of the files, none twice.
fn settle(findings: &mut Vec<Finding>, sources: &[Source]) {
    let order = |place: &Place| sources.iter().position(|source| Arc::ptr_eq(source.path(), &place.file));
    findings.sort_by_key(|finding| {
        let Finding { at, severity, rule, .. } = finding;
        (order(at), at.line, at.column, Reverse(*severity), *rule)
    });
    findings.dedup();
}

#[cfg(test)]
mod tests;
