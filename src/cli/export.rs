//! `wirewatch export`: the history as JSONL or CSV.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use super::{Folders, fail, past, when};
use crate::base::Clock;
use crate::export::{EventWriter, ExportError, Format, Names, history};
use crate::store::{Filter, Reader};

/// Write the history's events
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch export --since 24h --out day.jsonl\n  \
    wirewatch export --profile 'Sales chat' --since 2026-11-20 --until 2026-11-21 --format csv --out chat.csv\n  \
    wirewatch export --since 1h --kind state,closed | jq -c '[.at, .profile, .state]'")]
pub struct ExportArgs {
    /// From when on: so long ago (24h, 7d), a date, or RFC 3339
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,

    /// Until when
    #[arg(long, value_name = "TIME", default_value = "now")]
    until: String,

    /// Only this profile's, by its name or its file's
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// Only events of these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,

    /// Which form; by the ending of --out where it is left out, else jsonl
    #[arg(long, value_enum)]
    format: Option<FormatArg>,

    /// The file to write; standard output where it is left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// One JSON object a line, complete
    Jsonl,
    /// For spreadsheets
    Csv,
    #[value(hide = true)]
    Har,
    #[value(hide = true)]
    Html,
    #[value(hide = true)]
    Openmetrics,
}

/// Runs the command.
pub fn run(args: &ExportArgs, folders: &Folders) -> ExitCode {
    match prepare(args, folders) {
        Ok((reader, filter, format, names)) => write(args, &reader, &filter, format, names),
        Err(code) => code,
    }
}

fn prepare(args: &ExportArgs, folders: &Folders) -> Result<(Reader, Filter, Format, Names), ExitCode> {
    let format = match args.format.or_else(|| by_ending(args.out.as_deref()?)).unwrap_or(FormatArg::Jsonl) {
        FormatArg::Jsonl => Format::Jsonl,
        FormatArg::Csv => Format::Csv,
        FormatArg::Har | FormatArg::Html | FormatArg::Openmetrics => {
            return Err(fail("that format is not in this version", "use --format jsonl or --format csv"));
        }
    };
    let (now, zone) = (Clock.wall(), TimeZone::system());
    let (from, to) = when::span(&args.since, &args.until, now, &zone).map_err(|error| fail(&error, ""))?;
    if to < from {
        return Err(fail(&format!("--until ({to}) lies before --since ({from})"), "exchange them"));
    }
    if let Some(unknown) = args.kind.iter().find(|kind| !crate::store::is_kind(kind)) {
        let known = crate::store::kinds().collect::<Vec<_>>().join(", ");
        return Err(fail(&format!("there is no kind of event `{unknown}`"), &format!("there are {known}")));
    }
    let reader = past::open(folders)?;
    let profiles = reader.profiles().map_err(past::unreadable)?;
    let profile = match &args.profile {
        None => None,
        Some(wanted) => Some(past::find(&profiles, wanted).map_err(|(message, hint)| fail(&message, &hint))?.id),
    };
    let filter = Filter { profile, from: Some(from), to: Some(to), kinds: args.kind.clone(), text: String::new() };
    let names = profiles.into_iter().map(|named| (named.id, named.name)).collect();
    Ok((reader, filter, format, names))
}

fn by_ending(path: &Path) -> Option<FormatArg> {
    FormatArg::from_str(path.extension()?.to_str()?, true).ok()
}

fn write(args: &ExportArgs, reader: &Reader, filter: &Filter, format: Format, names: Names) -> ExitCode {
    let written = match args.out.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => File::create(path).map_err(ExportError::Write).and_then(|file| {
            let done = stream(BufWriter::new(file), reader, filter, format, names)?;
            eprintln!("{} written to {}", counted(done.0), path.display());
            Ok(done)
        }),
        None => stream(BufWriter::new(io::stdout().lock()), reader, filter, format, names),
    };
    match written {
        Ok((_, 0)) => ExitCode::SUCCESS,
        Ok((_, unreadable)) => {
            eprintln!("warning: {} of the history can't be read and {} left out", counted(unreadable), was(unreadable));
            ExitCode::SUCCESS
        }
        // Whoever read it has had enough.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error @ ExportError::Write(_)) => fail(&error.to_string(), "name another file with --out"),
        Err(error @ ExportError::Read(_)) => fail(&error.to_string(), ""),
    }
}

fn stream(
    out: impl Write,
    reader: &Reader,
    filter: &Filter,
    format: Format,
    names: Names,
) -> Result<(u64, u64), ExportError> {
    let mut writer = EventWriter::new(out, format, names)?;
    let done = history(reader, filter, &mut writer)?;
    writer.finish()?;
    Ok(done)
}

fn counted(events: u64) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}

fn was(events: u64) -> &'static str {
    if events == 1 { "was" } else { "were" }
}
