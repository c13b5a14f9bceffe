//! Layer 2: evidence → cause, and what to change. One rule a file.
//!
//! Invariant: [`diagnose`] is total and pure. Where no rule can name a cause, there is none, and the summary still says what
//! happened. A cause is never certain: what the evidence can't tell apart stands among the others.

pub mod ask;
pub mod audit;
pub mod audit_words;
pub mod banner;
pub mod beside;
pub mod browsers;
pub mod cause;
pub mod explain;
pub mod facts;
pub mod fixes;
pub mod idle;
pub mod matrix;
pub mod mended;
pub mod ports;
pub mod reproduce;
mod rule;
mod rules;
pub mod session_words;
pub mod stickiness;
pub mod words;

pub use beside::{About, Remark};
pub use cause::CauseId;
pub use facts::Facts;
pub use fixes::Fix;

pub use crate::watch::Severity;
use crate::watch::{Category, Reason};
use crate::wire::Ask;
use rule::{Candidate, Match};

/// What is wrong, and what to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// `None`: no rule knows it, or it is nobody's fault (not asked for, this machine offline).
    pub cause: Option<CauseId>,
    pub category: Category,
    /// 0 to 1.
    pub confidence: f32,
    /// A sentence that a person on call understands, with the real values.
    pub summary: String,
    /// What in the evidence says so, a phrase each.
    pub signs: Vec<String>,
    /// The likeliest first.
    pub fixes: Vec<Fix>,
    /// What else it may be, the likeliest first.
    pub others: Vec<(CauseId, f32)>,
    /// What is amiss though this check didn't fail by it.
    pub warnings: Vec<Warning>,
}

/// What the next request, or another person's browser, may fail by.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    pub cause: CauseId,
    pub severity: Severity,
    /// A sentence.
    pub text: String,
    pub fixes: Vec<Fix>,
}

/// The cause that the evidence points to.
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let mut candidates = judge(facts);
    let warnings = rules::warnings(facts, candidates.first().map(|first| first.cause));
    if candidates.is_empty() {
        return Diagnosis {
            cause: None,
            category: facts.reason.map_or(Category::None, Reason::category),
            confidence: 0.0,
            summary: rules::without_cause(facts),
            signs: Vec::new(),
            fixes: Vec::new(),
            others: Vec::new(),
            warnings,
        };
    }
    let Candidate { cause, found, .. } = candidates.remove(0);
    let mut others: Vec<(CauseId, f32)> = Vec::new();
    let rest = candidates.into_iter().map(|other| (other.cause, other.found.confidence));
    for (other, confidence) in rest.filter(|(other, _)| *other != cause && *other != CauseId::Ok) {
        if others.iter().all(|(known, _)| *known != other) {
            // What else it may be is never likelier than what it is said to be.
            others.push((other, confidence.min(found.confidence)));
        }
    }
    others.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Match { confidence, summary, signs, category, .. } = found;
    let category = category.unwrap_or_else(|| cause.category());
    Diagnosis {
        cause: Some(cause),
        category,
        confidence,
        summary,
        signs,
        fixes: fixes::for_cause(cause, facts),
        others,
        warnings,
    }
}

/// What would be worth asking besides, the most telling first; nothing that has been asked.
pub fn wanted(facts: &Facts<'_>) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    let candidates = judge(facts);
    let sure = candidates.first().filter(|first| rule::SURE <= first.found.confidence).map(|first| first.cause);
    // What sits earlier than what is sure may be what that follows from.
    let is_open = |cause: CauseId| sure.is_none_or(|sure| sure == cause || cause.layer() < sure.layer());
    let of_causes = candidates.into_iter().filter(|one| is_open(one.cause));
    let all = of_causes.flat_map(|one| one.found.asks).chain(rules::asks_of_warnings(facts));
    for ask in all.filter(|ask| facts.asked(*ask).is_none()) {
        if !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    asks
}

/// What it may be, the cause first.
fn judge(facts: &Facts<'_>) -> Vec<Candidate> {
    let mut candidates = rules::candidates(facts);
    if facts.reason.is_some() && !rules::performance::slow_once(facts) {
        return rule::ranked(candidates);
    }
    // It came out well: only what is seen beyond doubt speaks against it.
    candidates.retain(|candidate| candidate.fits);
    let mut candidates = rule::ranked(candidates);
    if candidates.first().is_none_or(|first| first.found.confidence < 0.5) {
        candidates.insert(0, Candidate { cause: CauseId::Ok, found: Match::new(1.0, rules::well(facts)), fits: true });
    }
    candidates
}

#[cfg(test)]
mod tests;
