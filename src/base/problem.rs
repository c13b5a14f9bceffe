//! Mistakes in what a person wrote, collected so that all of them are told at once.

use std::fmt;
use std::path::PathBuf;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Usable, but probably not what was meant.
    Warning,
    /// Not usable until changed.
    Error,
}

/// One mistake: where it is, what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// The file, where it came from one.
    pub file: Option<PathBuf>,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Dotted key (`reconnect.delay`), where one is concerned.
    pub key: Option<String>,
    /// What is wrong, a sentence without its full stop.
    pub message: String,
    /// What to write in its place.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    /// `file:line: message (hint)`, the form that editors jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        } else if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_file_line_message_and_hint() {
        let problem = Problem {
            severity: Severity::Error,
            file: Some("chat.toml".into()),
            line: Some(3),
            key: Some("pagee".into()),
            message: "unknown key `pagee`".into(),
            hint: Some("did you mean `page`?".into()),
        };
        assert_eq!(problem.to_string(), "chat.toml:3: unknown key `pagee` (did you mean `page`?)");
    }
}
