//! The report of an explanation: what was pasted, what it means, and whether a check from here found it.

use super::block::{Block, advice};
use super::{Checked, Report};
use crate::diagnosis::explain::Explained;
use crate::diagnosis::reproduce::Outcome;
use crate::export::check::document;
use crate::watch::State;

impl Report {
    /// Of pasted lines, and of the check that tried them where there was one.
    pub fn of_explained(found: &[Explained], proof: Option<(&Outcome, Checked<'_>)>) -> Self {
        let mut blocks = Vec::new();
        for one in found {
            of_line(&mut blocks, one, proof.is_none());
        }
        let Some((outcome, checked)) = proof else {
            let (state, word, sentence) = match found.first() {
                Some(one) => (State::Error, "Explained, not tried from here", &*one.known.means),
                None => (State::Disconnected, "Nothing known", "No line of it is known."),
            };
            return Self::of(state, word.to_owned(), sentence.to_owned(), blocks);
        };
        let document = document(checked.profile, checked.url, checked.deciding, checked.reports);
        let why: Vec<String> = outcome.why().iter().map(|why| why.phrase()).collect();
        if !why.is_empty() {
            blocks.splice(0..0, [Block::Heading("What may make the difference".to_owned()), Block::List(why)]);
        }
        blocks.push(Block::Heading("The check from here".to_owned()));
        blocks.extend(super::check::blocks(checked, &document));
        Self::of(checked.deciding.state, outcome.sentence(), document.summary, blocks)
    }

    fn of(state: State, word: String, sentence: String, blocks: Vec<Block>) -> Self {
        Self { title: "What was pasted".to_owned(), state, degraded: false, word, sentence, blocks }
    }
}

/// `advises`: what to change is said by nobody else.
fn of_line(blocks: &mut Vec<Block>, one: &Explained, advises: bool) {
    let known = &one.known;
    blocks.push(Block::Heading(format!("From {}", known.source.name())));
    blocks.push(Block::Code(one.line.clone()));
    blocks.push(Block::Text(known.means.clone().into_owned()));
    let causes: Vec<String> =
        known.causes.iter().map(|(cause, share)| format!("{cause} ({:.0} %)", share * 100.0)).collect();
    let mut pairs: Vec<(&'static str, String)> = Vec::new();
    pairs.extend(known.not.clone().map(|not| ("What it doesn't mean", not.into_owned())));
    pairs.extend((!causes.is_empty()).then(|| ("Likely causes", causes.join(", "))));
    pairs.extend(known.next.clone().map(|next| ("Where to look", next.into_owned())));
    if !pairs.is_empty() {
        blocks.push(Block::Pairs(pairs));
    }
    if advises {
        blocks.extend(advice(one.fixes.iter().map(|fix| (fix.stack, &*fix.text, fix.snippet.as_deref()))));
        if one.by_example && !one.fixes.is_empty() {
            blocks.push(Block::Text("The line names no address or page: example.com stands for yours.".to_owned()));
        }
    }
}
