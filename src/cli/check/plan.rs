//! From what was typed to the profile that is checked.

use std::path::Path;
use std::process::ExitCode;

use url::Url;

use super::CheckArgs;
use crate::base::{Problem, Severity};
use crate::cli::{Folders, fail};
use crate::engine::Book;
use crate::profile::{self, Kind, Profile};

/// The profile as resolved, or exit code 2 and why on standard error.
pub(super) fn profile_of(args: &CheckArgs, folders: &Folders) -> Result<Profile, ExitCode> {
    let mut profile = if args.target.contains("://") {
        of_url(args)?
    } else if Path::new(&args.target).extension().is_some_and(|ending| ending == "toml") {
        of_file(Path::new(&args.target))?
    } else {
        of_book(&args.target, folders)?
    };
    if let Some(page) = &args.page {
        let page = Url::parse(page).map_err(|error| {
            fail(&format!("--page `{page}` is no URL: {error}"), "write it whole, such as https://app.example.com/")
        })?;
        profile.page = Some(page);
    }
    if let Some(kind) = args.kind {
        profile.kind = kind.into();
    }
    if let Some(browser) = args.browser {
        profile.browser = browser.into();
    }
    // Earlier ones go before the profile's own.
    profile.network.resolve.splice(0..0, args.resolve.iter().cloned());
    profile.network.insecure |= args.insecure;
    profile.timeout = args.timeout.unwrap_or(profile.timeout);
    match profile::check(&profile) {
        Ok(_) => Ok(profile),
        Err(problems) => Err(refuse(&problems)),
    }
}

fn of_url(args: &CheckArgs) -> Result<Profile, ExitCode> {
    let url = Url::parse(&args.target)
        .map_err(|error| fail(&format!("`{}` is no URL: {error}", args.target), "write it whole, with its scheme"))?;
    let kind = match (args.kind, url.scheme()) {
        (Some(kind), _) => kind.into(),
        (None, "ws" | "wss") => Kind::WebSocket,
        (None, _) => Kind::Http,
    };
    Ok(Profile::new(args.target.clone(), kind, url))
}

fn of_file(path: &Path) -> Result<Profile, ExitCode> {
    let text =
        read(path).map_err(|error| fail(&format!("{}: {error}", path.display()), "name a profile's file, or a URL"))?;
    match profile::parse(&text, Some(path)) {
        Ok((profile, warnings)) => {
            tell(&warnings);
            Ok(profile)
        }
        Err(problems) => Err(refuse(&problems)),
    }
}

/// No more than a profile may have.
fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let most = u64::try_from(profile::MAX_BYTES).unwrap_or(u64::MAX);
    std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_string(&mut text)?;
    Ok(text)
}

fn of_book(name: &str, folders: &Folders) -> Result<Profile, ExitCode> {
    let paths = folders.find()?;
    let book = Book::look(&paths.profiles);
    let entry = book.find(name).map_err(|error| fail(&error.to_string(), &error.hint()))?;
    match entry.profile() {
        Some(profile) => {
            tell(entry.problems());
            Ok(Profile::clone(profile))
        }
        None => Err(refuse(entry.problems())),
    }
}

/// What a profile has that may not be as meant.
fn tell(warnings: &[Problem]) {
    warnings.iter().for_each(|warning| eprintln!("{warning}"));
}

fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        eprintln!("error: {problem}");
    }
    eprintln!("hint: change what is named above, then check again");
    ExitCode::from(crate::cli::USAGE)
}
