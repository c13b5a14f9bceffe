//! Layer 2: evidence → cause, and what to change. A family of rules a file.
//!
//! Invariant: [`diagnose`] is total and pure. Where no rule can name a cause, there is none, and the summary still says what
//! happened. A cause is never certain: what the evidence can't tell apart stands among the others.

pub mod cause;
pub mod facts;
pub mod fixes;
mod rules;
pub mod words;

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
}

/// The cause that the evidence points to.
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    match rules::find(facts) {
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
            }
        }
        None => Diagnosis {
            cause: None,
            confidence: 0.0,
            summary: rules::without_cause(facts),
            fixes: Vec::new(),
            others: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests;
