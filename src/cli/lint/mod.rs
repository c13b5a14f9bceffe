//! `wirewatch lint`: server configuration as the server would read it, who would be let in, and what is wrong.

mod against;
mod json;
mod text;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{USAGE, fail};
use crate::engine::against::Tried;
use crate::engine::disk::Disk;
use crate::serverconf::{self, Form, Input, Reading, Severity};

/// Read server configuration as the server would: which origins would be allowed, and what is wrong
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch lint .env\n  \
    wirewatch lint backend/.env frontend/.env /etc/nginx/nginx.conf --json\n  \
    wirewatch lint settings.txt --as env\n  \
    wirewatch lint .env --against https://api.example.com/carts\n\n\
    `wirewatch import .env` makes profiles that watch what is configured.\n\n\
    Exit code: 0 nothing wrong, 1 something is, 2 a file could not be read.")]
pub struct LintArgs {
    /// The files, which are read together
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What the files are, where their names don't say it
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<FormArg>,

    /// Ask this server as well, from each page that the files name and from one that they don't: does it do as they say?
    #[arg(long, value_name = "URL")]
    against: Option<String>,

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
    let mut reading = serverconf::read(&inputs, &Disk);
    for problem in &reading.problems {
        eprintln!("error: {problem}");
    }
    if reading.problems.len() == inputs.len() {
        return ExitCode::from(USAGE);
    }
    let tried = match &args.against {
        None => Vec::new(),
        Some(url) => match against::run(url, &reading) {
            Ok(tried) => tried,
            Err(code) => return code,
        },
    };
    reading.findings.extend(tried.iter().filter_map(|tried| tried.finding.clone()));
    match print(args, &reading, &tried) {
        Ok(()) => code(&reading),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code(&reading),
        Err(error) => fail(&format!("standard output can't be written: {error}"), ""),
    }
}

fn print(args: &LintArgs, reading: &Reading, tried: &[Tried]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &json::document(reading, tried))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", text::document(reading, tried))?;
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
