//! Configured against observed: one real check from each page that a server's files name, and one from a page that they don't.
//!
//! Invariant: one after another, at most [`MOST`] and one more, only to the profile's own host.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::probe::{self, Manner};
use super::target::Target;
use crate::base::Clock;
use crate::diagnosis::words;
use crate::profile::model::{Auth, Kind};
use crate::serverconf::{Finding, Guard, Guarded, Observed, Reading, Which, compare};
use crate::watch::{CheckReport, Outcome, State};

/// A page that no list names.
const STRANGER: &str = "https://not-in-any-list.example";
/// The most pages of the files that are tried.
pub const MOST: usize = 24;

/// What came of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub origin: String,
    /// What the files say.
    pub configured: bool,
    /// `None`: the check didn't come so far that it could tell.
    pub observed: Option<Observed>,
    /// What the check says of itself where it can't tell.
    pub why: Option<String>,
    pub finding: Option<Finding>,
}

/// What guards an endpoint of that kind; `None`: the files say nothing of who may connect there.
pub fn guard(reading: &Reading, kind: Kind) -> Option<&Guard> {
    let thing = match kind {
        Kind::Http => Guarded::HttpCors,
        Kind::WebSocket => Guarded::Channels,
        Kind::SocketIo => Guarded::SocketIo,
    };
    reading.policy.guards.iter().find(|guard| guard.thing == thing)
}

/// Tries the pages, and hands each over as it comes.
pub async fn run(target: &Arc<Target>, guard: &Guard, clock: Clock, mut bring: impl FnMut(Tried)) {
    let kind = target.profile.kind;
    if matches!(target.profile.auth, Auth::Login(_)) {
        // Signs in once; the others go by what it brought.
        check(target, clock).await;
    }
    let named = guard.origins.listed().iter().filter_map(|allowed| match &allowed.what {
        Which::Origin(origin) => Some(origin.clone()),
        Which::Host(host) => Some(format!("https://{}", host.trim_start_matches('.'))),
        Which::Pattern(_) | Which::Under { .. } => None,
    });
    let mut origins: Vec<String> = named.take(MOST).collect();
    origins.push(STRANGER.to_owned());
    origins.dedup();
    for origin in origins {
        let Ok(page) = Url::parse(&origin) else { continue };
        let report = check(&Arc::new(target.seen_from(page)), clock).await;
        let observed = observed(kind, &report);
        bring(Tried {
            configured: guard.origins.lets_in(&origin),
            observed,
            why: observed.is_none().then(|| match &report.reason {
                Some(reason) => words::phrase(reason),
                None => "the check could not be made".to_owned(),
            }),
            finding: observed.and_then(|observed| compare(guard, &origin, observed)),
            origin,
        });
    }
}

/// Secrets replaced.
async fn check(target: &Arc<Target>, clock: Clock) -> CheckReport {
    let manner = Manner { scheduled: clock.mono(), observe: Some(Duration::ZERO) };
    Box::pin(probe::check(target, manner, clock)).await.report
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
