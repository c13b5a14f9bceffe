//! What the detail side asks of the history, and what becomes of the answers.
//!
//! Invariant: a question is asked once, and again only where the view has left what was asked for.

use super::*;

impl DetailState {
    /// Whether memory does not reach back to the view's left edge.
    pub(super) fn needs_history(&self, watched: &Watched) -> bool {
        self.can_ask && watched.known_since().is_none_or(|known| self.view.from < known)
    }

    pub(super) fn ask(&mut self, watched: &Watched) {
        if !self.needs_history(watched) {
            return;
        }
        let profile = watched.id;
        let View { from, to } = self.view;
        let known = watched.known_since().unwrap_or(to);
        let column = column_width(self.view, self.plot_width, watched.cadence());
        // A little past where memory begins, so that the two overlap.
        let until = known.plus(column * 2).min(to.max(known));
        let covered = self.history.as_ref().is_some_and(|history| {
            let fine_enough =
                history.column <= column || self.asked_range.as_ref().is_some_and(|asked| is_width(asked, column));
            let reaches = history.to.plus(column) >= known.min(to) || history.to >= to;
            history.from <= from && reaches && fine_enough
        });
        let waiting = self.asked_range.as_ref().is_some_and(|asked| match asked {
            Query::Range { from: asked_from, to: asked_to, column: asked_column, .. } => {
                *asked_from <= from && until <= asked_to.plus(column * 4) && *asked_column == column
            }
            Query::Events { .. } => false,
        });
        if !covered && !waiting {
            // Some room to the left: a moving or slightly moved view asks nothing new.
            let from = from.minus(self.view.length() / 20);
            let fine = fine_width(self.view, self.plot_width, column);
            let query = Query::Range { profile, from, to: until, column, fine };
            self.asked_range = Some(query.clone());
            self.queue.retain(|queued| matches!(queued, Query::Events { .. }));
            self.queue.push(query);
        }
        self.ask_events(profile, from, known.min(to));
    }

    fn ask_events(&mut self, profile: ProfileId, from: Wall, to: Wall) {
        let Some(table) = self.tab.table().map(|which| self.table(which)) else { return };
        let to = table.known_since().map_or(to, |known| known.min(self.view.to)).max(to);
        if to <= from {
            return;
        }
        let classes = table.classes().to_vec();
        let same = |query: &Query| match query {
            Query::Events { from: asked_from, to: asked_to, classes: asked, .. } => {
                *asked_from <= from
                    && from.since(*asked_from) <= self.view.length() / 4
                    && asked_to.0.abs_diff(to.0) <= self.view.length().as_micros() as u64 / 4
                    && *asked == classes
            }
            Query::Range { .. } => false,
        };
        if self.asked_events.as_ref().is_some_and(same) {
            return;
        }
        let query = Query::Events { profile, from, to, limit: PAGE, classes };
        self.asked_events = Some(query.clone());
        self.queue.retain(|queued| matches!(queued, Query::Range { .. }));
        self.queue.push(query);
    }

    /// What the history is to be asked, once.
    pub fn wanted(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.queue)
    }

    /// The history's answer.
    pub fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Range(range) if Some(range.profile) == self.profile => {
                self.failed = None;
                self.history = Some(range);
            }
            Answer::Events(page) if Some(page.profile) == self.profile => {
                // Each takes what it shows; a table that is not looked at asks when it is.
                if let Some(which) = self.tab.table() {
                    let zone = self.zone.clone();
                    self.table_mut(which).set_past(&page.events, &zone);
                }
                self.page = Some(page);
            }
            Answer::Failed { query, why } if query_profile(&query) == self.profile => self.failed = Some(why),
            Answer::Range(_) | Answer::Events(_) | Answer::Failed { .. } => {}
        }
    }

    /// Whether an answer is still to come.
    pub fn is_loading(&self) -> bool {
        self.asked_range.is_some() && self.history.is_none() && self.failed.is_none()
    }

    /// What the history could not tell.
    pub fn trouble(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Whether there are more events on view than were read.
    pub fn has_more_events(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.more)
    }
}

fn is_width(query: &Query, width: Duration) -> bool {
    matches!(query, Query::Range { column, .. } if *column == width)
}

fn query_profile(query: &Query) -> Option<ProfileId> {
    match query {
        Query::Range { profile, .. } | Query::Events { profile, .. } => Some(*profile),
    }
}
