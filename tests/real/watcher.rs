//! The real binary as a process: `wirewatch watch --json` on profiles, and what it says.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use wirewatch::profile::{self, Profile};

/// The longest that anything may take; generous, since only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `wirewatch watch --json`.
pub struct Watcher {
    process: Child,
    lines: Receiver<Value>,
    /// All that it has said, in order.
    pub story: Vec<Value>,
    _home: TempDir,
}

impl Watcher {
    /// Starts it through `command` (given the program's path), on these profiles and a home of its own.
    pub fn start(command: impl FnOnce(&str) -> Command, profiles: &[Profile]) -> Self {
        let home = TempDir::new().unwrap();
        let folder = home.path().join("profiles");
        std::fs::create_dir(&folder).unwrap();
        for one in profiles {
            std::fs::write(folder.join(format!("{}.toml", one.name)), profile::write(one)).unwrap();
        }
        let mut process = command(env!("CARGO_BIN_EXE_wirewatch"))
            .args(["watch", "--json", "--profiles"])
            .arg(&folder)
            .arg("--data")
            .arg(home.path().join("data"))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let record = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if said.send(record).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, story: Vec::new(), _home: home }
    }

    /// The process's id: nsenter becomes the program that it starts.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Listens until it says what is `enough`.
    #[track_caller]
    pub fn until(&mut self, wanted: &str, mut enough: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(record) => {
                    self.story.push(record.clone());
                    if enough(&record) {
                        return record;
                    }
                }
                Err(error @ (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) => {
                    panic!("no {wanted} ({error}); the story so far:\n{}", self.tell())
                }
            }
        }
    }

    /// Listens until an event of this kind.
    #[track_caller]
    pub fn until_kind(&mut self, kind: &str) -> Value {
        self.until(kind, |event| event["kind"] == kind)
    }

    /// Listens until each of the profiles has said that it is in that state.
    #[track_caller]
    pub fn until_each(&mut self, profiles: &[Profile], state: &str) {
        let mut left: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        self.until(&format!("{state} of each"), |event| {
            if event["kind"] == "state" && event["state"] == state {
                left.retain(|name| event["profile"] != *name);
            }
            left.is_empty()
        });
    }

    /// The events since `mark`, a place in the story, for which this holds.
    pub fn since(&self, mark: usize, such: impl Fn(&Value) -> bool) -> Vec<&Value> {
        self.story[mark..].iter().filter(|event| such(event)).collect()
    }

    /// What it has said, a line an event, frames and pongs left out.
    pub fn tell(&self) -> String {
        let told = self.story.iter().filter(|event| event["kind"] != "frame" && event["kind"] != "pong");
        told.map(tell).collect::<Vec<_>>().join("\n")
    }

    /// Asks it to end, and hears the rest.
    #[track_caller]
    pub fn end(mut self) -> Vec<Value> {
        let asked = Command::new("kill").arg(self.id().to_string()).status().unwrap();
        assert!(asked.success());
        self.until_kind("stopped");
        assert!(self.process.wait().unwrap().success());
        std::mem::take(&mut self.story)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tell(event: &Value) -> String {
    let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
    let mut line = format!("{} {:>10} {}", &word("at")[11..], word("profile"), word("kind"));
    for key in ["from", "state", "outcome", "reason", "detail", "phase"] {
        if let Some(value) = event[key].as_str() {
            line += &format!(" {key}={value}");
        }
    }
    for key in ["attempt", "wait_ms", "affected", "after_ms", "slept_ms", "failures"] {
        if let Some(value) = event[key].as_f64() {
            line += &format!(" {key}={value}");
        }
    }
    line
}
