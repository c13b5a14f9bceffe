//! The history's writer and reader, measured with real events: `cargo bench --bench store`.
//!
//! `EVENTS` (default 1,000,000) for the writer, `HISTORY` (default 0: leave it out) for the size of the history that is
//! read, `HISTORY_DIR` to keep that history between runs.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't go on has to stop")]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use wirewatch::base::{Clock, ProfileId, Wall};
use wirewatch::profile::Kind;
use wirewatch::store::{Config, Filter, Gone, Named, Reader, Retention, Store, Writer, read_pasts};
use wirewatch::watch::{CheckReport, Class, Code, Event, EventBody, Outcome, PongBy, Reason, State};
use wirewatch::wire::{Direction, Exchange, Frame, HttpVersion, Opcode, Phases, Purpose, WireRequest, WireResponse};

const PROFILES: u32 = 500;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn exchange() -> Arc<Exchange> {
    let headers =
        |count: usize| (0..count).map(|n| (format!("X-Header-{n}"), format!("value of header {n}"))).collect();
    Arc::new(Exchange {
        request: WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: "https://api.example.com/v1/carts?limit=20".parse().unwrap(),
            headers: headers(12),
            body: Default::default(),
        },
        result: Ok(WireResponse {
            version: HttpVersion::Http11,
            status: 200,
            reason: "OK".into(),
            headers: headers(14),
            body: vec![b'x'; 1_500].into(),
            body_size: 1_500,
            transfer: wirewatch::wire::Transfer::plain(1_500),
        }),
        phases: Phases::default(),
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
    })
}

/// A mix as of a busy monitor: of 20 events 12 checks, 4 frames, 3 round trips, 1 attempt; a state change in 200; one check
/// in 100 fails.
fn body(index: u64, exchange: &Arc<Exchange>) -> EventBody {
    let took = Duration::from_micros(20_000 + (index * 7_919) % 60_000);
    let reason = || Some(Reason::new(Code::MissingAllowOriginHeader).with_status(502));
    match index / u64::from(PROFILES) % 20 {
        _ if index.is_multiple_of(199) => {
            EventBody::State { from: State::Connected, to: State::CorsError, reason: reason(), attempt: 1 }
        }
        0..12 => {
            let fails = index.is_multiple_of(100);
            EventBody::Check(Arc::new(CheckReport {
                outcome: if fails { Outcome::Down } else { Outcome::Up },
                state: if fails { State::CorsError } else { State::Connected },
                reason: if fails { reason() } else { None },
                scheduled: Wall(index as i64),
                lateness: Duration::from_micros(300),
                phases: Phases {
                    dns: Some(took / 20),
                    connect: Some(took / 10),
                    tls: Some(took / 5),
                    first_byte: Some(took / 2),
                    body: Some(took / 50),
                    total: Some(took),
                    ..Phases::default()
                },
                status: Some(200),
                exchanges: vec![Arc::clone(exchange)],
                preflighted: false,
                console: None,
                close: None,
                steps: Vec::new(),
                further: Vec::new(),
            }))
        }
        12..16 => EventBody::Frame(Frame {
            direction: Direction::In,
            opcode: Opcode::Text,
            size: 90,
            payload: vec![b'm'; 90].into(),
            heartbeat: false,
        }),
        16..19 => EventBody::Pong { rtt: took, by: PongBy::Frame },
        _ => EventBody::Attempt { attempt: 1 },
    }
}

fn event(seq: u64, at: Wall, exchange: &Arc<Exchange>) -> Arc<Event> {
    let profile = ProfileId(1 + (seq % u64::from(PROFILES)) as u32);
    Arc::new(Event { seq, at, profile: Some(profile), body: body(seq, exchange) })
}

fn source(events: Receiver<Arc<Event>>) -> impl FnMut(Duration) -> Result<Option<Arc<Event>>, Gone> + Send + 'static {
    move |wait| match events.recv_timeout(wait) {
        Ok(event) => Ok(Some(event)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Gone),
    }
}

fn start(path: &Path, capacity: usize) -> (std::sync::mpsc::SyncSender<Arc<Event>>, Writer) {
    let long = Duration::from_secs(3_650 * 86_400);
    let mut config = Config::new(path);
    config.retention = Retention { events: long, five_minutes: long, hours: long, max_bytes: u64::MAX };
    let (to, from) = sync_channel(capacity);
    let writer = Store::open(config, Clock).unwrap().start(source(from), |_| {}).unwrap();
    for id in 1..=PROFILES {
        let (key, name) = (format!("p{id}"), format!("Profile {id}"));
        writer.know(Named { id: ProfileId(id), key, name, kind: Kind::Http });
    }
    (to, writer)
}

/// What the writer's thread has had of the processor, and how long it waited for one; `None` where the system does not say.
/// The first tells the writer's own slowness, the second the other threads'.
fn writers_time() -> Option<(Duration, Duration)> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    // The newest: the one before may not be gone yet.
    let history = |task: &std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "history")
    };
    let newest = tasks
        .filter(history)
        .max_by_key(|task| task.file_name().to_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or(0))?;
    let text = std::fs::read_to_string(newest.path().join("schedstat")).ok()?;
    let mut numbers = text.split(' ').filter_map(|number| number.parse().ok()).map(Duration::from_nanos);
    Some((numbers.next()?, numbers.next()?))
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| Some(text.split(' ').next()?.to_owned()))
        .unwrap_or_default()
}

/// As many events as go in, one after the other.
fn throughput(count: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite3");
    let (to, writer) = start(&path, 65_536);
    let exchange = exchange();
    let begin = Clock.wall();
    let started = Instant::now();
    for seq in 1..=count {
        // Each profile has an event about every tenth of a second.
        to.send(event(seq, begin.plus(Duration::from_micros(seq * 200)), &exchange)).unwrap();
    }
    drop(to);
    let status = writer.status();
    writer.join();
    let took = started.elapsed();
    assert_eq!(status.acknowledged(), count);
    println!(
        "writer, as fast as it goes: {count} events of {PROFILES} profiles in {:.1} s: {:.0} events/s, {:.0} bytes an event",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64(),
        status.size() as f64 / count as f64,
    );
}

/// So many a second, offered as the bus does: what does not fit is lost.
fn paced(rate: u64, length: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let (to, writer) = start(&folder.path().join("history.sqlite3"), 65_536);
    let exchange = exchange();
    let status = writer.status();
    let (started, mut seq, mut lost) = (Instant::now(), 0, 0);
    let (mut lags, mut acknowledged) = (Vec::new(), 0);
    let mut before = None;
    while started.elapsed() < length {
        let due = (started.elapsed().as_secs_f64() * rate as f64) as u64;
        while seq < due {
            seq += 1;
            match to.try_send(event(seq, Clock.wall(), &exchange)) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => lost += 1,
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        if acknowledged != status.acknowledged() {
            acknowledged = status.acknowledged();
            lags.push(status.lag());
            // Not at once: the thread takes its name when it begins.
            before = before.or_else(writers_time);
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let after = writers_time();
    drop(to);
    writer.join();
    lags.sort_unstable();
    let at = |share: usize| lags.get(lags.len() * share / 100).copied().unwrap_or_default();
    println!(
        "writer, {rate} events/s for {} s: {lost} lost; event to disk over {} batches: median {:.0?}, p99 {:.0?}, worst {:.0?}",
        length.as_secs(),
        lags.len(),
        at(50),
        at(99),
        status.worst_lag(),
    );
    if let (Some((cpu, wait)), Some((cpu_after, wait_after))) = (before, after) {
        println!(
            "    its thread: {:.1} µs of CPU an event, {:.0} % of the time; {:.0} % of the time it waited for a core (load {})",
            (cpu_after - cpu).as_secs_f64() * 1e6 / seq.max(1) as f64,
            (cpu_after - cpu).as_secs_f64() * 100.0 / length.as_secs_f64(),
            (wait_after - wait).as_secs_f64() * 100.0 / length.as_secs_f64(),
            load(),
        );
    }
}

fn history(count: u64) {
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("HISTORY_DIR").map(std::path::PathBuf::from);
    let path = kept.as_deref().unwrap_or(folder.path()).join("history.sqlite3");
    let span = Duration::from_secs(30 * 86_400);
    if !path.exists() {
        let started = Instant::now();
        let (to, writer) = start(&path, 65_536);
        let exchange = exchange();
        let begin = Clock.wall().minus(span);
        for seq in 1..=count {
            let at = begin.plus(Duration::from_micros((span.as_micros() as f64 * seq as f64 / count as f64) as u64));
            to.send(event(seq, at, &exchange)).unwrap();
        }
        drop(to);
        writer.join();
        println!("history of {count} events over 30 days made in {:.0} s", started.elapsed().as_secs_f64());
    }
    let size = std::fs::metadata(&path).unwrap().len();
    println!("history: {:.2} GB", size as f64 / 1e9);

    for round in ["first", "again"] {
        let started = Instant::now();
        let store = Store::open(Config::new(&path), Clock).unwrap();
        let opened = started.elapsed();
        let profiles = store.reader().unwrap().profiles().unwrap();
        let asked: Vec<_> = profiles.iter().map(|named| (named.id, None)).collect();
        let past = read_pasts(&store, &asked).unwrap();
        let beats: usize = past.iter().map(|(_, past)| past.beats.len()).sum();
        println!(
            "{round}: opened in {opened:?}; {} profiles with {beats} beats seeded after {:?}",
            past.len(),
            started.elapsed()
        );
    }
    let reader = Reader::open(&path).unwrap();
    let now = reader.last_at().unwrap().unwrap();
    for (name, hours) in [("1 h", 1), ("24 h", 24), ("7 d", 168), ("30 d", 720)] {
        let from = now.minus(Duration::from_secs(hours * 3_600));
        let started = Instant::now();
        let data = reader.range(ProfileId(77), from, now, now.since(from) / 1_000).unwrap();
        println!("range of {name}: {:?}, {} columns of {:?}", started.elapsed(), data.latency.len(), data.column);
    }
    let started = Instant::now();
    let page = reader.events(ProfileId(77), now.minus(span), now, 500, &[Class::Events, Class::Frames]).unwrap();
    println!("newest {} events: {:?}", page.events.len(), started.elapsed());
    let started = Instant::now();
    let page = reader.page(&Filter { from: Some(now.minus(span / 2)), ..Filter::default() }, None, 1_000).unwrap();
    println!("a page of {} from the middle: {:?}", page.events.len(), started.elapsed());
}

fn main() {
    throughput(number("EVENTS", 1_000_000));
    paced(50_000, Duration::from_secs(number("SECONDS", 10)));
    paced(500, Duration::from_secs(number("SECONDS", 10)));
    let count = number("HISTORY", 0);
    if 0 < count {
        history(count);
    }
}
