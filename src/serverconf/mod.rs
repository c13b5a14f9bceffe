//! Layer 2: server configuration, read as the server would: who would be let in, and what is wrong.
//!
//! - `source`, `finding`, `policy`: a file's text, what is wrong where, who is let in by what.
//! - `origin`, `pattern`, `list`: one entry of a list of origins, an expression over them, the forms a list may have.
//! - `dotenv`, `env`: the grammar of `.env`, and what the variables of the three stacks mean.
//! - `tree`, `nginx`, `apache`, `proxy`: blocks and the files that they take in, what the two make of them, and what they have
//!   in common.
//! - `observed`, `profiles`: configured against observed, and profiles that watch what is configured.
//!
//! Invariants: files come through [`Files`], so nothing here opens one; what is held of them is bounded by [`MAX_FILE`] and
//! [`MAX_TOTAL`]. Findings are in the order of the files and stand at the line that a person would change.

pub mod apache;
pub mod dotenv;
pub mod env;
pub mod finding;
pub mod list;
pub mod nginx;
pub mod observed;
pub mod origin;
pub mod pattern;
pub mod policy;
mod profiles;
mod proxy;
pub mod source;
pub mod tree;

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
pub use tree::Reader;

/// The most that all files together may have, in bytes.
pub const MAX_TOTAL: usize = 16 << 20;

/// The most that is shown of a line, in bytes.
pub const MAX_SHOWN: usize = 1000;

/// How much of a file is looked at to tell what it is, in bytes.
const FIRST_LINES: usize = 64 << 10;

/// Directives by which Apache's files are known.
const APACHE: &[&str] = &[
    "Header",
    "ProxyPass",
    "ProxyPreserveHost",
    "RewriteEngine",
    "RewriteRule",
    "ServerName",
    "SetEnvIf",
    "LoadModule",
    "Listen",
];

/// In which language a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Env,
    Nginx,
    Apache,
}

impl Form {
    /// What a file's name says; `None` where it says nothing.
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name == "env" || name.starts_with(".env") || name.ends_with(".env") || name.starts_with("env.") {
            return Some(Self::Env);
        }
        let is_apache = ["apache", "httpd", ".htaccess"].iter().any(|word| name.contains(word));
        match () {
            () if name.contains("nginx") => Some(Self::Nginx),
            () if is_apache => Some(Self::Apache),
            () => None,
        }
    }

    /// What the first lines look like, where the name says nothing.
    pub fn of_text(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take(40);
        let is_assignment = |line: &&str| {
            let name = line.trim_start_matches("export ").split_once('=').map(|(name, _)| name.trim_end());
            name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        };
        let is_apache = |line: &str| {
            let name = line.split_whitespace().next().unwrap_or_default();
            line.starts_with('<') || APACHE.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        let mut counts = [(0, Self::Env), (0, Self::Nginx), (0, Self::Apache)];
        for line in lines {
            let which = match line {
                line if is_assignment(&line) => 0,
                line if line.ends_with([';', '{', '}']) => 1,
                line if is_apache(line) => 2,
                _ => continue,
            };
            counts[which].0 += 1;
        }
        let most = counts.into_iter().max_by_key(|(count, _)| *count);
        most.filter(|(count, _)| 0 < *count).map(|(_, form)| form)
    }
}

/// Where files come from: a disk, or a test's table.
pub trait Files {
    /// The first `most` bytes of a file and, where there are more, at least one more.
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>>;
    /// The names in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Whether there is a file of that name.
    fn is_there(&self, path: &Path) -> bool;
    /// A variable of the process's environment.
    fn variable(&self, name: &str) -> Option<String>;
}

/// A file to be read.
#[derive(Clone, Debug)]
pub struct Input {
    pub path: PathBuf,
    /// `None`: told by its name, or by its first lines.
    pub form: Option<Form>,
}

/// What the files come to.
#[derive(Debug, Default)]
pub struct Reading {
    pub policy: Policy,
    pub addresses: Addresses,
    /// Servers of a proxy through which sockets go.
    pub sites: Vec<nginx::Site>,
    pub findings: Vec<Finding>,
    /// Files that could not be read whole: what is said above leaves them out.
    pub problems: Vec<Problem>,
    sources: Vec<Arc<Source>>,
    /// Files whose values may be secrets.
    hidden: Vec<Arc<Path>>,
}

impl Reading {
    /// The line that a place stands on, the first [`MAX_SHOWN`] bytes of it. Of a `.env`, values that are not understood here stay hidden: they may be secrets.
    pub fn line(&self, place: &Place) -> String {
        let source = self.sources.iter().find(|source| Arc::ptr_eq(source.path(), &place.file));
        let line = source.map(|source| source.line(place.line)).unwrap_or_default();
        let line = &line[..line.floor_char_boundary(MAX_SHOWN)];
        let hidden = self.hidden.iter().any(|path| Arc::ptr_eq(path, &place.file));
        let line = if hidden { env::shown(line) } else { proxy::shown(line) };
        origin::without_password(&line)
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Reads the files together: first what says how the applications are configured, then what stands before them.
pub fn read(inputs: &[Input], files: &dyn Files) -> Reading {
    let mut reading = Reading::default();
    let mut reader = Reader::new(files, MAX_TOTAL);
    let mut proxies: Vec<(&Input, Form)> = Vec::new();
    for input in inputs {
        match form(input, files) {
            Ok(Form::Env) => match reader.file(&input.path, Encoding::Utf8, |_, source| Ok(Arc::clone(source))) {
                Ok(source) => reading.hidden.push(Arc::clone(source.path())),
                Err(problem) => reading.problems.push(problem),
            },
            Ok(form) => proxies.push((input, form)),
            Err(problem) => reading.problems.push(problem),
        }
    }
    let envs: Vec<&Source> = reader.sources.iter().map(Arc::as_ref).collect();
    let mut app = env::read(&envs, &|name| files.variable(name));
    reading.findings = std::mem::take(&mut app.findings);
    for (input, form) in proxies {
        let read = match form {
            Form::Apache => {
                apache::read(&mut reader, &input.path, &app).map(|read| (read.guards, read.findings, read.sites))
            }
            Form::Nginx | Form::Env => {
                nginx::read(&mut reader, &input.path, &app).map(|read| (read.guards, read.findings, read.sites))
            }
        };
        match read {
            Ok((guards, findings, sites)) => {
                reading.policy.guards.extend(guards);
                reading.findings.extend(findings);
                reading.sites.extend(sites);
            }
            Err(problem) => reading.problems.push(problem),
        }
    }
    reading.policy.guards.splice(0..0, app.policy.guards);
    reading.policy.socketio = app.policy.socketio;
    reading.addresses = app.addresses;
    reading.findings.append(&mut reader.found);
    reading.sources = reader.sources;
    reading.findings.extend(reading.sources.iter().filter_map(|source| disabled(source)));
    settle(&mut reading.findings, &reading.sources);
    reading
}

/// The advice that makes a developer's browser blind, wherever it stands.
fn disabled(source: &Source) -> Option<Finding> {
    const FLAG: &str = "--disable-web-security";
    let at = source.text().find(FLAG)?;
    let text = "a browser without the same-origin policy proves nothing, and lets every site read every other";
    let finding = Finding::new(Rule::WebSecurityDisabled, Severity::Warning, source.place(at..at + FLAG.len()), text);
    Some(finding.instead("the page's origin in the server's list"))
}

/// As said, by its name, or by its first lines.
fn form(input: &Input, files: &dyn Files) -> Result<Form, Problem> {
    if let Some(form) = input.form.or_else(|| Form::of_name(&input.path)) {
        return Ok(form);
    }
    let problem = |message: &str, hint: &str| source::problem(&input.path, None, message, hint);
    let bytes = files
        .read(&input.path, FIRST_LINES)
        .map_err(|error| problem(&format!("it can't be read: {error}"), "name a file that is there"))?;
    Form::of_text(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| problem("neither its name nor its first lines say what it is", "say it with --as"))
}

/// In the order of the files, none twice.
fn settle(findings: &mut Vec<Finding>, sources: &[Arc<Source>]) {
    let order = |place: &Place| sources.iter().position(|source| Arc::ptr_eq(source.path(), &place.file));
    let key = |finding: &Finding| {
        let Finding { at, severity, rule, .. } = finding;
        (order(at), at.line, at.column, Reverse(*severity), *rule)
    };
    findings.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text)));
    findings.dedup();
}

#[cfg(test)]
mod tests;
