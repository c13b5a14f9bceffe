//! An audit on a profile's schedule as it leaves the program.

use serde::Serialize;

use crate::watch::{AuditFinding, Audited, LetIn};

/// What one audit came to.
#[derive(Debug, Serialize)]
pub struct AuditRecord {
    /// The gravest first.
    pub findings: Vec<FindingRecord>,
    /// Origins that were let in beside the page itself.
    pub let_in: Vec<LetInRecord>,
    /// Since the last audit, a phrase each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as AuditFinding has them")]
pub struct FindingRecord {
    pub id: String,
    /// `low`, `medium`, `high`.
    pub severity: &'static str,
    pub text: String,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as LetIn has them")]
pub struct LetInRecord {
    pub way: String,
    /// Absent: clients that send none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub as_the_person: bool,
}

impl AuditRecord {
    pub(super) fn of(audited: &Audited) -> Self {
        let texts = |list: &[Box<str>]| list.iter().map(|one| one.to_string()).collect::<Vec<_>>();
        let change = audited.changed.as_ref();
        Self {
            findings: audited.findings.iter().map(FindingRecord::of).collect(),
            let_in: audited.let_in.iter().map(LetInRecord::of).collect(),
            opened: change.map(|change| texts(&change.opened)).unwrap_or_default(),
            closed: change.map(|change| texts(&change.closed)).unwrap_or_default(),
        }
    }

    /// The findings and what changed, in one cell.
    pub(super) fn cell(&self) -> String {
        let findings = self.findings.iter().map(|one| format!("{} {}", one.severity, one.id));
        findings.chain(self.opened.iter().chain(&self.closed).cloned()).collect::<Vec<_>>().join("; ")
    }
}

impl FindingRecord {
    fn of(finding: &AuditFinding) -> Self {
        Self { id: finding.id.to_string(), severity: finding.severity.word(), text: finding.text.to_string() }
    }
}

impl LetInRecord {
    fn of(one: &LetIn) -> Self {
        Self {
            way: one.way.to_string(),
            origin: one.origin.as_deref().map(str::to_owned),
            as_the_person: one.as_the_person,
        }
    }
}
