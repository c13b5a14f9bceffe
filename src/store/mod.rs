//! Layer 3: the history. One thread writes; any number read.
//!
//! SQLite in write-ahead mode beside a lock file. [`Store::open`] takes the lock and brings the file to this program's
//! format; [`Store::start`] gives it a source of events and a thread; [`Reader`] answers questions over a connection that
//! can't write. Every event is kept whole for days, its plots' numbers as roll-ups for years ([`Retention`]).
//!
//! Invariants: an event is acknowledged ([`StoreStatus::acknowledged`]) when its transaction is on disk, and what is
//! acknowledged survives `kill -9` and a power cut; a file of a newer format, of another program, or damaged is refused and
//! not touched; no query here is asked while drawing.

mod audited;
mod backlog;
mod checkpoint;
mod detail;
mod error;
mod exchange;
mod insert;
mod kinds;
mod last;
mod lock;
mod missed;
mod pace;
mod pasts;
mod range;
mod reader;
mod retention;
mod rollup;
mod row;
mod schema;
mod socketio;
mod statements;
mod status;
mod writer;

pub use error::StoreError;
pub use insert::Named;
pub use kinds::{is_kind, kinds};
pub use pasts::{PastLimits, read_pasts};
pub use reader::{Cursor, Filter, PAGE, Page, Reader};
pub use retention::Retention;
pub use rollup::Histogram;
pub use status::{Health, HealthChange, StoreStatus, Trouble};
pub use writer::{Config, Gone, Store, Writer};

/// Why a question to the history has no answer.
pub use rusqlite::Error as QueryError;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::POISON;
