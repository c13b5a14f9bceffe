//! The roster as lines: group heads and rows, filtered and in order, and what each visible row says.
//!
//! Lines are ids only, so that ten thousand of them are light; a row's text is built when the row comes into view, and
//! again only when its profile changed or its own time is over.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::words::{age, clock, count, countdown, lasted, latency, percent};
use crate::base::{ProfileId, Wall};
use crate::diagnosis::words;
use crate::model::{Beat, Counts, Live, Order, Roster, Watched};
use crate::watch::State;

/// What the person wants to see of the roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that a row's name, URL, group or tags contain; one with `-` before it: do not contain.
    pub text: String,
    /// Empty: every state.
    pub states: BTreeSet<State>,
    /// Only files that can't be used.
    pub broken: bool,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.states.is_empty() && !self.broken
    }

    /// Adds the state to those shown, or takes it away.
    pub fn toggle(&mut self, state: State) {
        if !self.states.remove(&state) {
            self.states.insert(state);
        }
    }

    fn matches(&self, watched: &Watched, words: &[String]) -> bool {
        if self.broken || !self.states.is_empty() {
            // What is switched off is disconnected.
            let state = if watched.is_enabled() { watched.state } else { State::Disconnected };
            let by_state = !watched.is_broken() && self.states.contains(&state);
            if !(by_state || self.broken && watched.is_broken()) {
                return false;
            }
        }
        if words.is_empty() {
            return true;
        }
        let mut hay = watched.name.to_lowercase();
        if let Some(profile) = &watched.profile {
            for more in [profile.url.as_str(), profile.kind.word()] {
                hay.push('\n');
                hay.push_str(&more.to_lowercase());
            }
            for more in profile.group.iter().chain(&profile.tags) {
                hay.push('\n');
                hay.push_str(&more.to_lowercase());
            }
        }
        words.iter().all(|word| match word.strip_prefix('-') {
            Some(unwanted) if !unwanted.is_empty() => !hay.contains(unwanted),
            _ => hay.contains(word.as_str()),
        })
    }
}

/// A group's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLine {
    pub path: Vec<String>,
    /// `shop / production`, or `No group`.
    pub label: String,
    /// Of the rows below that are shown.
    pub counts: Counts,
    pub open: bool,
}

impl GroupLine {
    /// What a screen reader says.
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = State::ALL
            .into_iter()
            .filter(|state| self.counts.of(*state) != 0)
            .map(|state| format!("{} {}", self.counts.of(state), words::state(state).to_lowercase()))
            .collect();
        format!("Group {}: {}", self.label, if parts.is_empty() { "nothing watched".into() } else { parts.join(", ") })
    }
}

/// One line of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Group(GroupLine),
    Row(ProfileId),
}

/// Why there is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// There is no profile at all.
    NoProfiles,
    /// None that the filter lets through.
    NoMatch,
}

/// The roster's lines.
#[derive(Clone, Debug, Default)]
pub struct RosterVm {
    pub lines: Vec<Line>,
    /// The rows in order, those of closed groups left out: where the arrow keys go.
    pub ids: Vec<ProfileId>,
    /// Rows that the filter lets through, and all rows.
    pub shown: usize,
    pub total: usize,
    /// Of all rows, whatever the filter.
    pub counts: Counts,
}

impl RosterVm {
    pub fn build(live: &Live, order: Order, filter: &Filter, collapsed: &BTreeSet<String>) -> Self {
        let text = filter.text.to_lowercase();
        let wanted: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let all = if filter.is_empty() {
            live.roster(order)
        } else {
            Roster::build(live.iter().filter(|watched| filter.matches(watched, &wanted)), order)
        };
        let heads = 1 < all.groups.len() || all.groups.iter().any(|group| !group.path.is_empty());
        let mut lines = Vec::new();
        let mut ids = Vec::new();
        let mut shown = 0;
        for group in all.groups {
            shown += group.rows.len();
            let label = if group.path.is_empty() { "No group".to_owned() } else { group.label() };
            // A filter opens what it finds something in.
            let open = !heads || !filter.is_empty() || !collapsed.contains(&label);
            if heads {
                lines.push(Line::Group(GroupLine { path: group.path, label, counts: group.counts, open }));
            }
            if open {
                lines.extend(group.rows.iter().map(|id| Line::Row(*id)));
                ids.extend(group.rows);
            }
        }
        let (total, counts) = if filter.is_empty() {
            (shown, all.counts)
        } else {
            let whole = live.roster(order);
            (whole.ids().count(), whole.counts)
        };
        Self { lines, ids, shown, total, counts }
    }

    pub fn empty(&self) -> Option<Empty> {
        match (self.total, self.shown) {
            (0, _) => Some(Empty::NoProfiles),
            (_, 0) => Some(Empty::NoMatch),
            _ => None,
        }
    }

    /// The row `step` further than `from`, within the roster; the first or last where nothing is selected.
    pub fn step(&self, from: Option<ProfileId>, step: isize) -> Option<ProfileId> {
        let last = self.ids.len().checked_sub(1)?;
        let at = from.and_then(|id| self.ids.iter().position(|other| *other == id));
        let to = match at {
            Some(at) => at.saturating_add_signed(step).min(last),
            None if step < 0 => last,
            None => 0,
        };
        self.ids.get(to).copied()
    }
}

/// What stands at a row's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    State(State),
    /// Switched off.
    Off,
    /// Its file can't be used.
    Broken,
}

impl Mark {
    pub fn of(watched: &Watched) -> Self {
        if watched.is_broken() {
            Self::Broken
        } else if watched.is_enabled() {
            Self::State(watched.state)
        } else {
            Self::Off
        }
    }
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub struct RowVm {
    pub id: ProfileId,
    pub mark: Mark,
    pub name: String,
    /// The one fact: a latency, a reason, a countdown.
    pub fact: String,
    /// Whether the fact is a number, and stands in monospace.
    pub numeric: bool,
    /// How long it has been so.
    pub age: String,
    /// Success over its window.
    pub success: String,
    pub beats: Vec<Beat>,
    /// Milliseconds, one a beat, `None` where there is none.
    pub spark: Vec<Option<f32>>,
    /// It entered its state a moment ago.
    pub changed: bool,
    /// Mistakes of a broken file.
    pub problems: Vec<String>,
    /// What a screen reader says.
    pub sentence: String,
    version: u64,
    /// When its text is no longer right though nothing happened.
    pub stale_at: Option<Wall>,
}

/// How long a change of state is marked.
const MARKED: Duration = Duration::from_secs(2);

impl RowVm {
    pub fn build(watched: &Watched, now: Wall) -> Self {
        let mark = Mark::of(watched);
        let problems: Vec<String> =
            watched.problems.iter().flat_map(|problems| problems.iter()).map(ToString::to_string).collect();
        let (fact, numeric, ticks) = fact(watched, mark, problems.len(), now);
        let since = watched.since.filter(|_| matches!(mark, Mark::State(_)));
        let success = match mark {
            Mark::State(_) => watched.success(now).map(percent).unwrap_or_default(),
            Mark::Off | Mark::Broken => String::new(),
        };
        let word = match mark {
            Mark::State(state) => words::state(state),
            Mark::Off => "Off",
            Mark::Broken => "Its file can't be used",
        };
        let mut sentence = format!("{}: {word}", watched.name);
        if !fact.is_empty() && fact != word {
            sentence.push_str(&format!(", {fact}"));
        }
        if let Some(since) = since {
            sentence.push_str(&format!(", for {}", lasted_coarsely(now.since(since))));
        }
        if !success.is_empty() {
            sentence.push_str(&format!(", success {success}"));
        }
        let minute = since.map(|since| {
            let whole_minutes = now.since(since).as_secs() / 60 + 1;
            since.plus(Duration::from_secs(whole_minutes * 60))
        });
        let marked = since.map(|since| since.plus(MARKED)).filter(|until| now < *until);
        Self {
            id: watched.id,
            changed: marked.is_some(),
            mark,
            name: watched.name.to_string(),
            fact,
            numeric,
            age: since.map(|since| age(now.since(since))).unwrap_or_default(),
            success,
            beats: watched.beats.iter().cloned().collect(),
            spark: watched.sparkline().collect(),
            problems,
            sentence,
            version: watched.version,
            stale_at: [ticks, minute, marked].into_iter().flatten().min(),
        }
    }

    fn is_fresh(&self, watched: &Watched, now: Wall) -> bool {
        self.version == watched.version && self.stale_at.is_none_or(|at| now < at)
    }
}

/// Minutes and more: a sentence that changes each second would never be read to its end.
fn lasted_coarsely(time: Duration) -> String {
    if time.as_secs() < 60 { "less than a minute".into() } else { lasted(time) }
}

/// The row's one fact, whether it is a number, and when it changes by itself.
fn fact(watched: &Watched, mark: Mark, mistakes: usize, now: Wall) -> (String, bool, Option<Wall>) {
    let state = match mark {
        Mark::Broken => return (count(mistakes, "mistake", "mistakes"), false, None),
        Mark::Off => return ("off".into(), false, None),
        Mark::State(state) => state,
    };
    let phrase = || watched.current_reason().map(words::phrase);
    let plain = |text: Option<String>| (text.unwrap_or_else(|| words::state(state).to_lowercase()), false, None);
    match state {
        State::Connected => match watched.last_latency {
            Some(took) => (latency(took), true, None),
            None => ("connected".into(), false, None),
        },
        State::Reconnecting => match watched.retry {
            Some(retry) if now < retry.until => {
                let left = retry.until.since(now);
                if Duration::from_secs(120) <= left {
                    let next = now.plus(Duration::from_secs(left.as_secs() % 60 + 1));
                    return (format!("try {}, {}", retry.attempt, lasted(left)), true, Some(next));
                }
                let seconds = countdown(left);
                let next = retry.until.minus(Duration::from_secs(seconds.saturating_sub(1)));
                (format!("try {}, {seconds} s", retry.attempt), true, Some(next))
            }
            _ => (format!("try {} …", watched.attempt.max(1)), true, None),
        },
        State::Connecting if 1 < watched.attempt => (format!("try {} …", watched.attempt), true, None),
        State::Connecting => ("connecting".into(), false, None),
        State::Disconnected if watched.since.is_none() => ("not checked yet".into(), false, None),
        State::Disconnected | State::Suspended | State::Error | State::AuthRequired | State::CorsError => {
            plain(phrase())
        }
    }
}

/// Rows that have been in view, each with the version it was built of.
#[derive(Clone, Debug, Default)]
pub struct RowCache(HashMap<ProfileId, RowVm>);

/// More rows than any window shows at once.
const CACHE: usize = 512;

impl RowCache {
    /// Builds again what of `ids` is out of date.
    pub fn refresh(&mut self, live: &Live, ids: impl Iterator<Item = ProfileId>, now: Wall) {
        if CACHE < self.0.len() {
            self.0.clear();
        }
        for id in ids {
            let Some(watched) = live.get(id) else { continue };
            if !self.0.get(&id).is_some_and(|row| row.is_fresh(watched, now)) {
                self.0.insert(id, RowVm::build(watched, now));
            }
        }
    }

    pub fn get(&self, id: ProfileId) -> Option<&RowVm> {
        self.0.get(&id)
    }
}

/// What a beat tells when the pointer is on it, a line each.
pub fn beat_lines(beat: &Beat) -> Vec<String> {
    let mut lines = Vec::new();
    let when = if beat.span.is_zero() {
        clock(beat.at)
    } else {
        format!("{} – {}", clock(beat.at), clock(beat.at.plus(beat.span)))
    };
    lines.push(when);
    let word = match (beat.state, beat.degraded) {
        (None, _) => "Unknown",
        (Some(_), true) => "Slow",
        (Some(state), false) => words::state(state),
    };
    match beat.latency {
        Some(took) => lines.push(format!("{word}, {}", latency(took))),
        None => lines.push(word.to_owned()),
    }
    if let Some(reason) = &beat.reason {
        lines.push(words::phrase(reason));
    }
    let phases: Vec<String> =
        beat.phases.iter().map(|(name, took)| format!("{} {}", phase_word(name), latency(took))).collect();
    if !phases.is_empty() {
        lines.push(phases.join(" · "));
    }
    lines
}

fn phase_word(name: &str) -> &str {
    match name {
        "dns" => "DNS",
        "connect" => "TCP",
        "proxy" => "proxy",
        "tls" => "TLS",
        "first_byte" => "first byte",
        other => other,
    }
}

#[cfg(test)]
pub mod sample {
    //! A hand-made picture for the panels' tests.

    use std::sync::Arc;

    use url::Url;

    use super::*;
    use crate::base::{Problem, Severity};
    use crate::profile::{Kind, Profile};
    use crate::watch::{CheckReport, Code, Event, EventBody, Outcome, Reason};
    use crate::wire::Phases;

    pub const NOW: Wall = Wall(1_700_000_000_000_000);

    pub fn profile(name: &str, group: &[&str]) -> Profile {
        let url = Url::parse("https://api.example.com/v1/").unwrap();
        let mut profile = Profile::new(name, Kind::Http, url);
        profile.group = group.iter().map(|level| (*level).to_owned()).collect();
        profile
    }

    pub fn enter(live: &mut Live, id: u32, at: Wall, to: State, reason: Option<Reason>) {
        let body = EventBody::State { from: State::Connecting, to, reason, attempt: 4 };
        live.apply(&Arc::new(Event { seq: live.last_seq() + 1, at, profile: Some(ProfileId(id)), body }));
    }

    pub fn check(live: &mut Live, id: u32, at: Wall, ms: u64) {
        let report = CheckReport {
            outcome: Outcome::Up,
            state: State::Connected,
            reason: None,
            scheduled: at,
            lateness: Duration::ZERO,
            phases: Phases {
                connect: Some(Duration::from_millis(ms / 4)),
                first_byte: Some(Duration::from_millis(ms / 2)),
                total: Some(Duration::from_millis(ms)),
                ..Phases::default()
            },
            status: Some(200),
            exchanges: Vec::new(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        let body = EventBody::Check(Arc::new(report));
        live.apply(&Arc::new(Event { seq: live.last_seq() + 1, at, profile: Some(ProfileId(id)), body }));
    }

    /// Sales chat is a CORS error for 4 minutes, API carts answers in 34 ms, Old feed is switched off, notes.toml broken.
    pub fn live() -> Live {
        let mut live = Live::new();
        live.set_profile(ProfileId(1), Arc::new(profile("Sales chat", &["shop", "production"])));
        live.set_profile(ProfileId(2), Arc::new(profile("API carts", &["shop", "production"])));
        let mut off = profile("Old feed", &["lab"]);
        off.enabled = false;
        live.set_profile(ProfileId(3), Arc::new(off));
        let problem = Problem {
            severity: Severity::Error,
            file: Some("notes.toml".into()),
            line: Some(3),
            key: Some("pagee".into()),
            message: "unknown key `pagee`".into(),
            hint: Some("did you mean `page`?".into()),
        };
        live.set_broken(ProfileId(4), "notes", vec![problem]);
        let since = NOW.minus(Duration::from_secs(270));
        enter(&mut live, 1, since, State::CorsError, Some(Reason::new(Code::MissingAllowOriginHeader)));
        enter(&mut live, 2, since, State::Connected, None);
        for step in 0..40 {
            check(&mut live, 2, since.plus(Duration::from_secs(step * 5)), 30 + step % 7);
        }
        check(&mut live, 2, NOW, 34);
        live
    }
}

#[cfg(test)]
mod tests;
