//! An audit under way: the page's own check, then each probe on a connection of its own, at a bounded rate.
//!
//! Invariant: nothing is sent but to the profile's own host and port, and nothing besides the page's own check before the
//! caller has seen how much it will be.

use std::sync::Arc;
use std::time::Duration;

use super::further::listen;
use super::probe::{self, Manner};
use super::redact;
use super::target::Target;
use crate::base::Clock;
use crate::browser::origin;
use crate::diagnosis::ask::Stay;
use crate::diagnosis::audit::{Finding, Probe, Seen, Trial, findings, probes};
use crate::diagnosis::{Facts, diagnose};
use crate::profile::without_credentials;
use crate::watch::{self, AuditFinding, CheckReport};
use crate::wire::{Exchange, Purpose};

/// How many requests a second where nobody says.
pub const USUAL_RATE: u32 = 5;

/// The most requests a second.
pub const RATE: u32 = 20;

/// How long one may take.
const EACH: Duration = Duration::from_secs(5);

/// How long a socket that opens is stayed with: a server may take it back.
const STAY: Stay = Stay { most: Duration::from_millis(300), ping: None };

/// The page's own check, and what would be sent next.
#[derive(Debug)]
pub struct Audit {
    target: Arc<Target>,
    /// Secrets are still in it.
    report: CheckReport,
    probes: Vec<Probe>,
    clock: Clock,
}

/// What a person agrees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlan {
    /// Secrets replaced.
    pub url: String,
    pub page: String,
    pub requests: usize,
    /// The most of them a second.
    pub rate: u32,
    /// Why nothing can be tried, a sentence.
    pub hindrance: Option<String>,
    /// It was agreed to, or the host is this machine.
    pub goes_on: bool,
}

/// What came of it; secrets replaced.
#[derive(Clone, Debug)]
pub struct Audited {
    pub report: CheckReport,
    pub seen: Vec<Seen>,
    /// The gravest first.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// Makes the page's own check.
    pub async fn begin(target: &Arc<Target>, clock: Clock) -> Self {
        let manner = Manner { scheduled: clock.mono(), observe: Some(Duration::ZERO) };
        let report = probe::bare(target, manner, clock).await.report;
        let probes = probes(&Facts::of_check(&target.profile, &report));
        Self { target: Arc::clone(target), report, probes, clock }
    }

    /// Why nothing can be tried, a sentence: the server could not even be asked by the page itself.
    pub fn hindrance(&self) -> Option<String> {
        let answered = self.report.exchanges.iter().any(|exchange| exchange.response().is_some());
        let summary = || diagnose(&Facts::of_check(&self.target.profile, &self.report)).summary;
        (!answered || self.probes.is_empty()).then(|| self.target.redactor().text(&summary()).into_owned())
    }

    /// What would be sent, at [`USUAL_RATE`].
    pub fn plan(&self, agreed: bool) -> AuditPlan {
        let profile = &self.target.profile;
        AuditPlan {
            url: self.target.redactor().text(without_credentials(profile).url.as_str()).into_owned(),
            page: origin::serialize(&profile.page_url()),
            requests: self.requests(),
            rate: USUAL_RATE,
            hindrance: self.hindrance(),
            goes_on: agreed || origin::is_loopback(&profile.url),
        }
    }

    /// How many requests it takes.
    pub fn requests(&self) -> usize {
        self.probes.len()
    }

    /// Sends them, at most `rate` (1 to [`RATE`]) a second; `sent` hears how many have gone out.
    pub async fn run(self, rate: u32, mut sent: impl FnMut(usize)) -> Audited {
        let Self { target, report, probes, clock } = self;
        let mut seen: Vec<Seen> = Vec::new();
        let mut pace = tokio::time::interval(Duration::from_secs(1) / rate.clamp(1, RATE));
        for probe in probes {
            pace.tick().await;
            let Ok(client) = target.client() else { break };
            let deadline = clock.mono() + target.profile.timeout.min(EACH);
            let request = probe.request.clone();
            let exchange = if request.purpose == Purpose::Handshake {
                let (mut exchange, upgraded) = Box::pin(client.upgrade(request, deadline)).await;
                if let (Some(upgraded), Ok(response)) = (upgraded, &mut exchange.result) {
                    response.body = Box::pin(listen(upgraded, STAY, clock)).await.0.into();
                    response.body_size = response.body.len() as u64;
                }
                exchange
            } else {
                Box::pin(client.exchange(request, deadline)).await
            };
            let one = probe.seen(exchange, &seen);
            seen.push(one);
            sent(seen.len());
        }
        let facts = Facts::of_check(&target.profile, &report);
        let findings = findings(&facts, &seen);
        let redactor = target.redactor();
        let hidden = |exchange: &Exchange| exchange.redacted(&redactor);
        Audited {
            report: redact::report(report, &redactor),
            seen: seen.into_iter().map(|one| Seen { exchange: hidden(&one.exchange), ..one }).collect(),
            findings,
        }
    }
}

impl Audited {
    /// As an event keeps it, after the one before.
    pub fn kept(&self, target: &Target, before: Option<&watch::Audited>) -> watch::Audited {
        let (profile, redactor) = (&target.profile, target.redactor());
        let endpoint = &profile.url[..url::Position::AfterPath];
        let of = redactor.text(&format!("{endpoint} from {}", origin::serialize(&profile.page_url()))).into_owned();
        let findings = self.findings.iter().map(|one| AuditFinding {
            id: one.id.into(),
            severity: one.severity,
            text: redactor.text(&one.text).into(),
            of_origin: one.trial.is_some(),
        });
        let tried = self.seen.iter().filter(|one| one.trial != Trial::Own).map(Seen::tried);
        watch::Audited::new(&of, findings.collect(), tried.collect(), before)
    }
}
