//! What a rule is, and which of those that fit is the cause.
//!
//! Invariant: the earliest layer that is surely broken is the cause, and silences what follows from it: a page that can't read
//! a proxy's 502 is the proxy's fault, whatever the browser calls it. Among what is not sure, the likeliest is.

use super::{CauseId, Facts, Fix, Severity};
use crate::watch::Category;
use crate::wire::Ask;

/// One cause's rule.
pub(crate) struct Rule {
    pub cause: CauseId,
    pub look: fn(&Facts<'_>) -> Fit,
    /// What to change: what holds everywhere first, then each stack's.
    pub fixes: fn(&Facts<'_>) -> Vec<Fix>,
}

/// Whether the evidence fits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fit {
    /// It speaks against it, or says nothing of it.
    No,
    Fits(Match),
    /// It may be: the match's questions would tell, or nothing that can be asked from here would.
    CantTell(Match),
    /// It is amiss, and this check didn't fail by it.
    Warns(Severity, Match),
}

/// How well it fits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Match {
    /// 0 to 1.
    pub confidence: f32,
    /// A sentence, with the real values.
    pub summary: String,
    /// What in the evidence says so, a phrase each.
    pub signs: Vec<String>,
    /// What would decide, and has not been asked.
    pub asks: Vec<Ask>,
    /// Where it is another than the cause's usual one.
    pub category: Option<Category>,
}

impl Match {
    pub(crate) fn new(confidence: f32, summary: impl Into<String>) -> Self {
        Self { confidence, summary: summary.into(), signs: Vec::new(), asks: Vec::new(), category: None }
    }

    /// It rests on that.
    pub(crate) fn sign(mut self, sign: impl Into<String>) -> Self {
        self.signs.push(sign.into());
        self
    }

    /// Here it is trouble of another kind.
    pub(crate) fn of(mut self, category: Category) -> Self {
        self.category = Some(category);
        self
    }

    /// That would decide.
    pub(crate) fn asks(mut self, asks: &[Ask]) -> Self {
        self.asks.extend_from_slice(asks);
        self
    }
}

/// A rule that may be the cause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub cause: CauseId,
    pub found: Match,
    /// Not only that it may be.
    pub fits: bool,
}

/// From here on a fit is sure.
pub(crate) const SURE: f32 = 0.8;

/// The candidates with the cause first, then the likeliest; a cause stands once.
pub(crate) fn ranked(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let likelier = |a: &Candidate, b: &Candidate| {
        b.found.confidence.total_cmp(&a.found.confidence).then_with(|| a.cause.layer().cmp(&b.cause.layer()))
    };
    candidates.sort_by(likelier);
    let mut seen = std::collections::HashSet::new();
    candidates.retain(|candidate| seen.insert(candidate.cause));
    let sure = |candidate: &&Candidate| SURE <= candidate.found.confidence;
    let first = candidates.iter().filter(sure).map(|candidate| candidate.cause.layer()).min();
    if let Some(at) = candidates.iter().position(|candidate| sure(&candidate) && Some(candidate.cause.layer()) == first)
    {
        candidates[..=at].rotate_right(1);
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(candidates: &[(CauseId, f32)], expected: &[CauseId]) {
        let made = candidates.iter().map(|(cause, confidence)| Candidate {
            cause: *cause,
            found: Match::new(*confidence, String::new()),
            fits: true,
        });
        let got: Vec<CauseId> = ranked(made.collect()).iter().map(|candidate| candidate.cause).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn the_earliest_layer_that_is_sure_comes_first_then_the_likeliest() {
        use CauseId::{BackendDown, ErrorResponseWithoutCors, OriginNotAllowed, ServerException};
        check(
            &[(OriginNotAllowed, 0.3), (ErrorResponseWithoutCors, 0.95), (BackendDown, 0.85)],
            &[BackendDown, ErrorResponseWithoutCors, OriginNotAllowed],
        );
        check(&[(ServerException, 0.6), (OriginNotAllowed, 0.7)], &[OriginNotAllowed, ServerException]);
    }

    #[test]
    fn a_cause_stands_once_by_what_fits_best() {
        check(&[(CauseId::NoPong, 0.4), (CauseId::NoPong, 0.9)], &[CauseId::NoPong]);
    }
}
