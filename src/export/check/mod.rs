//! One check as it leaves the program: the document of `check --json`, and the steps that a person follows. The command line,
//! the window and the reports tell it from here.
//!
//! Invariant: names and words of the document are fixed; programs outside the crate read them.

pub mod document;
pub mod steps;

pub use document::{Document, document, ms};
pub use steps::{Came, Step, steps};

use crate::diagnosis::{CauseId, Diagnosis};
use crate::watch::{CheckReport, Code, Outcome};

/// What decides among several: the first that is not well.
pub fn deciding(reports: &[CheckReport]) -> Option<&CheckReport> {
    CheckReport::deciding(reports).and_then(|at| reports.get(at))
}

/// Every check came out well, and nothing speaks against it all the same. One that was slow alone, and quick when it was asked
/// again, is well.
pub fn is_healthy(diagnosis: &Diagnosis, reports: &[CheckReport]) -> bool {
    let slow = |report: &CheckReport| report.reason.as_ref().is_some_and(|reason| reason.code == Code::Slow);
    let well = |report: &CheckReport| report.outcome == Outcome::Up || slow(report);
    diagnosis.cause == Some(CauseId::Ok) && reports.iter().all(well)
}
