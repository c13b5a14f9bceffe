//! The demo: within a minute each of the eight states is there, and every plot has something to draw.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

mod common;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use common::Watching;
use wirewatch::base::ProfileId;
use wirewatch::lab::{Demo, Lab, Options, demo};
use wirewatch::watch::{EventBody, State};

#[test]
fn every_state_is_shown_within_a_minute_each_by_the_profile_made_for_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let rows = demo(&lab);
    let mut watching = Watching::start(rows.iter().map(|row| row.profile.clone()));

    let mut states: HashMap<ProfileId, State> = HashMap::new();
    let mut left: HashMap<ProfileId, State> = HashMap::new();
    for (index, Demo { profile, expects }) in rows.iter().enumerate() {
        // A disabled profile rests in the state that all begin in, and says nothing.
        if profile.enabled {
            left.insert(ProfileId(u32::try_from(index).unwrap() + 1), expects[0]);
        } else {
            assert_eq!(expects[0], State::Disconnected);
        }
    }
    let mut kinds: HashSet<&'static str> = HashSet::new();
    watching.until("state of some profile", Duration::from_secs(60), |event| {
        kinds.insert(event.body.kind());
        let Some(id) = event.profile else { return false };
        let state = match &event.body {
            EventBody::State { to, .. } => *to,
            _ => return false,
        };
        states.insert(id, state);
        if left.get(&id) == Some(&state) {
            left.remove(&id);
        }
        left.is_empty()
    });

    // Each passes only through states that it is said to.
    for event in &watching.events {
        if let (Some(id), EventBody::State { to, .. }) = (event.profile, &event.body) {
            let row = &rows[usize::try_from(id.0).unwrap() - 1];
            let passing = [State::Connecting, State::Disconnected].contains(to);
            assert!(passing || row.expects.contains(to), "{}: {}", row.profile.name, to.code());
        }
    }
    let plotted = ["check", "state", "attempt", "handshake", "retry", "frame", "pong", "closed"];
    for kind in plotted.into_iter().chain(["transport", "namespace", "message", "heartbeat"]) {
        assert!(kinds.contains(kind), "no event of the kind {kind}");
    }
    assert!(!kinds.contains("offline"), "the demo is taken for an offline machine");
}
