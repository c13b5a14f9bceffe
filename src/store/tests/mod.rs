//! The history as its users see it.

pub(super) mod fixture;
mod panics;
mod reading;
mod writing;

use crate::watch::{Event, EventBody};

/// The `way` of a notice that the writer panics over.
pub const POISON: &str = "poison";

/// Called for each event as it is written.
pub(super) fn bite(event: &Event) {
    let poison = matches!(&event.body, EventBody::Notified { way, .. } if &**way == POISON);
    assert!(!poison, "sabotage of the history");
}
