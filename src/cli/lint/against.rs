//! Configured against observed: one real check from each page that the files name, and one from a page that they don't.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::base::{Clock, ProfileId};
use crate::cli::fail;
use crate::engine::probe::{self, Manner};
use crate::engine::{Patterns, Secrets, Target};
use crate::profile::{Credentials, Kind, Profile};
use crate::serverconf::{Finding, Guard, Guarded, Observed, Origins, Reading, Which, compare};
use crate::watch::{CheckReport, Outcome, State};

/// A page that no list names.
const STRANGER: &str = "https://not-in-any-list.example";
/// The most pages that are tried.
const MOST: usize = 24;

/// What came of one page.
pub(super) struct Tried {
    pub origin: String,
    /// What the files say.
    pub configured: bool,
    /// `None`: the check didn't come so far that it could tell.
    pub observed: Option<Observed>,
    /// What the check says of itself where it can't tell.
    pub why: Option<String>,
    pub finding: Option<Finding>,
}

/// Tries the pages one after another, or exit code 2 and why on standard error.
pub(super) fn run(address: &str, reading: &Reading) -> Result<Vec<Tried>, ExitCode> {
    let url = Url::parse(address).map_err(|error| {
        fail(&format!("--against `{address}` is no URL: {error}"), "write it whole, such as https://api.example.com/")
    })?;
    let kind = kind_of(&url, reading);
    let things: &[Guarded] = match kind {
        Kind::Http => &[Guarded::HttpCors],
        Kind::WebSocket => &[Guarded::Channels],
        Kind::SocketIo => &[Guarded::SocketIo],
    };
    let guards = &reading.policy.guards;
    let Some(guard) = guards.iter().find(|guard| things.contains(&guard.thing)) else {
        return Err(fail(
            &format!("the files say nothing of who may connect there ({})", kind.word()),
            "name the file that does, or another URL: http, ws, or Socket.IO's root",
        ));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("no runtime: {error}"), ""))?;
    let tried = runtime.block_on(async {
        tokio::select! {
            tried = all(guard, kind, &url) => Some(tried),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    tried.ok_or(ExitCode::FAILURE)
}

/// Socket.IO's client is given the server's root, or its path.
fn kind_of(url: &Url, reading: &Reading) -> Kind {
    let used = reading.policy.socketio.used;
    match url.scheme() {
        "ws" | "wss" => Kind::WebSocket,
        _ if used && (url.path() == "/" || url.path().starts_with("/socket.io")) => Kind::SocketIo,
        _ => Kind::Http,
    }
}

async fn all(guard: &Guard, kind: Kind, url: &Url) -> Vec<Tried> {
    let named = guard.origins.listed().iter().filter_map(|allowed| match &allowed.what {
        Which::Origin(origin) => Some(origin.clone()),
        Which::Host(host) => Some(format!("https://{}", host.trim_start_matches('.'))),
        Which::Pattern(_) | Which::Under { .. } => None,
    });
    let mut origins: Vec<String> = named.take(MOST).collect();
    origins.push(STRANGER.to_owned());
    origins.dedup();
    let mut tried = Vec::new();
    for origin in origins {
        let Ok(page) = Url::parse(&origin) else { continue };
        let report = check(guard, kind, url, page).await;
        let observed = observed(kind, &report);
        tried.push(Tried {
            configured: guard.origins.lets_in(&origin),
            observed,
            why: observed.is_none().then(|| match &report.reason {
                Some(reason) => crate::diagnosis::words::phrase(reason),
                None => "the check could not be made".to_owned(),
            }),
            finding: observed.and_then(|observed| compare(guard, &origin, observed)),
            origin,
        });
    }
    tried
}

async fn check(guard: &Guard, kind: Kind, url: &Url, page: Url) -> CheckReport {
    let mut profile = Profile::new("lint", kind, url.clone());
    profile.page = Some(page);
    // `*` is for requests without credentials.
    if guard.credentials == Some(true) && !matches!(guard.origins, Origins::Any) {
        profile.request.credentials = Credentials::Include;
    }
    let secrets = Arc::new(Secrets::system()).source();
    let target = Arc::new(Target::prepare(ProfileId(0), Arc::new(profile), &secrets, &Patterns::default()));
    let manner = Manner { scheduled: Clock.mono(), observe: Some(Duration::ZERO) };
    probe::check(&target, manner, Clock).await.report
}

/// Whether the page was let in. An answer that the page may read is one, whatever it says.
fn observed(kind: Kind, report: &CheckReport) -> Option<Observed> {
    match (report.state, report.outcome) {
        (State::CorsError, _) => Some(Observed::Refused),
        (_, Outcome::Up | Outcome::Degraded) => Some(Observed::LetIn),
        _ if kind == Kind::Http && report.status.is_some() => Some(Observed::LetIn),
        _ if kind == Kind::SocketIo => {
            let opened = report.exchanges.iter().any(|exchange| exchange.status() == Some(200));
            opened.then_some(Observed::LetIn)
        }
        _ => None,
    }
}
