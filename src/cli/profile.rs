//! `wirewatch profile`: the saved profiles, for scripts and for machines with no display.
//!
//! What a command prints on standard output is data; each mistake in a file goes to standard error with its place, and
//! the exit code is 2 where there was one.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use url::Url;

use super::{Folders, USAGE, fail};
use crate::base::{Clock, Problem};
use crate::engine::book::{Book, BookError, Content, Entry};
use crate::profile::{self, Kind, Profile};

/// The saved profiles: list, show, add, reset, dump
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch profile add wss://api.example.com/ws --page https://example.com/\n  \
    wirewatch profile list\n  \
    wirewatch profile dump --json | jq '.[].url'")]
pub struct ProfileArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All profiles, one a line; broken files too
    #[command(after_help = "Example:\n  wirewatch profile list --json | jq -r '.[] | select(.enabled) | .name'")]
    List(Form),

    /// One profile's file; credentials in plain text are left out
    #[command(after_help = "Example:\n  wirewatch profile show 'Sales chat'")]
    Show {
        /// By its name or its file's
        name: String,
        #[command(flatten)]
        form: Form,
    },

    /// Save a new profile, of an address or of a file; prints the file that holds it
    #[command(after_help = "Examples:\n  \
        wirewatch profile add https://api.example.com/health --page https://example.com/\n  \
        wirewatch profile add chat.toml --name 'Sales chat, staging'")]
    Add(AddArgs),

    /// Begin anew with the samples; the profiles of now go into a backup
    #[command(after_help = "Example:\n  wirewatch profile reset --yes")]
    Reset {
        /// Do it
        #[arg(long)]
        yes: bool,
        /// Without the samples
        #[arg(long)]
        empty: bool,
    },

    /// All profiles with every default filled in; secrets are only named
    #[command(after_help = "Example:\n  wirewatch profile dump > profiles-as-used.toml")]
    Dump(Form),
}

#[derive(Clone, Copy, Debug, Args)]
struct Form {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// An address (http, https, ws, wss), or a profile's file (.toml)
    #[arg(value_name = "URL|FILE.toml")]
    source: String,

    /// The name in the list; by default made of the address, or the file's own
    #[arg(long)]
    name: Option<String>,

    /// By default told by the address: ws and wss are websocket
    #[arg(long, value_enum)]
    kind: Option<KindArg>,

    /// The page whose script connects; by default the address's own origin
    #[arg(long, value_name = "URL")]
    page: Option<Url>,

    /// `shop / production`
    #[arg(long)]
    group: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    Http,
    Websocket,
    Socketio,
}

impl KindArg {
    fn kind(self) -> Kind {
        match self {
            Self::Http => Kind::Http,
            Self::Websocket => Kind::WebSocket,
            Self::Socketio => Kind::SocketIo,
        }
    }
}

pub fn run(args: &ProfileArgs, folders: &Folders) -> ExitCode {
    let paths = match folders.find() {
        Ok(paths) => paths,
        Err(code) => return code,
    };
    match &args.action {
        Action::List(form) => {
            every(&paths.profiles, |entries| if form.json { list_json(entries) } else { list(entries) })
        }
        Action::Dump(form) => {
            every(&paths.profiles, |entries| if form.json { dump_json(entries) } else { dump(entries) })
        }
        Action::Show { name, form } => show(&paths.profiles, name, *form),
        Action::Add(args) => add(&paths.profiles, args),
        Action::Reset { yes, empty } => reset(&paths.profiles, *yes, *empty),
    }
}

/// A text about all entries; the mistakes of broken ones on standard error.
fn every(folder: &Path, text: impl Fn(&[Entry]) -> String) -> ExitCode {
    let book = Book::look(folder);
    // No folder yet is no profiles yet.
    if folder.exists()
        && let Some(problem) = book.folder_problem()
    {
        return fail(&problem.message, problem.hint.as_deref().unwrap_or(""));
    }
    let entries = book.entries();
    let code = print(&text(&entries));
    if entries.is_empty() {
        eprintln!("no profiles in {}", folder.display());
        eprintln!("hint: `wirewatch profile add URL` saves one, `wirewatch profile reset --yes` the samples");
    }
    let broken: Vec<_> = entries.iter().filter(|entry| entry.profile().is_none()).collect();
    for entry in &broken {
        tell(entry.problems());
    }
    if broken.is_empty() {
        return code;
    }
    eprintln!("hint: mend {} and look again", if broken.len() == 1 { "the file" } else { "the files" });
    ExitCode::from(USAGE)
}

fn tell(problems: &[Problem]) {
    for problem in problems {
        eprintln!("{problem}");
    }
}

fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("standard output: {error}"), "check where it goes"),
    }
}

fn list(entries: &[Entry]) -> String {
    let mut rows = vec![["NAME", "KIND", "STATE", "EVERY", "GROUP", "URL", "FILE"].map(str::to_owned)];
    if entries.is_empty() {
        rows.clear();
    }
    for entry in entries {
        let file = format!("{}.toml", entry.key);
        let row = match &entry.content {
            Content::Profile { profile, .. } => {
                let profile = profile::without_credentials(profile);
                let state = if profile.enabled { "enabled" } else { "disabled" };
                let every = profile::format_duration(profile.interval);
                let group = profile.group.join(" / ");
                [profile.name, profile.kind.word().into(), state.into(), every, group, profile.url.into(), file]
            }
            Content::Broken { name, .. } => {
                let none = String::new;
                [name.to_string(), none(), "broken".into(), none(), none(), none(), file]
            }
        };
        rows.push(row.map(|cell| plain(&cell)));
    }
    table(&rows)
}

/// Columns as wide as their widest cell, the last as it is.
fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(60);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Signs that would command the terminal are taken out; a file's name may hold any.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn list_json(entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let profile = entry.profile().map(|profile| profile::without_credentials(profile));
        json!({
            "key": &*entry.key,
            "name": entry.name(),
            "file": entry.path.display().to_string(),
            "kind": profile.as_ref().map(|profile| profile.kind.word()),
            "url": profile.as_ref().map(|profile| profile.url.as_str()),
            "page": profile.as_ref().map(|profile| profile.page_url().to_string()),
            "group": profile.as_ref().map(|profile| profile.group.join(" / ")),
            "tags": profile.as_ref().map(|profile| &profile.tags),
            "enabled": profile.as_ref().map(|profile| profile.enabled),
            "interval": profile.as_ref().map(|profile| profile::format_duration(profile.interval)),
            "problems": entry.problems().iter().map(problem_json).collect::<Vec<_>>(),
        })
    };
    pretty(&entries.iter().map(row).collect())
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "severity": match problem.severity {
            crate::base::Severity::Warning => "warning",
            crate::base::Severity::Error => "error",
        },
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
    })
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn shown(entry: &Entry) -> Option<Profile> {
    entry.profile().map(|profile| profile::without_credentials(profile))
}

fn dump(entries: &[Entry]) -> String {
    profile::write_all(entries.iter().filter_map(|entry| Some((entry.key.to_string(), shown(entry)?))))
}

fn dump_json(entries: &[Entry]) -> String {
    let all = entries.iter().filter_map(|entry| Some((entry.key.to_string(), profile::to_full_json(&shown(entry)?))));
    pretty(&serde_json::Value::Object(all.collect()))
}

fn show(folder: &Path, name: &str, form: Form) -> ExitCode {
    let book = Book::look(folder);
    let entry = match book.find(name) {
        Ok(entry) => entry,
        Err(error) => return fail(&error.to_string(), &error.hint()),
    };
    let Some(profile) = shown(&entry) else {
        tell(entry.problems());
        return fail(&format!("{} has mistakes", entry.path.display()), "mend what is named above");
    };
    if form.json {
        return print(&pretty(&profile::to_full_json(&profile)));
    }
    // The person's own text, with its comments; where credentials can't be taken out of it, the profile anew.
    let text = book.text(entry.id).and_then(|(text, _)| profile::update(&text, &profile).ok());
    let code = print(&text.unwrap_or_else(|| profile::write(&profile)));
    tell(entry.problems());
    code
}

fn add(folder: &Path, args: &AddArgs) -> ExitCode {
    let source = Path::new(&args.source);
    let from_file = source.extension().is_some_and(|ending| ending == "toml") || source.is_file();
    let made = if from_file { text_of_file(source, args) } else { text_of_url(args) };
    let (stem, text, profile, warnings) = match made {
        Ok(made) => made,
        Err(code) => return code,
    };
    let book = Book::open(folder, crate::base::Interner::default());
    if let Some(problem) = book.folder_problem() {
        return fail(&problem.message, problem.hint.as_deref().unwrap_or(""));
    }
    if let Some(twin) = book.entries().iter().find(|entry| entry.name() == profile.name) {
        return fail(
            &format!("there is a profile {:?} already, in {}", profile.name, twin.path.display()),
            "give this one another name with --name",
        );
    }
    match book.add_text(&stem, &text).map(|id| book.get(id)) {
        Ok(entry) => {
            tell(&warnings);
            let path = entry.map(|entry| entry.path).unwrap_or_else(|| folder.to_owned());
            print(&format!("{}\n", path.display()))
        }
        Err(error) => failed(&error),
    }
}

type Made = (String, String, Profile, Vec<Problem>);

/// A profile's file, with what the flags change.
fn text_of_file(path: &Path, args: &AddArgs) -> Result<Made, ExitCode> {
    let refuse = |problems: &[Problem]| {
        tell(problems);
        fail(&format!("{} has mistakes; nothing was saved", path.display()), "mend what is named above")
    };
    let text = read_bounded(path).map_err(|error| {
        fail(&format!("{} can't be read: {error}", path.display()), "check the name and the permissions")
    })?;
    let (mut profile, warnings) = profile::parse(&text, Some(path)).map_err(|problems| refuse(&problems))?;
    let before = profile.clone();
    if let Some(name) = &args.name {
        profile.name.clone_from(name);
    }
    overrides(&mut profile, args);
    let text = if profile == before {
        text
    } else {
        profile::update(&text, &profile).map_err(|problems| refuse(&problems))?
    };
    let stem = match (&args.name, path.file_stem()) {
        (None, Some(stem)) => stem.to_string_lossy().into_owned(),
        _ => profile.name.clone(),
    };
    Ok((stem, text, profile, warnings))
}

/// A file's text, of which no more than a profile may have is read.
fn read_bounded(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(profile::MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn text_of_url(args: &AddArgs) -> Result<Made, ExitCode> {
    let example = "write for example https://api.example.com/health or wss://api.example.com/ws";
    let url = Url::parse(&args.source)
        .ok()
        .filter(|url| ["http", "https", "ws", "wss"].contains(&url.scheme()))
        .ok_or_else(|| fail(&format!("{:?} is neither an address nor a profile's file", args.source), example))?;
    let guess = match url.scheme() {
        "ws" | "wss" if !url.path().starts_with("/socket.io") => Kind::WebSocket,
        "http" | "https" if !url.path().starts_with("/socket.io") => Kind::Http,
        _ => Kind::SocketIo,
    };
    let place = format!("{}{}", url.host_str().unwrap_or(""), url.path().trim_end_matches('/'));
    let name = args.name.clone().unwrap_or_else(|| place.chars().take(200).collect());
    let mut profile = Profile::new(name, guess, url);
    if guess == Kind::SocketIo && profile.url.path().starts_with("/socket.io") {
        // The address of a request, as the network panel shows it: its path is the server's, not a namespace.
        profile.socketio.path = profile.url.path().to_owned();
        profile.url.set_path("/");
        profile.url.set_query(None);
    }
    overrides(&mut profile, args);
    let warnings = profile::check(&profile).map_err(|problems| {
        for problem in &problems {
            // The lines are those of a file that was never written.
            let problem = Problem { line: None, ..problem.clone() };
            eprintln!("error: {problem}");
        }
        eprintln!("hint: {example}");
        ExitCode::from(USAGE)
    })?;
    Ok((profile.name.clone(), profile::write(&profile), profile, warnings))
}

fn overrides(profile: &mut Profile, args: &AddArgs) {
    if let Some(kind) = args.kind {
        profile.kind = kind.kind();
    }
    if let Some(page) = &args.page {
        profile.page = Some(page.clone());
    }
    if let Some(group) = &args.group {
        profile.group = group.split(" / ").map(|level| level.trim().to_owned()).collect();
    }
}

fn reset(folder: &Path, yes: bool, empty: bool) -> ExitCode {
    let book = if yes { Book::open(folder, crate::base::Interner::default()) } else { Book::look(folder) };
    let count = book.entries().len();
    if !yes {
        return fail(
            &format!("this would move {count} profiles out of {}", folder.display()),
            "add --yes to do it; they are kept in a backup inside the folder",
        );
    }
    match book.reset(&backup_name(), !empty) {
        Ok(backup) => {
            if let Some(backup) = &backup {
                eprintln!(
                    "{count} {} kept in {}",
                    if count == 1 { "profile is" } else { "profiles are" },
                    backup.display()
                );
            }
            let files: Vec<PathBuf> = book.entries().into_iter().map(|entry| entry.path).collect();
            print(&files.iter().map(|path| format!("{}\n", path.display())).collect::<String>())
        }
        Err(error) => failed(&error),
    }
}

/// `backup-20261121-130500.123`: in UTC, to the millisecond.
fn backup_name() -> String {
    let now: String = Clock.wall().to_string().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    format!("backup-{}", now.replace('T', "-").trim_end_matches('Z'))
}

fn failed(error: &BookError) -> ExitCode {
    if let BookError::Mistakes(problems) = error {
        tell(problems);
    }
    fail(&error.to_string(), error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Interner;

    fn book() -> (tempfile::TempDir, Book) {
        let folder = tempfile::tempdir().unwrap();
        let chat = "name = \"Sales chat\"\nkind = \"websocket\"\nurl = \"wss://a.test/ws\"\ngroup = \"shop / prod\"\n[auth]\ncookie = \"sid=canary\"\n";
        std::fs::write(folder.path().join("chat.toml"), chat).unwrap();
        std::fs::write(folder.path().join("odd\u{1b}.toml"), "kind = \"x\n").unwrap();
        let book = Book::open(folder.path(), Interner::default());
        (folder, book)
    }

    #[test]
    fn the_list_is_a_table_that_no_file_name_breaks() {
        let (_folder, book) = book();
        assert_eq!(
            list(&book.entries()),
            "NAME        KIND       STATE    EVERY  GROUP        URL              FILE\n\
             Sales chat  websocket  enabled  30s    shop / prod  wss://a.test/ws  chat.toml\n\
             odd\u{fffd}                   broken                                        odd\u{fffd}.toml\n"
        );
        assert_eq!(list(&[]), "");
    }

    #[test]
    fn what_is_dumped_is_a_document_that_shows_no_credential() {
        let (_folder, book) = book();
        let text = dump(&book.entries());
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        assert_eq!(document["chat"]["websocket"]["ping"].as_str(), Some("15s"));
        let json: serde_json::Value = serde_json::from_str(&dump_json(&book.entries())).unwrap();
        assert_eq!(json["chat"]["auth"]["cookie"], "sid=[redacted]");
        let list: serde_json::Value = serde_json::from_str(&list_json(&book.entries())).unwrap();
        assert_eq!((list[0]["name"].as_str(), list[1]["problems"][0]["line"].as_u64()), (Some("Sales chat"), Some(1)));
        assert!(!format!("{text}{json}{list}").contains("canary"));
    }

    #[test]
    fn a_reset_keeps_everything_in_a_backup() {
        let (folder, book) = book();
        let backup = book.reset("backup-1", true).unwrap().unwrap();
        assert_eq!(std::fs::read_dir(&backup).unwrap().count(), 2);
        assert_eq!(book.entries().len(), profile::samples().len());
        assert!(book.reset("backup-1", true).is_err());
        assert_eq!(book.entries().len(), profile::samples().len());
        book.reset(&backup_name(), false).unwrap();
        assert_eq!(book.entries().len(), 0);
        assert_eq!(book.reset(&backup_name(), false).unwrap(), None);
        drop(folder);
    }
}
