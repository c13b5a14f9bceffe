//! `wirewatch watch`: the monitor without the window: a live table on a terminal, a line an event otherwise.

mod line;
mod table;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use super::{Folders, fail};
use crate::base::{Clock, ProfileId};
use crate::engine::{Monitor, MonitorConfig, Profiles, Secrets, Tap, keeping};
use crate::export::{EventWriter, Format, Names};
use crate::lab::{self, Lab};
use crate::model::Live;
use crate::profile::{Profile, parse_duration};
use crate::store::Retention;
use crate::watch::Event;

/// How far the output may fall behind.
const BEHIND: usize = 65_536;
/// Between two looks at the clock and at Ctrl-C.
const WAIT: Duration = Duration::from_millis(100);
/// Between two pictures of the table.
const REDRAW: Duration = Duration::from_millis(500);

/// Watch the saved profiles without a window: a live table on a terminal, a line an event otherwise
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wirewatch watch\n  \
    wirewatch watch --profiles ./profiles --for 10m --json > events.jsonl\n  \
    wirewatch watch --demo --for 30s")]
pub struct WatchArgs {
    /// Watch the built-in lab: every state and fault, no network needed; nothing is kept unless --data says where
    #[arg(long)]
    demo: bool,

    /// End after so long
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    lasting: Option<Duration>,

    /// One JSON object an event, as `wirewatch export` writes them
    #[arg(long)]
    json: bool,

    /// Serve OpenMetrics there (not in this version)
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<String>,
}

/// Runs the command; `demo` where the option stood before the command's name.
pub fn run(args: &WatchArgs, folders: &Folders, demo: bool) -> ExitCode {
    if args.metrics.is_some() {
        return fail(
            "--metrics is not in this version",
            "leave it out; `wirewatch export` writes the history as JSONL or CSV",
        );
    }
    let Some(stop) = Stop::install() else { return fail("the system gives no threads", "end other programs") };
    let lab = match (args.demo || demo).then(LabRoom::open).transpose() {
        Ok(lab) => lab,
        Err(error) => return fail(&format!("the lab can't listen on loopback: {error}"), "allow loopback connections"),
    };
    let (profiles, history) = match &lab {
        Some(lab) => {
            let history = match folders.data.is_some() {
                true => folders.find().map(|paths| Some(paths.history())),
                false => Ok(None),
            };
            (Ok(Profiles::Fixed(lab.profiles())), history)
        }
        None => match folders.find() {
            Ok(paths) => (Ok(Profiles::Folder(paths.profiles.clone())), Ok(Some(paths.history()))),
            Err(code) => (Err(code), Ok(None)),
        },
    };
    let (profiles, history) = match (profiles, history) {
        (Ok(profiles), Ok(history)) => (profiles, history),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let retention = match folders.find() {
        Ok(paths) if lab.is_none() => match keeping::load(&paths.config) {
            Ok(retention) => retention,
            Err(error) => return fail(&error.to_string(), error.hint()),
        },
        _ => Retention::default(),
    };
    let started = Monitor::start(MonitorConfig {
        history,
        retention,
        notices: lab.is_none(),
        ..MonitorConfig::new(profiles, Arc::new(Secrets::system()).source())
    });
    let monitor = match started {
        Ok(monitor) => monitor,
        Err(error) => return fail(&error.to_string(), error.hint()),
    };
    tell_what_is_there(&monitor);
    let end = args.lasting.map(|lasting| Clock.mono() + lasting);
    let shown = if !args.json && io::stdout().is_terminal() {
        let shown = show_table(&monitor, &stop, end);
        monitor.shutdown();
        shown
    } else {
        show_lines(monitor, &stop, end, args.json)
    };
    drop(lab);
    match shown {
        // Whoever read the output has gone: an end like Ctrl-C.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// On standard error: what is wrong before anything is watched.
fn tell_what_is_there(monitor: &Monitor) {
    let Some(book) = monitor.book() else { return };
    if let Some(problem) = book.folder_problem() {
        eprintln!("{problem}");
    }
    let entries = book.entries();
    for entry in &entries {
        entry.problems().iter().for_each(|problem| eprintln!("{problem}"));
    }
    if entries.is_empty() {
        eprintln!("no profiles in {} yet", book.folder().display());
        eprintln!("hint: `wirewatch profile add URL` makes one; it is taken up at once");
    }
}

fn is_over(stop: &Stop, end: Option<Instant>) -> bool {
    stop.asked() || end.is_some_and(|end| end <= Clock.mono())
}

fn show_table(monitor: &Monitor, stop: &Stop, end: Option<Instant>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut due = Clock.mono();
    while !is_over(stop, end) {
        if due <= Clock.mono() {
            due = Clock.mono() + REDRAW;
            let text = table::draw(monitor, Clock.wall(), colour);
            // From the top left over what was there, each line's rest and what is below it cleared.
            let text = text.replace('\n', "\x1b[K\n");
            write!(out, "\x1b[H{text}\x1b[J")?;
            out.flush()?;
        }
        std::thread::sleep(WAIT);
    }
    writeln!(out)
}

/// A line an event, those of the end included.
fn show_lines(monitor: Monitor, stop: &Stop, end: Option<Instant>, json: bool) -> io::Result<()> {
    let Some(tap) = monitor.tap("output", BEHIND) else { return Ok(()) };
    let live = Arc::clone(monitor.live());
    let shown = print_until(&tap, &live, json, || is_over(stop, end));
    // The end has events of its own: closed sessions, and `stopped`. With the monitor the tap ends.
    monitor.shutdown();
    shown.and_then(|()| print_until(&tap, &live, json, || false))
}

fn print_until(tap: &Tap, live: &Mutex<Live>, json: bool, is_over: impl Fn() -> bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while !is_over() {
        match tap.recv_timeout(WAIT) {
            Ok(Some(event)) => print(&mut out, &event, live, json)?,
            Ok(None) => out.flush()?,
            Err(_) => break,
        }
    }
    out.flush()
}

fn print(out: &mut impl Write, event: &Event, live: &Mutex<Live>, json: bool) -> io::Result<()> {
    let name = event.profile.map(|id| name_of(live, id));
    if json {
        let names: Names = event.profile.zip(name).into_iter().collect();
        let mut writer = EventWriter::new(out, Format::Jsonl, names)?;
        writer.write(event)?;
        writer.finish()?;
        return Ok(());
    }
    writeln!(out, "{}", line::of(event, &name.unwrap_or_default()))
}

fn name_of(live: &Mutex<Live>, id: ProfileId) -> String {
    let live = live.lock().unwrap_or_else(PoisonError::into_inner);
    live.get(id).map_or_else(|| id.to_string(), |row| row.name.to_string())
}

/// Ctrl-C, or the system's request to end.
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn install() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let asked = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&asked);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                runtime.block_on(signal());
                told.store(true, Ordering::Relaxed);
            })
            .ok()?;
        Some(Self(asked))
    }

    fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => (),
        _ = terminate.recv() => (),
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The lab with the threads it runs on.
struct LabRoom {
    lab: Option<Lab>,
    runtime: tokio::runtime::Runtime,
}

impl LabRoom {
    fn open() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let lab = Some(runtime.block_on(Lab::start(lab::Options::default()))?);
        Ok(Self { lab, runtime })
    }

    fn profiles(&self) -> Vec<Profile> {
        self.lab.iter().flat_map(lab::demo).map(|row| row.profile).collect()
    }
}

impl Drop for LabRoom {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.lab = None;
    }
}
