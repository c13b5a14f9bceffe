//! `wirewatch export` and `wirewatch plot` on a recorded history: the files tell the same story as the plots, and what is
//! wrong with a command is said with what to write in its place.

#![allow(clippy::unwrap_used, reason = "a test that can't set its scene has to fail")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use wirewatch::base::{Clock, ProfileId, Wall};
use wirewatch::profile::Kind;
use wirewatch::store::{Config, Gone, Named, Store};
use wirewatch::watch::{CheckReport, Code, Event, EventBody, Outcome, Reason, State};
use wirewatch::wire::Phases;

/// Half an hour until a minute ago, a check every ten seconds; the last fifty fail for CORS.
fn record(folder: &Path) {
    let begin = Clock.wall().minus(Duration::from_secs(31 * 60));
    let store = Store::open(Config::new(folder.join("history.sqlite3")), Clock).unwrap();
    let (to, from) = sync_channel(1_000);
    let source = move |wait| match from.recv_timeout(wait) {
        Ok(event) => Ok(Some(event)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Gone),
    };
    let writer = store.start(source, |_| {}).unwrap();
    writer.know(Named { id: ProfileId(1), key: "carts".into(), name: "API carts".into(), kind: Kind::Http });
    writer.know(Named { id: ProfileId(2), key: "other".into(), name: "Other".into(), kind: Kind::Http });
    let mut seq = 0;
    let mut send = |at: Wall, body: EventBody| {
        seq += 1;
        to.send(Arc::new(Event { seq, at, profile: Some(ProfileId(1)), body })).unwrap();
    };
    let reason = Reason::new(Code::MissingAllowOriginHeader).with_status(502);
    let state = |from, to, reason| EventBody::State { from, to, reason, attempt: 0 };
    send(begin, state(State::Connecting, State::Connected, None));
    for index in 0..180 {
        let at = begin.plus(Duration::from_secs(index * 10 + 1));
        let fails = 130 <= index;
        if index == 130 {
            send(at, state(State::Connected, State::CorsError, Some(reason.clone())));
        }
        let report = CheckReport {
            outcome: if fails { Outcome::Down } else { Outcome::Up },
            state: if fails { State::CorsError } else { State::Connected },
            reason: fails.then(|| reason.clone()),
            scheduled: at,
            lateness: Duration::ZERO,
            phases: Phases { total: Some(Duration::from_millis(20 + index)), ..Phases::default() },
            status: Some(if fails { 502 } else { 200 }),
            exchanges: Vec::new(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        send(at, EventBody::Check(Arc::new(report)));
    }
    drop(to);
    writer.join();
}

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wirewatch")).arg("--data").arg(folder).args(args).output().unwrap()
}

#[track_caller]
fn refused(folder: &Path, args: &[&str], expected: &str) {
    let output = run(folder, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn the_jsonl_tells_the_same_story_as_the_plot() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path());
    let output = run(folder.path(), &["export", "--profile", "API carts", "--since", "1h"]);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 182);
    let mut good: Vec<f64> = lines.iter().filter_map(|line| line["latency_ms"].as_f64()).collect();
    let failed = lines.iter().filter(|line| line["kind"] == "check" && line["outcome"] == "down").count();
    let cors = lines.iter().filter(|line| line["kind"] == "check" && line["category"] == "cors").count();
    good.sort_by(f64::total_cmp);
    let median = good[good.len().div_ceil(2) - 1];
    assert_eq!((good.len(), failed, cors, median), (130, 50, 50, 84.0));

    let svg = folder.path().join("carts.svg");
    let output = run(folder.path(), &["plot", "--profile", "carts", "--since", "1h", "--out", svg.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = std::fs::read_to_string(svg).unwrap();
    for told in ["median 84 ms", "50 failures in 180", "50 in all", "CORS error", "API carts"] {
        assert!(svg.contains(told), "the figure does not say {told:?}");
    }
}

#[test]
fn csv_goes_by_the_files_ending_and_kinds_pick() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path());
    let out = folder.path().join("states.csv");
    let output = run(folder.path(), &["export", "--kind", "state", "--out", out.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 events written"));
    let csv = std::fs::read_to_string(out).unwrap();
    assert_eq!(csv.lines().count(), 3);
    assert!(csv.starts_with("seq,at,profile,kind,") && csv.contains("MissingAllowOriginHeader"));
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["export"], "no history yet");
    record(folder.path());
    refused(folder.path(), &["export", "--profile", "API cart"], "did you mean `API carts`?");
    refused(folder.path(), &["export", "--since", "yesterday"], "write 24h");
    refused(folder.path(), &["export", "--since", "1h", "--until", "2h"], "lies before --since");
    refused(folder.path(), &["export", "--format", "har"], "not in this version");
    refused(folder.path(), &["export", "--kind", "checks"], "there are started");
    refused(folder.path(), &["plot", "--out", "x.svg"], "--profile is missing");
    refused(folder.path(), &["plot", "--profile", "carts", "--out", "x.pdf"], ".svg or .png");
}

#[test]
fn a_history_can_be_exported_while_it_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path());
    let _writing = Store::open(Config::new(folder.path().join("history.sqlite3")), Clock).unwrap();
    assert_eq!(run(folder.path(), &["export", "--since", "1h"]).status.code(), Some(0));
}
