//! Local Network Access: works from here, and in a person's browser only by their leave.

use crate::browser::local_network::Decision;
use crate::diagnosis::beside::About;
use crate::diagnosis::{CauseId, Facts, Severity, Warning, fixes};

pub(super) fn warning(facts: &Facts<'_>) -> Option<Warning> {
    let local = facts.beside.local_network?;
    Some(Warning {
        cause: CauseId::LocalNetworkAccess,
        severity: match local.decision {
            Decision::Asks | Decision::Refuses => Severity::Medium,
            Decision::MayAsk => Severity::Low,
        },
        text: sentence(facts)?,
        fixes: fixes::for_cause(CauseId::LocalNetworkAccess, facts),
    })
}

/// What a good verdict still depends on, as one more sentence; empty where that is nothing.
pub(super) fn condition(facts: &Facts<'_>) -> String {
    sentence(facts).map(|sentence| format!(" {sentence}")).unwrap_or_default()
}

fn sentence(facts: &Facts<'_>) -> Option<String> {
    let remark = facts.remarks().into_iter().find(|remark| remark.about == About::LocalNetwork)?;
    Some(remark.sentence())
}
