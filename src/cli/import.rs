//! `wirewatch import`: a HAR, a curl command, a Postman collection, an `.env` or pasted lines become saved profiles.
//!
//! Invariants: no profile is overwritten; no secret is written: its name is, and is told.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Folders, USAGE, fail, harmless};
use crate::base::{Interner, Problem, Severity};
use crate::engine::disk::Disk;
use crate::engine::{Book, secrets};
use crate::profile::intake::{self, Draft, Form, Intake, Seen};
use crate::profile::{self, Profile};
use crate::serverconf;

/// Make profiles from a HAR, a curl command, a Postman collection, an .env file, a script or console lines
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch import session.har\n  \
    wirewatch import request.curl --group 'shop / staging'\n  \
    wirewatch import backend/.env --dry-run\n\n\
    Exit code: 0 done, 1 a part of it could not be used, 2 nothing of it could.")]
pub struct ImportArgs {
    /// The file; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What it is, where that does not show
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<FormArg>,

    /// Put the profiles into this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,

    /// Show what would be saved, and save nothing
    #[arg(long)]
    dry_run: bool,

    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArg {
    Har,
    Curl,
    Postman,
    Env,
    Script,
    Console,
}

/// One draft that was taken, and where it stands now.
struct Taken {
    draft: Draft,
    file: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ImportArgs, folders: &Folders) -> ExitCode {
    let intake = match read(args) {
        Ok(intake) => intake,
        Err(code) => return code,
    };
    for problem in &intake.problems {
        let problem = Problem { file: Some(args.file.clone()), ..problem.clone() };
        eprintln!("{problem}");
    }
    for skipped in &intake.skipped {
        eprintln!("left out: {} {}", skipped.times, skipped.what);
    }
    if intake.drafts.is_empty() {
        return fail(&format!("nothing in {} makes a profile", args.file.display()), "see `wirewatch import --help`");
    }
    let damaged = intake.problems.iter().any(|problem| problem.severity == Severity::Error);
    let taken = match save(args, folders, intake.drafts) {
        Ok(taken) => taken,
        Err(code) => return code,
    };
    let shown = if args.json {
        let document = json!({
            "profiles": taken.iter().map(one_json).collect::<Vec<_>>(),
            "skipped": intake.skipped.iter().map(|skipped| json!({ "what": skipped.what, "times": skipped.times })).collect::<Vec<_>>(),
            "problems": intake.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    } else {
        text(args, &taken)
    };
    let mut out = io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&format!("standard output: {error}"), ""),
        _ if damaged => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn read(args: &ImportArgs) -> Result<Intake, ExitCode> {
    let path = args.file.as_path();
    let by_name = args.form.is_none().then(|| serverconf::Form::of_name(path)).flatten();
    let is_env = args.form == Some(FormArg::Env);
    if let Some(form) = is_env.then_some(serverconf::Form::Env).or(by_name) {
        return Ok(of_server(path, form));
    }
    let hint = args.form.and_then(|form| match form {
        FormArg::Har => Some(Form::Har),
        FormArg::Curl => Some(Form::Command),
        FormArg::Postman => Some(Form::Postman),
        FormArg::Script => Some(Form::Script),
        FormArg::Console => Some(Form::Console),
        FormArg::Env => None,
    });
    let source: io::Result<Box<dyn Read>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    source.and_then(|source| intake::read_from(source, hint)).map_err(|error| {
        fail(&format!("{} can't be read: {error}", path.display()), "check the name and the permissions")
    })
}

/// Server configuration: the profiles that would watch it.
fn of_server(path: &Path, form: serverconf::Form) -> Intake {
    let input = serverconf::Input { path: path.to_owned(), form: Some(form) };
    let reading = serverconf::read(&[input], &Disk);
    let drafts = reading.profiles().into_iter().map(|profile| Draft {
        profile,
        browser: None,
        missing: Vec::new(),
        secrets: Vec::new(),
        seen: Seen::default(),
    });
    Intake { drafts: drafts.collect(), problems: reading.problems, ..Intake::default() }
}

/// Saves them through the book, each under a name of its own.
fn save(args: &ImportArgs, folders: &Folders, drafts: Vec<Draft>) -> Result<Vec<Taken>, ExitCode> {
    let folder = folders.find()?.profiles;
    let book = if args.dry_run { Book::look(&folder) } else { Book::open(&folder, Interner::default()) };
    if !args.dry_run
        && let Some(problem) = book.folder_problem()
    {
        return Err(fail(&problem.message, problem.hint.as_deref().unwrap_or("")));
    }
    let mut names: Vec<String> = book.entries().iter().map(|entry| entry.name().to_owned()).collect();
    let mut taken = Vec::new();
    for mut draft in drafts {
        draft.profile.name = unique(&draft.profile.name, &names);
        names.push(draft.profile.name.clone());
        if let Some(group) = &args.group {
            draft.profile.group = group.split(" / ").map(|level| level.trim().to_owned()).collect();
        }
        if args.dry_run {
            if let Err(problems) = profile::check(&draft.profile) {
                return Err(refuse(&draft.profile, &problems));
            }
            taken.push(Taken { draft, file: None });
            continue;
        }
        match book.add(&draft.profile) {
            Ok(id) => taken.push(Taken { draft, file: book.get(id).map(|entry| entry.path) }),
            Err(error) => return Err(fail(&format!("{}: {error}", draft.profile.name), error.hint())),
        }
    }
    Ok(taken)
}

fn refuse(profile: &Profile, problems: &[Problem]) -> ExitCode {
    problems.iter().for_each(|problem| eprintln!("error: {}: {problem}", profile.name));
    ExitCode::from(USAGE)
}

/// The name, with a number where there is one of it.
fn unique(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let short: String = name.chars().take(190).collect();
    let numbered = (2..10_000).map(|number| format!("{short} {number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| name.to_owned())
}

fn text(args: &ImportArgs, taken: &[Taken]) -> String {
    let mut out = String::new();
    for Taken { draft, file } in taken {
        match file {
            Some(file) => out.push_str(&format!("{}\n", file.display())),
            None => out.push_str(&format!("{}\n", profile::write(&draft.profile))),
        }
        let name = harmless(&draft.profile.name);
        for missing in &draft.missing {
            eprintln!("{name}: missing: {}", missing.sentence());
        }
    }
    let mut told: Vec<&str> = Vec::new();
    for (name, _) in taken.iter().flat_map(|taken| &taken.draft.secrets) {
        if !told.contains(&name.as_str()) {
            eprintln!("secret {name}: {}", secrets::remedy(name));
            told.push(name);
        }
    }
    if !args.dry_run {
        eprintln!("{} {} saved", taken.len(), if taken.len() == 1 { "profile" } else { "profiles" });
    }
    out
}

fn one_json(taken: &Taken) -> serde_json::Value {
    let Taken { draft, file } = taken;
    let profile = profile::without_credentials(&draft.profile);
    json!({
        "name": profile.name,
        "file": file.as_ref().map(|file| file.display().to_string()),
        "kind": profile.kind.word(),
        "url": profile.url.as_str(),
        "page": profile.page.as_ref().map(|page| page.as_str()),
        "browser": draft.browser.map(|browser| browser.word()),
        "group": profile.group.join(" / "),
        "missing": draft.missing.iter().map(intake::Missing::sentence).collect::<Vec<_>>(),
        "secrets": draft.profile.secret_names(),
        "seen": {
            "times": draft.seen.times,
            "status": draft.seen.status,
            "error": draft.seen.error,
            "messages": draft.seen.messages.len(),
        },
    })
}
