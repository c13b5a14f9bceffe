//! `explain --check`: makes the profile that the pasted text tells of, runs the check as that browser from that page, and says
//! whether it found the same.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::ExplainArgs;
use crate::base::Clock;
use crate::cli::{check, fail, target};
use crate::diagnosis::Facts;
use crate::diagnosis::reproduce::{self, Claim, Outcome, STAY, judge};
use crate::engine::Target;
use crate::engine::further::{self, Often};
use crate::engine::{Secrets, errand};
use crate::export::check::document;
use crate::export::report::Checked;
use crate::profile::intake::{self, Draft, Form, Missing};
use crate::watch::CheckReport;

/// What the check found.
pub(super) struct Proof {
    pub outcome: Outcome,
    target: Arc<Target>,
    /// Secrets replaced.
    url: String,
    /// One.
    reports: [CheckReport; 1],
}

impl Proof {
    pub fn checked(&self) -> Checked<'_> {
        let [report] = &self.reports;
        Checked { profile: &self.target.profile, url: &self.url, deciding: report, reports: &self.reports }
    }

    /// The check, as a person reads it.
    pub fn shown(&self) -> String {
        let Checked { profile, url, deciding, reports } = self.checked();
        check::text::document(profile, url, deciding, reports, false)
    }

    /// The check, as programs do.
    pub fn document(&self) -> serde_json::Value {
        let Checked { profile, url, deciding, reports } = self.checked();
        serde_json::to_value(document(profile, url, deciding, reports)).unwrap_or_default()
    }

    /// 1 where it fails from here too.
    pub fn code(&self) -> ExitCode {
        match &self.outcome {
            Outcome::Reproduced { .. } | Outcome::NotReproduced { saw: Some(_), .. } => ExitCode::FAILURE,
            Outcome::NotReproduced { saw: None, .. } => ExitCode::SUCCESS,
            Outcome::CannotFromHere { .. } => ExitCode::from(crate::cli::USAGE),
        }
    }
}

/// Runs it.
pub(super) fn run(args: &ExplainArgs, pasted: &str) -> Result<Proof, ExitCode> {
    let (draft, form) = draft_of(args, pasted)?;
    let claim = Claim::told(&draft, form);
    let target = target::ready_with(draft.profile, &errand::with(draft.secrets, Arc::new(Secrets::system()).source()))?;
    let profile = &target.profile;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("no runtime: {error}"), ""))?;
    let reports = runtime.block_on(async {
        tokio::select! {
            reports = further::examine(&target, Some(STAY), Often::ONCE, Clock) => reports,
            _ = tokio::signal::ctrl_c() => Vec::new(),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some(report) = reports.into_iter().next() else { return Err(ExitCode::FAILURE) };
    let url = target.redactor().text(profile.url.as_str()).into_owned();
    let outcome = judge(&claim, &report, &Facts::of_check(profile, &report));
    Ok(Proof { outcome, target, url, reports: [report] })
}

/// The draft of the text that wants to be tried first, with what the command adds.
fn draft_of(args: &ExplainArgs, pasted: &str) -> Result<(Draft, Option<Form>), ExitCode> {
    let intake = intake::read(pasted, None);
    for problem in &intake.problems {
        eprintln!("{problem}");
    }
    let first = reproduce::order(&intake.drafts).first().copied();
    let Some(mut draft) = first.and_then(|first| intake.drafts.into_iter().nth(first)) else {
        return Err(fail(
            "nothing in this says what to check",
            "paste the line that names the address, or its curl command; or use `wirewatch check URL --page PAGE`",
        ));
    };
    if args.stack.is_some() {
        draft.profile.stack.clone_from(&args.stack);
    }
    draft.browser = args.overrides.browser().or(draft.browser);
    draft.profile = target::overridden(draft.profile, &args.overrides)?;
    for missing in &draft.missing {
        match missing {
            Missing::Page if draft.profile.page.is_none() => {
                eprintln!("hint: --page gives {}; the address's own origin stands in", missing.sentence());
            }
            Missing::Page | Missing::Kind | Missing::Browser => {}
            Missing::Secret { .. } | Missing::Value { .. } => {
                eprintln!("hint: not in the text: {}", missing.sentence())
            }
        }
    }
    Ok((draft, intake.form))
}
