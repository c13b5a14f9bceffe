//! Layer 3: what leaves the program: events as JSONL and CSV, a check as a document and as a report, figures as SVG and PNG.
//!
//! Invariants: an export holds nothing that the events don't (their secrets were replaced when they were made); nothing
//! here holds the whole history in memory.

pub mod audited;
pub mod check;
pub mod compare;
pub mod events;
pub mod figures;
pub mod matrix;
pub mod record;
pub mod report;
pub mod socketio;

pub use events::{EventWriter, ExportError, Format, history};
pub use figures::{Figure, FigureError, FigureFormat, What};
pub use record::{Names, Record};
