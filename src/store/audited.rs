//! What an audit came to, as the JSON of its row.

use serde::{Deserialize, Serialize};

use crate::watch::{AuditFinding, Audited, LetIn, PolicyChange, Severity};

#[derive(Serialize, Deserialize)]
pub(super) struct AuditForm {
    of: Box<str>,
    found: Vec<FindingForm>,
    let_in: Vec<LetInForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<ChangeForm>,
}

#[derive(Serialize, Deserialize)]
struct FindingForm {
    id: Box<str>,
    severity: Box<str>,
    text: Box<str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    of_origin: bool,
}

#[derive(Serialize, Deserialize)]
struct LetInForm {
    way: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    as_the_person: bool,
}

#[derive(Serialize, Deserialize)]
struct ChangeForm {
    opened: Vec<Box<str>>,
    closed: Vec<Box<str>>,
}

impl AuditForm {
    pub(super) fn of(audited: &Audited) -> Self {
        let finding = |one: &AuditFinding| FindingForm {
            id: one.id.clone(),
            severity: one.severity.word().into(),
            text: one.text.clone(),
            of_origin: one.of_origin,
        };
        let let_in = |one: &LetIn| LetInForm {
            way: one.way.clone(),
            origin: one.origin.clone(),
            as_the_person: one.as_the_person,
        };
        Self {
            of: audited.of.clone(),
            found: audited.findings.iter().map(finding).collect(),
            let_in: audited.let_in.iter().map(let_in).collect(),
            changed: audited
                .changed
                .as_ref()
                .map(|change| ChangeForm { opened: change.opened.clone(), closed: change.closed.clone() }),
        }
    }

    /// `None`: another version wrote it.
    pub(super) fn audited(self) -> Option<Audited> {
        let finding = |one: FindingForm| {
            let severity = Severity::from_word(&one.severity)?;
            Some(AuditFinding { id: one.id, severity, text: one.text, of_origin: one.of_origin })
        };
        let let_in = |one: LetInForm| LetIn { way: one.way, origin: one.origin, as_the_person: one.as_the_person };
        Some(Audited {
            of: self.of,
            findings: self.found.into_iter().map(finding).collect::<Option<_>>()?,
            let_in: self.let_in.into_iter().map(let_in).collect(),
            changed: self.changed.map(|ChangeForm { opened, closed }| PolicyChange { opened, closed }),
        })
    }
}
