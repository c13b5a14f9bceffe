//! Sessions to Socket.IO servers that break the protocol: each breach is named by its code, and the session recovers once
//! the server speaks rightly again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

mod common;

use std::collections::HashMap;
use std::time::Duration;

use common::Watching;
use wirewatch::base::ProfileId;
use wirewatch::lab::{Lab, Options, query};
use wirewatch::profile::{Profile, Transport};
use wirewatch::watch::{EventBody, State};

const SOON: Duration = Duration::from_secs(30);
const OPEN: &str = r#"0{"sid":"lab","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const JOINED: &str = r#"40{"sid":"lab"}"#;

/// A server whose first session is what the script says, and whose further ones are right.
fn of(lab: &Lab, transport: Transport, script: &[(&str, &str)]) -> Profile {
    let always = [("allow", "any"), ("io-once", "yes")];
    let mut profile = lab.socketio(&query(always.into_iter().chain(script.iter().copied())));
    profile.socketio.transports = vec![transport];
    profile.interval = Duration::from_millis(200);
    profile.reconnect.delay = Duration::from_millis(20);
    profile.reconnect.delay_max = Duration::from_millis(100);
    profile
}

/// Watches them all: the first failure of each by its code and its detail's, once each is connected after it.
fn failures(profiles: Vec<Profile>) -> Vec<String> {
    let count = profiles.len();
    let mut watching = Watching::start(profiles);
    let (mut failed, mut recovered): (HashMap<ProfileId, String>, usize) = (HashMap::new(), 0);
    watching.until("recovery of each", SOON, |event| {
        if let (Some(id), EventBody::State { to, reason, .. }) = (event.profile, &event.body) {
            match reason {
                Some(reason) if *to != State::Connected => {
                    let detail = reason.detail.as_deref().unwrap_or_default().split(':').next().unwrap_or_default();
                    failed.entry(id).or_insert_with(|| format!("{} {detail}", reason.code.as_str()).trim().to_owned());
                }
                _ => recovered += usize::from(*to == State::Connected && failed.contains_key(&id)),
            }
        }
        recovered == count
    });
    let ids = (1..=count).map(|id| ProfileId(u32::try_from(id).unwrap()));
    ids.map(|id| failed.remove(&id).unwrap()).collect()
}

#[track_caller]
fn check(cases: &[(&[(&str, &str)], &str)], transport: Transport) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let got = failures(cases.iter().map(|(script, _)| of(&lab, transport, script)).collect());
    let wanted: Vec<_> = cases.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(got, wanted);
}

#[test]
fn each_breach_on_a_websocket_is_named_and_outlived() {
    let open = format!("text:{OPEN}");
    let joined = format!("text:{JOINED}");
    let deep = format!("text:42[\"deep\",{}", "[".repeat(200));
    let says: [(&[&str], &str); 14] = [
        (&["text:9"], "packet_invalid packet-type-unknown"),
        (&["text:"], "packet_invalid packet-empty"),
        (&["text:49"], "packet_invalid packet-type-unknown"),
        (&["text:42[\"half\""], "packet_invalid json-cut"),
        (&["text:42[half]"], "packet_invalid json"),
        (&["text:42{}"], "packet_invalid event-data"),
        (&["text:42[\"connect\"]"], "packet_invalid event-reserved"),
        (&["text:43{}"], "packet_invalid ack-data"),
        (&["text:41{}"], "packet_invalid disconnect-data"),
        (&[&deep], "packet_invalid too-deep"),
        (&["big:17m"], "message_too_large"),
        (&["binary:0102"], "packet_invalid attachment-unexpected"),
        (
            &["text:451-[\"x\",{\"_placeholder\":true,\"num\":0}]", "text:42[\"y\"]"],
            "packet_invalid attachment-missing",
        ),
        (&["text:451-[\"x\",{\"_placeholder\":true,\"num\":3}]", "binary:01"], "packet_invalid placeholder"),
    ];
    let scripts: Vec<Vec<(&str, &str)>> = says
        .iter()
        .map(|(steps, _)| {
            [&*open, "await", &*joined].into_iter().chain(steps.iter().copied()).map(|step| ("do", step)).collect()
        })
        .collect();
    let cases: Vec<(&[(&str, &str)], &str)> =
        scripts.iter().zip(&says).map(|(script, (_, wanted))| (&script[..], *wanted)).collect();
    check(&cases, Transport::WebSocket);
}

#[test]
fn each_breach_of_a_polling_payload_is_named_and_outlived() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("poll", "<html>not here</html>")], "not_engine_io packet-type-unknown"),
        (&[("poll", "2")], "not_engine_io not-open"),
        (&[("poll", "0{\"upgrades\":[]}")], "packet_invalid handshake-sid-missing"),
        (&[("poll", OPEN), ("poll", JOINED), ("poll", "b%%%")], "packet_invalid base64"),
        (&[("poll", OPEN), ("poll", JOINED), ("poll", "42{}")], "packet_invalid event-data"),
        (&[("poll", OPEN), ("poll", JOINED), ("poll", "2\u{1e}\u{1e}2")], "packet_invalid packet-empty"),
    ];
    check(&cases, Transport::Polling);
}

#[test]
fn a_server_that_pings_without_end_is_left_and_tried_again() {
    let open = format!("text:{OPEN}");
    let joined = format!("text:{JOINED}");
    let script = [("do", &*open), ("do", "await"), ("do", &*joined), ("do", "text:2"), ("do", "loop:3")];
    check(&[(&script, "packet_invalid 10 pings within one interval")], Transport::WebSocket);
}
