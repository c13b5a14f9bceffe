//! Typed ids. A name becomes an id once, at the edge; inside, only ids travel.

use std::collections::HashMap;
use std::fmt;

/// One profile, for as long as the history lives: its number in the history's `profile` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(pub u32);

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Gives each profile key (its file's stem) the same id in every run: seeded from the history, grown by new keys.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    by_key: HashMap<String, ProfileId>,
    next: u32,
}

impl Interner {
    /// From the pairs that the history holds.
    pub fn seeded(known: impl IntoIterator<Item = (String, ProfileId)>) -> Self {
        let by_key: HashMap<_, _> = known.into_iter().collect();
        let next = by_key.values().map(|id| id.0 + 1).max().unwrap_or(1);
        Self { by_key, next }
    }

    /// The key's id, made where it has none yet.
    pub fn id_of(&mut self, key: &str) -> ProfileId {
        if let Some(id) = self.by_key.get(key) {
            return *id;
        }
        self.next = self.next.max(1);
        let id = ProfileId(self.next);
        self.next += 1;
        self.by_key.insert(key.to_owned(), id);
        id
    }

    /// The key's id, if it has one.
    pub fn get(&self, key: &str) -> Option<ProfileId> {
        self.by_key.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_key_keeps_its_id_and_a_new_one_never_takes_a_used_id() {
        let mut ids = Interner::seeded([("chat".to_owned(), ProfileId(7))]);
        assert_eq!(ids.id_of("chat"), ProfileId(7));
        assert_eq!(ids.id_of("api"), ProfileId(8));
        assert_eq!(ids.id_of("api"), ProfileId(8));
        assert_eq!(ids.get("none"), None);
    }
}
