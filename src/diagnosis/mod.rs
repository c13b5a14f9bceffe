//! Layer 2: evidence → cause, and what to change. A family of rules a file.
//!
//! Invariant: [`diagnose`] is total and pure. Where no rule can name a cause, there is none, and the summary still says what
//! happened. A cause is never certain: what the evidence can't tell apart stands among the others.

pub mod beside;
pub mod cause;
pub mod facts;
pub mod fixes;
mod rules;
pub mod session_words;
pub mod words;

pub use beside::{About, Remark};
pub use cause::CauseId;
pub use facts::Facts;
pub use fixes::Fix;

/// What is wrong, and what to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// `None`: no rule knows it, or it is nobody's fault (not asked for, this machine offline).
    pub cause: Option<CauseId>,
    /// 0 to 1.
    pub confidence: f32,
    /// A sentence that a person on call understands, with the real values.
    pub summary: String,
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

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Low,
    Medium,
}

impl Severity {
    /// Stable: as `check --json` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
        }
    }
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    cause: CauseId,
    confidence: f32,
    summary: String,
    others: Vec<(CauseId, f32)>,
}

impl Finding {
    fn new(cause: CauseId, confidence: f32, summary: impl Into<String>) -> Self {
        Self { cause, confidence, summary: summary.into(), others: Vec::new() }
    }

    /// It may also be that.
    fn or(mut self, cause: CauseId, confidence: f32) -> Self {
        if cause != self.cause && !self.others.iter().any(|(known, _)| *known == cause) {
            self.others.push((cause, confidence));
        }
        self
    }

    /// It may also be what `other` says.
    fn joined(self, other: Self) -> Self {
        let first = self.or(other.cause, other.confidence);
        other.others.into_iter().fold(first, |finding, (cause, confidence)| finding.or(cause, confidence))
    }
}

/// The cause that the evidence points to.
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let found = rules::find(facts);
    let warnings = rules::warnings(facts, found.as_ref().map(|finding| finding.cause));
    match found {
        Some(finding) => {
            // What else it may be is never likelier than what it is said to be.
            let capped = |(cause, confidence): (CauseId, f32)| (cause, confidence.min(finding.confidence));
            let mut others: Vec<_> = finding.others.into_iter().map(capped).collect();
            others.sort_by(|a, b| b.1.total_cmp(&a.1));
            Diagnosis {
                cause: Some(finding.cause),
                confidence: finding.confidence,
                summary: finding.summary,
                fixes: fixes::for_cause(finding.cause, facts),
                others,
                warnings,
            }
        }
        None => Diagnosis {
            cause: None,
            confidence: 0.0,
            summary: rules::without_cause(facts),
            fixes: Vec::new(),
            others: Vec::new(),
            warnings,
        },
    }
}

#[cfg(test)]
mod tests;
