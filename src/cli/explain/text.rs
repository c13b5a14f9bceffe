//! An explanation as a person reads it on a terminal.

use std::fmt::Write as _;

use super::proof::Proof;
use crate::cli::harmless;
use crate::diagnosis::explain::{Explained, Log};

/// How many pieces of advice are shown; `--json` has all.
const FIXES: usize = 3;
/// How many kinds of a log are shown.
const KINDS: usize = 40;

/// All lines, then what a check found.
pub(super) fn document(found: &[Explained], unknown: usize, proof: Option<&Proof>, colour: bool) -> String {
    let paint = |code: &str, text: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let mut out = String::new();
    // Writing to a String can't fail.
    for one in found {
        let known = &one.known;
        let _ = writeln!(out, "{}", paint("1", &harmless(&one.line)));
        let _ = writeln!(out, "  {} ({})\n", known.source.name(), known.category.code());
        let _ = writeln!(out, "  means    {}", harmless(&known.means));
        if let Some(not) = &known.not {
            let _ = writeln!(out, "  not      {}", harmless(not));
        }
        for (index, (cause, confidence)) in known.causes.iter().enumerate() {
            let word = if index == 0 { "cause" } else { "or" };
            let _ = writeln!(out, "  {word:<8} {cause} ({:.0} %)", confidence * 100.0);
        }
        if let Some(next) = &known.next {
            let _ = writeln!(out, "  look     {}", harmless(next));
        }
        for fix in one.fixes.iter().take(FIXES) {
            let _ = writeln!(out, "  fix      {}{}", of_stack(fix.stack), harmless(&fix.text));
            for line in fix.snippet.iter().flat_map(|snippet| snippet.lines()) {
                let _ = writeln!(out, "             {}", harmless(line));
            }
        }
        if one.by_example && one.fixes.iter().any(|fix| fix.text.contains("example.com") || fix.snippet.is_some()) {
            let _ = writeln!(out, "           (the line names no address or page: example.com stands for yours)");
        }
        out.push('\n');
    }
    if 0 < unknown && !found.is_empty() {
        let _ =
            writeln!(out, "{unknown} other {} not known here\n", if unknown == 1 { "line is" } else { "lines are" });
    }
    if let Some(proof) = proof {
        let _ = writeln!(out, "{}", paint("1", &proof.outcome.sentence()));
        for why in proof.outcome.why() {
            let _ = writeln!(out, "  - {}", why.phrase());
        }
        let _ = writeln!(out, "\n{}", proof.shown());
    }
    out
}

fn of_stack(stack: &str) -> String {
    if stack == "any" { String::new() } else { format!("{stack}: ") }
}

/// What a log came to.
pub(super) fn log(log: &Log, colour: bool) -> String {
    let paint = |code: &str, text: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} lines: {} without a fault, {} not known here, {} too long to be kept whole, {} binary",
        log.lines, log.well, log.unknown, log.cut, log.binary
    );
    for (category, count) in log.categories() {
        let _ = writeln!(out, "  {count:>8}  {}", category.code());
    }
    for kind in log.kinds().into_iter().take(KINDS) {
        let known = &kind.known;
        let cause =
            known.causes.first().map_or_else(|| known.category.code().to_owned(), |(cause, _)| cause.to_string());
        let _ = writeln!(out, "\n{}  {} ({})", paint("1", &format!("{:>8}", kind.count)), cause, known.source.code());
        let _ = writeln!(out, "          {}", known.means);
        if let (Some(first), Some(last)) = (&kind.first, &kind.last) {
            let _ = writeln!(out, "          {first} to {last}   {}", spark(kind.times.values().copied()));
        }
        let _ = writeln!(out, "          {}", harmless(&kind.example));
        if let Some(next) = &known.next {
            let _ = writeln!(out, "          look: {next}");
        }
    }
    out
}

/// At most sixty bars, the last ones.
fn spark(counts: impl DoubleEndedIterator<Item = u64>) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut last: Vec<u64> = counts.rev().take(60).collect();
    last.reverse();
    let most = last.iter().copied().max().unwrap_or(0).max(1);
    last.into_iter().map(|count| BARS[usize::try_from(count * 7 / most).unwrap_or(7).min(7)]).collect()
}
