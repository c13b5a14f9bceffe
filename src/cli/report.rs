//! `--report FILE`: what was found, written to a file besides.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::fail;
use crate::export::report::{Format, Report};

/// What every command that finds something understands.
#[derive(Clone, Debug, Default, Args)]
pub struct ReportArg {
    /// Write a report to this file as well, to hand on: .html or .md
    #[arg(long, value_name = "FILE", value_parser = read)]
    report: Option<PathBuf>,
}

impl ReportArg {
    /// Writes it where it was asked for; else exit code 2 and why on standard error.
    pub(super) fn save(&self, report: impl FnOnce() -> Report) -> Result<(), ExitCode> {
        let Some(file) = &self.report else { return Ok(()) };
        report().save(file).map_err(|error| fail(&error.to_string(), "name a file in a folder that can be written"))
    }
}

/// As clap calls it: the ending says what to write.
fn read(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    Format::of(&path).map(|_| path.clone()).map_err(|error| error.to_string())
}
