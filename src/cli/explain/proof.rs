//! `explain --check`: makes the profile that the pasted text tells of, runs the check as that browser from that page, and says
//! whether it found the same.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::ExplainArgs;
use crate::base::{Clock, ProfileId};
use crate::cli::check;
use crate::cli::fail;
use crate::diagnosis::reproduce::{Claim, Outcome, judge};
use crate::diagnosis::{Facts, words};
use crate::engine::further::{self, Often};
use crate::engine::{Patterns, SecretSource, Secrets, Target};
use crate::profile::intake::{self, Draft, Missing};
use crate::profile::{self, Profile};

/// How long a WebSocket is stayed with, to see how it ends.
const STAY: Duration = Duration::from_secs(3);

/// What the check found.
pub(super) struct Proof {
    pub outcome: Outcome,
    /// The check, as a person reads it, and as programs do.
    pub shown: String,
    pub document: serde_json::Value,
}

impl Proof {
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
    let draft = draft_of(args, pasted)?;
    let claim = Claim::of(&draft);
    let profile = Arc::new(draft.profile);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("no runtime: {error}"), ""))?;
    let secrets = secrets_of(draft.secrets);
    let target = Arc::new(Target::prepare(ProfileId(0), Arc::clone(&profile), &secrets, &Patterns::default()));
    if let Err(reason) = target.client() {
        let name = reason.detail.as_deref().unwrap_or_default();
        return Err(fail(&words::phrase(reason), &crate::engine::secrets::remedy(name)));
    }
    let reports = runtime.block_on(async {
        tokio::select! {
            reports = further::examine(&target, Some(STAY), Often::ONCE, Clock) => reports,
            _ = tokio::signal::ctrl_c() => Vec::new(),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some(report) = reports.first() else { return Err(ExitCode::FAILURE) };
    let url = target.redactor().text(profile.url.as_str()).into_owned();
    let outcome = judge(&claim, report, &Facts::of_checks(&profile, report, &reports));
    Ok(Proof {
        outcome,
        shown: check::text::document(&profile, &url, report, &reports, false),
        document: serde_json::to_value(check::json::document(&profile, &url, report, &reports)).unwrap_or_default(),
    })
}

/// The first draft of the text, with what the command adds.
fn draft_of(args: &ExplainArgs, pasted: &str) -> Result<Draft, ExitCode> {
    let intake = intake::read(pasted, None);
    for problem in &intake.problems {
        eprintln!("{problem}");
    }
    let Some(mut draft) = intake.drafts.into_iter().next() else {
        return Err(fail(
            "nothing in this says what to check",
            "paste the line that names the address, or its curl command; or use `wirewatch check URL --page PAGE`",
        ));
    };
    if let Some(page) = &args.page {
        let hint = "write it whole, such as https://app.example.com/";
        let url = Url::parse(page).map_err(|error| fail(&format!("--page `{page}` is no URL: {error}"), hint))?;
        draft.profile.page = Some(url);
    }
    if let Some(browser) = args.browser {
        draft.profile.browser = browser.into();
        draft.browser = Some(browser.into());
    }
    draft.profile.stack = args.stack.clone().or(draft.profile.stack.take());
    draft.profile.network.resolve.splice(0..0, args.resolve.iter().cloned());
    draft.profile.network.insecure |= args.insecure;
    draft.profile.timeout = args.timeout.unwrap_or(draft.profile.timeout);
    if let Err(problems) = profile::check(&draft.profile) {
        problems.iter().for_each(|problem| eprintln!("error: {problem}"));
        return Err(ExitCode::from(crate::cli::USAGE));
    }
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
    Ok(draft)
}

/// Those of the text, then the system's.
fn secrets_of(own: Vec<(String, crate::base::Secret)>) -> SecretSource {
    let system = Secrets::system();
    Arc::new(move |profile: &Profile| {
        let mut found = std::collections::HashMap::new();
        let mut missing = Vec::new();
        for name in profile.secret_names() {
            let known = own.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
            match known.or_else(|| system.get(&name)) {
                Some(value) => drop(found.insert(name, value)),
                None => missing.push(name),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(missing) }
    })
}
