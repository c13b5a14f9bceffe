//! An audit that a person asked for: what would be sent, how far it is, what was found.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::last_check::{ExchangeVm, of_exchange};
use super::why::{FixVm, fix_vm};
use super::words;
use crate::base::Wall;
use crate::diagnosis::audit::{Finding, Seen};
use crate::engine::audit::{AuditPlan, Audited};
use crate::profile::Profile;
use crate::watch::Severity;

/// The whole view.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditVm {
    pub profile: Arc<Profile>,
    pub stage: Stage,
}

/// `Looking -> Asking -> Sending -> Over`; of this machine's own servers without `Asking`.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// The page's own check is made.
    Looking,
    /// A person has to agree.
    Asking(AuditPlan),
    Sending {
        sent: usize,
        of: usize,
    },
    /// Nothing can be tried, and why.
    Hindered(String),
    Over(Box<Found>),
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it comes to.
    pub headline: String,
    /// The gravest first.
    pub findings: Vec<FindingVm>,
    pub trials: Vec<TrialVm>,
}

/// One thing that is amiss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingVm {
    pub severity: Severity,
    pub id: Box<str>,
    pub text: String,
    pub evidence: String,
    pub fixes: Vec<FixVm>,
}

/// One origin on one way in.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialVm {
    pub way: &'static str,
    pub trial: &'static str,
    /// As the `Origin` field has it, or `no Origin`.
    pub origin: String,
    /// `200 OK`, or the failure.
    pub answered: String,
    pub grant: &'static str,
    /// It was let in, and is not the page's own.
    pub open: bool,
    pub exchange: ExchangeVm,
}

impl AuditVm {
    pub fn new(profile: Arc<Profile>) -> Self {
        Self { profile, stage: Stage::Looking }
    }

    /// What would be sent is known.
    pub fn plan(&mut self, plan: AuditPlan) {
        self.stage = match &plan.hindrance {
            Some(why) => Stage::Hindered(why.clone()),
            None if plan.goes_on => Stage::Sending { sent: 0, of: plan.requests },
            None => Stage::Asking(plan),
        };
    }

    pub fn sent(&mut self, count: usize) {
        if let Stage::Sending { sent, .. } = &mut self.stage {
            *sent = count;
        }
    }

    pub fn end(&mut self, audited: &Audited, now: Wall, zone: &TimeZone) {
        let own = |seen: &Seen| seen.trial == crate::diagnosis::audit::Trial::Own;
        let trial = |seen: &Seen| {
            let exchange = of_exchange(&seen.exchange, now, zone);
            TrialVm {
                way: seen.surface.code(),
                trial: seen.trial.code(),
                origin: seen.origin.clone().unwrap_or_else(|| "no Origin".to_owned()),
                answered: exchange.outcome.clone(),
                grant: seen.grant.words(),
                open: seen.grant.is_given() && !own(seen),
                exchange,
            }
        };
        let headline = match audited.findings.as_slice() {
            [] => "Nothing found: only the page's own origin is let in.".to_owned(),
            [first, ..] => {
                let count = words::count(audited.findings.len(), "finding", "findings");
                format!("{count}, the gravest of {} severity.", first.severity.word())
            }
        };
        self.stage = Stage::Over(Box::new(Found {
            headline,
            findings: audited.findings.iter().map(finding).collect(),
            trials: audited.seen.iter().map(trial).collect(),
        }));
    }

    /// All that was found as text; `None`: it is not over.
    pub fn text(&self) -> Option<String> {
        let Stage::Over(found) = &self.stage else { return None };
        let mut lines = vec![format!("{}: {}", self.profile.name, found.headline)];
        for one in &found.findings {
            lines.extend([String::new(), format!("{} {}", one.severity.word(), one.id), one.text.clone()]);
            lines.push(one.evidence.clone());
            for fix in &one.fixes {
                lines.push(format!("Fix: {}", fix.text));
                lines.extend(fix.snippet.clone());
            }
        }
        lines.push(String::new());
        let row = |one: &TrialVm| [one.way, one.trial, &one.origin, &one.answered, one.grant].join("\t");
        lines.extend(found.trials.iter().map(row));
        Some(lines.join("\n"))
    }
}

/// What a person agrees to, a sentence.
pub fn question(plan: &AuditPlan) -> String {
    let requests = words::count(plan.requests, "request", "requests");
    format!(
        "{requests} from other origins than {} would go to {}, at most {} a second, and nowhere else. Each is the page's own \
         request with another Origin, or its preflight; none changes anything at the server. Agree only where you may test it.",
        plan.page, plan.url, plan.rate
    )
}

fn finding(one: &Finding) -> FindingVm {
    FindingVm {
        severity: one.severity,
        id: one.id.into(),
        text: one.text.clone(),
        evidence: one.evidence.clone(),
        fixes: one.fixes.iter().cloned().map(fix_vm).collect(),
    }
}
