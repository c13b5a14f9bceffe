//! What the history answers where memory does not reach back far enough.

use std::sync::Arc;
use std::time::Duration;

use super::{Column, Segment};
use crate::base::{ProfileId, Wall};
use crate::watch::{Class, Event};

/// A question to the history, asked off the drawing thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The plots of `[from, to]`, with columns at least `column` wide, and the latency's once more at least `fine` wide.
    Range { profile: ProfileId, from: Wall, to: Wall, column: Duration, fine: Duration },
    /// At most `limit` events of `[from, to]` and of these classes, the newest ones.
    Events { profile: ProfileId, from: Wall, to: Wall, limit: usize, classes: Vec<Class> },
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

/// Latency in columns narrower than the range's, of which a whole number makes one of those.
#[derive(Clone, Debug, PartialEq)]
pub struct Fine {
    pub width: Duration,
    pub columns: Vec<Column>,
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
    /// The same, finer; `None`: it was not asked for, or there is nothing finer.
    pub fine: Option<Fine>,
    /// Of handshakes, in order.
    pub handshakes: Vec<Column>,
    /// Gaps between a Socket.IO server's heartbeats, as far back as events are kept, in order,
    /// in the finest columns that there are.
    pub heartbeats: Vec<Column>,
    /// The most that such a gap might be, by the last heartbeat in the range.
    pub heartbeat_limit: Option<Duration>,
    /// In order, without overlap; time that nobody watched is in none of them.
    pub segments: Vec<Segment>,
    /// Reconnect attempts, in order; without the empty ones.
    pub attempts: Vec<Bin>,
    /// CORS failures, in order; without the empty ones.
    pub cors: Vec<Bin>,
    /// Stretches that are not in the history, in order: wirewatch was not running, or could not keep what it saw.
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
