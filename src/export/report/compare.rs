//! The report of a comparison: where two checks part, then each of them.

use super::block::{Block, time};
use super::{Checked, Report};
use crate::diagnosis::Facts;
use crate::export::check::{Step, document, steps};
use crate::export::compare::{aligned, differs, headers};
use crate::watch::State;

impl Report {
    /// Of the same check of two targets.
    pub fn of_compared(sides: [Checked<'_>; 2]) -> Self {
        let [left, right] = sides.map(|side| {
            let facts = Facts::of_checks(side.profile, side.deciding, side.reports);
            steps(side.profile, side.deciding, &facts)
        });
        let documents = sides.map(|side| document(side.profile, side.url, side.deciding, side.reports));
        let rows = aligned(&left, &right);
        let parts_at = rows.iter().find(|(_, one, other)| differs(*one, *other)).map(|(name, ..)| *name);
        let row = |(name, one, other): &(&'static str, Option<&Step>, Option<&Step>)| {
            let mark = if differs(*one, *other) { "≠" } else { "" };
            vec![(*name).to_owned(), mark.to_owned(), cell(*one), cell(*other)]
        };
        let [first, second] = [&documents[0], &documents[1]];
        let mut blocks = vec![
            Block::Pairs(vec![("1", first.url.to_owned()), ("2", second.url.to_owned())]),
            Block::Table { head: vec!["step", "", "1", "2"], rows: rows.iter().map(row).collect() },
        ];
        let changes = headers(sides[0].deciding, sides[1].deciding);
        if !changes.is_empty() {
            let said = |value: Option<String>| value.unwrap_or_else(|| "(none)".to_owned());
            let rows = changes.into_iter().map(|change| {
                let [one, other] = change.values.map(said);
                vec![change.name, one, other]
            });
            blocks.push(Block::Heading("Headers that differ".to_owned()));
            blocks.push(Block::Table { head: vec!["header", "1", "2"], rows: rows.collect() });
        }
        blocks.push(Block::Heading("Each by itself".to_owned()));
        for (number, (side, document)) in [1, 2].into_iter().zip(sides.into_iter().zip(&documents)) {
            let mut inside = vec![Block::Text(document.summary.clone())];
            inside.extend(super::check::blocks(side, document));
            blocks.push(Block::Folded { title: format!("{number}: {}", document.url), open: false, inside });
        }
        let well = documents.iter().all(|document| document.healthy);
        Self {
            title: format!("{} and {}", first.url, second.url),
            state: if well { State::Connected } else { State::Error },
            degraded: false,
            word: parts_at.map_or_else(|| "They don't part".to_owned(), |name| format!("They part at: {name}")),
            sentence: if first.summary == second.summary {
                first.summary.clone()
            } else {
                format!("1: {} 2: {}", first.summary, second.summary)
            },
            blocks,
        }
    }
}

fn cell(step: Option<&Step>) -> String {
    let Some(step) = step else { return "(none)".to_owned() };
    let took = step.took.map(|took| format!(" {}", time(took))).unwrap_or_default();
    format!("{}{took} {}", step.came.word(), step.detail).trim_end().to_owned()
}
