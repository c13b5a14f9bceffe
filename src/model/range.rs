//! What the history answers where memory does not reach back far enough.

use std::sync::Arc;
use std::time::Duration;

use super::{Column, Segment};
use crate::base::{ProfileId, Wall};
use crate::watch::Event;

/// A question to the history, asked off the drawing thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The plots of `[from, to]`, with columns at least `column` wide.
    Range { profile: ProfileId, from: Wall, to: Wall, column: Duration },
    /// At most `limit` events of `[from, to]`, the newest ones, frames among them where asked for.
    Events { profile: ProfileId, from: Wall, to: Wall, limit: usize, frames: bool },
}

/// Its answer.
#[derive(Clone, Debug)]
pub enum Answer {
    Range(Arc<RangeData>),
    Events(Arc<EventPage>),
    /// It could not be answered; a sentence for people.
    Failed {
        query: Query,
        why: String,
    },
}

/// A count over a stretch of time that starts at `at` and lasts as long as the range's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    pub at: Wall,
    pub count: u32,
}

/// One profile over one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeData {
    pub profile: ProfileId,
    pub from: Wall,
    pub to: Wall,
    /// How wide its columns and bins are; each starts at a whole multiple of it since the epoch.
    pub column: Duration,
    /// Of checks and round trips, in order; a stretch without either has no column.
    pub latency: Vec<Column>,
    /// Of handshakes, in order.
    pub handshakes: Vec<Column>,
    /// In order, without overlap; time that nobody watched is in none of them.
    pub segments: Vec<Segment>,
    /// Reconnect attempts, in order; without the empty ones.
    pub attempts: Vec<Bin>,
    /// CORS failures, in order; without the empty ones.
    pub cors: Vec<Bin>,
    /// Stretches in which wirewatch was not running.
    pub gaps: Vec<(Wall, Wall)>,
    /// When the profile's history begins, where it is known.
    pub first: Option<Wall>,
}

/// Events of the past, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    pub profile: ProfileId,
    pub from: Wall,
    pub to: Wall,
    pub events: Vec<Arc<Event>>,
    /// Whether there were more than the limit.
    pub more: bool,
}
