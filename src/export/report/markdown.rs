//! A report as Markdown (CommonMark, and tables as GitHub has them).
//!
//! Invariant: text from a server stays text. It makes no heading, no image, no HTML, no link with other words than its address.

use super::block::{Block, Row, one_line, time, visible};
use super::{MADE_BY, Report};

/// The whole document.
pub(super) fn write(report: &Report) -> String {
    let mut out = format!("# {}\n\n", text(&report.title));
    out.push_str(&format!("**{}**\n\n{}\n\n", text(&report.word), text(&report.sentence)));
    blocks(&mut out, &report.blocks, 2);
    out.push_str(&format!("---\n\n{MADE_BY}\n"));
    out
}

fn blocks(out: &mut String, all: &[Block], level: usize) {
    for block in all {
        match block {
            Block::Heading(title) => out.push_str(&format!("{} {}\n\n", "#".repeat(level), text(title))),
            Block::Text(said) => out.push_str(&format!("{}\n\n", text(said))),
            Block::List(items) => {
                items.iter().for_each(|item| out.push_str(&format!("- {}\n", text(item))));
                out.push('\n');
            }
            Block::Pairs(pairs) => {
                pairs.iter().for_each(|(name, value)| out.push_str(&format!("- {name}: {}\n", text(value))));
                out.push('\n');
            }
            Block::Code(lines) => out.push_str(&code(lines)),
            Block::Advice { stack, text: said, snippet } => {
                let stack = stack.as_deref().map(|stack| format!("**{}:** ", text(stack))).unwrap_or_default();
                out.push_str(&format!("{stack}{}\n\n", text(said)));
                out.push_str(&snippet.as_deref().map(code).unwrap_or_default());
            }
            Block::Table { head, rows } => {
                table(out, head, rows.iter().map(|row| row.iter().map(|cell| text(cell)).collect()));
            }
            Block::Steps(rows) => table(out, &["", "step", "time", ""], rows.iter().map(step)),
            Block::Folded { title, inside, .. } => {
                out.push_str(&format!("{} {}\n\n", "#".repeat(level + 1), text(title)));
                blocks(out, inside, level + 2);
            }
        }
    }
}

fn step(row: &Row) -> Vec<String> {
    let took = row.span.map(|(_, took)| time(took)).unwrap_or_default();
    vec![row.came.word().to_owned(), row.name.to_owned(), took, text(&row.detail)]
}

fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str(&format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
    rows.for_each(|row| out.push_str(&format!("| {} |\n", row.join(" | "))));
    out.push('\n');
}

/// On one line, nothing in it a mark.
fn text(said: &str) -> String {
    let line = one_line(said);
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let begins_a_block = at == 0 && matches!(c, '-' | '+' | '=' | '#')
            // A list's number ends so, with a space behind it.
            || matches!(c, '.' | ')')
                && 0 < at
                && line[..at].bytes().all(|byte| byte.is_ascii_digit())
                && matches!(line.as_bytes().get(at + 1), None | Some(b' '));
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' | '~') || begins_a_block {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Within a fence that is longer than any in it.
fn code(lines: &str) -> String {
    let lines = visible(lines);
    let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}\n\n", lines.trim_end_matches('\n'))
}
