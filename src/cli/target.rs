//! From what was typed to what is checked: a URL, a saved profile's name, or a profile's file, with what overrides it.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::{Folders, fail};
use crate::base::{Problem, ProfileId, Severity};
use crate::engine::{Book, Patterns, SecretSource, Secrets, Target, secrets};
use crate::profile::{self, Browser, Kind, Profile, Resolve, parse_duration, parse_resolve};
use crate::watch::Code;

/// What every command that looks at one endpoint understands.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// A URL, a saved profile's name, or a profile's .toml file
    #[arg(value_name = "TARGET")]
    target: String,

    #[command(flatten)]
    overrides: Overrides,
}

/// What stands in place of what a profile says.
#[derive(Clone, Debug, Default, Args)]
pub struct Overrides {
    /// The page whose script connects
    #[arg(long, value_name = "URL")]
    page: Option<String>,

    /// Which kind of endpoint; otherwise told by the URL's scheme
    #[arg(long, value_enum)]
    kind: Option<KindArg>,

    /// Whose rules and words
    #[arg(long, value_enum)]
    browser: Option<BrowserArg>,

    /// Use this address for that host and port, as curl does; * stands for any. May be given several times
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = read_resolve)]
    resolve: Vec<Resolve>,

    /// Accept any certificate
    #[arg(long)]
    insecure: bool,

    /// How long the check may take
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

impl Overrides {
    /// Whose rules and words, where the command says it.
    pub(super) fn browser(&self) -> Option<Browser> {
        self.browser.map(Into::into)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    Http,
    Websocket,
    Socketio,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BrowserArg {
    Chrome,
    Firefox,
    Safari,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Http => Self::Http,
            KindArg::Websocket => Self::WebSocket,
            KindArg::Socketio => Self::SocketIo,
        }
    }
}

impl From<BrowserArg> for Browser {
    fn from(browser: BrowserArg) -> Self {
        match browser {
            BrowserArg::Chrome => Self::Chrome,
            BrowserArg::Firefox => Self::Firefox,
            BrowserArg::Safari => Self::Safari,
        }
    }
}

/// `--resolve`, as clap calls it.
pub(super) fn read_resolve(text: &str) -> Result<Resolve, String> {
    parse_resolve(text).map_err(|problem| problem.to_string())
}

/// The profile made ready, or exit code 2 and why on standard error.
pub(super) fn prepare(args: &TargetArgs, folders: &Folders) -> Result<Arc<Target>, ExitCode> {
    ready(profile_of(&args.target, &args.overrides, folders)?)
}

/// A profile made ready, or exit code 2 and why on standard error.
pub(super) fn ready(profile: Profile) -> Result<Arc<Target>, ExitCode> {
    ready_with(profile, &Arc::new(Secrets::system()).source())
}

/// The same, with secrets from there.
pub(super) fn ready_with(profile: Profile, secrets: &SecretSource) -> Result<Arc<Target>, ExitCode> {
    let target = Arc::new(Target::prepare(ProfileId(0), Arc::new(profile), secrets, &Patterns::default()));
    if let Err(reason) = target.client() {
        let detail = reason.detail.as_deref().unwrap_or_default();
        let hint = if reason.code == Code::SecretMissing { secrets::remedy(detail) } else { String::new() };
        return Err(fail(&crate::diagnosis::words::phrase(reason), &hint));
    }
    Ok(target)
}

/// The profile as resolved, or exit code 2 and why on standard error.
pub(super) fn profile_of(target: &str, args: &Overrides, folders: &Folders) -> Result<Profile, ExitCode> {
    let profile = if target.contains("://") {
        of_url(target, args)?
    } else if Path::new(target).extension().is_some_and(|ending| ending == "toml") {
        of_file(Path::new(target))?
    } else {
        of_book(target, folders)?
    };
    overridden(profile, args)
}

/// The profile with what the command says in its place, or exit code 2 and why on standard error.
pub(super) fn overridden(mut profile: Profile, args: &Overrides) -> Result<Profile, ExitCode> {
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

fn of_url(target: &str, args: &Overrides) -> Result<Profile, ExitCode> {
    let url = Url::parse(target)
        .map_err(|error| fail(&format!("`{}` is no URL: {error}", target), "write it whole, with its scheme"))?;
    let kind = match (args.kind, url.scheme()) {
        (Some(kind), _) => kind.into(),
        (None, "ws" | "wss") => Kind::WebSocket,
        (None, _) => Kind::Http,
    };
    Ok(Profile::new(target, kind, url))
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
    ExitCode::from(super::USAGE)
}
