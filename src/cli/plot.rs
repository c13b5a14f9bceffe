//! `wirewatch plot`: charts of the history as SVG or PNG.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use super::{Folders, fail, past, when};
use crate::base::Clock;
use crate::export::{Figure, FigureFormat, What, figures};

/// Draw the history of a profile as SVG or PNG
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch plot --profile 'Sales chat' --since 24h --out chat.svg\n  \
    wirewatch plot --profile 'Sales chat' --since 7d --what latency,state --out week.png")]
pub struct PlotArgs {
    /// Whose, by the profile's name or its file's; may be left out where the history has only one
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// From when on: so long ago (24h, 7d), a date, or RFC 3339
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,

    /// Until when
    #[arg(long, value_name = "TIME", default_value = "now")]
    until: String,

    /// What to draw, from top to bottom; all of it where it is left out
    #[arg(long, value_enum, value_delimiter = ',')]
    what: Vec<WhatArg>,

    /// The file; its ending, .svg or .png, says which form
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhatArg {
    /// Median and 95th percentile, failures as marks
    Latency,
    /// The states as a lane
    State,
    /// Reconnect attempts
    Reconnects,
    /// CORS failures
    Cors,
}

impl WhatArg {
    fn what(self) -> What {
        match self {
            Self::Latency => What::Latency,
            Self::State => What::State,
            Self::Reconnects => What::Reconnects,
            Self::Cors => What::Cors,
        }
    }
}

/// Runs the command.
pub fn run(args: &PlotArgs, folders: &Folders) -> ExitCode {
    match plot(args, folders) {
        Ok(()) => {
            eprintln!("written to {}", args.out.display());
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

fn plot(args: &PlotArgs, folders: &Folders) -> Result<(), ExitCode> {
    let out: &Path = &args.out;
    if FigureFormat::of(out).is_none() {
        return Err(fail(&format!("`{}` says no form", out.display()), "end the name in .svg or .png"));
    }
    let (now, zone) = (Clock.wall(), TimeZone::system());
    let (from, to) = when::span(&args.since, &args.until, now, &zone).map_err(|error| fail(&error, ""))?;
    if to <= from {
        return Err(fail(&format!("--until ({to}) is not after --since ({from})"), "exchange them"));
    }
    let reader = past::open(folders)?;
    let profiles = reader.profiles().map_err(past::unreadable)?;
    let profile = match (&args.profile, &profiles[..]) {
        (Some(wanted), _) => past::find(&profiles, wanted),
        (None, [only]) => Ok(only),
        (None, _) => past::find(&profiles, "").map_err(|(_, hint)| ("--profile is missing".to_owned(), hint)),
    };
    let profile = profile.map_err(|(message, hint)| fail(&message, &hint))?;

    let column = figures::column(from, to);
    let data = reader.range(profile.id, from, to, column).map_err(past::unreadable)?;
    let summary = reader.summary(profile.id, from, to).map_err(past::unreadable)?;
    let known_to = reader.last_at().map_err(past::unreadable)?.unwrap_or(to).min(now);
    let panels: Vec<What> = match &args.what[..] {
        [] => What::ALL.to_vec(),
        some => some.iter().map(|what| what.what()).collect(),
    };
    let figure =
        Figure { name: &profile.name, data: &data, summary: summary.as_ref(), known_to, panels: &panels, zone: &zone };
    figures::save(&figure, out).map_err(|error| fail(&error.to_string(), "name another file with --out"))
}
