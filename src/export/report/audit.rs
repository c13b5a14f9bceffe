//! The report of an audit: what is open and to whom, then every origin that was tried.

use super::Report;
use super::block::{Block, advice};
use crate::diagnosis::Severity;
use crate::diagnosis::audit::{Finding, Seen};
use crate::profile::Profile;
use crate::watch::{CheckReport, State};

impl Report {
    /// Of an audit; `check` is the page's own check before it. Everything has its secrets replaced.
    pub fn of_audit(profile: &Profile, url: &str, check: &CheckReport, seen: &[Seen], findings: &[Finding]) -> Self {
        let grave = findings.iter().filter(|one| one.severity != Severity::Low).count();
        let word = match (grave, findings.len()) {
            (0, 0) => "Nothing found".to_owned(),
            (0, _) => "Nothing grave".to_owned(),
            (1, _) => "1 grave finding".to_owned(),
            (many, _) => format!("{many} grave findings"),
        };
        let sentence = match findings.first() {
            Some(first) => first.text.clone(),
            None => format!("Of {} requests only those of the page's own origin were let in.", seen.len()),
        };
        let mut blocks = vec![Block::Pairs(vec![
            ("Address", url.to_owned()),
            ("Page", profile.page_url().into()),
            ("Audited", check.scheduled.plus(check.lateness).to_string()),
        ])];
        for finding in findings {
            blocks.push(Block::Heading(format!("{} ({})", finding.id, finding.severity.word())));
            blocks.push(Block::Text(finding.text.clone()));
            blocks.push(Block::Code(finding.evidence.clone()));
            blocks.extend(advice(finding.fixes.iter().map(|fix| (fix.stack, &*fix.text, fix.snippet.as_deref()))));
        }
        blocks.push(Block::Heading("Every origin that was tried".to_owned()));
        let row = |one: &Seen| {
            vec![
                one.surface.code().to_owned(),
                one.trial.code().to_owned(),
                one.origin.clone().unwrap_or_else(|| "(none)".to_owned()),
                one.exchange.status().map(|status| status.to_string()).unwrap_or_default(),
                one.grant.code().to_owned(),
            ]
        };
        let head = vec!["way in", "trial", "origin", "status", "granted"];
        blocks.push(Block::Table { head, rows: seen.iter().map(row).collect() });
        let state = if grave == 0 { State::Connected } else { State::Error };
        Self { title: format!("Audit of {}", profile.name), state, degraded: false, word, sentence, blocks }
    }
}
