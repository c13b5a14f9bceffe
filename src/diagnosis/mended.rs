//! Did a change mend it? One check before it, one after.
//!
//! Invariant: "mended" is said only of a check that came out well; a check that could not be made says nothing.

use super::{CauseId, Diagnosis, words};
use crate::watch::{CheckReport, Outcome, State};

/// What is known of one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub outcome: Outcome,
    /// Nothing is wrong with it.
    pub well: bool,
    /// The cause's name; `None`: no rule knows one.
    pub cause: Option<String>,
    /// What else it may be.
    pub others: Vec<String>,
    /// What happened, where there is no cause to name.
    pub phrase: String,
    pub state: State,
    pub status: Option<u16>,
}

impl Side {
    /// Of a check and what it was diagnosed as.
    pub fn of(report: &CheckReport, diagnosis: &Diagnosis) -> Self {
        Self {
            outcome: report.outcome,
            well: report.outcome == Outcome::Up && diagnosis.cause == Some(CauseId::Ok),
            cause: diagnosis.cause.map(|cause| cause.as_str().to_owned()),
            others: diagnosis.others.iter().map(|(cause, _)| cause.as_str().to_owned()).collect(),
            phrase: match &report.reason {
                Some(reason) => words::phrase(reason),
                None => words::outcome(report.outcome).to_lowercase(),
            },
            state: report.state,
            status: report.reason.as_ref().and_then(|reason| reason.status).or(report.status),
        }
    }
}

/// What the two say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    Yes,
    /// It works, and it is slower than its objective.
    ButSlow,
    /// It was well before.
    WasWell,
    /// The same cause.
    No {
        cause: String,
    },
    /// It fails by something else.
    Another {
        cause: String,
    },
    /// It could not be checked again.
    Unknown {
        why: String,
    },
}

impl Mended {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Yes => "mended",
            Self::ButSlow => "mended-slow",
            Self::WasWell => "was-well",
            Self::No { .. } => "same-cause",
            Self::Another { .. } => "another-cause",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether what failed works.
    pub fn is_mended(&self) -> bool {
        matches!(self, Self::Yes | Self::ButSlow)
    }

    /// A few words, without an end.
    pub fn words(&self) -> String {
        match self {
            Self::Yes => "Mended".to_owned(),
            Self::ButSlow => "Mended, and slower than its objective".to_owned(),
            Self::WasWell => "It was well before, too".to_owned(),
            Self::No { cause } => format!("Still failing by the same cause: {cause}"),
            Self::Another { cause } => format!("Another cause now: {cause}"),
            Self::Unknown { why } => format!("It could not be checked again: {why}"),
        }
    }
}

/// Whether the change between the two mended it.
pub fn judge(before: &Side, after: &Side) -> Mended {
    match after.outcome {
        Outcome::Unknown => return Mended::Unknown { why: after.phrase.clone() },
        Outcome::Up if after.well && before.well => return Mended::WasWell,
        Outcome::Up if after.well => return Mended::Yes,
        Outcome::Degraded if before.outcome == Outcome::Down => return Mended::ButSlow,
        Outcome::Up | Outcome::Degraded | Outcome::Down => {}
    }
    let same = match (&before.cause, &after.cause) {
        (Some(one), Some(other)) if one == other => true,
        // A check asks more than a session does, and so may name more exactly what was the matter all along.
        (Some(_), Some(other)) => {
            before.others.contains(other) && (before.state, before.status) == (after.state, after.status)
        }
        (None, _) => before.phrase == after.phrase,
        (Some(_), None) => false,
    };
    let cause = after.cause.clone().unwrap_or_else(|| after.phrase.clone());
    if same { Mended::No { cause } } else { Mended::Another { cause } }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Wall;
    use crate::watch::{Category, Code, Reason};

    fn side(
        outcome: Outcome,
        code: Option<Code>,
        cause: Option<CauseId>,
        others: &[CauseId],
    ) -> (CheckReport, Diagnosis) {
        let report = CheckReport {
            outcome,
            state: State::Error,
            reason: code.map(|code| Reason::new(code).with_status(403)),
            scheduled: Wall(0),
            lateness: Duration::ZERO,
            phases: Default::default(),
            status: None,
            exchanges: Vec::new(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        let diagnosis = Diagnosis {
            cause,
            category: Category::None,
            confidence: 0.9,
            summary: String::new(),
            signs: Vec::new(),
            fixes: Vec::new(),
            others: others.iter().map(|cause| (*cause, 0.3)).collect(),
            warnings: Vec::new(),
        };
        (report, diagnosis)
    }

    #[track_caller]
    fn check(before: &(CheckReport, Diagnosis), after: &(CheckReport, Diagnosis), expected: &str) {
        let of = |(report, diagnosis): &(CheckReport, Diagnosis)| Side::of(report, diagnosis);
        assert_eq!(judge(&of(before), &of(after)).words(), expected);
    }

    #[test]
    fn what_works_now_is_mended_and_what_fails_is_told_by_its_cause() {
        use CauseId::{BackendDown, OriginNotAllowed, WebsocketRouteMissing};
        let refused = |cause, others: &[CauseId]| side(Outcome::Down, Some(Code::HandshakeStatus), cause, others);
        let well = side(Outcome::Up, None, Some(CauseId::Ok), &[]);
        let before = refused(Some(OriginNotAllowed), &[WebsocketRouteMissing]);
        check(&before, &well, "Mended");
        check(&before, &side(Outcome::Degraded, Some(Code::Slow), None, &[]), "Mended, and slower than its objective");
        check(&before, &before, "Still failing by the same cause: origin-not-allowed");
        let down = side(Outcome::Down, Some(Code::Status), Some(BackendDown), &[]);
        check(&before, &down, "Another cause now: backend-down");
        check(&well, &well, "It was well before, too");
    }

    #[test]
    fn the_same_answer_whose_cause_is_known_better_now_is_no_other_cause() {
        use CauseId::{OriginNotAllowed, WebsocketRouteMissing};
        let refused = |cause, others: &[CauseId]| side(Outcome::Down, Some(Code::HandshakeStatus), cause, others);
        let before = refused(Some(OriginNotAllowed), &[WebsocketRouteMissing]);
        let after = refused(Some(WebsocketRouteMissing), &[]);
        check(&before, &after, "Still failing by the same cause: websocket-route-missing");
        // Nothing spoke of it before.
        check(&refused(Some(OriginNotAllowed), &[]), &after, "Another cause now: websocket-route-missing");
        check(
            &refused(None, &[]),
            &refused(None, &[]),
            "Still failing by the same cause: upgrade answered: 403 Forbidden",
        );
    }

    #[test]
    fn a_check_that_could_not_be_made_says_nothing() {
        let before = side(Outcome::Down, Some(Code::Status), Some(CauseId::BackendDown), &[]);
        let after = side(Outcome::Unknown, Some(Code::InternetDisconnected), None, &[]);
        check(&before, &after, "It could not be checked again: no route from this machine");
    }

    #[test]
    fn works_and_yet_is_not_well_is_no_mending() {
        let before = side(Outcome::Down, Some(Code::HandshakeStatus), Some(CauseId::OriginNotAllowed), &[]);
        let after = side(Outcome::Up, None, Some(CauseId::ProxyDropsUpgrade), &[]);
        check(&before, &after, "Another cause now: proxy-drops-upgrade");
    }
}
