//! One check as it leaves the program: the document of `check --json`, and the steps that a person follows. The command line,
//! the window and the reports tell it from here.
//!
//! Invariant: names and words of the document are fixed; programs outside the crate read them.

pub mod document;
pub mod steps;

pub use document::{Document, document, ms};
pub use steps::{Came, Step, steps};

use crate::diagnosis::{CauseId, Diagnosis};
use crate::watch::{CheckReport, Outcome};

/// What decides among several: the first that is not well.
pub fn deciding(reports: &[CheckReport]) -> Option<&CheckReport> {
    reports.iter().find(|report| report.outcome != Outcome::Up).or_else(|| reports.first())
}

/// Every check came out well, and nothing speaks against it all the same.
pub fn is_healthy(diagnosis: &Diagnosis, reports: &[CheckReport]) -> bool {
    diagnosis.cause == Some(CauseId::Ok) && reports.iter().all(|report| report.outcome == Outcome::Up)
}
