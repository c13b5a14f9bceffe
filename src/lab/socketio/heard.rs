//! What the namespaces of the lab's Socket.IO servers heard.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::base::Ring;

/// How much is remembered.
const MAX_HEARD: usize = 1000;

/// One thing that a namespace heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub namespace: String,
    pub what: What,
    /// The `auth` of a connection, an event's first argument (bytes as numbers), the reason of an end.
    pub data: Value,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Joined,
    Refused,
    Event(String),
    Left,
}

/// The newest of it, for all paths.
pub(super) struct Log(Mutex<Ring<(String, Heard)>>);

impl Default for Log {
    fn default() -> Self {
        Self(Mutex::new(Ring::new(MAX_HEARD)))
    }
}

impl Log {
    pub fn note(&self, path: &str, heard: Heard) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), heard));
    }

    pub fn of(&self, path: &str) -> Vec<Heard> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter().filter(|(at, _)| at == path.trim_end_matches('/')).map(|(_, heard)| heard.clone()).collect()
    }
}
