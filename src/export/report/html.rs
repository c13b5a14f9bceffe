//! A report as one HTML file: no script, nothing from elsewhere, readable in the dark, by light and on paper.
//!
//! Invariants: every text goes through [`text`]; the page's own policy forbids whatever is not its style.

use std::time::Duration;

use super::block::{Block, Row, one_line, time, visible};
use super::{MADE_BY, Report};
use crate::watch::State;

const STYLE: &str = include_str!("report.css");

/// The whole document.
pub(super) fn write(report: &Report) -> String {
    let title = text(&report.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · wirewatch</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    out.push_str(&format!(
        "<header>\n<h1>{title}</h1>\n<p class=\"state {}\">{}<span>{}</span></p>\n<p class=\"lead\">{}</p>\n</header>\n",
        report.tone(),
        shape(report.state),
        text(&report.word),
        text(&report.sentence)
    ));
    blocks(&mut out, &report.blocks, 2);
    out.push_str(&format!("</main>\n<footer>{MADE_BY}</footer>\n</body>\n</html>\n"));
    out
}

fn blocks(out: &mut String, all: &[Block], level: usize) {
    for block in all {
        match block {
            Block::Heading(title) => out.push_str(&format!("<h{level}>{}</h{level}>\n", text(title))),
            Block::Text(said) => out.push_str(&format!("<p>{}</p>\n", text(said))),
            Block::List(items) => {
                let items: String = items.iter().map(|item| format!("<li>{}</li>\n", text(item))).collect();
                out.push_str(&format!("<ul>\n{items}</ul>\n"));
            }
            Block::Pairs(pairs) => {
                let pair =
                    |(name, value): &(&str, String)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", text(value));
                out.push_str(&format!("<dl>\n{}</dl>\n", pairs.iter().map(pair).collect::<String>()));
            }
            Block::Code(lines) => out.push_str(&code(lines)),
            Block::Advice { stack, text: said, snippet } => {
                let stack = stack.as_deref().map(|stack| format!("<b>{}</b> ", text(stack))).unwrap_or_default();
                let snippet = snippet.as_deref().map(code).unwrap_or_default();
                out.push_str(&format!(
                    "<section class=\"advice\">\n<p>{stack}{}</p>\n{snippet}</section>\n",
                    text(said)
                ));
            }
            Block::Table { head, rows } => table(out, head, rows),
            Block::Steps(rows) => steps(out, rows),
            Block::Folded { title, open, inside } => {
                let open = if *open { " open" } else { "" };
                out.push_str(&format!("<details{open}>\n<summary>{}</summary>\n<div>\n", text(title)));
                blocks(out, inside, (level + 1).min(6));
                out.push_str("</div>\n</details>\n");
            }
        }
    }
}

fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    let row = |row: &Vec<String>| {
        let cells: String = row.iter().map(|cell| format!("<td>{}</td>", text(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    out.push_str(&format!("<div class=\"wide\"><table>\n<tr>{head}</tr>\n{rows}</table></div>\n"));
}

fn steps(out: &mut String, rows: &[Row]) {
    let end = rows.iter().filter_map(|row| row.span).map(|(from, took)| from + took).max().unwrap_or_default();
    let share = |part: Duration| 100.0 * part.as_secs_f64() / end.as_secs_f64().max(1e-9);
    out.push_str("<div class=\"wide\"><table class=\"steps\">\n");
    for row in rows {
        let bar = row.span.map_or_else(String::new, |(from, took)| {
            // What is too short to be seen still has its place.
            let (from, wide) = (share(from).min(99.0), share(took).max(1.0));
            format!("<i style=\"margin-left:{from:.1}%;width:{:.1}%\"></i>", wide.min(100.0 - from))
        });
        let took = row.span.map(|(_, took)| time(took)).unwrap_or_default();
        out.push_str(&format!(
            "<tr class=\"{0}\"><td class=\"came\">{0}</td><th>{1}</th><td class=\"took\">{took}</td>\
             <td class=\"bar\">{bar}</td><td>{2}</td></tr>\n",
            row.came.word(),
            row.name,
            text(&row.detail)
        ));
    }
    out.push_str("</table></div>\n");
}

/// On one line, nothing in it a mark.
fn text(said: &str) -> String {
    escaped(&one_line(said))
}

fn code(lines: &str) -> String {
    format!("<pre>{}</pre>\n", escaped(visible(lines).trim_end_matches('\n')))
}

fn escaped(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for c in said.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The state's shape, as the window draws it: told apart without colour.
fn shape(state: State) -> String {
    let ring = "<circle cx=\"10\" cy=\"10\" r=\"7\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.3\"/>";
    let path = |d: &str, wide: &str| {
        format!("<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{wide}\"/>")
    };
    let filled = |d: &str| format!("<path d=\"{d}\" fill=\"currentColor\"/>");
    let inside = match state {
        State::Connected => "<circle cx=\"10\" cy=\"10\" r=\"8\" fill=\"currentColor\"/>".to_owned(),
        State::Disconnected => ring.to_owned(),
        State::Connecting => format!("{ring}{}", filled("M3 10a7 7 0 0 1 14 0z")),
        State::Reconnecting => format!("{}{}", path("M16 6.5a7 7 0 1 1-3-2.8", "2.3"), filled("M11 0l6 4-6.5 3.5z")),
        State::Suspended => filled("M4 3h4v14h-4zM12 3h4v14h-4z"),
        State::Error => path("M4 4l12 12M16 4l-12 12", "3.2"),
        State::AuthRequired => format!("{}{}", path("M6 10v-3a4 4 0 0 1 8 0v3", "2.3"), filled("M3 9h14v9h-14z")),
        State::CorsError => format!("{ring}{}", path("M5 15l10-10", "2.3")),
    };
    format!("<svg viewBox=\"0 0 20 20\" width=\"20\" height=\"20\" aria-hidden=\"true\">{inside}</svg>")
}
