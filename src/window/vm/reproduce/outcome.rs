//! What a run came to: the verdict, what each browser shows, the cause, the steps, and each request whole.
//!
//! Invariant: built of a report whose secrets are taken out.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::last_check::LastCheckVm;
use super::super::why::{FixVm, WhyVm, fix_vm, others_line};
use super::super::{local, words};
use crate::base::Wall;
use crate::diagnosis::browsers::{self, Line};
use crate::diagnosis::explain::Explained;
use crate::diagnosis::reproduce::{Claim, Outcome, judge};
use crate::diagnosis::words as reasons;
use crate::diagnosis::{About, CauseId, Diagnosis, Facts, Severity, diagnose};
use crate::engine::secrets;
use crate::export::check::{Came, steps};
use crate::export::report::{Checked, Report};
use crate::profile::Profile;
use crate::watch::{CheckReport, Code, Reason, State};

/// Whether it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub sentence: String,
    /// Whose shape and colour it has; `None`: it can't be told from here.
    pub state: Option<State>,
    /// `CORS error`, `Not to be told from here`
    pub word: &'static str,
    /// What makes the difference, or may.
    pub why: Vec<String>,
}

/// One step, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepVm {
    /// The request that begins with it, where there are several.
    pub request: Option<String>,
    pub name: &'static str,
    pub came: Came,
    pub took: String,
    pub detail: String,
}

/// What one browser's console says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserVm {
    pub name: &'static str,
    /// It is whose rules the run kept to.
    pub own: bool,
    /// Its line, word for word; else what to say in its place.
    pub line: Result<String, &'static str>,
}

/// All of it.
pub struct Shown {
    /// `As Chrome, from https://app.test/, at 14:02:31`
    pub ran: String,
    pub verdict: Verdict,
    pub browsers: Vec<BrowserVm>,
    pub why: WhyVm,
    /// `Cause: origin-not-allowed, 95 % sure`
    pub cause: Option<String>,
    pub steps: Vec<StepVm>,
    pub check: LastCheckVm,
    pub profile: Arc<Profile>,
    /// As it leaves the program.
    pub report: Report,
}

impl Shown {
    /// `None`: no check was made.
    pub fn build(
        claim: &Claim,
        explained: &[Explained],
        profile: &Arc<Profile>,
        url: &str,
        reports: &[CheckReport],
        now: Wall,
        zone: &TimeZone,
    ) -> Option<Self> {
        let report = reports.first()?;
        let facts = Facts::of_checks(profile, report, reports);
        let outcome = judge(claim, report, &facts);
        let checked = Checked { profile, url, deciding: report, reports };
        let diagnosis = diagnose(&facts);
        let browser = profile.browser.name();
        let at = local::second(report.scheduled, zone);
        let cause = diagnosis.cause.filter(|cause| *cause != CauseId::Ok);
        Some(Self {
            ran: format!("As {browser}, from {}, at {at}", profile.page_url()),
            verdict: verdict(&outcome, report),
            browsers: browsers_vm(profile, report),
            cause: cause.map(|cause| format!("Cause: {cause}, {:.0} % sure", diagnosis.confidence * 100.0)),
            why: why(&diagnosis, &facts, report),
            steps: steps_vm(profile, report, &facts),
            check: LastCheckVm::of_check(report.scheduled, report, Some(profile), now, zone),
            profile: Arc::clone(profile),
            report: Report::of_explained(explained, Some((&outcome, checked))),
        })
    }

    /// Verdict and cause as text, to be pasted into a message.
    pub fn text(&self) -> String {
        let mut lines = vec![self.verdict.sentence.clone()];
        lines.extend(self.verdict.why.iter().map(|why| format!("- {why}")));
        lines.push(self.ran.clone());
        lines.extend(self.cause.clone());
        lines.push(self.why.text());
        lines.join("\n")
    }
}

fn verdict(outcome: &Outcome, report: &CheckReport) -> Verdict {
    let state = match outcome {
        Outcome::Reproduced { .. } | Outcome::NotReproduced { .. } => Some(report.state),
        Outcome::CannotFromHere { .. } => None,
    };
    Verdict {
        sentence: outcome.sentence(),
        state,
        word: state.map_or("Not to be told from here", reasons::state),
        why: outcome.why().iter().map(|why| why.phrase()).collect(),
    }
}

fn browsers_vm(profile: &Profile, report: &CheckReport) -> Vec<BrowserVm> {
    let vm = |shown: browsers::Shown| BrowserVm {
        name: shown.browser.name(),
        own: shown.browser == profile.browser,
        line: match shown.line {
            Line::Console(line) => Ok(line),
            Line::Nothing => Err("Its console says nothing."),
            Line::Unknown => Err("It would have sent something else: choose it above and run it again."),
        },
    };
    browsers::each(profile, report).into_iter().map(vm).collect()
}

/// The card of the cause.
fn why(diagnosis: &Diagnosis, facts: &Facts<'_>, report: &CheckReport) -> WhyVm {
    let seen = diagnosis.signs.iter().filter(|sign| !sign.is_empty()).map(|sign| format!("Seen: {sign}"));
    let (unknowable, beside): (Vec<_>, Vec<_>) =
        facts.remarks().into_iter().partition(|remark| remark.about == About::Unknowable);
    let warnings = diagnosis.warnings.iter();
    let dangerous = warnings.filter(|one| one.severity == Severity::High).map(|one| format!("Dangerous: {}", one.text));
    let beside = beside.iter().filter(|remark| !diagnosis.summary.contains(&remark.text));
    let of_warnings = diagnosis.warnings.iter().flat_map(|one| &one.fixes);
    let fixes: Vec<FixVm> = diagnosis.fixes.iter().chain(of_warnings).cloned().map(fix_vm).collect();
    WhyVm {
        state: Some(report.state),
        headline: diagnosis.summary.clone(),
        facts: seen.collect(),
        beside: dangerous.chain(beside.map(|remark| remark.sentence())).collect(),
        unknowable: unknowable.first().map(|remark| remark.sentence()),
        fixes,
        others: others_line(&diagnosis.others),
    }
}

fn steps_vm(profile: &Profile, report: &CheckReport, facts: &Facts<'_>) -> Vec<StepVm> {
    let several = 1 < report.exchanges.len();
    let mut before = None;
    let all = steps(profile, report, facts).into_iter();
    all.map(|step| {
        let begins = several && step.exchange.is_some() && step.exchange != before;
        before = step.exchange.or(before);
        let exchange = step.exchange.filter(|_| begins).and_then(|index| report.exchanges.get(index));
        StepVm {
            request: exchange.map(|one| format!("{} {}", one.request.method, one.request.url)),
            name: step.name,
            came: step.came,
            took: step.took.map(words::latency).unwrap_or_default(),
            detail: step.detail.trim().to_owned(),
        }
    })
    .collect()
}

/// Why nothing could be run, and what to do.
pub(super) fn unready(reason: &Reason) -> String {
    let detail = reason.detail.as_deref().unwrap_or_default();
    match reason.code {
        Code::SecretMissing => {
            format!("The secret “{detail}” is missing: type it into its box, or {}.", secrets::remedy(detail))
        }
        _ => format!("It can’t be run: {}.", reasons::phrase(reason)),
    }
}
