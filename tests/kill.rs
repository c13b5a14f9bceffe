//! `kill -9` at any moment: the history opens, and every event that was acknowledged is there, whole, and counted once.
//!
//! The test starts itself again as the process that is killed: see `child`.

#![allow(clippy::unwrap_used, reason = "a test that can't set its scene has to fail")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use wirewatch::base::{Clock, ProfileId, Wall};
use wirewatch::profile::Kind;
use wirewatch::store::{Config, Filter, Named, Reader, Retention, Store};
use wirewatch::watch::{Event, EventBody, PongBy, State};
use wirewatch::wire::{Direction, Frame, Opcode};

const CHILD: &str = "WIREWATCH_TEST_KILL_CHILD";
const ROUNDS: usize = 12;
const PROFILES: u64 = 7;

/// The event of that number: the same in every process.
fn event(seq: u64) -> Event {
    let body = match seq % 5 {
        0 => EventBody::Pong { rtt: Duration::from_micros(seq % 10_000 + 1), by: PongBy::Frame },
        1 => EventBody::Frame(Frame {
            direction: Direction::Out,
            opcode: Opcode::Text,
            size: seq,
            payload: seq.to_string().repeat(20).into_bytes().into(),
            heartbeat: false,
        }),
        2 => EventBody::Attempt { attempt: seq as u32 },
        3 => EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: seq as u32 },
        _ => EventBody::Online { after: Duration::from_micros(seq) },
    };
    Event { seq, at: Wall(seq as i64 * 1_000), profile: Some(ProfileId((seq % PROFILES) as u32 + 1)), body }
}

/// Writes events without end and prints the newest acknowledged number; does nothing as an ordinary test.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let long = Duration::from_secs(u32::MAX.into());
    let mut config = Config::new(path);
    config.retention = Retention { events: long, five_minutes: long, hours: long, max_bytes: u64::MAX };
    let store = Store::open(config, Clock).unwrap();
    let mut next = store.last_seq() + 1;
    let source = move |_: Duration| {
        if next.is_multiple_of(50) {
            std::thread::park_timeout(Duration::from_millis(4)); // A busy monitor, not a race.
        }
        let event = Arc::new(event(next));
        next += 1;
        Ok(Some(event))
    };
    let writer = store.start(source, |_| {}).unwrap();
    for id in 1..=PROFILES as u32 {
        let key = format!("p{id}");
        writer.know(Named { id: ProfileId(id), name: key.clone(), key, kind: Kind::WebSocket });
    }
    let status = writer.status();
    let mut told = 0;
    loop {
        let acknowledged = status.acknowledged();
        if told < acknowledged {
            told = acknowledged;
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {told}").unwrap();
            out.flush().unwrap();
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

/// Starts the child, kills it once it has acknowledged `more` batches, and hands back the newest number that it told.
fn run_and_kill(path: &Path, more: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: &str| line.split_once("acknowledged ").and_then(|(_, number)| number.parse::<u64>().ok());
    let mut newest = 0;
    for line in lines.by_ref().map_while(Result::ok).filter_map(|line| number(&line)).take(more) {
        newest = line;
    }
    // Somewhere in the midst of the next batches.
    std::thread::park_timeout(Duration::from_micros(fastrand::u64(0..250_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it told before it died, and nobody had read yet; a line cut in its midst is no word.
    let mut rest = lines.map_while(Result::ok).filter_map(|line| number(&line));
    let last = rest.by_ref().last();
    last.unwrap_or(newest).max(newest)
}

fn every_acknowledged_event_is_there(path: &Path, acknowledged: u64) -> u64 {
    let reader = Reader::open(path).unwrap();
    let last = reader.last_seq().unwrap();
    assert!(acknowledged <= last, "{acknowledged} was acknowledged, the history ends at {last}");
    let (mut after, mut next) = (None, 1);
    loop {
        let page = reader.page(&Filter::default(), after, 10_000).unwrap();
        assert_eq!(page.unreadable, 0);
        for got in &page.events {
            assert_eq!(*got, event(next));
            next += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(next - 1, last);
    // The roll-ups were written in the same transactions, so they count what is there: every fifth is a round trip.
    let to = Wall(i64::MAX / 4);
    let counted: u32 = (1..=PROFILES as u32)
        .map(|id| {
            let data = reader.range(ProfileId(id), Wall(0), to, Duration::from_secs(3_600)).unwrap();
            data.latency.iter().map(|column| column.good).sum::<u32>()
        })
        .sum();
    assert_eq!(u64::from(counted), last / 5);
    last
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite3");
    let mut before = 0;
    for round in 0..ROUNDS {
        let acknowledged = run_and_kill(&path, fastrand::usize(2..5));
        // The first that it tells is what the round before left.
        assert!(before < acknowledged, "round {round} wrote nothing");
        before = every_acknowledged_event_is_there(&path, acknowledged);
    }
}
