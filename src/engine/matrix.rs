//! One endpoint asked from many pages: a check from each, for the profile's own page with what that leaves open asked besides,
//! and its first request once more without an `Origin`.
//!
//! Invariant: at most [`AT_ONCE`] checks run at a time and at most [`RATE`] begin in a second; who signs in does so once, for all.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::further;
use super::probe::{self, Manner};
use super::redact;
use super::target::Target;
use crate::base::Clock;
use crate::diagnosis::matrix::{Asker, Seen, askers};
use crate::diagnosis::{Facts, ask};
use crate::profile::Profile;
use crate::watch::CheckReport;
use crate::wire::{Ask, Exchange, Purpose, WireRequest};

/// The most checks at once.
const AT_ONCE: usize = 4;
/// The most that begin in a second.
const RATE: u32 = 10;
/// How long a socket that opens is stayed with: some servers take it, then close it over its origin.
const STAY: Duration = Duration::from_millis(500);

/// Asks, and hands each row over as it comes, with its place in [`askers`]; secrets replaced.
pub async fn run(target: &Arc<Target>, clock: Clock, mut bring: impl FnMut(usize, Seen)) {
    let askers = askers(&target.profile);
    let (pages, programs): (Vec<_>, Vec<_>) = askers.into_iter().enumerate().partition(|(_, one)| one.page.is_some());
    // Brings the row; the request that it began with, to be sent without an Origin.
    let mut row = |at, asker: Asker, report: CheckReport| {
        let profile = Profile { page: asker.page.clone(), ..Profile::clone(&target.profile) };
        let request = without_origin(&profile, &report);
        let report = redact::report(report, &target.redactor());
        bring(at, Seen::of_page(asker, &profile, &report));
        request
    };
    let mut pages = pages.into_iter();
    let Some((at, own)) = pages.next() else { return };
    // First and alone: where there is a login it is made now, and the others go by what it brought.
    let mut report = check(target, clock).await;
    report.further = further::ask_all(target, std::slice::from_ref(&report), 0, clock).await;
    let mut opening = row(at, own, report);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut running = JoinSet::new();
    loop {
        let next = if running.len() < AT_ONCE { pages.next() } else { None };
        if let Some((at, asker)) = next {
            pace.tick().await;
            let Some(page) = asker.page.clone() else { continue };
            let target = Arc::new(target.seen_from(page));
            running.spawn(async move { (at, asker, check(&target, clock).await) });
            continue;
        }
        match running.join_next().await {
            Some(Ok((at, asker, report))) => opening = opening.or(row(at, asker, report)),
            // It panicked: its row stays empty.
            Some(Err(_)) => {}
            None => break,
        }
    }
    for (at, asker) in programs {
        let exchange = match opening.take() {
            Some(request) => send(target, request, clock).await,
            None => None,
        };
        bring(at, Seen::of_program(asker, exchange.as_ref()));
    }
}

async fn check(target: &Arc<Target>, clock: Clock) -> CheckReport {
    let manner = Manner { scheduled: clock.mono(), observe: Some(STAY) };
    probe::bare(target, manner, clock).await.report
}

/// The first request as a program sends it; `None`: there is none, or it may change something at the server.
fn without_origin(profile: &Profile, report: &CheckReport) -> Option<WireRequest> {
    let facts = Facts::of_check(profile, report);
    ask::next(Ask::NoOrigin, &facts, &[]).map(|question| question.request)
}

async fn send(target: &Target, request: WireRequest, clock: Clock) -> Option<Exchange> {
    let client = target.client().ok()?;
    let deadline = clock.mono() + target.profile.timeout;
    let exchange = if request.purpose == Purpose::Handshake {
        // The connection is let go: whether it was given is all that counts.
        Box::pin(client.upgrade(request, deadline)).await.0
    } else {
        Box::pin(client.exchange(request, deadline)).await
    };
    Some(exchange.redacted(&target.redactor()))
}
