//! The roster's order: groups by their path, rows worst first, and how many there are of each state.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Watched;
use crate::base::ProfileId;
use crate::watch::State;

/// How rows are ordered within their group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// What wants attention most first, then by name; groups too.
    #[default]
    WorstFirst,
    Name,
    /// The newest change of state first.
    Newest,
}

impl Order {
    pub const ALL: [Self; 3] = [Self::WorstFirst, Self::Name, Self::Newest];
}

/// How many profiles are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_state: [u32; 8],
    /// Files that can't be used.
    pub broken: u32,
    /// Profiles that are switched off; they are in no state's count.
    pub disabled: u32,
}

impl Counts {
    pub fn of(&self, state: State) -> u32 {
        State::ALL.iter().position(|one| *one == state).map_or(0, |index| self.by_state[index])
    }

    /// All rows.
    pub fn total(&self) -> u32 {
        self.by_state.iter().sum::<u32>() + self.broken + self.disabled
    }

    /// The state that wants attention most; `None`: there is none.
    pub fn worst(&self) -> Option<State> {
        State::ALL.into_iter().filter(|state| self.of(*state) != 0).max_by_key(|state| state.severity())
    }

    fn add(&mut self, watched: &Watched) {
        if watched.is_broken() {
            self.broken += 1;
        } else if !watched.is_enabled() {
            self.disabled += 1;
        } else if let Some(index) = State::ALL.iter().position(|one| *one == watched.state) {
            self.by_state[index] += 1;
        }
    }

    fn urgency(&self) -> u8 {
        let broken = if self.broken == 0 { 0 } else { BROKEN };
        self.worst().map_or(0, |state| state.severity() + 1).max(broken)
    }
}

/// A broken file stands between the sessions that reconnect and those that are refused.
const BROKEN: u8 = 5;

/// The rows of one group path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Outermost first; empty: the rows without a group.
    pub path: Vec<String>,
    pub counts: Counts,
    pub rows: Vec<ProfileId>,
}

impl Group {
    /// `shop / production`.
    pub fn label(&self) -> String {
        self.path.join(" / ")
    }
}

/// Groups in order; the rows without a group first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    pub groups: Vec<Group>,
    pub counts: Counts,
}

impl Roster {
    pub fn build<'a>(rows: impl Iterator<Item = &'a Watched>, order: Order) -> Self {
        let mut counts = Counts::default();
        let mut by_path: BTreeMap<&[String], (Counts, Vec<&Watched>)> = BTreeMap::new();
        for row in rows {
            counts.add(row);
            let (inside, members) = by_path.entry(row.group()).or_default();
            inside.add(row);
            members.push(row);
        }
        let mut groups: Vec<_> = by_path.into_iter().collect();
        groups.sort_by_cached_key(|(path, (counts, _))| {
            let urgency = if order == Order::WorstFirst && !path.is_empty() { counts.urgency() } else { 0 };
            (!path.is_empty(), Reverse(urgency), lowered(path))
        });
        let groups = groups
            .into_iter()
            .map(|(path, (counts, mut rows))| {
                sort(&mut rows, order);
                Group { path: path.to_vec(), counts, rows: rows.into_iter().map(|row| row.id).collect() }
            })
            .collect();
        Self { groups, counts }
    }

    /// Every row in order, groups taken away.
    pub fn ids(&self) -> impl Iterator<Item = ProfileId> {
        self.groups.iter().flat_map(|group| group.rows.iter().copied())
    }
}

fn lowered(path: &[String]) -> Vec<String> {
    path.iter().map(|level| level.to_lowercase()).collect()
}

fn urgency(row: &Watched) -> u8 {
    if row.is_broken() {
        BROKEN
    } else if row.is_enabled() {
        row.state.severity() + 1
    } else {
        0
    }
}

fn sort(rows: &mut [&Watched], order: Order) {
    let name = |row: &&Watched| (row.name.to_lowercase(), row.id);
    match order {
        Order::WorstFirst => rows.sort_by_cached_key(|row| (Reverse(urgency(row)), name(row))),
        Order::Name => rows.sort_by_cached_key(name),
        Order::Newest => rows.sort_by_cached_key(|row| (Reverse(row.since), name(row))),
    }
}
