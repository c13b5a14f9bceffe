//! The numbers that stand in the file for kinds, classes, states and outcomes. Stable: only ever added to.

use crate::watch::{Class, Outcome, State};

/// The numbers of the kinds in the file, by [`EventBody::kind`]. Stable: only ever added to.
pub(super) const KINDS: &[(i64, &str)] = &[
    (1, "started"),
    (2, "stopped"),
    (3, "profile"),
    (4, "check"),
    (5, "state"),
    (6, "attempt"),
    (7, "handshake"),
    (8, "retry"),
    (9, "frame"),
    (10, "pong"),
    (11, "closed"),
    (12, "incident_opened"),
    (13, "incident_closed"),
    (14, "offline"),
    (15, "online"),
    (16, "woke"),
    (17, "network_changed"),
    (18, "recording"),
    (19, "lost"),
    (20, "panicked"),
    (21, "notified"),
    (22, "transport"),
    (23, "namespace"),
    (24, "message"),
    (25, "heartbeat"),
    (26, "sign_in"),
    (27, "audited"),
];

/// The names of all kinds of events.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(_, name)| *name)
}

/// Whether there is a kind of event of that name.
pub fn is_kind(name: &str) -> bool {
    kind_number(name).is_some()
}

pub(super) const CHECK: i64 = 4;
pub(super) const HANDSHAKE: i64 = 7;
pub(super) const CLOSED: i64 = 11;
pub(super) const AUDITED: i64 = 27;

/// A class's number in the file: its place in [`Class::ALL`]. Stable.
pub(super) fn class_number(class: Class) -> i64 {
    Class::ALL.iter().position(|known| *known == class).map_or(0, |index| index as i64)
}

/// The class of a kind's events.
pub(super) fn class_of(kind: i64) -> Class {
    match kind {
        9 => Class::Frames,
        24 => Class::Messages,
        _ => Class::Events,
    }
}

/// The kind's number, from its stable name.
pub(super) fn kind_number(kind: &str) -> Option<i64> {
    KINDS.iter().find(|(_, name)| *name == kind).map(|(number, _)| *number)
}

/// A state's number in the file: its place in [`State::ALL`]. Stable.
pub(super) fn state_number(state: State) -> i64 {
    State::ALL.iter().position(|known| *known == state).map_or(0, |index| index as i64)
}

pub(super) fn state_of(number: i64) -> Option<State> {
    usize::try_from(number).ok().and_then(|index| State::ALL.get(index)).copied()
}

pub(super) fn outcome_number(outcome: Outcome) -> i64 {
    Outcome::ALL.iter().position(|known| *known == outcome).map_or(0, |index| index as i64)
}

/// The outcome and the state of a check's tag.
pub(super) fn check_of(tag: i64) -> Option<(Outcome, State)> {
    let outcome = usize::try_from(tag & 0xf).ok().and_then(|index| Outcome::ALL.get(index)).copied()?;
    Some((outcome, state_of(tag >> 4)?))
}
