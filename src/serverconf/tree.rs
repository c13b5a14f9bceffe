//! A configuration of nested blocks, nginx's or Apache's, and the files that it takes in.
//!
//! Invariants: no deeper than [`MAX_DEPTH`], no more than [`MAX_NODES`] directives; a file is never inside itself.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::finding::{Finding, Rule, Severity};
use super::source::{Encoding, MAX_FILE, Place, Source, problem};
use super::{Files, MAX_TOTAL};
use crate::base::Problem;

/// How deep blocks and files may stand in each other.
pub const MAX_DEPTH: usize = 32;
/// How many directives there may be in all.
pub const MAX_NODES: usize = 100_000;
/// How many files may be taken in.
const MAX_FILES: usize = 512;

/// One directive, with a block or without.
#[derive(Debug)]
pub struct Node {
    pub name: String,
    pub args: Vec<Word>,
    pub block: Option<Vec<Node>>,
    pub source: Arc<Source>,
    pub name_at: Range<usize>,
}

#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub at: Range<usize>,
}

impl Node {
    /// Lower case where names don't mind: nginx's do, Apache's don't.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", |word| word.text.as_str())
    }

    /// Its first word.
    pub fn at(&self) -> Place {
        self.source.place(self.name_at.clone())
    }

    /// One of its arguments; its name where there is none.
    pub fn arg_at(&self, index: usize) -> Place {
        self.source.place(self.args.get(index).map_or_else(|| self.name_at.clone(), |word| word.at.clone()))
    }

    pub fn block(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }

    pub fn finding(&self, rule: Rule, severity: Severity, text: impl Into<String>) -> Finding {
        Finding::new(rule, severity, self.at(), text)
    }
}

/// What is shared by all files of one reading.
pub struct Reader<'a> {
    pub files: &'a dyn Files,
    pub sources: Vec<Arc<Source>>,
    pub found: Vec<Finding>,
    /// Bytes that may still be read.
    room: usize,
    nodes: usize,
    /// The files that are being read, outermost first.
    open: Vec<PathBuf>,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a dyn Files, room: usize) -> Self {
        Self { files, sources: Vec::new(), found: Vec::new(), room, nodes: 0, open: Vec::new() }
    }

    pub fn room(&self) -> usize {
        self.room
    }

    /// Counts a directive.
    pub fn count(&mut self, source: &Source, at: usize) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("there are more than {MAX_NODES} directives, the most that is read");
        Err(problem(source.path(), Some(source.place(at..at).line), &message, "name a part of the configuration"))
    }

    /// Reads one file by `parse`, which may come back here for the files that it takes in.
    pub fn file<T>(
        &mut self,
        path: &Path,
        encoding: Encoding,
        parse: impl FnOnce(&mut Self, &Arc<Source>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let fail = |message: String, hint: &str| Err(problem(path, None, &message, hint));
        let most = MAX_FILE.min(self.room);
        let bytes = match self.files.read(path, most) {
            Ok(bytes) => bytes,
            Err(error) => return fail(format!("it can't be read: {error}"), "name a file that is there"),
        };
        if self.room < bytes.len() && bytes.len() <= MAX_FILE {
            return fail(
                format!("with it the files are larger than {} MiB together", MAX_TOTAL >> 20),
                "name fewer files",
            );
        }
        let source = Arc::new(Source::new(path, &bytes, encoding)?);
        self.room -= bytes.len().min(self.room);
        self.sources.push(Arc::clone(&source));
        self.open.push(path.to_owned());
        let parsed = parse(self, &source);
        self.open.pop();
        parsed
    }

    /// The files that a directive takes in, in the order of their names. A name without a root stands beside the first file,
    /// or where that one's folder lies in another (`sites-enabled/app` in `/etc/nginx`) above it.
    ///
    /// # Errors
    /// A file inside itself, or more files than there may be.
    pub fn included(&mut self, node: &Node, pattern: &str, quiet: bool) -> Result<Vec<PathBuf>, Problem> {
        let first = self.open.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).to_owned();
        let bases: Vec<PathBuf> = if Path::new(pattern).is_absolute() {
            vec![PathBuf::new()]
        } else {
            first.ancestors().take(3).map(Path::to_owned).collect()
        };
        let found = bases.iter().map(|base| self.matching(&base.join(pattern))).find(|found| !found.is_empty());
        let found = found.unwrap_or_default();
        if found.is_empty() && !quiet && !is_glob(pattern) {
            let text = format!("`{pattern}` is not here: what it says is left out");
            self.found.push(node.finding(Rule::IncludeNotRead, Severity::Note, text));
        }
        let line = Some(node.at().line);
        for path in &found {
            if self.open.contains(path) {
                let message = format!("`{}` takes itself in", path.display());
                return Err(problem(node.source.path(), line, &message, "take the line out"));
            }
        }
        if MAX_DEPTH <= self.open.len() || MAX_FILES < self.sources.len() + found.len() {
            let message = format!("more than {MAX_FILES} files, or files {MAX_DEPTH} deep in each other");
            return Err(problem(node.source.path(), line, &message, "name a part of the configuration"));
        }
        Ok(found)
    }

    /// The files that fit a path with `*`, `?` and `[…]` in its components.
    fn matching(&self, pattern: &Path) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::new()];
        for component in pattern.components() {
            let part = component.as_os_str().to_string_lossy();
            if let Component::Normal(_) = component
                && is_glob(&part)
            {
                let mut fitting = Vec::new();
                for folder in &found {
                    let mut names = self.files.list(folder).unwrap_or_default();
                    names.retain(|name| fits(part.as_bytes(), name.as_bytes()) && !name.starts_with('.'));
                    names.sort();
                    fitting.extend(names.into_iter().take(MAX_FILES).map(|name| folder.join(name)));
                }
                found = fitting;
            } else {
                found.iter_mut().for_each(|path| path.push(component));
            }
            found.truncate(MAX_FILES);
        }
        found.retain(|path| self.files.is_there(path));
        found
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether a name fits a pattern of [`glob(7)`](https://man7.org/linux/man-pages/man7/glob.7.html), in time that is no more than
/// the product of their lengths.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => set(&pattern[p..], name[n]),
            Some(letter) if *letter == name[n] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((after, from))) => {
                (p, n) = (after, from + 1);
                star = Some((after, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

/// The length of a set that has the letter.
fn set(pattern: &[u8], letter: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if negated { 2 } else { 1 };
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == b']')?;
    let letters = &pattern[start..end];
    let has = letters.contains(&letter)
        || letters.windows(3).any(|range| range[1] == b'-' && (range[0]..=range[2]).contains(&letter));
    (has != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_as_the_shell_has_them() {
        for (pattern, name) in
            [("*.conf", "a.conf"), ("a?c", "abc"), ("[a-c]1", "b1"), ("[!a]", "b"), ("*a*b*", "xxaxxbxx"), ("*", "")]
        {
            assert!(fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.conf", "a.conf~"), ("a?c", "ac"), ("[a-c]1", "d1"), ("[!a]", "a"), ("a*b", "a"), ("[a", "a")]
        {
            assert!(!fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200);
        assert!(!fits(pattern.as_bytes(), "a".repeat(199).as_bytes()));
    }
}
