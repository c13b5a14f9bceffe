//! `wirewatch lint`: server configuration as the server would read it, who would be let in, and what is wrong.

mod disk;
mod json;
mod text;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{USAGE, fail};
use crate::serverconf::{self, Form, Input, Reading, Severity};

/// Read server configuration as the server would: which origins would be allowed, and what is wrong
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch lint .env\n  \
    wirewatch lint backend/.env frontend/.env /etc/nginx/nginx.conf --json\n  \
    wirewatch lint settings.txt --as env\n\n\
    Exit code: 0 nothing wrong, 1 something is, 2 a file could not be read.")]
pub struct LintArgs {
    /// The files, which are read together
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What the files are, where their names don't say it
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<FormArg>,

    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArg {
    Env,
    Nginx,
    Apache,
}

impl From<FormArg> for Form {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Env => Self::Env,
            FormArg::Nginx => Self::Nginx,
            FormArg::Apache => Self::Apache,
        }
    }
}

/// Runs the command.
pub fn run(args: &LintArgs) -> ExitCode {
    let input = |path: &PathBuf| Input { path: path.clone(), form: args.form.map(Into::into) };
    let inputs: Vec<Input> = args.files.iter().map(input).collect();
    let reading = serverconf::read(&inputs, &disk::Disk);
    for problem in &reading.problems {
        eprintln!("error: {problem}");
    }
    if reading.problems.len() == inputs.len() {
        return ExitCode::from(USAGE);
    }
    match print(args, &reading) {
        Ok(()) => code(&reading),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code(&reading),
        Err(error) => fail(&format!("standard output can't be written: {error}"), ""),
    }
}

fn print(args: &LintArgs, reading: &Reading) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &json::document(reading))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", text::document(reading))?;
    }
    out.flush()
}

fn code(reading: &Reading) -> ExitCode {
    if !reading.problems.is_empty() {
        return ExitCode::from(USAGE);
    }
    let wrong = reading.worst().is_some_and(|worst| Severity::Note < worst);
    if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
