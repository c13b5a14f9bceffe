//! An audit on a profile's schedule, in words.

use crate::watch::Audited;

/// What it came to in a line: what changed, or how much there is.
pub fn told(audited: &Audited) -> String {
    if let Some(change) = &audited.changed {
        return capital(&change.phrases().collect::<Vec<_>>().join("; "));
    }
    let grave = audited.findings.first();
    match (audited.findings.len(), grave) {
        (_, None) | (0, _) => "Only the page's own origin is let in".to_owned(),
        (1, Some(one)) => format!("1 finding: {} ({})", one.id, one.severity.word()),
        (count, Some(one)) => format!("{count} findings, the gravest {} ({})", one.id, one.severity.word()),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
