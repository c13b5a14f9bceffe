//! The live table of `wirewatch watch`: a row a profile, worst first.

use std::fmt::Write as _;
use std::sync::PoisonError;

use super::line::took;
use crate::base::Wall;
use crate::cli::harmless;
use crate::diagnosis::words;
use crate::engine::Monitor;
use crate::model::{Live, Order, Watched};
use crate::store::Health;
use crate::watch::State;

/// The most rows: more than a terminal shows are of no use.
const ROWS: usize = 200;
/// A terminal of unknown width.
const WIDTH: usize = 100;
/// One of unknown height.
const HEIGHT: usize = 40;

/// The whole picture.
pub(super) fn draw(monitor: &Monitor, now: Wall, colour: bool) -> String {
    let (width, height) = match terminal_size::terminal_size() {
        Some((width, height)) => (usize::from(width.0), usize::from(height.0)),
        None => (WIDTH, HEIGHT),
    };
    let room = height.saturating_sub(4).clamp(1, ROWS);
    let mut out = String::new();
    let status = monitor.status();
    let late = status.lateness.map_or_else(|| "-".to_owned(), |spread| took(spread.p99));
    let kept = match monitor.history().map(|history| history.health()) {
        Some(Health::Recording) => "history on".to_owned(),
        Some(Health::NotRecording { problem, .. }) => format!("HISTORY IS NOT BEING KEPT: {problem}"),
        None => "no history".to_owned(),
    };
    let head =
        format!("{:.1} checks/s, {late} late (p99), {} sessions open, {kept}. Ctrl-C ends", status.rate, status.open);
    // Writing to a String can't fail.
    let _ = writeln!(out, "{}", cut(&head, width));
    let live = monitor.live().lock().unwrap_or_else(PoisonError::into_inner);
    rows(&mut out, &live, now, width, room, colour);
    out
}

fn rows(out: &mut String, live: &Live, now: Wall, width: usize, room: usize, colour: bool) {
    if let Some(offline) = live.offline() {
        let _ = writeln!(out, "{}", cut(&format!("This machine is offline since {}", offline.since), width));
    }
    let roster = live.roster(Order::WorstFirst);
    let mut ids: Vec<&Watched> =
        roster.groups.iter().flat_map(|group| &group.rows).filter_map(|id| live.get(*id)).collect();
    // Without groups here: the worst first over all.
    ids.sort_by_key(|row| std::cmp::Reverse(if row.is_broken() { u8::MAX } else { row.state.severity() }));
    let names = ids.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).clamp(8, 32);
    let _ = writeln!(out, "{:<16} {:<names$} {:>9} {:>8}  Why", "State", "Name", "Latency", "Success");
    for row in ids.iter().take(room) {
        let (state, style) = match (row.is_broken(), row.state) {
            (true, _) => ("Broken file", "31"),
            (false, state) => (words::state(state), style(state)),
        };
        let latency = row.last_latency.map(took).unwrap_or_default();
        let success = row.success(now).map(|share| format!("{:.1} %", share * 100.0)).unwrap_or_default();
        let why = row.problems.as_ref().and_then(|problems| problems.first()).map(ToString::to_string);
        let why = why.or_else(|| row.reason.as_ref().map(words::phrase)).unwrap_or_default();
        let wait = row.retry.as_ref().map(|retry| {
            format!(" (attempt {} in {:.0} s)", retry.attempt, retry.until.since(now).as_secs_f64().ceil())
        });
        let name = cut(&row.name, names);
        let text = format!("{name:<names$} {latency:>9} {success:>8}  {why}{}", wait.unwrap_or_default());
        let text = cut(&harmless(&text), width.saturating_sub(17));
        let state = format!("{state:<16}");
        let state = if colour { format!("\x1b[{style}m{state}\x1b[0m") } else { state };
        let _ = writeln!(out, "{state} {text}");
    }
    if room < ids.len() {
        let _ = write!(out, "and {} more", ids.len() - room);
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The terminal's own colours; the word says the same without them.
fn style(state: State) -> &'static str {
    match state {
        State::Connected => "32",
        State::Connecting | State::Reconnecting => "33",
        State::Error | State::CorsError | State::AuthRequired => "31",
        State::Suspended | State::Disconnected => "2",
    }
}
